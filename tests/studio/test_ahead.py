"""Photos that are read ahead, in processes of their own: the same as in one."""

import os
from concurrent.futures import Future
from pathlib import Path

import pytest
from events_kit import Story
from face_kit import photo

from jojo_cli import InvertChoice, Outcome, Studio
from jojo_cli.studio.ahead import Ahead, Crops
from jojo_cli.studio.plan import Job

COUNT = 12
QUICK = InvertChoice("encoder")


@pytest.fixture(autouse=True)
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_base: str) -> None:
    """Work in a folder with a dozen photos, two of which can't be read."""
    monkeypatch.chdir(tmp_path)
    for number in range(COUNT):
        photo(Path(f"photos/{number:02}.png"), size=(160 + number, 120))
    Path("photos/03.png").write_text("no picture")
    Path("photos/07.png").write_bytes(Path("photos/08.png").read_bytes()[:200])


def invert(folder: str, tiny_base: str, *, workers: int) -> list[Outcome]:
    studio = Studio(device="cpu", workers=workers, listener=Story())
    return list(studio.invert(["photos"], folder, base=tiny_base, how=QUICK, face=None))


def shown(outcomes: list[Outcome]) -> list[tuple[str, str, str | None]]:
    return [(Path(o.input).name, o.status, o.reason) for o in outcomes]


def test_outcomes_and_files_are_those_of_one_process(tiny_base: str) -> None:
    alone, ahead = invert("alone", tiny_base, workers=0), invert("ahead", tiny_base, workers=2)
    assert shown(ahead) == shown(alone)
    assert [name for name, status, _ in shown(ahead) if status == "failed"] == ["03.png", "07.png"]
    for path in Path("alone").glob("*.png"):
        assert path.read_bytes() == Path("ahead", path.name).read_bytes()


def test_a_photo_that_ends_its_process_is_one_failure(tiny_base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    submit = Ahead._submit

    def crash(self: Ahead, job: Job) -> "Future[Crops]":
        return self._pool.submit(os._exit, 1) if job.input.endswith("05.png") else submit(self, job)

    monkeypatch.setattr(Ahead, "_submit", crash)
    outcomes = invert("out", tiny_base, workers=1)
    assert [name for name, status, _ in shown(outcomes) if status == "failed"] == ["03.png", "05.png", "07.png"]
    assert outcomes[5].reason == "ended the process that read it"


def test_no_process_is_left_when_nobody_wants_the_rest(tiny_base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    closed: list[None] = []
    close = Ahead.close
    monkeypatch.setattr(Ahead, "close", lambda self: closed.append(close(self)))
    studio = Studio(device="cpu", workers=1)
    for outcome in studio.invert(["photos"], "out", base=tiny_base, how=QUICK, face=None):
        assert outcome.status == "ok"
        break
    assert closed
    assert len(list(Path("out").glob("*.png"))) == 2  # that one, and the one that was worked on while it was saved
