"""What a style may be called: a folder's name on every system."""

import re

from jojo_cli.errors import UsageError

_ALLOWED = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
_RESERVED_BY_WINDOWS = re.compile(r"con|prn|aux|nul|(com|lpt)[0-9]")


def check_style_name(name: str) -> str:
    """Return `name` when a style may have it.

    Raises:
        UsageError: it may not; the hint says what is allowed.
    """
    if _RESERVED_BY_WINDOWS.fullmatch(name):
        raise UsageError(f"style name {name!r} is reserved by Windows", hint="choose another name")
    if not is_style_name(name):
        raise UsageError(
            f"style name {name!r} is not allowed",
            hint="use 1 to 64 of a-z, 0-9, '-' and '_', with a letter or digit first",
        )
    return name


def style_name_from(text: str) -> str:
    """Return the style name that is most like `text`, such as the name of a file without its suffix.

    Raises:
        UsageError: there is none.
    """
    name = re.sub(r"[^a-z0-9_-]+", "-", text.lower()).strip("-_")[:64]
    if not is_style_name(name):
        raise UsageError(f"{text!r} makes no style name", hint="add --name and what to call the style")
    return name


def is_style_name(name: str) -> bool:
    """Return whether a style may be called `name`."""
    return bool(_ALLOWED.fullmatch(name)) and not _RESERVED_BY_WINDOWS.fullmatch(name)
