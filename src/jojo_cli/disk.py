"""Writes that a crash can't tear."""

import errno
import os
import secrets
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from jojo_cli.errors import JojoError

_LOCKS_NOTHING = {errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL}
"""What a system may say of a disk that can't lock."""


def save_file(path: Path, data: bytes, *, overwrite: bool = False) -> None:
    """Write a file that the user asked for, whole or not at all; folders are made when missing.

    Raises:
        JojoError: `path` exists and `overwrite` is not set, or it can't be written.
    """
    with writing(path):
        _keep(path, overwrite)
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f".jojo-{secrets.token_hex(8)}.part")
        try:
            write_new(part, data)
            part.replace(path)
            sync_folder(path.parent)
        finally:
            part.unlink(missing_ok=True)


def put_file(part: Path, path: Path, *, overwrite: bool = False) -> None:
    """Move a file that is finished, on the same disk, to the place that the user asked for.

    Raises:
        JojoError: as `save_file`.
    """
    with writing(path):
        _keep(path, overwrite)
        with part.open("r+b") as file:  # Windows flushes only what may be written
            os.fsync(file.fileno())
        part.replace(path)
        sync_folder(path.parent)


def _keep(path: Path, overwrite: bool) -> None:
    if path.exists() and not overwrite:
        raise JojoError(f"{str(path)!r} exists", hint="add --overwrite to replace it")


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Say of what the system reports while a file is written that it can't be.

    Raises:
        JojoError: it can't.
    """
    try:
        yield
    except OSError as error:
        hint = "free some space" if error.errno == errno.ENOSPC else "choose another place with -o"
        reason = (error.strerror or str(error)).lower()
        raise JojoError(f"{str(path)!r} can't be written: {reason}", hint=hint) from error


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


@contextmanager
def locked(path: Path, *, wait: float) -> Iterator[None]:
    """Hold the lock file `path`, which no other process or thread holds meanwhile; a thread may hold it twice.

    Where a disk locks nothing, nobody is kept out.

    Args:
        path: in a folder that exists; the file stays.
        wait: seconds to wait for it.

    Raises:
        TimeoutError: somebody else holds it.
        OSError: the file can't be made.
    """
    from filelock import FileLock

    lock = FileLock(path, is_singleton=True)
    try:
        with warnings.catch_warnings(), suppress(NotImplementedError):
            warnings.simplefilter("ignore")  # about disks that lock nothing
            lock.acquire(timeout=wait)
    except OSError as error:
        if error.errno not in _LOCKS_NOTHING:
            raise
    try:
        yield
    finally:
        lock.release()


def scratch_path(folder: Path, name: str) -> Path:
    """Return a hidden path in `folder` that nobody else has: `.NAME.tmp-...`."""
    return folder / f".{name}.tmp-{secrets.token_hex(6)}"


def delete(path: Path) -> None:
    """Delete a file or a folder with all it holds; of a link, only the link."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
