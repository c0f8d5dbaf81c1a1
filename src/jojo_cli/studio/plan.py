"""Where the result of each photo goes: all of it decided before any work."""

import io
import os
import re
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from jojo_cli import disk
from jojo_cli.errors import JojoError, UsageError
from jojo_cli.events import Listener, Note
from jojo_cli.faces import FaceChoice, Points
from jojo_cli.films import FILM_FORMATS, film_ending, is_film
from jojo_cli.images import READ_SUFFIXES, UNREADABLE, WRITE_FORMATS, Made, encode_image, read_image
from jojo_cli.originals import Original
from jojo_cli.studio.photos import Photo, Source, find_photos

Target = str | Path | BinaryIO
"""A folder or a file, or what takes the content of a single picture."""

AS_PHOTO = ".*"
"""In the suffix of a result: the ending of its photo, or .png where jojo does not write such files."""


@dataclass(frozen=True)
class Job:
    """One photo and where its results go.

    Attributes:
        photo: its path, or its content.
        files: the files to write, by the suffix that the plan was asked for, the main one first. Empty: the
            picture goes to `stream`.
        choice: the faces to work on; None takes the photo as a crop.
        overwrite: the files may exist.
        face: number of the face that this is about, once it is known.
        stream: takes the picture where there are no files.
        quality: of JPEG and WebP, 1 to 100; None is the best that shows.
        together: all faces that were chosen are in one result.
        film: the photo is a film.
    """

    photo: str | BinaryIO
    files: Mapping[str, Path]
    choice: FaceChoice | None
    overwrite: bool
    face: int | None
    stream: BinaryIO | None = None
    quality: int | None = None
    together: bool = False
    film: bool = False

    @property
    def input(self) -> str:
        """The path of the photo, or "-" for a stream."""
        return self.photo if isinstance(self.photo, str) else "-"

    @property
    def output(self) -> str:
        """The main result: a path, or "-" for a stream."""
        return str(next(iter(self.files.values()), "-"))

    def read(self) -> Image.Image:
        """Return the photo, upright and in RGB.

        Raises:
            ImageError: it can't be read.
        """
        return read_image(self._content())

    def read_original(self, *, location: bool) -> Original:
        """Return the photo with all that its file says, and where it was taken if that is asked for.

        Raises:
            ImageError: it can't be read.
        """
        return Original.read(self._content(), location=location)

    def _content(self) -> Path | BinaryIO:
        return Path(self.photo) if isinstance(self.photo, str) else io.BytesIO(self.photo.read())

    def for_face(self, number: int | None) -> "Job":
        """Return the job for one face of the photo."""
        files = self.files
        if self.choice == "all" and number is not None:
            files = {
                suffix: path.with_name(f"{path.name.removesuffix(suffix)}-{number}{suffix}")
                for suffix, path in files.items()
            }
        return replace(self, files=files, face=number)

    def is_done(self) -> bool:
        """Return whether all files exist and have to stay."""
        if self.choice == "all" and self.face is None and not self.together:
            return False  # the files of the faces are named once they are found
        return bool(self.files) and not any(map(self.lacks, self.files))

    def lacks(self, suffix: str) -> bool:
        """Return whether one of the files is to be written: what exists stays, unless it may be replaced."""
        # Path.exists raises where a name is too long; that is for `save` to tell.
        return self.overwrite or not os.path.exists(self.files[suffix])  # noqa: PTH110

    def save(self, image: Image.Image, suffix: str | None = None, *, made: Made = "picture") -> None:
        """Write a picture that results, the main one or another, unless it is there and has to stay.

        Raises:
            JojoError: it can't be written.
        """
        self.write(lambda suffix: encode_image(image, suffix=suffix, made=made, quality=self.quality), suffix)

    def write(self, encode: Callable[[str], bytes], suffix: str | None = None) -> None:
        """Write what `encode` returns for the ending of the file; the rest as in `save`."""
        if self.stream is None:
            suffix = suffix or next(iter(self.files))
            if self.lacks(suffix):
                path = self.files[suffix]
                disk.save_file(path, encode(path.suffix.lower()), overwrite=self.overwrite)
            return
        try:
            self.stream.write(encode(".png"))
            self.stream.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise JojoError(f"standard output can't be written: {str(error.strerror).lower()}") from error

    @contextmanager
    def claimed(self) -> Iterator[bool]:
        """Keep other processes from doing the same meanwhile; give whether none does it already."""
        path = None if self.stream else Path(self.output)
        with ExitStack() as stack:
            mine = True
            if path:
                lock = path.with_name(f".{path.name}.lock")
                try:
                    lock.parent.mkdir(parents=True, exist_ok=True)
                    stack.enter_context(disk.locked(lock, wait=0))
                    stack.callback(_forget, lock)
                except TimeoutError:
                    mine = False
                except OSError:
                    pass  # what stands in the way will be in the way of the result, too
            yield mine


