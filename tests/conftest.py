"""What every test gets: a home of its own, and the command line as a user types it."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from jojo_cli import cli


@dataclass(frozen=True)
class Finished:
    """What a run of `jojo` left behind."""

    code: int
    out: str
    err: str


Jojo = Callable[..., Finished]


@pytest.fixture(autouse=True)
def jojo_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep every test away from the user's cache, styles and settings."""
    home = tmp_path / "home"
    for name in ("JOJO_OFFLINE", "JOJO_DEVICE", "JOJO_BASE", "JOJO_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("JOJO_HOME", str(home))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    return home


@pytest.fixture
def jojo(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Jojo:
    """Run `jojo` with the arguments given, through `main`, in this process."""

    def run(*args: object) -> Finished:
        monkeypatch.setattr(sys, "argv", ["jojo", *map(str, args)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            cli.main()
        out, err = capsys.readouterr()
        code = stop.value.code
        return Finished(code if isinstance(code, int) else 0, out, err)

    return run
