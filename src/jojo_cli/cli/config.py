"""The user's `config.toml`: what options are when neither the command line nor the environment says."""

import tomllib
from pathlib import Path
from typing import Any

from jojo_cli import paths
from jojo_cli.errors import UsageError

KEYS = ("base", "device", "format")


def default_map() -> dict[str, Any]:
    """Return the defaults of each command, by its name and the names of its parameters.

    Raises:
        UsageError: the file is not TOML, or says what jojo does not know.
    """
    given = _read(paths.config_file())
    device = {"device": given["device"]} if "device" in given else {}
    base = {"base": given["base"]} if "base" in given else {}
    format_ = {"format_": given["format"]} if "format" in given else {}
    return {
        "train": {**base, **device},
        "invert": {**base, **device},
        "apply": {**device, **format_},
        "align": format_,
        "sample": device,
        "env": device,
        "styles": {"import": device, "pull": device},
        "models": {"pull": {**device, **({"names": [given["base"]]} if "base" in given else {})}},
    }


def _read(path: Path) -> dict[str, str]:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError:  # there is none, or whatever needs the folder will say what is wrong with it
        return {}
    except UnicodeDecodeError as error:
        raise UsageError(f"{str(path)!r} is no text: {error}", hint="correct or delete it") from error
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{str(path)!r} is no TOML: {error}", hint="correct or delete it") from error
    for key, value in given.items():
        if key not in KEYS:
            raise UsageError(f"{str(path)!r}: {key!r} is unknown", hint=f"it may hold {', '.join(KEYS)}")
        if not isinstance(value, str):
            raise UsageError(f"{str(path)!r}: {key!r} must be text", hint=f'such as {key} = "..."')
    return given
