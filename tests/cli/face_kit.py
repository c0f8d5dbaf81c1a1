"""Photos with known faces, and a finder that knows them, for tests of commands that take photos."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jojo_cli import cli
from jojo_cli.faces import Face
from jojo_cli.faces.align import FloatArray
from jojo_cli.faces.proportions import ORDINARY
from jojo_cli.studio import Studio

INTERRUPT = 7
"""As the number of faces: the user presses Ctrl-C on this photo."""

TERMINATE = 8
"""As the number of faces: another program sends SIGTERM on this photo."""


def photo(path: Path, *, faces: int = 1, size: tuple[int, int] = (160, 120)) -> Path:
    """Write a photo in which `FakeFinder` finds so many faces."""
    image = Image.linear_gradient("L").resize(size).convert("RGB")
    image.paste((0, 0, 30 * faces), (0, 0, 16, 16))
    path.parent.mkdir(parents=True, exist_ok=True)
    image.save(path)
    return path


class FakeFinder:
    """Finds as many faces as the blue corner of a photo says."""

    def find(self, image: Image.Image, *, lying: bool = True, largest: bool = False) -> list[Face]:
        count = round(int(np.asarray(image)[8, 8, 2]) / 30)
        if count == INTERRUPT:
            raise KeyboardInterrupt
        if count == TERMINATE:
            signal.raise_signal(signal.SIGTERM)
        return [self._face(number) for number in range(1, count + 1)]

    def near(self, image: Image.Image, landmarks: FloatArray) -> FloatArray | None:
        """Return the face that is nearest to a place."""
        found = [face.landmarks for face in self.find(image)]
        return min(found, key=lambda other: float(np.abs(other - landmarks).sum()), default=None)

    def landmarks(self, crop: Image.Image) -> FloatArray:
        """Return those of ordinary faces, whatever the picture."""
        return ORDINARY

    def _face(self, number: int) -> Face:
        landmarks = (50, 20 + 9 * number) + 40 * ORDINARY
        landmarks[36:42] = (60, 40 + 9 * number)
        landmarks[42:48] = (80, 40 + 9 * number)
        landmarks[48:] = (70, 60 + 9 * number)
        return Face(number, (40.0, 40.0, 70.0, 80.0), landmarks)


@pytest.fixture
def fake_finder(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let commands find faces without weights."""
    monkeypatch.setattr(Studio, "finder", FakeFinder())


@contextmanager
def held_elsewhere(hold: Callable[[], AbstractContextManager[object]]) -> Iterator[None]:
    """Have another thread, which stands for another process, in a context meanwhile."""
    is_held, may_go = threading.Event(), threading.Event()

    def stay() -> None:
        with hold():
            is_held.set()
            may_go.wait(timeout=60)

    thread = threading.Thread(target=stay)
    thread.start()
    try:
        assert is_held.wait(timeout=60)
        yield
    finally:
        may_go.set()
        thread.join()


def main() -> None:
    """Run `jojo` with the fake finder, in a process of its own."""
    Studio.finder = FakeFinder()  # type: ignore[assignment]
    cli.main()


if __name__ == "__main__":
    main()
