"""Which photos there are to work on, and where each result goes: all of it decided before any work."""

import io
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from PIL import Image

from jojo_cli.errors import JojoError, UsageError
from jojo_cli.events import Caution, Listener, Note
from jojo_cli.faces import FaceChoice
from jojo_cli.images import READ_SUFFIXES, WRITE_FORMATS, encode_image, read_image, save_image

Photo = str | Path | BinaryIO
"""A picture, a folder of pictures, or the content of a picture, which is read when its turn comes."""

Target = str | Path | BinaryIO
"""A folder or a file, or what takes the content of a single picture."""


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
    """

    photo: str | BinaryIO
    files: Mapping[str, Path]
    choice: FaceChoice | None
    overwrite: bool
    face: int | None
    stream: BinaryIO | None = None

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
        return read_image(Path(self.photo) if isinstance(self.photo, str) else io.BytesIO(self.photo.read()))

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
        """Return whether one of the files exists and has to stay."""
        if self.choice == "all" and self.face is None:
            return False  # the files of the faces are named once they are found
        # Path.exists raises where a name is too long; that is for `save` to tell.
        return not self.overwrite and any(os.path.exists(path) for path in self.files.values())  # noqa: PTH110

    def save(self, image: Image.Image) -> None:
        """Write the picture that results.

        Raises:
            JojoError: it can't be written.
        """
        if self.stream is None:
            save_image(image, self.files[".png"], overwrite=self.overwrite)
            return
        try:
            self.stream.write(encode_image(image))
            self.stream.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            raise JojoError(f"standard output can't be written: {str(error.strerror).lower()}") from error


def plan(
    photos: Sequence[Photo],
    output: Target | None,
    *,
    label: str,
    suffixes: Sequence[str] = (".png",),
    choice: FaceChoice | None = "largest",
    overwrite: bool = False,
    listener: Listener,
) -> list[Job]:
    """Return a job for each photo.

    Args:
        photos: files, folders and streams.
        output: a folder, the file or stream of a single result; None is the current folder.
        label: names the results: `photo.LABEL.png`, or `photo.LABEL-2.png` for the second face.
        suffixes: the files of one result, the main one first.
        choice: the faces to work on; None takes the photos as crops.
        overwrite: results may replace files, though never a photo.
        listener: told what is left out of a folder.

    Raises:
        UsageError: results would fall on one another or on a photo, or `output` does not fit the photos.
        JojoError: the output file exists, or the output folder can't be made.
    """
    found = _find_photos(photos, listener)
    face = choice if isinstance(choice, int) else None
    stream = None if output is None or isinstance(output, str | Path) else output
    path = Path(output) if isinstance(output, str | Path) else None
    one_file = path if path is not None and _is_file(path, suffixes) else None
    if (stream or one_file) and (len(found) != 1 or found[0].in_folder or choice == "all"):
        hint = "give one photo and one face, or name a folder"
        raise UsageError(f"{'-' if stream else str(one_file)!r} takes one result", hint=hint)
    if stream and len(suffixes) > 1:
        raise UsageError("'-' takes one file, and this writes several", hint="name a folder")

    jobs = []
    for photo in found:
        if stream:
            files = {}
        elif one_file:
            files = {suffix: _with_suffix(one_file, suffix) for suffix in suffixes}
        else:
            stem = f"{photo.stem}.{label}" if face is None else f"{photo.stem}.{label}-{face}"
            folder = (path or Path()) / photo.below
            files = {suffix: folder / f"{stem}{suffix}" for suffix in suffixes}
        jobs.append(Job(photo.source, files, choice, overwrite, face, stream))
    jobs = _check_paths(found, jobs, listener)

    if one_file and jobs[0].is_done():
        raise JojoError(f"{str(one_file)!r} exists", hint="add --overwrite to replace it")
    if jobs and path is not None:
        _make_folder(one_file.parent if one_file else path)
    return jobs


@dataclass(frozen=True)
class _Photo:
    source: str | BinaryIO
    stem: str
    below: Path  # its folder, from the folder that was given on
    in_folder: bool


def _find_photos(photos: Sequence[Photo], listener: Listener) -> list[_Photo]:
    """Return the photos, each once, in the order given and by name within a folder."""
    each: dict[object, _Photo] = {}
    for photo in photos:
        if not isinstance(photo, str | Path):
            each.setdefault(photo, _Photo(photo, "stdin", Path(), in_folder=False))
            continue
        if not str(photo):
            raise UsageError("'' is not the name of a photo", hint="is a variable of the shell empty?")
        # Path.is_dir raises where a folder above is closed to us.
        if os.path.isdir(path := Path(photo)):  # noqa: PTH112
            found = [
                _Photo(str(file), file.stem, file.parent.relative_to(path), in_folder=True)
                for file in _pictures_in(path, listener)
            ]
            if not found:
                listener(Note(f"no pictures in {str(photo)!r}"))
        else:
            found = [_Photo(str(photo), path.stem, Path(), in_folder=False)]
        for one in found:
            # Unlike resolve, a link and what it points to are two photos.
            each.setdefault(os.path.abspath(str(one.source)), one)  # noqa: PTH100
    return list(each.values())


def _pictures_in(folder: Path, listener: Listener) -> Iterator[Path]:
    def report(error: OSError) -> None:
        reason = (error.strerror or str(error)).lower()
        listener(Caution(f"folder {error.filename!r} can't be read: {reason}"))

    for parent, folders, names in os.walk(folder, onerror=report):
        # Hidden ones are what file managers and interrupted writes leave behind.
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if Path(name).suffix.lower() in READ_SUFFIXES and not name.startswith("."):
                yield Path(parent, name)


def _is_file(output: Path, suffixes: Sequence[str]) -> bool:
    """Return whether `output` names a file or standard output, and not a folder."""
    suffix = output.suffix.lower()
    if output.is_dir():
        return False
    if suffix in READ_SUFFIXES and suffix not in WRITE_FORMATS:
        hint = f"end it in one of {', '.join(WRITE_FORMATS)}"
        raise UsageError(f"{str(output)!r} names no format that jojo writes", hint=hint)
    return suffix in WRITE_FORMATS or suffix in suffixes


def _with_suffix(output: Path, suffix: str) -> Path:
    given = output.suffix.lower()
    if given == suffix or (given in WRITE_FORMATS and suffix == ".png"):
        return output
    return output.with_suffix(suffix)


def _check_paths(found: Sequence[_Photo], jobs: Sequence[Job], listener: Listener) -> list[Job]:
    """Return the jobs, less those on what an earlier run left in a folder of photos.

    Raises:
        UsageError: a result would fall on a photo, or on the result of another one.
    """
    writers = {_key(path): job.input for job in jobs for path in job.files.values()}
    kept: list[Job] = []
    for photo, job in zip(found, jobs, strict=True):
        if not isinstance(photo.source, str):
            kept.append(job)
            continue
        path = Path(photo.source)
        writer = writers.get(_key(path))
        if job.choice == "all":  # the plan has the names without the numbers of the faces
            suffixes = "|".join(map(re.escape, job.files))
            plain = re.sub(rf"-\d+({suffixes})$", r"\1", path.name)
            writer = writer or writers.get(_key(path.with_name(plain)))
        if not writer:
            kept.append(job)
        elif not photo.in_folder:
            hint = "choose another place with -o, or leave it out"
            raise UsageError(f"{photo.source!r} would be overwritten by the result of {writer!r}", hint=hint)
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


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        hint = "choose another one with -o"
        raise JojoError(f"folder {str(folder)!r} can't be made: {reason}", hint=hint) from error
    if not os.access(folder, os.W_OK):
        raise JojoError(f"folder {str(folder)!r} can't be written to", hint="choose another one with -o")
