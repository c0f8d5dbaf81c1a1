"""The folder of the weights: staged and renamed into place, with errors that name the folder."""

import contextlib
import errno
import hashlib
import os
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from jojo_cli.disk import locked, sync_folder
from jojo_cli.errors import JojoError

if TYPE_CHECKING:
    from torch import Tensor

STAGE = ".stage-"
PARTIAL = ".partial"
STALE_SECONDS = 24 * 3600
LOCK_SECONDS = 1800
_MORE_ROOM = "free some space, or set JOJO_HOME to a folder on another disk"


def format_size(size: int) -> str:
    """Return a number of bytes as people read it, such as 37.6 MB."""
    if size >= 1e9:
        return f"{size / 1e9:.1f} GB"
    return f"{size / 1e6:.1f} MB" if size >= 1e6 else f"{size / 1e3:.1f} kB"


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def save_tensors(tensors: "Mapping[str, Tensor]", path: Path) -> None:
    """Write a safetensors file, with no copy of the tensors in memory.

    Raises:
        OSError: the disk doesn't take it.
    """
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    path.touch()
    mode = path.stat().st_mode
    try:
        save_file(dict(tensors), path)
        path.chmod(mode)  # some versions put a file there that only its owner can read
    except SafetensorError as error:  # which holds what the system said as text only
        found = re.search(r"\(os error (\d+)\)", str(error))
        if found is None:
            raise
        number = int(found[1])
        raise OSError(number, os.strerror(number)) from error


@contextlib.contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turn what the system says about the disk into a `JojoError` that names the folder."""
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise JojoError(
                f"no space left on the disk of {str(folder)!r}",
                hint=_MORE_ROOM,
            ) from error
        reason = error.strerror or str(error)
        raise JojoError(
            f"weights can't be kept in {str(folder)!r}: {reason}",
            hint="set JOJO_HOME to a folder that jojo can write to",
        ) from error


def open_folder(folder: Path) -> None:
    """Make the folder of the weights, mark it as a cache, and sweep what killed processes left in it."""
    folder.mkdir(parents=True, exist_ok=True)
    tag = folder / "CACHEDIR.TAG"
    if not tag.exists():
        tag.write_text("Signature: 8a477f597d28d172789f06886806bc55\n# weights that jojo can fetch again\n")
    for path in folder.iterdir():
        if (path.name.startswith(STAGE) or path.name.endswith(PARTIAL)) and _is_stale(path):
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink(missing_ok=True)


def _is_stale(path: Path) -> bool:
    try:
        newest = max(item.stat().st_mtime for item in [path, *path.rglob("*")])
    except FileNotFoundError:  # its process is alive, and just removed something
        return False
    return time.time() - newest > STALE_SECONDS


def check_free(folder: Path, needed: int) -> None:
    """Check that `needed` bytes fit on the disk of `folder`.

    Raises:
        JojoError: they don't.
    """
    free = shutil.disk_usage(folder).free
    if free < needed:
        raise JojoError(
            f"not enough space in {str(folder)!r}: {format_size(needed)} needed, {format_size(free)} free",
            hint=_MORE_ROOM,
        )


@contextlib.contextmanager
def one_at_a_time(folder: Path, *, note: Callable[[str], None]) -> Iterator[None]:
    """Let one process download to `folder` at a time: to save bandwidth only, for some network disks lock nothing."""
    path = folder / ".lock"
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):
            try:
                stack.enter_context(locked(path, wait=0))
            except TimeoutError:
                note("waiting for another jojo that fetches weights")
                stack.enter_context(locked(path, wait=LOCK_SECONDS))
        yield


@contextlib.contextmanager
def staging(folder: Path) -> Iterator[Path]:
    """Give a hidden folder inside `folder` that no other process uses, and remove it."""
    stage = Path(tempfile.mkdtemp(prefix=STAGE, dir=folder))
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)


@contextlib.contextmanager
def resuming(path: Path, leftover: Path) -> Iterator[None]:
    """Start `path` from what an earlier process left at `leftover`, and leave it there when this one fails.

    The leftover is claimed by a rename, which only one process can win: no two ever write to one file.
    """
    with contextlib.suppress(FileNotFoundError):
        leftover.rename(path)
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            path.replace(leftover)
        raise


def put_in_place(staged: Path, target: Path, *, is_good: Callable[[], bool]) -> None:
    """Rename the folder `staged` to `target`, on the disk before it is seen.

    A `target` that exists already stays when it `is_good`: another process was first.
    """
    for file in staged.iterdir():
        with file.open("rb+") as stream:
            os.fsync(stream.fileno())
    sync_folder(staged)
    while True:
        try:
            staged.rename(target)
            break
        except OSError:
            if not target.is_dir():
                raise
        if is_good():
            return
        retired = staged.parent / f"{target.name}.old"
        with contextlib.suppress(FileNotFoundError):
            target.rename(retired)
        shutil.rmtree(retired, ignore_errors=True)
    sync_folder(target.parent)
