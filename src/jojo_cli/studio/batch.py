"""What align, invert and apply share: the loop over the photos, from a plan to one outcome a face."""

import logging
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any, Literal, TypeVar

from jojo_cli.errors import JojoError
from jojo_cli.events import Advance, Listener, progress
from jojo_cli.images import ImageError
from jojo_cli.studio.plan import Job, Plan

T = TypeVar("T")

_log = logging.getLogger(__name__)

Open = Callable[[Job], Sequence[tuple[int | None, T]]]
"""Returns what there is to work on in a photo, each with the number of its face; raises JojoError."""

Work = Callable[[T, Job], Mapping[str, Any] | None]
"""Does the work on one of them and writes its files; returns the figures of the outcome; raises JojoError."""


EXISTS, TAKEN = "exists", "another jojo works on it"
"""Why a photo is skipped."""


@dataclass(frozen=True)
class Outcome:
    """What came of one face, or of a photo in which no face was found or looked for."""

    input: str  # the photo as it was given, or as it was found in a folder; "-" is a stream
    face: int | None  # its number by size, from 1; None for a crop or a code, and where none was looked for or found
    status: Literal["ok", "skipped", "failed", "planned"]
    output: str | None = None  # the main file, "-" for a stream; None when it failed
    reason: str | None = None  # why it was skipped or failed
    hint: str | None = None  # what can be done about it
    seconds: float | None = None  # how long the work took, without finding the face, when the status is ok
    figures: Mapping[str, Any] = field(default_factory=dict)  # what was measured, and other files, when it is ok


class Batch:
    """Work on photos, done while one goes through it: an outcome for each face.

    `len` is the number of photos.
    """

    def __init__(
        self,
        plan: Plan,
        start: Callable[[ExitStack], tuple[Open[Any], Work[Any]]],
        *,
        title: str,
        listener: Listener,
    ) -> None:
        """Keep the plan; `start` opens what the work needs, at most once, and not when all is done already.

        What has to be closed in the end goes on the stack that it is given.
        """
        self._plan, self._jobs, self._start = plan, plan.jobs, start
        self._title, self._listener = title, listener

    def __len__(self) -> int:
        return len(self._jobs)

    def __iter__(self) -> Iterator[Outcome]:
        self._plan.make_folder()
        if len(self._jobs) == 1:
            yield from self._outcomes(lambda done: None)
            return
        with progress(self._listener, self._title, len(self._jobs), "photos") as advance:
            yield from self._outcomes(advance)

    def plan(self) -> Iterator[Outcome]:
        """Return what would be done, and do nothing: outcomes that are planned, or skipped."""
        for job in self._jobs:
            yield _skipped(job, EXISTS) if job.is_done() else Outcome(job.input, job.face, "planned", job.output)

    def _outcomes(self, advance: Advance) -> Iterator[Outcome]:
        with ExitStack() as stack:
            tools = cache(partial(self._start, stack))
            for done, job in enumerate(self._jobs, 1):
                yield from _outcomes_of(job, tools)
                advance(done)


def _outcomes_of(job: Job, tools: Callable[[], tuple[Open[Any], Work[Any]]]) -> Iterator[Outcome]:
    if job.is_done():
        yield _skipped(job, EXISTS)
        return
    with job.claimed() as mine:
        if not mine:
            yield _skipped(job, TAKEN)
        elif job.is_done():  # by another process, just now
            yield _skipped(job, EXISTS)
        else:
            yield from _work_on(job, *tools())


def _work_on(job: Job, open_: Open[T], work: Work[T]) -> Iterator[Outcome]:
    try:
        found = open_(job)
    except Exception as error:
        yield _failed(job, error)
        return
    for number, one_face in found:
        one = job.for_face(number)
        if one.is_done():
            yield _skipped(one, EXISTS)
            continue
        started = time.perf_counter()
        try:
            figures = work(one_face, one) or {}
        except BrokenPipeError:  # of the stream that takes the result: nobody is there any more
            raise
        except Exception as error:
            yield _failed(one, error)
        else:
            seconds = round(time.perf_counter() - started, 3)
            yield Outcome(one.input, one.face, "ok", one.output, seconds=seconds, figures=figures)


def _skipped(job: Job, reason: str) -> Outcome:
    hint = "add --overwrite to replace what exists" if reason == EXISTS else None
    return Outcome(job.input, job.face, "skipped", job.output, reason, hint)


def _failed(job: Job, error: Exception) -> Outcome:
    if isinstance(error, JojoError):
        reason, hint = error.reason if isinstance(error, ImageError) else str(error), error.hint
    else:  # of dlib, Pillow, a driver: whatever it is, the photos after this one may be fine
        _log.error("%s failed", job.input, exc_info=error)
        reason, hint = f"{type(error).__name__}: {error}", "JOJO_DEBUG=1 shows where it happened"
    return Outcome(job.input, job.face, "failed", None, reason, hint)
