"""Distributions from the package index, by pip: the client that knows the user's mirrors and proxies."""

import os
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path

from jojo_cli.events import Advance, Listener, progress
from jojo_cli.weights.catalog import Package, SourceError
from jojo_cli.weights.storage import sha256_of

# -P: without it Python would run a "pip" that lies in the current folder. Wheels only: an sdist runs code.
PIP_DOWNLOAD = ["-P", "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--require-hashes"]
# No cache: it would keep the distribution a second time, on a disk that nobody checked for space.
PIP_DOWNLOAD += ["--no-input", "--disable-pip-version-check", "--no-cache-dir"]
STALL_SECONDS = 300.0
POLL_SECONDS = 0.2


def fetch(source: Package, folder: Path, *, listener: Listener) -> Path:
    """Return the distribution, downloaded to `folder` and checked, not opened.

    Raises:
        SourceError: pip doesn't bring it.
    """
    if find_spec("pip") is None:
        raise SourceError(f"{source.label}: pip is missing here, '{sys.executable} -m ensurepip' installs it")
    work = Path(tempfile.mkdtemp(dir=folder))
    with progress(listener, source.label, source.file.size, "bytes") as advance:
        _run_pip(source, work, advance)
    brought = work / "brought" / source.file.name
    if not brought.is_file():
        raise SourceError(f"{source.label}: pip brought no {source.file.name}")
    size, sha256 = brought.stat().st_size, sha256_of(brought)
    if (size, sha256) != (source.file.size, source.file.sha256):
        raise SourceError(f"{source.label}: {source.file.name} has {size} bytes, sha256 {sha256}")
    return brought.rename(folder / source.file.name)


def _run_pip(source: Package, work: Path, advance: Advance) -> None:
    requirements = work / "requirements.txt"
    requirements.write_text(f"{source.name}=={source.version} --hash=sha256:{source.file.sha256}\n")
    # pip's own temporary files belong in here too: this disk was checked for space, this folder goes.
    temporary = work / "tmp"
    temporary.mkdir()
    command = [sys.executable, *PIP_DOWNLOAD, "-r", str(requirements), "-d", str(work / "brought")]
    environment = {**os.environ, **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary))}
    environment["PIP_REQUIRE_VIRTUALENV"] = "0"  # nothing is installed
    log = work / "log.txt"
    with log.open("wb") as errors:
        try:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=errors, env=environment
            )
        except OSError as error:
            raise SourceError(f"{source.label}: pip can't be started: {error}") from error
        with process:
            try:
                _wait(process, source, work, advance)
            except BaseException:  # Ctrl-C too: pip must not go on behind the user's back
                process.kill()
                raise
    if process.returncode:
        raise SourceError(f"{source.label}: {_reason(log.read_text(encoding='utf-8', errors='replace'))}")


def _wait(process: subprocess.Popen[bytes], source: Package, work: Path, advance: Advance) -> None:
    seen, seen_at = 0, time.monotonic()
    while True:
        try:
            process.wait(POLL_SECONDS)
            return
        except subprocess.TimeoutExpired:
            pass
        size = _folder_size(work)
        if size != seen:
            seen, seen_at = size, time.monotonic()
            advance(min(size, source.file.size))
        elif time.monotonic() - seen_at > STALL_SECONDS:
            raise SourceError(f"{source.label}: pip brought nothing for {STALL_SECONDS:.0f} s")


def _folder_size(folder: Path) -> int:
    size = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            try:
                size += (Path(parent) / name).stat().st_size
            except FileNotFoundError:  # pip removed it meanwhile
                continue
    return size


def _reason(log: str) -> str:
    """Return the line of pip's errors that says why, as pip itself ends with the wrong cause at times."""
    if "connection broken by" in log:
        return "no connection to the package index"
    if "DO NOT MATCH THE HASHES" in log:
        return "the package index has another file than the pinned one (its sha256 differs)"
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
    return f"pip says: {(errors or lines or ['nothing'])[-1]}"
