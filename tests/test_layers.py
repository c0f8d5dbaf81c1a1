"""What keeps jojo's layers apart: nothing below the command line knows it, or reads the environment."""

import ast
from collections.abc import Iterator
from pathlib import Path

import jojo_cli

SOURCE = Path(jojo_cli.__file__).parent
COMMAND_LINE = ("typer", "rich", "jojo_cli.cli")
READERS = ("paths.py", "weights/package.py")
"""What may read the environment: the second hands all of it on to pip."""


def test_nothing_below_the_command_line_imports_it() -> None:
    found = [
        f"{path}: {name}"
        for path, tree in modules_below()
        for name in imported(tree)
        if any(f"{name}.".startswith(f"{above}.") for above in COMMAND_LINE)
    ]
    assert found == []


def test_nothing_below_the_command_line_reads_the_environment() -> None:
    names = {"environ", "environb", "getenv", "getenvb"}
    found = {
        str(path)
        for path, tree in modules_below()
        for node in ast.walk(tree)
        if (isinstance(node, ast.Attribute) and node.attr in names)
        or (isinstance(node, ast.ImportFrom) and node.module == "os" and names & {one.name for one in node.names})
    }
    assert found == {*READERS}


def modules_below() -> Iterator[tuple[Path, ast.Module]]:
    """Yield each module below `cli` by its path, parsed."""
    for file in sorted(SOURCE.rglob("*.py")):
        path = file.relative_to(SOURCE)
        if path.parts[0] not in ("cli", "__main__.py"):
            yield path, ast.parse(file.read_text("utf-8"))


def imported(tree: ast.Module) -> Iterator[str]:
    """Yield what a module imports anywhere, each by its full name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f"{node.module}.{one.name}" for one in node.names)
