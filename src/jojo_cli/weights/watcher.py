"""How the weights tell what happens, without knowing who listens."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from jojo_cli.weights.catalog import Entry

Advance = Callable[[int], None]
"""Called with the bytes that are there so far."""


def _announce(entries: Sequence[Entry], folder: Path) -> None:
    pass


def _progress(title: str, total: int) -> AbstractContextManager[Advance]:
    return nullcontext(lambda done: None)


def _note(text: str) -> None:
    pass


@dataclass(frozen=True)
class Watcher:
    """Callbacks of the model manager; by default nobody listens."""

    announce: Callable[[Sequence[Entry], Path], None] = _announce
    """Called before a download with the entries that will be fetched and the folder that will hold them."""
    progress: Callable[[str, int], AbstractContextManager[Advance]] = _progress
    """Called with a title and a number of bytes; what it returns is entered while they come."""
    note: Callable[[str], None] = _note
    """Called with what else a user wants to know: a damaged weight, a source that failed, a retry."""
