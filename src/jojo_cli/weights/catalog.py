"""The published weights: what each is for, what it is made from, and where that comes from."""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from urllib.parse import urlsplit

from jojo_cli.errors import JojoError
from jojo_cli.formats import CONVERTERS
from jojo_cli.weights.table import Table

CATALOG = Path(__file__).with_name("catalog.toml")
RAW = "raw"
"""The format of a weight that is kept as the one file that it is."""


class SourceError(JojoError):
    """A source that did not bring what the catalog promises; another one may."""


@dataclass(frozen=True)
class File:
    """A file that is known by its hash."""

    name: str
    size: int
    """In bytes."""
    sha256: str
    exact: bool = True
    """Whether the size is known to the byte; else it is about that, and the hash alone decides."""

    @property
    def limit(self) -> int:
        """The most bytes that it may have."""
        return self.size if self.exact else self.size + self.size // 4

    def may_have(self, size: int) -> bool:
        """Return whether `size` bytes can be the whole file."""
        return size == self.size if self.exact else size <= self.limit


@dataclass(frozen=True)
class Package:
    """A distribution of a Python package that holds the files as members."""

    name: str
    version: str
    file: File
    members: Mapping[str, str]
    """Name of a file of the form: member of the distribution."""

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
    """What the server sends: the file of the form itself, or the packed one."""
    packed: bool


@dataclass(frozen=True)
class Web:
    """Files on servers."""

    files: Mapping[str, WebFile]
    """Name of a file of the form: where it is."""

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
class Form:
    """One of the ways in which a weight was published; all of them hold the same network."""

    format: str
    """A key of `jojo_cli.formats.CONVERTERS`, or `RAW`."""
    files: tuple[File, ...]
    """None where nobody published a hash: such a form can only be imported, by what the user says that it is."""
    sources: tuple[Source, ...]
    """Best first."""

    @property
    def size(self) -> int:
        """Size of the files in bytes, exact or not."""
        return sum(file.size for file in self.files)

    @property
    def inputs(self) -> dict[str, str]:
        """Name of each file: sha256."""
        return {file.name: file.sha256 for file in self.files}

    @property
    def output(self) -> str:
        """Name of the file that is kept."""
        return self.files[0].name if self.format == RAW else "model.safetensors"


class Way(NamedTuple):
    """How to come by a weight: a form of it, and where that is."""

    form: Form
    source: Source | None
    """None: the user, who has the files of the form as they are."""

    @property
    def downloads(self) -> tuple[File, ...]:
        """What has to be brought."""
        return self.source.downloads if self.source else self.form.files

    @property
    def label(self) -> str:
        """What a user knows it by."""
        return self.source.label if self.source else "imported files"


@dataclass(frozen=True)
class Entry:
    """A weight that jojo knows."""

    id: str
    purpose: str
    licence: str
    consequence: str
    """What the licence means for the user, in one sentence."""
    forms: tuple[Form, ...]
    """Best first."""
    origin: str | None = None
    """Where its authors offer it, when no form has a source."""

    @property
    def size(self) -> int:
        """Size of the files of the best form in bytes; 0 where nobody knows."""
        return self.forms[0].size

    @property
    def exact(self) -> bool:
        """Whether that is known to the byte."""
        return all(file.exact for file in self.forms[0].files)

    @property
    def output(self) -> str:
        """Name of the file that is kept, whatever the form."""
        return self.forms[0].output

    @property
    def ways(self) -> tuple[Way, ...]:
        """How jojo can fetch it, best first."""
        return tuple(Way(form, source) for form in self.forms for source in form.sources)

    @property
    def downloads(self) -> tuple[File, ...]:
        """What crosses the network if all goes well."""
        return self.ways[0].downloads if self.ways else ()


