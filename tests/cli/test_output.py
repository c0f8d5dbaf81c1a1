"""What a terminal shows while jojo works."""

import time
from types import SimpleNamespace

import pytest

from jojo_cli.cli.output import Output
from jojo_cli.events import Ended, Progress


def test_bar_tells_the_time_left_of_slow_work(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setenv("FORCE_COLOR", "1")  # to rich, a terminal
    monkeypatch.setattr("rich.console.monotonic", lambda: clock.now)
    out = Output()
    for done in range(6):
        clock.now += 40
        out.listen(Progress("inverting", done, 10, "photos"))
    shown, end = "", time.monotonic() + 20
    while "0:03:20" not in shown and time.monotonic() < end:  # bars are drawn ten times a second
        time.sleep(0.05)
        shown += capsys.readouterr().err
    out.listen(Ended("inverting"))
    assert "0:03:20" in shown
