"""What align, invert and apply share: photos on their way, from a plan to one outcome a face."""

import logging
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import cache, partial
from typing import Any, Generic, Literal, TypeVar

from jojo_cli.errors import JojoError
from jojo_cli.events import STOPPED, Advance, Listener, progress
from jojo_cli.images import ImageError
from jojo_cli.studio.plan import Job, Plan

T = TypeVar("T")

_log = logging.getLogger(__name__)

Open = Callable[[Job], Sequence[tuple[int | None, T]]]
"""Returns what there is to work on in a photo, one or more, each with the number of its face; raises JojoError."""

Save = Callable[[], Mapping[str, Any] | None]
"""Writes the files of one result, in any thread; returns the figures of the outcome; raises JojoError."""

Found = Sequence[tuple[T, Job]]
"""What was found in photos, each with its job."""

Work = Callable[[Found[T]], Sequence[Save]]
"""Does the work on one or some of what was found, and returns what saves the result of each; raises JojoError."""

SAVERS = 4
"""Threads that save: a PNG takes longer than all networks on a GPU do, and Pillow lets others run meanwhile."""

BRIEF = 1.0
"""Seconds of work up to which an outcome is told only after the next work, which needs not wait for the saving."""


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
    figures: Mapping[str, Any] = field(default_factory=dict)  # what was measured, when it is ok
    files: tuple[str, ...] = ()  # all of the result, the main one first; none of a stream, or when it failed


@dataclass(frozen=True)
class Tools(Generic[T]):
    """What a batch works with."""

    open: Open[T]
    work: Work[T]
    at_once: int = 1  # how many are worked on together


class Batch:
    """Work on photos, done while one goes through it: an outcome for each face.

    `len` is the number of photos.
    """

    def __init__(
        self,
        plan: Plan,
        start: Callable[[ExitStack], Tools[Any]],
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
            yield _skipped(job, EXISTS) if job.is_done() else _outcome(job, "planned")

    def _outcomes(self, advance: Advance) -> Iterator[Outcome]:
        with ExitStack() as stack:
            line = _Line(cache(partial(self._start, stack)))
            stack.callback(line.close)
            for done, outcomes in enumerate(line.through(self._jobs), 1):
                yield from outcomes
                advance(done)


@dataclass
class _Face:
    """A face on its way."""

    job: Job
    content: Any = None  # until it is worked on
    outcome: Outcome | Future[Outcome] | None = None  # from then on


@dataclass
class _Photo:
    """A photo on its way: what was found in it, and what keeps others from it."""

    faces: list[_Face] = field(default_factory=list)  # none until it is opened
    claim: ExitStack = field(default_factory=ExitStack)

    def is_worked_on(self) -> bool:
        return bool(self.faces) and all(face.outcome for face in self.faces)

    def is_saved(self) -> bool:
        return self.is_worked_on() and all(
            face.outcome.done() for face in self.faces if isinstance(face.outcome, Future)
        )


class _Line:
    """Photos in their order: opened, worked on with those that follow, and saved beside the next work."""

    def __init__(self, tools: Callable[[], Tools[Any]]) -> None:
        self._tools = tools
        self._photos: deque[_Photo] = deque()
        self._savers = ThreadPoolExecutor(SAVERS)

    def through(self, jobs: Sequence[Job]) -> Iterator[list[Outcome]]:
        """Yield the outcomes of each job; of work that is ended, those of what was done, and then what ended it."""
        try:
            for job in jobs:
                while self._photos and (self._photos[0].is_saved() or (job.film and self._photos[0].is_worked_on())):
                    yield self._leave()
                self._open(job)
                waiting = self._waiting()
                if waiting and len(waiting) < self._tools().at_once:
                    continue
                earlier = sum(photo.is_worked_on() for photo in self._photos)
                started = time.perf_counter()
                self._work_on(waiting)
                brief = time.perf_counter() - started < BRIEF
                for _ in range(earlier if brief else len(self._photos)):
                    yield self._leave()
            self._work_on(self._waiting())
        except STOPPED:
            while self._photos and self._photos[0].is_worked_on():
                yield self._leave()
            raise
        while self._photos:
            yield self._leave()

    def close(self) -> None:
        """Wait for what is being saved, and leave the rest to others."""
        self._savers.shutdown()
        for photo in self._photos:
            photo.claim.close()

    def _open(self, job: Job) -> None:
        photo = _Photo()
        self._photos.append(photo)
        mine = job.is_done() or photo.claim.enter_context(job.claimed())
        if not mine:
            photo.faces = [_Face(job, outcome=_skipped(job, TAKEN))]
        elif job.is_done():  # or was by another process, just now
            photo.faces = [_Face(job, outcome=_skipped(job, EXISTS))]
        else:
            tools = self._tools()
            try:
                photo.faces = [_Face(job.for_face(number), content) for number, content in tools.open(job)]
            except Exception as error:
                photo.faces = [_Face(job, outcome=_failed(job, error))]
            for face in photo.faces:
                if not face.outcome and face.job.is_done():
                    face.content, face.outcome = None, _skipped(face.job, EXISTS)

    def _waiting(self) -> list[_Face]:
        return [face for photo in self._photos for face in photo.faces if not face.outcome]

    def _work_on(self, faces: Sequence[_Face]) -> None:
        at_once = self._tools().at_once if faces else 1
        for first in range(0, len(faces), at_once):
            self._work_together(faces[first : first + at_once])

    def _work_together(self, faces: Sequence[_Face]) -> None:
        started = time.perf_counter()
        try:
            saves = self._tools().work([(face.content, face.job) for face in faces])
        except Exception as error:
            if len(faces) == 1:
                faces[0].outcome = _failed(faces[0].job, error)
                return
            saves = None
        if saves is None:  # see with which of them, when the error is gone, and the tensors that it held
            for face in faces:
                self._work_together([face])
            return
        seconds = (time.perf_counter() - started) / len(faces)
        for face, save in zip(faces, saves, strict=True):
            face.content, face.outcome = None, self._savers.submit(_saved, face.job, save, seconds)

    def _leave(self) -> list[Outcome]:
        worked_on = [face.outcome for face in self._photos[0].faces if face.outcome]
        outcomes = [one.result() if isinstance(one, Future) else one for one in worked_on]
        self._photos.popleft().claim.close()
        return outcomes


def _saved(job: Job, save: Save, seconds: float) -> Outcome:
    started = time.perf_counter()
    try:
        figures = save() or {}
    except BrokenPipeError:  # of the stream that takes the result: nobody is there any more
        raise
    except Exception as error:
        return _failed(job, error)
    seconds = round(seconds + time.perf_counter() - started, 3)
    return replace(_outcome(job, "ok"), seconds=seconds, figures=figures)


def _outcome(job: Job, status: Literal["ok", "skipped", "planned"]) -> Outcome:
    return Outcome(job.input, job.face, status, job.output, files=tuple(map(str, job.files.values())))


def _skipped(job: Job, reason: str) -> Outcome:
    hint = "add --overwrite to replace what exists" if reason == EXISTS else None
    return replace(_outcome(job, "skipped"), reason=reason, hint=hint)


def _failed(job: Job, error: Exception) -> Outcome:
    if isinstance(error, JojoError):
        reason, hint = error.reason if isinstance(error, ImageError) else str(error), error.hint
    else:  # of dlib, Pillow, a driver: whatever it is, the photos after this one may be fine
        _log.error("%s failed", job.input, exc_info=error)
        reason, hint = f"{type(error).__name__}: {error}", "JOJO_DEBUG=1 shows where it happened"
    return Outcome(job.input, job.face, "failed", None, reason, hint)
