"""What goes wrong with styles."""

from collections.abc import Sequence
from difflib import get_close_matches

from jojo_cli.errors import CheckpointError, JojoError


class StyleNotFoundError(JojoError):
    """No style has this name."""

    def __init__(self, name: str, known: Sequence[str]) -> None:
        near = get_close_matches(name, known)
        see = "see 'jojo styles list'" if known else "train one: jojo train NAME PICTURE"
        super().__init__(f"style {name!r} not found", hint=f"did you mean {' or '.join(near)}? {see}" if near else see)


class StyleExistsError(JojoError):
    """The name is taken."""

    def __init__(self, name: str) -> None:
        super().__init__(f"style {name!r} exists already", hint="choose another name, or add --overwrite to replace it")


def damaged(message: str) -> CheckpointError:
    """Return the error for a style whose files are not what jojo writes."""
    return CheckpointError(message, hint="train the style again, or import it from a good copy")
