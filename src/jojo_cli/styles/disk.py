"""Writes that a crash can't tear."""

import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path


def write_new(path: Path, data: bytes) -> None:
    """Write a file that does not exist yet, down to the disk."""
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Bring the names in `folder` down to the disk, where system and disk can."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            with suppress(OSError):  # some network disks can't
                os.fsync(descriptor)
        finally:
            os.close(descriptor)


def scratch_path(folder: Path, name: str) -> Path:
    """Return a hidden path in `folder` that nobody else has: `.NAME.tmp-...`."""
    return folder / f".{name}.tmp-{secrets.token_hex(6)}"


def delete(path: Path) -> None:
    """Delete a file or a folder with all it holds; of a link, only the link."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