@dataclass(frozen=True)
class Plan:
    """The jobs of a batch, and the folder that was named for their results."""

    jobs: list[Job]
    folder: Path | None

    def make_folder(self) -> None:
        """Make that folder, when it is missing.

        Raises:
            JojoError: it can't be made, or nothing can be written to it.
        """
        if self.folder is None:
            return
        hint = "choose another one with -o"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise JojoError(f"folder {str(self.folder)!r} can't be made: {reason}", hint=hint) from error
        if not os.access(self.folder, os.W_OK):
            raise JojoError(f"folder {str(self.folder)!r} can't be written to", hint=hint)


def _forget(lock: Path) -> None:
    with suppress(OSError):  # Windows deletes nothing that is open
        lock.unlink()


def plan(
    photos: Sequence[Photo],
    output: Target | None,
    *,
    label: str,
    suffixes: Sequence[str] = (".png",),
    choice: FaceChoice | None = "largest",
    codes: str | None = None,
    overwrite: bool = False,
    quality: int | None = None,
    together: bool = False,
    films: bool = False,
    listener: Listener,
) -> Plan:
    """Return what is to be done: a job for each photo.

    Args:
        photos: files, folders and streams.
        output: a folder, the file or stream of a single result; None is the current folder.
        label: names the results: `photo.LABEL.png`, or `photo.LABEL-2.png` for the second face.
        suffixes: the files of one result, the main one first; `AS_PHOTO` in one stands for the photo's own ending.
        choice: the faces to work on; None takes the photos as crops.
        codes: the ending of codes, where they are taken from folders, too.
        overwrite: results may replace files, though never a photo.
        quality: of JPEG and WebP, 1 to 100; None is the best that shows.
        together: all faces of a photo go into one result.
        films: a photo may be a film, which becomes one.
        listener: told what is left out of a folder.

    Raises:
        UsageError: results would fall on one another or on a photo, `output` does not fit the photos, or points are
            given with several.
        JojoError: the output file exists.
    """
    found = find_photos(photos, crops=choice is None, also=codes, films=films, listener=listener)
    if isinstance(choice, Points) and (len(found) != 1 or found[0].in_folder):
        raise UsageError("--points are of one photo", hint="give that photo alone")
    face = choice if isinstance(choice, int) else None
    stream = None if output is None or isinstance(output, str | Path) else output
    path = Path(output) if isinstance(output, str | Path) else None
    formats = FILM_FORMATS if any(photo.film for photo in found) else WRITE_FORMATS
    one_file = path if path is not None and _is_file(path, suffixes, formats) else None
    alone = len(found) == 1 and not found[0].in_folder and (choice != "all" or together or found[0].film)
    if (stream or one_file) and not alone:
        hint = "give one photo and one face, or name a folder"
        raise UsageError(f"{'-' if stream else str(one_file)!r} takes one result", hint=hint)
    if stream and formats is FILM_FORMATS:
        raise UsageError("-o - takes a picture, and this writes a film", hint="name a file or a folder")
    if stream and len(suffixes) > 1:
        raise UsageError("-o - takes one file, and this writes several", hint="name a folder")

    jobs = []
    for photo, stem in zip(found, _stems(found), strict=True):
        if photo.film:
            endings = [film_ending(photo.name)]
        else:
            endings = [suffix.replace(AS_PHOTO, _own_ending(photo.name)) for suffix in suffixes]
        if stream:
            files = {}
        elif one_file:
            files = {suffix: _with_suffix(one_file, suffix, formats) for suffix in endings}
        else:
            name = f"{stem}.{label}" if face is None else f"{stem}.{label}-{face}"
            place = (path or Path()) / photo.below
            files = {suffix: place / f"{name}{suffix}" for suffix in endings}
        whole = together or photo.film
        jobs.append(Job(photo.content, files, choice, overwrite, face, stream, quality, whole, photo.film))
    jobs = _check_paths(found, jobs, listener)

    if one_file and jobs[0].is_done():
        raise JojoError(f"{str(one_file)!r} exists", hint="add --overwrite to replace it")
    folder = one_file.parent if one_file else path
    return Plan(jobs, folder if jobs else None)


