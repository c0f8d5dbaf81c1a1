"""What is kept about an installed weight, and whether the weight is still what was installed."""

import json
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from jojo_cli import __version__
from jojo_cli.weights.catalog import Entry
from jojo_cli.weights.storage import sha256_of

RECORD = "record.json"


@dataclass(frozen=True)
class Record:
    """How an installed weight came about."""

    id: str
    source: str
    format: str
    inputs: dict[str, str]
    """File name in the catalog: sha256."""
    licence: str
    output: str
    bytes: int
    sha256: str
    """Of the output."""
    created: str
    jojo_version: str


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


def write_record(entry: Entry, folder: Path, *, source: str) -> None:
    """Write the record of the output of `entry` that lies in `folder`."""
    output = folder / entry.output
    record = Record(
        id=entry.id,
        source=source,
        format=entry.format,
        inputs=_inputs(entry),
        licence=entry.licence,
        output=entry.output,
        bytes=output.stat().st_size,
        sha256=sha256_of(output),
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        jojo_version=__version__,
    )
    (folder / RECORD).write_text(json.dumps(asdict(record), indent=2) + "\n", encoding="utf-8")


def inspect(entry: Entry, folder: Path, *, fully: bool = False) -> Status:
    """Return how `entry` stands in its `folder`: by size, or `fully` by the sha256 of every byte."""
    path = folder / entry.output
    if not folder.exists():
        return Status(entry, "missing", path)
    try:
        record = _read_record(folder / RECORD)
    except (FileNotFoundError, ValueError):
        return Status(entry, "damaged", path, f"{RECORD} can't be read")
    if (record.format, record.inputs) != (entry.format, _inputs(entry)):
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
    values = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(values, dict) or set(values) != {field.name for field in fields(Record)}:
        raise ValueError("not a record")
    return Record(**values)


def _inputs(entry: Entry) -> dict[str, str]:
    return {file.name: file.sha256 for file in entry.files}
