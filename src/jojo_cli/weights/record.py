"""What is kept about an installed weight, and whether the weight is still what was installed."""

import json
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from jojo_cli import __version__
from jojo_cli.weights.catalog import Entry, Form, Way
from jojo_cli.weights.storage import sha256_of

RECORD = "record.json"


@dataclass(frozen=True)
class Record:
    """How an installed weight came about."""

    id: str
    source: str
    format: str
    inputs: dict[str, str]
    """Name of each file that it was made of: sha256."""
    licence: str
    output: str
    bytes: int
    sha256: str
    """Of the output."""
    created: str
    jojo_version: str
    published: bool = True
    """Whether the catalog knows the inputs; else the user said what they are."""


@dataclass(frozen=True)
class Status:
    """How an entry of the catalog stands in a folder."""

    entry: Entry
    state: Literal["installed", "missing", "damaged"]
    path: Path
    """Where the installed file is or would be."""
    reason: str | None = None
    """What is wrong with a damaged one."""
    record: Record | None = None


def write_record(entry: Entry, way: Way, folder: Path, *, published: bool) -> None:
    """Write the record of the output of `entry` that lies in `folder`, and came in this `way`."""
    output = folder / entry.output
    record = Record(
        id=entry.id,
        source=way.label,
        format=way.form.format,
        inputs=way.form.inputs,
        licence=entry.licence,
        output=entry.output,
        bytes=output.stat().st_size,
        sha256=sha256_of(output),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        jojo_version=__version__,
        published=published,
    )
    (folder / RECORD).write_text(json.dumps(asdict(record), indent=2) + "\n", encoding="utf-8")


def home_of(entry: Entry, folder: Path) -> Path:
    """Return where `entry` is kept in the folder of all weights.

    That is under its name, unless another version of jojo keeps there what it makes in its own way: each would replace
    what the other has made, for ever.
    """
    home = folder / entry.id
    formats = [form.format for form in entry.forms]
    try:
        other = _read_record(home / RECORD).format not in formats
    except (OSError, ValueError, TypeError, AttributeError):
        return home
    return folder / f"{entry.id}~{formats[0]}" if other else home


def inspect(entry: Entry, folder: Path, *, fully: bool = False) -> Status:
    """Return how `entry` stands in its `folder`: by size, or `fully` by the sha256 of every byte."""
    path = folder / entry.output
    if not folder.exists():
        return Status(entry, "missing", path)
    try:
        record = _read_record(folder / RECORD)
    except (FileNotFoundError, ValueError, TypeError, AttributeError):
        return Status(entry, "damaged", path, f"{RECORD} can't be read")
    if not any(_is_made_of(form, record) for form in entry.forms):
        return Status(entry, "damaged", path, "another version of jojo made it")
    if not path.is_file():
        return Status(entry, "damaged", path, f"{entry.output} is gone")
    size = path.stat().st_size
    if size != record.bytes:
        return Status(entry, "damaged", path, f"{entry.output} has {size} bytes instead of {record.bytes}")
    if fully and sha256_of(path) != record.sha256:
        return Status(entry, "damaged", path, f"{entry.output} was altered: its sha256 differs")
    return Status(entry, "installed", path, record=record)


def _read_record(path: Path) -> Record:
    """Return the record; ValueError or TypeError when it is none. What a newer jojo says besides is passed over."""
    known = {field.name for field in fields(Record)}
    document = json.loads(path.read_text(encoding="utf-8"))
    return Record(**{key: value for key, value in document.items() if key in known})


def _is_made_of(form: Form, record: Record) -> bool:
    return record.format == form.format and (record.inputs == form.inputs or not record.published)
