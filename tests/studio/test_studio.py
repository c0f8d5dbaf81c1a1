"""The studio: what other programs call."""

import io
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import face_kit
import pytest
import torch
from events_kit import Story
from face_kit import photo
from PIL.Image import Image

import jojo_cli
from jojo_cli import Cancelled, Event, FinetuneChoice, InvertChoice, JojoError, Note, Progress, Studio, read_image
from jojo_cli.stylize.invert import Inversion

fake_finder = face_kit.fake_finder
FEW = FinetuneChoice(steps=2)
QUICK = InvertChoice("encoder")


def same(a: Image, b: Image) -> bool:
    return a.tobytes() == b.tobytes()


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake_finder: None, tiny_base: str) -> Path:
    """Work in an empty folder, with the tiny base and a face finder that needs no weights."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def story() -> Story:
    return Story()


@pytest.fixture
def studio(story: Story) -> Studio:
    return Studio(device="cpu", listener=story)


@pytest.fixture
def ink(studio: Studio, tiny_base: str) -> str:
    """Give the name of a style that was trained."""
    return studio.train("ink", [photo(Path("ref.png"))], FEW, base=tiny_base, how=QUICK).name


def test_a_style_from_a_picture(studio: Studio, tiny_base: str, story: Story) -> None:
    style = studio.train("ink", [photo(Path("ref.png"))], FEW, base=tiny_base, how=QUICK)
    assert (style.name, style.record.steps, style.record.base) == ("ink", 2, "tiny")
    assert style.seconds_per_step > 0
    assert studio.styles.load("ink").record == style.record
    assert "training ink" in story.titles
    steps = [(e.done, e.total) for e in story.events if isinstance(e, Progress) and e.title == "training ink"]
    assert steps == [(0, 2), (1, 2), (2, 2)]


def test_photos_become_outcomes_one_after_the_other(studio: Studio, ink: str) -> None:
    photo(Path("photos/a.png"))
    photo(Path("photos/b.png"), faces=0)
    photo(Path("photos/c.png"), faces=2)
    batch = studio.apply(ink, ["photos"], Path("out"), how=QUICK, face="all")
    assert len(batch) == 3
    outcomes = list(batch)
    assert [(Path(o.input).name, o.face, o.status) for o in outcomes] == [
        ("a.png", 1, "ok"),
        ("b.png", None, "failed"),
        ("c.png", 1, "ok"),
        ("c.png", 2, "ok"),
    ]
    assert [o.output for o in outcomes] == ["out/a.ink-1.png", None, "out/c.ink-1.png", "out/c.ink-2.png"]
    assert outcomes[1].reason == "no face found"
    for outcome in outcomes:
        assert (outcome.seconds is None) is (outcome.output is None)
        assert outcome.output is None or read_image(Path(outcome.output)).size == (128, 128)


def test_an_outcome_names_all_its_files(studio: Studio, ink: str) -> None:
    photo(Path("a.png"))
    batch = studio.apply(ink, ["a.png"], Path("out"), how=QUICK, compare=True)
    (planned,), (done,), (again,) = batch.plan(), batch, batch
    assert planned.files == done.files == again.files
    assert (done.files[0], again.status) == (done.output, "skipped")
    assert {Path(file) for file in done.files} == set(Path("out").iterdir())


def test_work_is_done_while_one_goes_through_it(studio: Studio, ink: str) -> None:
    batch = studio.apply(ink, [photo(Path("a.png")), photo(Path("b.png"))], how=QUICK)
    assert not Path("a.ink.png").exists()
    outcomes: Iterator[object] = iter(batch)
    next(outcomes)
    assert Path("a.ink.png").exists()
    assert not Path("b.ink.png").exists()


def test_a_base_stays_open(studio: Studio, ink: str, story: Story, tiny_base: str) -> None:
    assert studio.base(tiny_base) is studio.base(tiny_base) is studio.style(ink).base
    assert sum(isinstance(event, Note) and event.text.startswith("base tiny on") for event in story.events) == 1


def test_pictures_and_codes_without_files(studio: Studio, ink: str, tiny_base: str) -> None:
    base = studio.base(tiny_base, needs=lambda entry: entry.to_invert(QUICK))
    ((number, crop),) = studio.crops(read_image(photo(Path("me.png"))), size=base.generator.resolution)
    assert (number, crop.size) == (1, (128, 128))
    code = studio.find_code(crop, base, QUICK.among(base.photo_inversions)).w_plus
    style = studio.style(ink)
    redrawn, again = style.draw(torch.cat([code, code]))
    assert same(redrawn, again)
    (plain,) = style.draw(code, strength=0)
    assert not same(redrawn, plain)
    # The same as a command makes of the photo.
    (outcome,) = studio.apply(ink, ["me.png"], how=QUICK)
    assert same(read_image(Path(str(outcome.output))), style.draw(code)[0])


def test_a_code_to_start_from(studio: Studio, tiny_base: str) -> None:
    base = studio.base(tiny_base)
    ((_, crop),) = studio.crops(read_image(photo(Path("me.png"))), size=base.generator.resolution)
    one_step = InvertChoice("hybrid", 1).among(base.photo_inversions)
    near = studio.find_code(crop, base, InvertChoice("hybrid", 40).among(base.photo_inversions))
    started = studio.find_code(crop, base, one_step, start=near.w_plus)
    assert started.lpips < studio.find_code(crop, base, one_step).lpips


def test_reconstructions_are_measured_only_when_asked(
    studio: Studio, tiny_base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    crop = photo(Path("a.png"))
    (told,) = studio.invert([crop], Path("told"), base=tiny_base, how=QUICK, face=None, measure=True)
    assert told.figures["lpips"] > 0
    assert told.figures["mse"] > 0
    monkeypatch.setattr(Inversion, "lpips", property(lambda inversion: pytest.fail("it was measured")))
    (done,) = studio.invert([crop], Path("done"), base=tiny_base, how=QUICK, face=None)
    assert (done.status, list(done.figures)) == ("ok", ["reconstruction"])


def test_a_style_is_read_again_only_when_it_was_trained_anew(
    studio: Studio, ink: str, tiny_base: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    read_bytes = Path.read_bytes

    def watch(path: Path) -> bytes:
        read.append(path.name)
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", watch)
    code = studio.base(tiny_base).generator.w_to_w_plus(torch.zeros(1, 32))
    (first,), (again,) = (studio.style(ink).draw(code) for _ in range(2))
    assert read.count("weights.safetensors") == 1
    assert same(first, again)
    lasting = FinetuneChoice(steps=9)
    Studio(device="cpu").train(ink, [Path("ref.png")], lasting, base=tiny_base, how=QUICK, overwrite=True)
    assert not same(first, studio.style(ink).draw(code)[0])


def test_streams(studio: Studio, ink: str) -> None:
    given, made = io.BytesIO(photo(Path("me.png")).read_bytes()), io.BytesIO()
    (outcome,) = studio.apply(ink, [given], made, how=QUICK)
    assert (outcome.input, outcome.output, outcome.status) == ("-", "-", "ok")
    (file,) = studio.apply(ink, ["me.png"], how=QUICK)
    assert same(read_image(made), read_image(Path(str(file.output))))


def test_samples(studio: Studio, ink: str) -> None:
    assert list(studio.sample(ink, 2, seed=5)) == [
        (5, Path("ink-samples/ink-0005.png")),
        (6, Path("ink-samples/ink-0006.png")),
    ]
    assert Path("ink-samples/ink-sheet.png").exists()


@pytest.mark.parametrize("title", ["inverting reference 1 of 1", "training ink"])
def test_cancelled_training_leaves_nothing_behind(title: str, tiny_base: str, folder: Path) -> None:
    def cancel(event: Event) -> None:
        if isinstance(event, Progress) and event.title == title and event.done == 1:
            raise Cancelled

    studio = Studio(device="cpu", listener=cancel)
    with pytest.raises(Cancelled):
        studio.train("ink", [photo(Path("ref.png"))], FEW, base=tiny_base, how=InvertChoice("hybrid", 2))
    assert studio.styles.names() == []
    left = [path.name for path in studio.styles.folder.iterdir()]
    assert left in ([], [".ink.lock"])
    studio.listener = lambda event: None
    assert studio.train("ink", [Path("ref.png")], FEW, base=tiny_base, how=QUICK).name == "ink"  # the name is free


def test_cancelled_batch_is_no_failed_photo(ink: str) -> None:
    def cancel(event: Event) -> None:
        if isinstance(event, Progress):
            raise Cancelled

    with pytest.raises(Cancelled):
        list(Studio(device="cpu", listener=cancel).apply(ink, [photo(Path("a.png"))], how=QUICK))
    assert not Path("a.ink.png").exists()


UNHEARD = """
from jojo_cli import Studio
from jojo_cli.studio.plan import Job

def fail(job):
    raise ValueError("of somebody's decoder")

Job.read = fail
(outcome,) = Studio().align(["a.png"], face=None)
print(outcome.reason)
"""


def test_what_is_logged_is_not_printed_where_nobody_listens() -> None:
    photo(Path("a.png"))
    run = subprocess.run([sys.executable, "-c", UNHEARD], capture_output=True, text=True, check=False)
    assert (run.stdout, run.stderr) == ("ValueError: of somebody's decoder\n", "")


def test_errors_are_raised_before_any_work(studio: Studio, ink: str) -> None:
    with pytest.raises(JojoError, match="style 'pen' not found"):
        studio.apply("pen", ["a.png"])
    with pytest.raises(JojoError, match="takes one result"):
        studio.align(["a.png", "b.png"], Path("x.png"))


def test_what_is_public_is_there_and_documented() -> None:
    for name in jojo_cli.__all__:
        thing = getattr(jojo_cli, name)
        assert name.startswith("__") or name == "Event" or thing.__doc__
    with pytest.raises(AttributeError, match="no attribute 'studios'"):
        _ = jojo_cli.studios