def download_size(entries: Iterable[Entry]) -> int:
    """Return how many bytes cross the network for `entries`; what serves several counts once."""
    return sum({file.sha256: file.size for entry in entries for file in entry.downloads}.values())


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
        document = Table(tomllib.loads(path.read_text(encoding="utf-8")), "catalog")
    except (OSError, ValueError) as error:
        raise JojoError(f"catalog {str(path)!r} can't be read: {error}", hint="reinstall jojo-cli") from error
    entries = [_entry(table) for table in document.tables("entry", "id")]
    document.done()
    catalog = {entry.id: entry for entry in entries}
    if len(catalog) != len(entries):
        raise JojoError("catalog: two entries have the same id")
    return catalog


_FILE_NAME = r"[A-Za-z0-9_][A-Za-z0-9_.+-]*"
_SHA256 = r"[0-9a-f]{64}"


def _entry(table: Table) -> Entry:
    entry = Entry(
        id=table.word("id", r"[a-z0-9][a-z0-9-]*"),
        purpose=table.take("purpose", str),
        licence=table.take("licence", str),
        consequence=table.take("consequence", str),
        forms=tuple(_form(item) for item in table.tables("form", "format")),
        origin=table.take("origin", str) if "origin" in table.values else None,
    )
    table.done()
    if len({form.output for form in entry.forms}) != 1:
        raise table.fail("its forms are kept under different names")
    if bool(entry.ways) == bool(entry.origin):
        raise table.fail("either a form has a source, or the entry an origin")
    return entry


def _form(table: Table) -> Form:
    format = table.word("format", "|".join(map(re.escape, [RAW, *CONVERTERS])))
    files = tuple(_file(item) for item in table.tables("file", "name")) if "file" in table.values else ()
    sources = tuple(_source(item, files) for item in table.tables("source", "kind")) if "source" in table.values else ()
    table.done()
    if len({file.name for file in files}) != len(files):
        raise table.fail("two files have the same name")
    if format == RAW and len(files) != 1:
        raise table.fail("format 'raw' keeps exactly one file")
    return Form(format, files, sources)


def _file(table: Table) -> File:
    exact = "about_bytes" not in table.values
    size = table.take("bytes" if exact else "about_bytes", int)
    file = File(table.word("name", _FILE_NAME), size, table.word("sha256", _SHA256), exact)
    table.done()
    return file


def _source(table: Table, files: tuple[File, ...]) -> Source:
    source = _package(table) if table.word("kind", "package|https") == "package" else _web(table, files)
    table.done()
    held = source.members if isinstance(source, Package) else source.files
    if sorted(held) != sorted(file.name for file in files):
        raise table.fail("must hold the files of the form, each once")
    return source


def _package(table: Table) -> Package:
    members = Table(table.take("members", dict), f"{table.where}: members")
    return Package(
        # pip reads the name and the version in a requirements file: nothing that could mean more goes there.
        name=table.word("name", r"[A-Za-z0-9][A-Za-z0-9._-]*"),
        version=table.word("version", r"[A-Za-z0-9][A-Za-z0-9.+!]*"),
        file=File(table.word("file", _FILE_NAME), table.take("bytes", int), table.word("sha256", _SHA256)),
        members={name: members.take(name, str) for name in list(members.values)},
    )


def _web(table: Table, files: tuple[File, ...]) -> Web:
    by_name = {file.name: file for file in files}
    found = {}
    for item in table.tables("file", "name"):
        name = item.word("name", "|".join(map(re.escape, by_name)))
        found[name] = _web_file(item, by_name[name])
        item.done()
    return Web(found)


def _web_file(table: Table, plain: File) -> WebFile:
    url = table.take("url", str)
    if not is_secure(url):
        raise table.fail(f"url {url!r} is not https")
    if "unpack" not in table.values:
        return WebFile(url, plain, packed=False)
    table.word("unpack", "bz2")
    name = PurePosixPath(urlsplit(url).path).name
    return WebFile(url, File(name, table.take("bytes", int), table.word("sha256", _SHA256)), packed=True)