def _stems(photos: Sequence[Source]) -> list[str]:
    """Return what the results of photos begin with: the name, less its ending where that names one photo alone."""
    stems = [Path(photo.name).stem for photo in photos]
    names = {(photo.below, photo.name) for photo in photos}
    share = Counter((below, Path(name).stem) for below, name in names)
    return [photo.name if share[photo.below, stem] > 1 else stem for photo, stem in zip(photos, stems, strict=True)]


def _own_ending(name: str) -> str:
    """Return what a photo's name ends in, if jojo writes such files; else that of a PNG."""
    suffix = Path(name).suffix
    return suffix if suffix.lower() in WRITE_FORMATS else ".png"


def _is_file(output: Path, suffixes: Sequence[str], formats: Collection[str]) -> bool:
    """Return whether `output` names a file, in one of the formats, and not a folder."""
    suffix = output.suffix.lower()
    if output.is_dir():
        return False
    if (suffix in READ_SUFFIXES or suffix in UNREADABLE or is_film(output)) and suffix not in formats:
        which = "format of films" if formats is FILM_FORMATS else "format"
        hint = f"end it in one of {', '.join(sorted(formats))}"
        raise UsageError(f"{str(output)!r} names no {which} that jojo writes", hint=hint)
    return suffix in formats or suffix in suffixes


def _with_suffix(output: Path, suffix: str, formats: Collection[str]) -> Path:
    given = output.suffix.lower()
    if given == suffix or (given in formats and suffix in formats):
        return output
    return output.with_suffix(suffix)


def _check_paths(found: Sequence[Source], jobs: Sequence[Job], listener: Listener) -> list[Job]:
    """Return the jobs, less those on what an earlier run left in a folder of photos.

    Raises:
        UsageError: a result would fall on a photo, or on the result of another one.
    """
    writers = {_key(path): job.input for job in jobs for path in job.files.values()}
    kept: list[Job] = []
    for photo, job in zip(found, jobs, strict=True):
        if not isinstance(photo.content, str):
            kept.append(job)
            continue
        path = Path(photo.content)
        writer = writers.get(_key(path))
        if job.choice == "all" and not job.together:  # the plan has the names without the numbers of the faces
            suffixes = "|".join(map(re.escape, job.files))
            plain = re.sub(rf"-\d+({suffixes})$", r"\1", path.name)
            writer = writer or writers.get(_key(path.with_name(plain)))
        if not writer:
            kept.append(job)
        elif not photo.in_folder:
            hint = "choose another place with -o, or leave it out"
            raise UsageError(f"{photo.content!r} would be overwritten by the result of {writer!r}", hint=hint)
    if len(kept) < len(jobs):
        listener(Note(f"left out {len(jobs) - len(kept)} results of an earlier run"))

    sources: dict[str, str] = {}
    for job in kept:
        for path in job.files.values():
            first = sources.setdefault(_key(path), job.input)
            if first != job.input:
                hint = "rename one of them, or give them in two runs with folders of their own"
                raise UsageError(f"{first!r} and {job.input!r} would both become {str(path)!r}", hint=hint)
    return kept


def _key(path: Path) -> str:
    return os.path.normcase(os.path.realpath(path))
