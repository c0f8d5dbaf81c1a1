"""The user's `config.toml`: what options are when neither the command line nor the environment says."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jojo_cli import paths
from jojo_cli.errors import UsageError

if TYPE_CHECKING:
    from typer._click import Command

PARAMETERS = {"base": "base", "device": "device", "format": "format_"}
"""What the file may hold, and how commands call the parameters of these options."""


def default_map(jojo: "Command") -> dict[str, Any]:
    """Return the defaults of each command of `jojo`, by its name and the names of its parameters.

    Raises:
        UsageError: the file is not TOML, or says what jojo does not know.
    """
    given = _read(paths.config_file())
    defaults = _defaults(jojo, {PARAMETERS[key]: value for key, value in given.items()})
    if "base" in given:
        defaults["models"]["pull"]["names"] = [given["base"]]  # there it is an argument
    return defaults


def _defaults(command: "Command", values: Mapping[str, str]) -> dict[str, Any]:
    names = {parameter.name for parameter in command.params}
    below: Mapping[str, Command] = getattr(command, "commands", {})
    return {
        **{name: value for name, value in values.items() if name in names},
        **{name: _defaults(one, values) for name, one in below.items()},
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
        if key not in PARAMETERS:
            raise UsageError(f"{str(path)!r}: {key!r} is unknown", hint=f"it may hold {', '.join(PARAMETERS)}")
        if not isinstance(value, str):
            raise UsageError(f"{str(path)!r}: {key!r} must be text", hint=f'such as {key} = "..."')
    return given
