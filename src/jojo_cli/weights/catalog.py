"""The published weights: what each is for, what it is made from, and where that comes from."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TypeVar
from urllib.parse import urlsplit

from jojo_cli.errors import JojoError
from jojo_cli.formats import CONVERTERS

CATALOG = Path(__file__).with_name("catalog.toml")
RAW = "raw"
"""The format of a weight that is kept as the one file that it is."""

T = TypeVar("T")


class SourceError(JojoError):
    """A source that did not bring what the catalog promises; another one may."""


@dataclass(frozen=True)
class File:
    """A file that is known to the byte."""

    name: str
    size: int
    """In bytes."""
    sha256: str


@dataclass(frozen=True)
class Package:
    """A distribution of a Python package that holds the files as members."""

    name: str
    version: str
    file: File
    members: Mapping[str, str]
    """File name in the entry: member of the distribution."""

    @property
    def label(self) -> str:
        """What a user knows the source by."""
        return f"package {self.name}=={self.version}"

    @property
    def downloads(self) -> tuple[File, ...]:
        """What crosses the network."""
        return (self.file,)


@dataclass(frozen=True)
class WebFile:
    """A file on a server, as it is or packed with bzip2."""

    url: str
    file: File
    """What the server sends: the file of the entry itself, or the packed one."""
    packed: bool


@dataclass(frozen=True)
class Web:
    """Files on servers."""

    files: Mapping[str, WebFile]
    """File name in the entry: where it is."""

    @property
    def label(self) -> str:
        """What a user knows the source by."""
        return ", ".join(item.url for item in self.files.values())

    @property
    def downloads(self) -> tuple[File, ...]:
        """What crosses the network."""
        return tuple(item.file for item in self.files.values())


Source = Package | Web


@dataclass(frozen=True)
class Entry:
    """A weight that jojo can fetch."""

    id: str
    purpose: str
    format: str
    """A key of `jojo_cli.formats.CONVERTERS`, or `RAW`."""
    licence: str
    consequence: str
    """What the licence means for the user, in one sentence."""
    files: tuple[File, ...]
    sources: tuple[Source, ...]
    """Best first."""

    @property
    def size(self) -> int:
        """Size of the files in bytes."""
        return sum(file.size for file in self.files)

    @property
    def output(self) -> str:
        """Name of the file that is kept."""
        return self.files[0].name if self.format == RAW else "model.safetensors"


def download_size(entries: Iterable[Entry]) -> int:
    """Return how many bytes cross the network for `entries`; what serves several counts once."""
    return sum({file.sha256: file.size for entry in entries for file in entry.sources[0].downloads}.values())


def is_secure(url: str) -> bool:
    """Return whether jojo may fetch `url`: https, or http on this very machine, which tests serve from."""
    parts = urlsplit(url)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost"})


def load_catalog(path: Path = CATALOG) -> dict[str, Entry]:
    """Return the entries of a catalog file by id.

    Raises:
        JojoError: the file is not a catalog, key by key.
    """
    try:
        document = _Table(tomllib.loads(path.read_text(encoding="utf-8")), "catalog")
    except (OSError, ValueError) as error:
        raise JojoError(f"catalog {str(path)!r} can't be read: {error}", hint="reinstall jojo-cli") from error
    entries = [_entry(table) for table in document.tables("entry", "id")]
    document.done()
    catalog = {entry.id: entry for entry in entries}
    if len(catalog) != len(entries):
        raise JojoError("catalog: two entries have the same id")
    return catalog


class _Table:
    """A TOML table that knows what was asked of it, so that a misspelt key is an error."""

    def __init__(self, values: Mapping[str, object], where: str) -> None:
        self.values = dict(values)
        self.where = where

    def fail(self, reason: str) -> JojoError:
        return JojoError(f"{self.where}: {reason}")

    def take(self, key: str, kind: type[T]) -> T:
        if key not in self.values:
            raise self.fail(f"key {key!r} is missing")
        value = self.values.pop(key)
        if type(value) is not kind or not value:  # `type`, not `isinstance`: true is no number of bytes
            raise self.fail(f"{key!r} must be of type {kind.__name__} and not empty")
        return value

    def word(self, key: str, pattern: str) -> str:
        value = self.take(key, str)
        if not re.fullmatch(pattern, value):
            raise self.fail(f"{key!r} can't be {value!r}")
        return value

    def tables(self, key: str, name: str) -> list["_Table"]:
        """Take a list of tables, which errors call by their key `name`."""
        items = self.take(key, list)
        if not all(isinstance(item, dict) for item in items):
            raise self.fail(f"{key!r} must be a list of tables")
        return [_Table(item, f"{self.where}: {key} {item.get(name)!r}") for item in items]

    def done(self) -> None:
        if self.values:
            raise self.fail(f"unknown key {sorted(self.values)[0]!r}")


_FILE_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.+-]*"
_SHA256 = r"[0-9a-f]{64}"


def _entry(table: _Table) -> Entry:
    files = tuple(_file(item) for item in table.tables("file", "name"))
    entry = Entry(
        id=table.word("id", r"[a-z0-9][a-z0-9-]*"),
        purpose=table.take("purpose", str),
        format=table.word("format", "|".join(map(re.escape, [RAW, *CONVERTERS]))),
        licence=table.take("licence", str),
        consequence=table.take("consequence", str),
        files=files,
        sources=tuple(_source(item, files) for item in table.tables("source", "kind")),
    )
    table.done()
    if len({file.name for file in files}) != len(files):
        raise table.fail("two files have the same name")
    if entry.format == RAW and len(files) != 1:
        raise table.fail("format 'raw' keeps exactly one file")
    return entry


def _file(table: _Table) -> File:
    file = File(table.word("name", _FILE_NAME), table.take("bytes", int), table.word("sha256", _SHA256))
    table.done()
    return file


def _source(table: _Table, files: tuple[File, ...]) -> Source:
    source = _package(table) if table.word("kind", "package|https") == "package" else _web(table, files)
    table.done()
    held = source.members if isinstance(source, Package) else source.files
    if sorted(held) != sorted(file.name for file in files):
        raise table.fail("must hold the files of the entry, each once")
    return source


def _package(table: _Table) -> Package:
    members = _Table(table.take("members", dict), f"{table.where}: members")
    return Package(
        # pip reads the name and the version in a requirements file: nothing that could mean more goes there.
        name=table.word("name", r"[A-Za-z0-9][A-Za-z0-9._-]*"),
        version=table.word("version", r"[A-Za-z0-9][A-Za-z0-9.+!]*"),
        file=File(table.word("file", _FILE_NAME), table.take("bytes", int), table.word("sha256", _SHA256)),
        members={name: members.take(name, str) for name in list(members.values)},
    )


def _web(table: _Table, files: tuple[File, ...]) -> Web:
    by_name = {file.name: file for file in files}
    found = {}
    for item in table.tables("file", "name"):
        name = item.word("name", "|".join(map(re.escape, by_name)))
        found[name] = _web_file(item, by_name[name])
        item.done()
    return Web(found)


def _web_file(table: _Table, plain: File) -> WebFile:
    url = table.take("url", str)
    if not is_secure(url):
        raise table.fail(f"url {url!r} is not https")
    if "unpack" not in table.values:
        return WebFile(url, plain, packed=False)
    table.word("unpack", "bz2")
    name = PurePosixPath(urlsplit(url).path).name
    return WebFile(url, File(name, table.take("bytes", int), table.word("sha256", _SHA256)), packed=True)
