"""Photos read and cut ahead of the networks, in processes beside them."""

import multiprocessing
import signal
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from pathlib import Path

from PIL.Image import Image

from jojo_cli.errors import JojoError
from jojo_cli.faces import FaceChoice, FaceFinder, crop_face, find_quads
from jojo_cli.images import read_image, square_crop
from jojo_cli.studio.plan import Job

Crops = list[tuple[int | None, Image]]
"""Squares cut from a photo, each with the number of its face (None: the photo was a crop already)."""

EACH = 2
"""Photos that each process may be ahead: enough to keep it busy, few enough to keep in memory."""


def cut(picture: Image, choice: FaceChoice | None, size: int, finder: FaceFinder | None) -> Crops:
    """Return squares cut out of a picture; the rest as in `Studio.crops`."""
    if choice is None:
        return [(None, square_crop(picture, size))]
    quads = find_quads(picture, choice, finder)
    return [(number, crop_face(picture, quad, size=size)) for number, quad in quads]


class Ahead:
    """Cuts the photos of jobs in other processes, some ahead of the one that is asked for.

    As with all of Python's processes, a program that uses it must be one that can be imported: with its work behind
    `if __name__ == "__main__"`.
    """

    def __init__(self, jobs: Sequence[Job], size: int, landmarks: Path | None, processes: int) -> None:
        self._jobs, self._size, self._landmarks, self._processes = jobs, size, landmarks, processes
        self._places = {job.input: place for place, job in enumerate(jobs)}
        self._futures: dict[int, Future[Crops]] = {}
        self._pool = self._open()

    def __call__(self, job: Job) -> Crops:
        """Return the crops of a job's photo; jobs are asked for in their order, though not all of them.

        Raises:
            JojoError: it can't be read, has no such face, or was the end of the process.
        """
        place = self._places[job.input]
        for window in (EACH * self._processes, 0):
            for passed in [number for number in self._futures if number < place]:
                self._futures.pop(passed).cancel()
            try:
                for ahead in range(place, min(place + window + 1, len(self._jobs))):
                    if ahead not in self._futures and not self._jobs[ahead].is_done():
                        self._futures[ahead] = self._submit(self._jobs[ahead])
                return self._futures.pop(place).result()
            except BrokenProcessPool:  # by this photo, or by one ahead of it: see whether it happens with this alone
                self.close()
                self._futures.clear()
                self._pool = self._open()
        raise JojoError("ended the process that read it", hint="it may be too large for this machine's memory")

    def close(self) -> None:
        """End the processes."""
        self._pool.shutdown(cancel_futures=True)

    def _open(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")  # a fork of a process with torch's threads may hang
        return ProcessPoolExecutor(self._processes, context, initializer=_ignore_ctrl_c)

    def _submit(self, job: Job) -> Future[Crops]:
        return self._pool.submit(_read_and_cut, Path(job.input), job.choice, self._size, self._landmarks)


def _ignore_ctrl_c() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the process that asked ends this one


def _read_and_cut(path: Path, choice: FaceChoice | None, size: int, landmarks: Path | None) -> Crops:
    return cut(read_image(path), choice, size, _finder(landmarks) if landmarks else None)


@cache
def _finder(landmarks: Path) -> FaceFinder:
    return FaceFinder(landmarks)
