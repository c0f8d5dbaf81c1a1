"""Photos on their way: worked on together, saved beside the next, and told in their order."""

import threading
import weakref
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from events_kit import Story
from PIL import Image
from torch import Tensor

from jojo_cli import InvertChoice, Studio, device
from jojo_cli.codes import read_code
from jojo_cli.device import AT_ONCE, Device, OutOfMemoryError
from jojo_cli.errors import JojoError
from jojo_cli.events import Cancelled, nobody
from jojo_cli.studio import batch
from jojo_cli.studio.batch import Batch, Save, Tools
from jojo_cli.studio.plan import Job, plan
from jojo_cli.stylize import invert
from jojo_cli.stylize.invert import Inversion

COUNT = 7
ODD = "03.png"
HYBRID = InvertChoice("hybrid", steps=4)


@pytest.fixture(autouse=True)
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder with some photos, one of which can't be read."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(device, "_bf16_pays", lambda: False)  # in half precision, a batch is rounded otherwise
    Path("photos").mkdir()
    for number in range(COUNT):
        pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3), dtype=np.uint8)
        Image.fromarray(pixels).resize((128, 128)).save(f"photos/{number:02}.png")
    Path("photos", ODD).write_text("no picture")


def found(folder: str, base: str, how: InvertChoice) -> tuple[list[str], list[Tensor]]:
    """Return what became of each photo, and the codes that were found."""
    studio = Studio(device="cpu", listener=Story())
    outcomes = list(studio.invert(["photos"], folder, base=base, how=how, face=None))
    codes = [read_code(Path(one.output), studio.base(base)) for one in outcomes if one.output]
    return [f"{Path(one.input).name} {one.status}" for one in outcomes], codes


def assert_same(codes: list[Tensor], others: list[Tensor]) -> None:
    """Check that codes are, up to rounding, others, each of another face."""
    apart = (others[0] - others[1]).abs().mean()
    assert apart > 1e-3
    for one, other in zip(codes, others, strict=True):
        # Steps make much of the rounding of a gradient near 0, so that single numbers may differ by more.
        assert (one - other).abs().mean() < 0.02 * apart


@pytest.mark.parametrize(
    "how",
    [
        InvertChoice("encoder"),
        HYBRID,
        InvertChoice("hybrid", space="w", steps=4),
        InvertChoice("optimize", steps=4),
        InvertChoice("optimize", space="z", steps=4),
    ],
)
def test_codes_found_together_are_those_found_one_by_one(
    how: InvertChoice, tiny_base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told, alone = found("alone", tiny_base, how)
    monkeypatch.setitem(AT_ONCE, "cpu", 4)
    told_together, together = found("together", tiny_base, how)
    assert told_together == told == [f"{number:02}.png {'failed' if number == 3 else 'ok'}" for number in range(COUNT)]
    assert_same(together, alone)


def test_what_memory_is_too_small_for_is_done_in_parts(tiny_base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    _, alone = found("alone", tiny_base, HYBRID)
    together, counts = invert.invert_together, list[int]()
    filling: list[weakref.ref[Tensor]] = []
    left: list[bool] = []

    def tight(base: Any, images: Tensor, *rest: Any, **options: Any) -> list[Inversion]:
        counts.append(len(images))
        if len(images) > 2:
            features = images.clone()
            filling.append(weakref.ref(features))
            raise OutOfMemoryError("too little")
        return together(base, images, *rest, **options)

    monkeypatch.setitem(AT_ONCE, "cpu", 4)
    monkeypatch.setattr(invert, "invert_together", tight)
    monkeypatch.setattr(Device, "give_back_memory", lambda self: left.append(filling[-1]() is not None))
    _, parts = found("parts", tiny_base, HYBRID)
    assert counts == [4, 2, 2, 2]
    assert left == [False]  # memory is given back when what filled it is gone
    assert_same(parts, alone)


def test_a_photo_that_fails_among_others_fails_alone(tiny_base: str, monkeypatch: pytest.MonkeyPatch) -> None:
    together = Studio.find_codes

    def diverges(studio: Studio, crops: Sequence[Image.Image], *rest: Any, **options: Any) -> list[Inversion]:
        if any(crop.getpixel((0, 0)) == (255, 0, 255) for crop in crops):
            raise JojoError("the inversion diverged at step 2")
        return together(studio, crops, *rest, **options)

    Image.new("RGB", (160, 120), (255, 0, 255)).save("photos/05.png")
    monkeypatch.setitem(AT_ONCE, "cpu", 4)
    monkeypatch.setattr(Studio, "find_codes", diverges)
    told, _ = found("out", tiny_base, HYBRID)
    assert [line for line in told if "failed" in line] == ["03.png failed", "05.png failed"]


def line(work: Any, *, at_once: int = 1) -> Batch:
    """Return a batch of three photos that does some work on them."""
    planned = plan([f"{name}.png" for name in "abc"], "out", label="x", choice=None, listener=nobody)
    return Batch(planned, lambda stack: Tools(lambda job: [(None, job)], work, at_once), title="", listener=nobody)


def test_a_photo_is_saved_while_the_next_is_worked_on() -> None:
    begun = {name: threading.Event() for name in ("a.png", "b.png", "c.png")}

    def work(faces: Sequence[tuple[Job, Job]]) -> list[Save]:
        ((_, job),) = faces
        begun[job.input].set()
        return [lambda: {"next": job.input != "a.png" or begun["b.png"].wait(20)}]

    outcomes = list(line(work))
    assert [(one.input, one.status, one.figures["next"]) for one in outcomes] == [
        (f"{n}.png", "ok", True) for n in "abc"
    ]


def test_what_took_long_is_told_before_the_next_work(monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []

    def work(faces: Sequence[tuple[Job, Job]]) -> list[Save]:
        begun.extend(job.input for _, job in faces)
        return [dict]

    monkeypatch.setattr(batch, "BRIEF", 0)
    assert [(one.input, len(begun)) for one in line(work)] == [("a.png", 1), ("b.png", 2), ("c.png", 3)]


def test_claims_end_with_the_work() -> None:
    outcomes = iter(line(lambda faces: [dict for _ in faces], at_once=2))
    assert next(outcomes).input == "a.png"
    outcomes.close()  # type: ignore[attr-defined]
    assert not list(Path("out").glob(".*.lock"))


@pytest.mark.parametrize("end", [KeyboardInterrupt, SystemExit, Cancelled])
def test_what_was_saved_is_told_when_the_work_is_ended(end: type[BaseException]) -> None:
    ended = threading.Event()

    def work(faces: Sequence[tuple[Job, Job]]) -> list[Save]:
        if faces[0][1].input == "b.png":
            ended.set()
            raise end
        return [lambda: {"saved": ended.wait(20)}]

    told: list[str] = []
    with pytest.raises(end):
        told.extend(one.input for one in line(work))
    assert told == ["a.png"]
