"""The styles that others published: which there are, and how to fetch their files.

Few of the files have a published hash. The others are as good as the server that sends them; whatever they are, they
are read as a file from a stranger.
"""

import tomllib
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from jojo_cli.errors import JojoError
from jojo_cli.events import Announcement, Download, Listener, Note
from jojo_cli.weights.catalog import File, SourceError, WebFile
from jojo_cli.weights.storage import PARTIAL, check_free, disk_errors, resuming
from jojo_cli.weights.table import Table

PUBLISHED = Path(__file__).with_name("published.toml")


@dataclass(frozen=True)
class PublishedStyle:
    """A style that jojo can fetch."""

    name: str
    base: str
    """Name of the base that it was finetuned from."""
    file: File
    """The checkpoint, of about that size; its sha256 is empty where nobody published it."""
    urls: tuple[str, ...]
    """Where it is, best first."""
    by: str
    licence: str
    consequence: str
    """What the licence means for the user, in one sentence."""


def load_published() -> dict[str, PublishedStyle]:
    """Return the published styles by name."""
    document = Table(tomllib.loads(PUBLISHED.read_text(encoding="utf-8")), PUBLISHED.name)
    base = document.take("base", str)
    by, size = document.take("by", str), document.take("about_bytes", int)
    licence, consequence = document.take("licence", str), document.take("consequence", str)
    styles = {}
    for table in document.tables("style", "name"):
        name = table.take("name", str)
        file = table.take("file", str) if "file" in table.values else f"{name}.pt"
        sha256 = table.word("sha256", "[0-9a-f]{64}") if "sha256" in table.values else ""
        styles[name] = PublishedStyle(
            name=name,
            base=base,
            file=File(file, size, sha256, exact=False),
            urls=tuple(table.take("url", list)),
            by=table.take("by", str) if "by" in table.values else by,
            licence=licence,
            consequence=consequence,
        )
        table.done()
    document.done()
    return styles


def find_published(name: str) -> PublishedStyle:
    """Return the published style called `name`.

    Raises:
        JojoError: there is none.
    """
    published = load_published()
    if name not in published:
        raise JojoError(
            f"published style {name!r} not found", hint=f"known: {', '.join(published)}; see 'jojo styles pull'"
        )
    return published[name]


def announcement(styles: Sequence[PublishedStyle], folder: Path) -> Announcement:
    """Return what to say before `styles` are fetched for a folder."""
    downloads = [
        Download(style.name, style.file.size, style.file.exact, f"by {style.by}", style.licence, style.consequence)
        for style in styles
    ]
    return Announcement("styles", sum(style.file.size for style in styles), downloads, folder)


def how_to_bring(style: PublishedStyle) -> str:
    """Return what a user without a network can do."""
    known = f" (sha256 {style.file.sha256})" if style.file.sha256 else ""
    return f"get {style.file.name}{known} from {style.urls[0]}, then 'jojo styles import FILE --name {style.name}'"


def fetch(style: PublishedStyle, stage: Path, *, leftovers: Path, listener: Listener) -> tuple[Path, str]:
    """Return the file of a style, brought into the folder `stage`, and the URL that it came from.

    A download that breaks off leaves what it has in the folder `leftovers`, for the next one to go on from, when a
    hash will tell whether the parts belong together.

    Raises:
        JojoError: no server gives the file, or it does not fit on the disk.
    """
    from jojo_cli.weights.download import download  # loads requests

    file, path = style.file, stage / style.file.name
    leftover = leftovers / f".{file.sha256}{PARTIAL}"
    failed: list[str] = []
    with disk_errors(leftovers):
        check_free(stage, file.limit)
        for url in style.urls:
            if failed:
                listener(Note(f"{failed[-1]}; trying {url}"))
            path.unlink(missing_ok=True)  # what another server began
            try:
                with resuming(path, leftover) if file.sha256 else nullcontext():
                    download(WebFile(url, file, packed=False), path, listener=listener)
                return path, url
            except SourceError as error:
                failed.append(str(error))
    raise JojoError(f"style {style.name!r} can't be fetched: {'; '.join(failed)}", hint=how_to_bring(style))
