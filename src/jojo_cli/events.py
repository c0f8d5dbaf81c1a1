"""What happens while jojo works: events, told to a listener.

The command line prints them; a page can send them on, a worker can log them. A listener that raises `Cancelled` ends
the work: what was begun is taken back, as after Ctrl-C.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Unit = Literal["steps", "faces", "photos", "frames", "bytes"]


@dataclass(frozen=True)
class Note:
    """What a user wants to know."""

    text: str


@dataclass(frozen=True)
class Detail:
    """What only the curious want to know."""

    text: str


@dataclass(frozen=True)
class Caution:
    """What a user should look at."""

    text: str


@dataclass(frozen=True)
class Download:
    """A file that will be fetched, and on which terms."""

    name: str
    size: int  # in bytes; 0: nobody knows
    exact: bool  # whether that is known to the byte
    purpose: str
    licence: str
    consequence: str  # what the licence means for the user, in one sentence


@dataclass(frozen=True)
class Announcement:
    """What will be fetched next."""

    what: str  # weights, styles
    size: int  # of all in bytes, what serves several counted once
    downloads: Sequence[Download]
    folder: Path


@dataclass(frozen=True)
class Progress:
    """How far a piece of work is; several may be under way, each with a title of its own."""

    title: str
    done: int
    total: int  # 0: nobody knows
    unit: Unit
    detail: str = ""


@dataclass(frozen=True)
class Ended:
    """A piece of work is over, done or not: no more progress comes under its title."""

    title: str


Event = Note | Detail | Caution | Announcement | Progress | Ended

Listener = Callable[[Event], None]

Advance = Callable[..., None]
"""Called with what is done so far, and a short text about it or none."""


class Cancelled(BaseException):
    """The work shall end here.

    Raised by a listener. Like KeyboardInterrupt no error, so that nothing takes it for the failure of one photo.
    """


STOPPED = (KeyboardInterrupt, SystemExit, Cancelled)
"""What ends work from outside: Ctrl-C, SIGTERM, a listener."""


def nobody(event: Event) -> None:
    """Listen to nothing."""


@contextmanager
def progress(listener: Listener, title: str, total: int, unit: Unit) -> Iterator[Advance]:
    """Tell a listener that work begins and ends; what is returned tells it how far it is."""
    listener(Progress(title, 0, total, unit))
    try:
        yield lambda done, detail="": listener(Progress(title, done, total, unit, detail))
    finally:
        listener(Ended(title))
