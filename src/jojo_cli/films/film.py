"""What a film is, whatever reads and writes it."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple, Protocol

from PIL import Image

from jojo_cli.errors import JojoError


class FilmError(JojoError):
    """A film that can't be read or written."""


@contextmanager
def reading() -> Iterator[None]:
    """Say of what the system reports while frames are read that they can't be: who writes at once would say so of that.

    Raises:
        FilmError: they can't.
    """
    try:
        yield
    except OSError as error:
        raise FilmError(f"can't be read: {(error.strerror or str(error)).lower()}") from error


class Frame(NamedTuple):
    """A picture of a film. When it is shown, and for how long, is counted in the film's own units, in seconds."""

    number: int  # from 0
    start: int
    duration: int  # 0: the film does not say
    unit: Fraction
    picture: Image.Image  # upright, in RGB
    alpha: Image.Image | None = None  # how opaque it is, where it is not all

    @property
    def time(self) -> float:
        """When it is shown, in seconds."""
        return float(self.start * self.unit)


class Film(Protocol):
    """A film in a file; it can be gone through several times."""

    count: int | None
    """How many frames there are; None where the file does not say."""

    def __iter__(self) -> Iterator[Frame]:
        """Go through the frames.

        Raises:
            FilmError: the film is damaged, or ends before its end.
        """


class FilmWriter(Protocol):
    """Writes pictures in the places of a film's frames: part by part, so that what is written need not be again."""

    part: int
    """Frames in a part."""

    def write_part(self, path: Path, pictures: Iterable[tuple[Frame, Image.Image]]) -> None:
        """Write a part: RGB pictures of one size, each in the place of a frame."""

    def join(self, parts: Sequence[Path], path: Path, *, location: bool) -> None:
        """Write the film of all parts, with what else the first one holds; where it was taken, if asked."""
