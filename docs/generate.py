"""Write docs/reference/commands.md and python.md from the commands and from the public names themselves.

    python docs/generate.py

The same code gives the same text, whatever the terminal and the environment: names, types, defaults and help come from
the commands, not from a rendered help page, and signatures and docstrings from the source.
"""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from dataclasses import is_dataclass
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from typer.main import get_command

import jojo_cli
from jojo_cli.cli import app

REFERENCE = Path(__file__).parent / "reference"
COMMANDS = """\
# Commands

This page is written by `docs/generate.py` from the commands themselves: change their help, not this page.

Every command takes `--help` (`-h`). `jojo --version` prints the version. `jojo --install-completion` teaches the shell
to complete commands, options, styles and weights; `jojo --show-completion` prints what it would install.
See also: [environment](environment.md), [files](files.md), [JSON](json.md), [exit codes](exit-codes.md).
"""
PYTHON = """\
# Python

This page is written by `docs/generate.py` from the code itself: change its docstrings, not this page.

`jojo_cli.Studio` does all that the commands do. Importing `jojo_cli` loads nothing: each name is loaded when it is
first used. Errors are `JojoError`s, with a `hint`; what happens meanwhile is told to a listener.

Train a style, and redraw a folder of photos in it:

```python
from jojo_cli import FinetuneChoice, Studio

studio = Studio(device="auto")
style = studio.train("ink", ["ref.png"], FinetuneChoice(seed=1))
for outcome in studio.apply("ink", ["photos"], "redrawn"):
    print(outcome.input, outcome.status, outcome.output or outcome.reason)
```

Pictures and codes instead of files, and the same face at three strengths:

```python
from pathlib import Path

from jojo_cli import InvertChoice, Studio, read_image

studio = Studio()
way = InvertChoice("encoder")
ink = studio.style("ink", needs=lambda entry: entry.to_invert(way))
for number, crop in studio.crops(read_image(Path("group.jpg")), "all", size=ink.base.generator.resolution):
    code = studio.find_code(crop, ink.base, way.among(ink.base.photo_inversions)).w_plus
    for strength in (0.3, 0.6, 1.0):
        (picture,) = ink.draw(code, strength=strength)
        picture.save(f"face-{number}-{strength}.png")
```

Codes of photos and of random faces, and the face half-way between two of them, in a style:

```python
from jojo_cli import Coder, Look, Source, Studio

coder = Coder(Studio(), Look(style="ink"))
me, other = (coder.code(Source(face)) for face in ("photos/me.png", "seed:1"))
coder.draw((me + other) / 2).save("between.png")
```

With directions, `coder.edited(me, "smile", 2.0)` is a code that smiles.

Follow the work, and end it:

```python
from jojo_cli import Cancelled, Event, Progress, Studio


def listen(event: Event) -> None:
    if isinstance(event, Progress):
        print(f"{event.title}: {event.done} of {event.total} {event.unit}")
        if event.title == "training sketch" and event.done == 2:
            raise Cancelled


try:
    Studio(listener=listen).train("sketch", ["ref.png"])
except Cancelled:
    print("nothing was kept")
```

On Linux, a process that draws many faces on a CPU should call `jojo_cli.process.keep_memory()` once: faces are drawn in
half of the time. The command line does; an import changes nothing of a process. Messages for developers go to the
logger `jojo_cli`.
"""
QUOTED = r'(: |-> )"([^"]*)"'
NAKED = r"\1\2"
KINDS = {bool: "", int: "whole number", float: "number", str: "text", Path: "path"}


def pages() -> dict[str, str]:
    """Return the pages by their names."""
    return {
        "commands.md": "\n".join([COMMANDS, *_describe("jojo", get_command(app))]),
        "python.md": "\n".join([PYTHON, *map(_describe_name, jojo_cli.__all__)]),
    }


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
    if get_origin(kind) is list:
        return f"{KINDS[get_args(kind)[0]]}, more than once"
    low, high = info.min, info.max
    limits = "" if low is None else f", {low} or more" if high is None else f", {low} to {high}"
    return KINDS[kind] + limits


def _describe_name(name: str) -> str:
    """Return the section of a public name."""
    thing = getattr(jojo_cli, name)
    if isinstance(thing, str):
        return f"## `{name}`\n\nThe version of jojo.\n"
    if not inspect.isclass(thing) and not inspect.isfunction(thing):
        members = " ".join(f"`{member.__name__}`," for member in get_args(thing)).rstrip(",")
        return f"## `{name}`\n\nOne of {members}.\n"
    text = [f"## `{name}`\n", _signature(name, thing), _markdown(inspect.getdoc(thing) or "")]
    if inspect.isclass(thing) and not issubclass(thing, BaseException):
        for word, member in vars(thing).items():
            member = getattr(member, "func", getattr(member, "fget", member))  # of properties, cached or not
            if inspect.isfunction(member) and member.__doc__ and not word.startswith("_"):
                is_method = member is vars(thing)[word]
                shown = _signature(f"{name}.{word}", member) if is_method else ""
                text += [f"### `{name}.{word}`\n", shown, _markdown(inspect.getdoc(member) or "")]
    return "\n".join(part for part in text if part)


def _signature(name: str, thing: Any) -> str:
    """Return how a function or a class is called, or what a dataclass holds, as its source says."""
    if inspect.isclass(thing) and (issubclass(thing, BaseException) or thing.__init__.__doc__):
        return ""  # jojo makes it
    lines = textwrap.dedent(inspect.getsource(thing)).splitlines()
    (node,) = ast.parse("\n".join(lines)).body
    if is_dataclass(thing):
        assert isinstance(node, ast.ClassDef)
        fields = [statement for statement in node.body if isinstance(statement, ast.AnnAssign)]
        code = "\n".join(lines[field.lineno - 1].strip() for field in fields)
    elif inspect.isclass(thing):
        return _signature(name, thing.__init__).replace(" -> None", "")
    else:
        assert isinstance(node, ast.FunctionDef)
        code = "\n".join(lines[node.lineno - 1 : node.body[0].lineno - 1]).rstrip(":").replace("self, ", "")
        code = code.replace("    self,\n", "").replace("(self)", "()")
        code = code.replace(f"def {node.name}", name, 1)
    return f"```text\n{re.sub(QUOTED, NAKED, code)}\n```\n"


def _markdown(docstring: str) -> str:
    """Return a docstring of Google's style as Markdown: a list for each of its sections."""
    text, inside = [], False
    for line in docstring.splitlines():
        if line in ("Args:", "Returns:", "Raises:", "Attributes:"):
            text += [f"*{line}*", ""]
            inside = True
        elif inside and re.match(r"    \S", line):
            name, colon, rest = line.strip().partition(": ")
            text.append(f"- `{name}`: {rest}" if colon else f"- {line.strip()}")
        else:
            text.append(line[2:] if inside and line.startswith("        ") else line)
    return "\n".join(text).rstrip() + "\n"


if __name__ == "__main__":
    for name, text in pages().items():
        (REFERENCE / name).write_text(text, encoding="utf-8")
