"""Write docs/reference/commands.md from the commands themselves.

    python docs/generate.py

The same commands give the same text, whatever the terminal and the environment: names, types, defaults and help come
from the commands, not from a rendered help page.
"""

import inspect
from collections.abc import Iterator
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from typer.main import get_command

from jojo_cli.cli import app

PAGE = Path(__file__).parent / "reference" / "commands.md"
INTRODUCTION = """\
# Commands

This page is written by `docs/generate.py` from the commands themselves: change their help, not this page.

Every command takes `--help` (`-h`). `jojo --version` prints the version. `jojo --install-completion` teaches the shell
to complete commands, options, styles and weights; `jojo --show-completion` prints what it would install.
See also: [environment](environment.md), [files](files.md), [JSON](json.md), [exit codes](exit-codes.md).
"""
KINDS = {bool: "", int: "whole number", float: "number", str: "text", Path: "path"}


def reference() -> str:
    """Return the page."""
    return "\n".join([INTRODUCTION, *_describe("jojo", get_command(app))])


def _describe(name: str, command: Any) -> Iterator[str]:
    """Yield the sections of a command, or of a group and its commands."""
    members = getattr(command, "commands", {})
    yield f"{'##' if members else '###'} `{name}`\n\n{inspect.cleandoc(command.help)}\n"
    if not members:
        yield from _parameters(name, command)
    for word, member in members.items():
        yield from _describe(f"{name} {word}", member)


def _parameters(name: str, command: Any) -> Iterator[str]:
    """Yield how to call a command, and tables of its arguments and options."""
    hints = get_type_hints(command.callback, include_extras=True)
    usage, arguments, options = [name, "[OPTIONS]"], [], []
    for parameter in command.params:
        hint, info = get_args(hints[parameter.name])
        if parameter.param_type_name == "argument":
            metavar = parameter.name.upper() + ("..." if parameter.nargs == -1 else "")
            usage.append(metavar if parameter.required else f"[{metavar}]")
            arguments.append(f"| `{metavar}` | {info.help} |")
        else:
            names = ", ".join(f"`{option}`" for option in sorted(parameter.opts, key=len))
            given = parameter.default
            default = "" if given is None or given is False else f"`{given}`"
            variable = f" Environment: `{info.envvar}`." if info.envvar else ""
            options.append(f"| {names} | {_value(hint, info)} | {default} | {info.help}{variable} |")
    yield f"```text\n{' '.join(usage)}\n```\n"
    if arguments:
        yield "\n".join(["| argument | meaning |", "|---|---|", *arguments, ""])
    if options:
        yield "\n".join(["| option | value | default | meaning |", "|---|---|---|---|", *options, ""])


def _value(hint: Any, info: Any) -> str:
    """Return in words what an option takes; nothing for a flag."""
    one = (hint,) if get_origin(hint) is Literal else get_args(hint) or (hint,)
    kind = next(part for part in one if part is not NoneType)
    if get_origin(kind) is Literal:
        return ", ".join(f"`{choice}`" for choice in get_args(kind))
    low, high = info.min, info.max
    limits = "" if low is None else f", {low} or more" if high is None else f", {low} to {high}"
    return KINDS[kind] + limits


if __name__ == "__main__":
    PAGE.write_text(reference(), encoding="utf-8")
