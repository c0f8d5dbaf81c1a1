"""Weights that a user brings: what to get where there is a network, and what given files are good for."""

from collections.abc import Iterable, Mapping
from pathlib import Path

from jojo_cli.errors import JojoError
from jojo_cli.weights.catalog import Entry, File, Package, Source

Holding = tuple[Source | None, tuple[File, ...]]
"""Files that make up an entry together, and the source that they come from (None: its files themselves)."""


def how_to_bring(entries: Iterable[Entry]) -> str:
    """Return what a user without a network can do: every file by name, sha256 and place."""
    lines = ["where there is a network, get one line for each weight, then 'jojo models import FILE...':"]
    for entry in entries:
        for source, files in _holdings(entry):
            names = ", ".join(f"{file.name} (sha256 {file.sha256})" for file in files)
            lines.append(f"  {entry.id}: {names}{_place(source)}")
    return "\n".join(lines)


def plan_import(catalog: Mapping[str, Entry], given: Mapping[str, Path]) -> dict[str, Source | None]:
    """Return the entries that the `given` files (by sha256) make up, and the source to read each as.

    Raises:
        JojoError: a file belongs to no entry, or only to entries that need more files.
    """
    plan = {}
    for entry in catalog.values():
        whole = [source for source, files in _holdings(entry) if all(file.sha256 in given for file in files)]
        if whole:
            plan[entry.id] = whole[0]
    for sha256, path in given.items():
        uses = [entry for entry in catalog.values() if _uses(entry, sha256)]
        if not uses:
            raise JojoError(
                f"{str(path)!r} belongs to no known weight: its sha256 is {sha256}",
                hint="get it again if it was cut or altered; 'jojo models list' shows the known weights",
            )
        if plan.keys().isdisjoint(entry.id for entry in uses):
            needed = [file for file in uses[0].files if file.sha256 not in given]
            names = ", ".join(f"{file.name} (sha256 {file.sha256})" for file in needed)
            raise JojoError(
                f"{str(path)!r} is only a part of weight {uses[0].id!r}",
                hint=f"import it together with {names}",
            )
    return plan


def _holdings(entry: Entry) -> list[Holding]:
    holdings: list[Holding] = [(source, source.downloads) for source in entry.sources]
    if all(files != entry.files for _, files in holdings):
        holdings.append((None, entry.files))
    return holdings


def _uses(entry: Entry, sha256: str) -> bool:
    return any(file.sha256 == sha256 for _, files in _holdings(entry) for file in files)


def _place(source: Source | None) -> str:
    match source:
        case None:
            return ""
        case Package():
            return f" by 'pip download --no-deps --only-binary=:all: {source.name}=={source.version}'"
        case _:
            return f" from {source.label}"
