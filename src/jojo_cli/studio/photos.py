"""Which photos there are to work on, in what a user gives: files, folders, streams."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from jojo_cli.errors import UsageError
from jojo_cli.events import Caution, Listener, Note
from jojo_cli.films import is_film
from jojo_cli.images import UNREADABLE, Made, made_by_jojo, read_suffixes

Photo = str | Path | BinaryIO
"""A picture, a folder of pictures, or the content of a picture, which is read when its turn comes."""


@dataclass(frozen=True)
class Source:
    """A photo to work on."""

    content: str | BinaryIO  # its path, or a stream
    name: str
    below: Path = Path()  # its folder, from the folder that was given on
    in_folder: bool = False
    film: bool = False


def find_photos(
    photos: Sequence[Photo], *, crops: bool, also: str | None = None, films: bool = False, listener: Listener
) -> list[Source]:
    """Return the photos, each once, in the order given and by name within a folder.

    Args:
        photos: as given.
        crops: face crops that jojo cut are taken from folders, too; what else it made is not.
        also: the ending of other files that are taken from folders, in lower case.
        films: those that are named are taken, and not their first pictures; of folders they are left out.
        listener: told what is left out of a folder.

    Raises:
        UsageError: a name is empty.
    """
    each: dict[object, Source] = {}
    for photo in photos:
        if not isinstance(photo, str | Path):
            each.setdefault(photo, Source(photo, "stdin"))
            continue
        if not str(photo):
            raise UsageError("'' is not the name of a photo", hint="is a variable of the shell empty?")
        # Path.is_dir raises where a folder above is closed to us.
        if os.path.isdir(path := Path(photo)):  # noqa: PTH112
            found = [
                Source(str(file), file.name, file.parent.relative_to(path), in_folder=True)
                for file in _pictures_in(path, crops, also, films, listener)
            ]
            if not found:
                listener(Note(f"no pictures in {str(photo)!r}"))
        else:
            found = [Source(str(photo), path.name, film=films and is_film(path))]
        for one in found:
            # Unlike resolve, a link and what it points to are two photos.
            each.setdefault(os.path.abspath(str(one.content)), one)  # noqa: PTH100
    return list(each.values())


def _pictures_in(folder: Path, crops: bool, also: str | None, films: bool, listener: Listener) -> Iterator[Path]:
    left = 0
    made: Counter[Made] = Counter()
    unread: Counter[str] = Counter()
    found = 0
    for path in _files_in(folder, listener):
        suffix = path.suffix.lower()
        if suffix == also:
            yield path
        elif films and is_film(path):
            left += 1
        elif suffix in read_suffixes():
            kind = made_by_jojo(path)
            if kind and not (crops and kind == "crop"):
                made[kind] += 1
            else:
                found += 1
                yield path
        elif suffix in UNREADABLE:
            unread[suffix] += 1
    if made:
        only_crops = " (face crops go in with --no-align)" if made["crop"] == found + made.total() else ""
        listener(Note(f"left out {made.total()} results of an earlier run{only_crops}"))
    if left:
        listener(Note(f"left out {left} {'film' if left == 1 else 'films'}, which take long: name those to redraw"))
    for suffix, count in sorted(unread.items()):
        listener(Note(f"left out {count} {suffix} files: {UNREADABLE[suffix]}"))


def _files_in(folder: Path, listener: Listener) -> Iterator[Path]:
    def report(error: OSError) -> None:
        reason = (error.strerror or str(error)).lower()
        listener(Caution(f"folder {error.filename!r} can't be read: {reason}"))

    for parent, folders, names in os.walk(folder, onerror=report):
        # Hidden ones are what file managers and interrupted writes leave behind.
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if not name.startswith("."):
                yield Path(parent, name)
