"""What align, invert and apply share: the loop over the photos, from a plan to one record a face.

A command imports this when it runs, for it loads numpy and Pillow.
"""

import io
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import typer
from PIL import Image

from jojo_cli.cli.models import open_models
from jojo_cli.cli.output import Output
from jojo_cli.cli.plan import Job
from jojo_cli.errors import JojoError, UsageError
from jojo_cli.faces import FaceChoice, FaceFinder, choose_faces, crop_face, face_quad, parse_face_choice
from jojo_cli.images import ImageError, read_image, square_crop

T = TypeVar("T")

Record = dict[str, Any]

Crops = list[tuple[int | None, Image.Image]]
"""Squares cut from a photo, each with the number of its face (None: the photo was a crop already)."""

Cut = Callable[[Image.Image], Crops]

Open = Callable[[Job], Sequence[tuple[int | None, T]]]
"""Returns what there is to work on in a photo, each with the number of its face; raises JojoError."""

Work = Callable[[T, Job], Mapping[str, Any]]
"""Does the work on one of them and writes its files; returns what the record has beyond `Job`; raises JojoError."""


def parse_face(face: str, *, no_align: bool = False) -> FaceChoice | None:
    """Return the choice that `--face` and `--no-align` make; None cuts nothing.

    Raises:
        UsageError: `face` is no choice, or contradicts `no_align`.
    """
    choice = parse_face_choice(face)
    if no_align and choice != "largest":
        raise UsageError(f"--face {face} contradicts --no-align", hint="leave one of them out")
    return None if no_align else choice


def open_finder(out: Output) -> FaceFinder:
    """Return the face finder; its weights are fetched when missing."""
    return FaceFinder(open_models(out).ensure("dlib-landmarks-68"))


def open_cutter(choice: FaceChoice | None, *, size: int, out: Output) -> Cut:
    """Return the function from a photo to its crops.

    Args:
        choice: as `parse_face` returns it.
        size: side of a crop in pixels.
        out: told when weights are fetched.
    """
    if choice is None:
        return lambda image: [(None, square_crop(image, size))]
    finder = open_finder(out)

    def cut(image: Image.Image) -> Crops:
        faces = choose_faces(finder.find(image), choice)
        return [(face.number, crop_face(image, face_quad(face.landmarks), size=size)) for face in faces]

    return cut


def open_photos(choice: FaceChoice | None, *, size: int, out: Output) -> Open[Image.Image]:
    """Return the function from a job to the crops of its photo; arguments as in `open_cutter`."""
    cut = open_cutter(choice, size=size, out=out)
    return lambda job: cut(_read(job.photo))


def run(jobs: Sequence[Job], start: Callable[[], tuple[Open[T], Work[T]]], *, out: Output) -> None:
    """Do the jobs; each face becomes a record on `out`, and one that fails does not stop the others.

    Args:
        jobs: as `plan` returns them.
        start: opens what the work needs; called at most once, and not when all is done already.
        out: gets a record {input, face, output, status, reason, ...} a face, and a summary.

    Raises:
        typer.Exit: something failed.
        JojoError: `start` failed.
    """
    tally: Counter[str] = Counter()
    hints: set[str | None] = {None}
    tools: tuple[Open[T], Work[T]] | None = None
    try:
        for job in jobs:
            started = time.monotonic()
            statuses = set()
            outcomes: Iterable[_Outcome] = [_skipped(job)]
            if not job.is_done():
                tools = tools or start()
                outcomes = _work_on(job, *tools)
            for record, hint in outcomes:
                statuses.add(record["status"])
                _report(record, None if hint in hints else hint, out)
                hints.add(hint)
            tally["failed" if "failed" in statuses else "ok" if "ok" in statuses else "skipped"] += 1
            out.detail(f"{job.photo}: {time.monotonic() - started:.2f} s")
    except KeyboardInterrupt:
        out.note(f"{tally['ok']} of {len(jobs)} done")
        raise
    if len(jobs) > 1:
        rest = "".join(f", {tally[status]} {status}" for status in ("skipped", "failed") if tally[status])
        out.note(f"{tally['ok']} of {len(jobs)} done{rest}")
    if tally["failed"]:
        raise typer.Exit(1)


_Outcome = tuple[Record, str | None]  # and the hint


def _work_on(job: Job, open_: Open[T], work: Work[T]) -> Iterator[_Outcome]:
    try:
        found = open_(job)
    except JojoError as error:
        yield _failed(job, error)
        return
    for number, one_face in found:
        one = job.for_face(number)
        if one.is_done():
            yield _skipped(one)
            continue
        try:
            fields = work(one_face, one)
        except JojoError as error:
            yield _failed(one, error)
        else:
            yield {**_record(one, "ok", output=one.output), **fields}, None


def _read(photo: str) -> Image.Image:
    if photo != "-":
        return read_image(Path(photo))
    return read_image(io.BytesIO(sys.stdin.buffer.read()))


def _skipped(job: Job) -> _Outcome:
    return _record(job, "skipped", output=job.output, reason="exists"), "add --overwrite to replace what exists"


def _failed(job: Job, error: JojoError) -> _Outcome:
    reason = error.reason if isinstance(error, ImageError) else str(error)
    return _record(job, "failed", reason=reason), error.hint


def _record(job: Job, status: str, *, output: str | None = None, reason: str | None = None) -> Record:
    return {
        "input": _printable(job.photo),
        "face": job.face,
        "output": None if output is None else _printable(output),
        "status": status,
        "reason": reason,
    }


def _report(record: Record, hint: str | None, out: Output) -> None:
    if out.as_json or (record["status"] == "ok" and record["output"] != "-"):
        out.result(record, record["output"])
    if record["status"] == "failed":
        out.failure(f"{record['input']!r}: {record['reason']}", hint)
    elif record["status"] == "skipped":
        out.note(f"skipped {record['input']!r}: {record['output']!r} exists")
        if hint:
            out.note(f"hint: {hint}")


def _printable(name: str) -> str:
    """Return a file name that is not valid Unicode so that it can be printed."""
    return name.encode("utf-8", "backslashreplace").decode()
