"""A style in the registry."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jojo_cli.styles import contents
from jojo_cli.styles.errors import damaged
from jojo_cli.styles.record import StyleRecord

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Style:
    """A finetuned generator by name: its record, and the folder that holds its files."""

    record: StyleRecord
    folder: Path

    @property
    def name(self) -> str:
        """What the style is called."""
        return self.record.name

    @property
    def weights_path(self) -> Path:
        """The tensors that finetuning changed."""
        return self.folder / contents.WEIGHTS_FILE

    @property
    def preview_path(self) -> Path:
        """The picture that shows what the style does."""
        return self.folder / contents.PREVIEW_FILE

    def load_weights(self) -> "dict[str, Tensor]":
        """Return the tensors that finetuning changed, on the CPU, as they were saved.

        Raises:
            CheckpointError: the file is missing, truncated or altered.
        """
        data = read_file(self.weights_path)
        return contents.decode_weights(data, self.record.weights_sha256, source=repr(str(self.weights_path)))


def read_file(path: Path) -> bytes:
    """Return the bytes of a file that belongs to a style.

    Raises:
        CheckpointError: it can't be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise damaged(f"{str(path)!r}: {error.strerror}") from error
