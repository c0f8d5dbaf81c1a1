"""`jojo train`, as a user types it."""

import errno
import hashlib
import io
import json
import math
import os
import shlex
import signal
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from statistics import mean
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import style_kit
import tiny
import torch
from conftest import Jojo
from face_kit import held_elsewhere, photo
from PIL import Image
from safetensors.torch import load_file
from style_kit import QUICK, Tree, as_json, pixels, same, tree
from torch import Tensor

from jojo_cli import disk
from jojo_cli.errors import JojoError
from jojo_cli.images import read_image, square_crop
from jojo_cli.nets.ops import Features
from jojo_cli.studio import Studio
from jojo_cli.studio.preview import CELL, SAMPLES
from jojo_cli.stylize import finetune
from jojo_cli.stylize.analogy import Example, place_distance

if TYPE_CHECKING:
    from jojo_cli.bases.base import Base

fake_finder, workplace = style_kit.fake_finder, style_kit.workplace
trained, ink, no_work = style_kit.trained, style_kit.ink, style_kit.no_work
pytestmark = pytest.mark.usefixtures("workplace")

DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(params=["new", "existing"])
def before(request: pytest.FixtureRequest, trained: Path, jojo_home: Path) -> Tree:
    """Give what is in the home of the user before a training, without the style and with it."""
    if request.param == "existing":
        request.getfixturevalue("ink")
    else:
        (jojo_home / "styles").mkdir(parents=True)
    return tree(jojo_home)


def train(jojo: Jojo, name: str, *args: object) -> dict[str, Any]:
    """Train a style and return the result."""
    run = jojo("train", name, *args, *QUICK, "--json")
    assert run.code == 0, run.err
    result: dict[str, Any] = json.loads(run.out)
    return result


def record(result: dict[str, Any]) -> dict[str, Any]:
    """Return what the style keeps of its making."""
    content: dict[str, Any] = json.loads(Path(result["path"], "style.json").read_bytes())
    return content


def weights(name: str) -> dict[str, Tensor]:
    return Studio().styles.load(name).load_weights()


def identical(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def test_result_has_the_promised_keys(jojo: Jojo, jojo_home: Path) -> None:
    result = train(jojo, "ink", photo(Path("ref.png")))
    folder = jojo_home / "styles" / "ink"
    assert (result["style"], result["base"], result["steps"]) == ("ink", "tiny", 4)
    assert (result["path"], result["preview"]) == (str(folder), str(folder / "preview.png"))
    assert result["loss"] == mean(record(result)["losses"])
    assert result["seconds"] > 4 * result["seconds_per_step"] > 0


def test_result_for_a_reader(jojo: Jojo, jojo_home: Path) -> None:
    run = jojo("train", "ink", photo(Path("ref.png")), *QUICK)
    assert run.out.startswith("style 'ink': 4 steps in ")
    assert "base tiny on cpu in float32\n" in run.err
    assert f"preview: {jojo_home / 'styles' / 'ink' / 'preview.png'}\n" in run.err


def test_quiet_says_nothing(jojo: Jojo) -> None:
    run = jojo("train", "ink", photo(Path("ref.png")), *QUICK, "-q")
    assert (run.code, run.out, run.err) == (0, "", "")


def test_verbose_tells_how_well_the_reference_was_inverted(jojo: Jojo) -> None:
    assert "inverting reference 1 of 1: LPIPS 0." in jojo("train", "ink", photo(Path("ref.png")), *QUICK, "-v").err


def test_record_tells_how_to_make_the_style_again(jojo: Jojo, base: "Base") -> None:
    reference = photo(Path("pictures/My ref.jpg"))
    made = record(train(jojo, "ink", reference))
    assert (made["name"], made["base"], made["device"], made["precision"]) == ("ink", "tiny", "cpu", "float32")
    assert (made["base_sha256"], made["critic_sha256"]) == (base.sha256, base.load_critic("lpips").sha256)
    digest = sha256(reference.read_bytes()).hexdigest()
    assert made["references"] == [{"file": "reference-1.png", "source": "My ref.jpg", "sha256": digest}]
    assert len(made["losses"]) == 4
    assert all(map(math.isfinite, made["losses"]))


def test_settings_given_are_kept_and_the_others_suit_the_base(jojo: Jojo, base: "Base") -> None:
    options = ("--alpha", 0.3, "--preserve-color", "--seed", 7, "--face", "2")
    made = record(train(jojo, "ink", photo(Path("ref.png"), faces=2), *options))
    given = {"steps": 4, "rate": 0.1, "alpha": 0.3, "preserve_color": True, "seed": 7}
    assert made["settings"]["finetune"] == as_json(asdict(base.finetunings[0])) | given
    assert made["settings"]["invert"] == asdict(base.reference_inversions[0]) | {"steps": 2}
    assert (made["settings"]["face"], made["settings"]["align"], made["seed"]) == ("2", True, 7)


@pytest.mark.parametrize(
    ("option", "term"),
    [
        ("--id-weight", "identity"),
        ("--structure-weight", "structure"),
        ("--proportions", "proportions"),
        ("--strokes", "strokes"),
        ("--boldness", "boldness"),
    ],
)
def test_people_are_kept_as_the_user_wants_it(option: str, term: str, jojo: Jojo, base: "Base") -> None:
    weights = [
        record(train(jojo, name, photo(Path("ref.png")), *options))["settings"]["finetune"][term]
        for name, options in (("ink", ()), ("bold", (option, 0)), ("faithful", (option, 0.75)))
    ]
    assert weights == [getattr(base.finetunings[0], term), 0, 0.75]


def test_proportions_come_from_a_face_that_is_found(jojo: Jojo) -> None:
    train(jojo, "ink", photo(Path("ref.png")))
    train(jojo, "still", "ref.png", "--proportions", 0)
    Image.new("RGB", (160, 160), "maroon").save("plain.png")
    faceless = jojo("train", "none", "plain.png", "--no-align", *QUICK)
    assert "displacement" in weights("ink")
    assert "displacement" not in weights("still")
    assert "displacement" not in weights("none")
    assert "keeps everybody's proportions" in faceless.err


def test_steps_that_nobody_named_suit_the_base(jojo: Jojo, base: "Base", monkeypatch: pytest.MonkeyPatch) -> None:
    way = replace(base.reference_inversions[0], steps=5)
    suited = replace(base, finetunings=(replace(base.finetunings[0], steps=3),), reference_inversions=(way,))
    monkeypatch.setattr(tiny, "load", lambda weights, device: suited)
    run = jojo("train", "ink", photo(Path("ref.png")), "--json")
    settings = record(json.loads(run.out))["settings"]
    assert (settings["finetune"]["steps"], settings["invert"]["steps"]) == (3, 5)


def test_weights_are_what_differs_from_the_base(jojo: Jojo, base: "Base") -> None:
    result = train(jojo, "ink", photo(Path("ref.png")))
    content, original = load_file(Path(result["path"], "weights.safetensors")), base.generator.state_dict()
    # The base has none of these.
    assert content.pop("displacement").shape == (1, 2, 64, 64)
    assert content.pop("palette").shape == (1, base.generator.codes, base.generator.w_dim)
    assert content.pop("tints").shape == (2, 3, 4)
    assert content.pop("irises").shape == (3,)
    assert content.pop("strokes").shape == (2, 3)
    assert content.pop("gains").shape == (3, 25)
    assert 0 < len(content) < len(original)
    assert not any(torch.equal(tensor, original[key]) for key, tensor in content.items())


def test_pictures_of_the_training_stay_with_the_style(jojo: Jojo) -> None:
    reference = photo(Path("ref.png"))
    folder = Path(train(jojo, "ink", reference)["path"])
    jojo("align", reference, "-o", "crop.png", "--size", 128)
    assert same(folder / "reference-1.png", "crop.png")
    colours = read_image(folder / "loss.png").getcolors()
    assert colours
    assert len(colours) > 3  # paper, grid, text and the curve


def test_preview_shows_reference_inversion_and_samples(jojo: Jojo) -> None:
    sheet = pixels(train(jojo, "ink", photo(Path("ref.png")))["preview"])
    step = CELL + 8
    assert sheet.shape == (3 * step - 8, SAMPLES * step - 8, 3)
    cells = [[sheet[y : y + CELL, x : x + CELL] for x in range(0, SAMPLES * step, step)] for y in (0, step, 2 * step)]
    assert len({cell.tobytes() for cell in cells[0][:3]}) == 3  # the reference, its inversion, and that in the style
    assert all((cell == 255).all() for cell in cells[0][3:])
    plain, styled = cells[1:]
    assert len({cell.tobytes() for cell in plain + styled}) == 2 * SAMPLES
    jojo("sample", "ink", "--seed", 1, "-o", "out")
    drawn = read_image(Path("out/ink-0001.png")).resize((CELL, CELL), Image.Resampling.LANCZOS)
    assert np.array_equal(styled[1], np.asarray(drawn))


def test_several_references_are_learnt_together(jojo: Jojo) -> None:
    references = [photo(Path("a.png")), photo(Path("sub/b.png"), size=(200, 150))]
    both = train(jojo, "both", *references)
    assert [(one["file"], one["source"], one["sha256"]) for one in record(both)["references"]] == [
        (f"reference-{number}.png", path.name, sha256(path.read_bytes()).hexdigest())
        for number, path in enumerate(references, 1)
    ]
    alone = train(jojo, "alone", references[1])
    assert same(Path(both["path"], "reference-2.png"), Path(alone["path"], "reference-1.png"))
    heights = [read_image(Path(result["preview"])).height for result in (alone, both)]
    assert heights[1] > heights[0]
    assert not identical(weights("both"), weights("alone"))


def test_every_face_of_a_reference_is_learnt(jojo: Jojo) -> None:
    folder = Path(train(jojo, "all", photo(Path("three.png"), faces=3), "--face", "all")["path"])
    names = [reference["file"] for reference in json.loads((folder / "style.json").read_bytes())["references"]]
    assert names == ["reference-1.png", "reference-2.png", "reference-3.png"]
    assert len({(folder / name).read_bytes() for name in names}) == 3
    second = Path(train(jojo, "second", "three.png", "--face", "2")["path"])
    assert same(second / "reference-1.png", folder / "reference-2.png")


def test_no_align_takes_the_picture_as_it_is_and_needs_no_finder(jojo: Jojo, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_finder(out: object) -> None:
        raise JojoError("dlib can't be loaded")

    monkeypatch.setattr(Studio, "finder", property(no_finder))
    reference = photo(Path("ref.png"))
    run = jojo("train", "ink", reference, "--no-align", "--json", *QUICK)
    assert "keeps everybody's proportions and irises: dlib can't be loaded" in run.err
    result = json.loads(run.out)
    kept = read_image(Path(result["path"], "reference-1.png"))
    assert kept.tobytes() == square_crop(read_image(reference), 128).tobytes()
    assert record(result)["settings"]["align"] is False


def test_mean_code_for_a_reference_without_a_face(jojo: Jojo) -> None:
    reference = photo(Path("ref.png"), faces=0)
    run = jojo("train", "mean", reference, "--no-align", "--method", "mean", "--steps", 4, "--json")
    assert record(json.loads(run.out))["settings"]["invert"]["method"] == "mean"
    train(jojo, "found", reference, "--no-align", "--method", "optimize")
    assert not identical(weights("mean"), weights("found"))


def test_same_seed_makes_the_same_style_and_another_one_does_not(jojo: Jojo) -> None:
    reference = photo(Path("ref.png"))
    results = {name: train(jojo, name, reference, "--seed", seed) for name, seed in (("a", 3), ("b", 3), ("c", 4))}
    assert identical(weights("a"), weights("b"))
    assert same(results["a"]["preview"], results["b"]["preview"])
    assert not identical(weights("a"), weights("c"))


@pytest.mark.parametrize("option", ["--alpha 0.2", "--lr 0.05", "--id-weight 5", "--structure-weight 5"])
def test_options_of_the_training_make_a_difference(option: str, jojo: Jojo) -> None:
    reference = photo(Path("ref.png"))
    train(jojo, "plain", reference)
    assert jojo("train", "other", reference, *QUICK, *option.split()).code == 0
    assert not identical(weights("plain"), weights("other"))


def test_style_that_exists_is_an_error_before_any_work(jojo: Jojo, jojo_home: Path, ink: Path, no_work: None) -> None:
    before = tree(jojo_home)
    run = jojo("train", "ink", "missing.png")
    assert (run.code, run.out) == (1, "")
    assert run.err.startswith("error: style 'ink' exists already\nhint: ")
    assert "--overwrite" in run.err
    assert tree(jojo_home) == before


def test_overwrite_replaces_the_style(jojo: Jojo, ink: Path) -> None:
    before = tree(ink)
    result = train(jojo, "ink", photo(Path("new.png"), size=(200, 150)), "--overwrite")
    assert result["path"] == str(ink)
    assert record(result)["references"][0]["source"] == "new.png"
    after = tree(ink)
    assert after.keys() == before.keys()
    assert not any(after[name] == before[name] for name in after)


@pytest.mark.parametrize("name", ["A", "../ink", "con", "a b", "", ".ink", "\u00e9", "ink\n", "x" * 65, "nul"])
@pytest.mark.parametrize("overwrite", [[], ["--overwrite"]])
def test_bad_and_reserved_names(name: str, overwrite: list[str], jojo: Jojo, jojo_home: Path, no_work: None) -> None:
    run = jojo("train", name, photo(Path("ref.png")), *overwrite)
    assert (run.code, run.out) == (2, "")
    assert run.err.startswith(f"error: style name {name!r} is ")
    assert not jojo_home.exists()


@pytest.mark.parametrize(
    "option",
    [
        "--steps 0",
        "--steps -5",
        "--steps many",
        "--alpha 2",
        "--alpha -0.1",
        "--alpha nan",
        "--lr 0",
        "--lr 2",
        "--lr nan",
        "--seed -1",
        "--seed 9223372036854775808",
        "--refine 0",
        "--method guess",
        "--method encoder --refine 3",
        "--face nose",
        "--face 2 --no-align",
        "--device warp",
        "--nonsense",
    ],
)
def test_numbers_out_of_range_and_other_nonsense(option: str, jojo: Jojo) -> None:
    run = jojo("train", "ink", photo(Path("ref.png")), *option.split())
    assert (run.code, run.out) == (2, "")
    assert "error" in run.err.lower()
    assert Studio().styles.names() == []


@pytest.mark.parametrize("arguments", [["ink"], []])
def test_without_a_reference_it_is_wrong_usage(arguments: list[str], jojo: Jojo) -> None:
    assert jojo("train", *arguments).code == 2


@pytest.mark.parametrize("choice", ["largest", "all", "1"])
def test_reference_without_a_face_says_what_to_do(choice: str, jojo: Jojo, jojo_home: Path) -> None:
    good = photo(Path("good.png"))
    run = jojo("train", "ink", good, photo(Path("flat drawing.png"), faces=0), "--face", choice, *QUICK)
    assert (run.code, run.out) == (1, "")
    assert "error: 'flat drawing.png': no face found\nhint: " in run.err
    assert "--no-align" in run.err
    assert "--method mean" in run.err
    assert tree(jojo_home / "styles") == {}


def test_reference_whose_face_is_shown_by_points(jojo: Jojo) -> None:
    drawing = photo(Path("drawing.png"), faces=0)
    made = record(train(jojo, "ink", drawing, "--points", "60,49 80,49 70,69"))
    assert (made["settings"]["face"], made["settings"]["align"]) == ("60,49 80,49 70,69", True)
    run = jojo("train", "other", drawing, photo(Path("b.png")), "--points", "60,49 80,49 70,69", *QUICK)
    assert (run.code, run.err.splitlines()[0]) == (2, "error: --points are of one picture")


def test_face_that_the_reference_has_not(jojo: Jojo, jojo_home: Path) -> None:
    run = jojo("train", "ink", photo(Path("two.png"), faces=2), "--face", "3", *QUICK)
    assert run.code == 1
    assert "error: 'two.png': no face 3, the picture has 2 faces\nhint: " in run.err
    assert tree(jojo_home / "styles") == {}


BAD: dict[str, tuple[Callable[[Path], object], str]] = {
    "missing.png": (lambda path: None, "not found"),
    "empty.png": (Path.touch, "is empty"),
    "cut.png": (lambda path: path.write_bytes((DATA / "astronaut.png").read_bytes()[:9999]), "is truncated or damaged"),
    "page.png": (lambda path: path.write_text("<html>"), "is not a picture that jojo can read"),
}


@pytest.mark.parametrize("name", BAD)
def test_unreadable_reference_is_an_error_before_weights_are_fetched(
    name: str, jojo: Jojo, jojo_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JOJO_BASE")  # the real base, which is not here
    monkeypatch.setenv("JOJO_OFFLINE", "1")
    make, reason = BAD[name]
    make(Path(name))
    run = jojo("train", "ink", photo(Path("good.png")), name)
    assert (run.code, run.out) == (1, "")
    assert run.err.startswith(f"error: {name!r}: {reason}\n")
    assert tree(jojo_home) == {"styles": None}


def test_unknown_base(jojo: Jojo, jojo_home: Path) -> None:
    run = jojo("train", "ink", photo(Path("ref.png")), "--base", "stylegan9")
    assert run.code == 1
    assert (
        run.err == "error: base 'stylegan9' not found\nhint: known bases: mobilestylegan-ffhq, stylegan2-ffhq, tiny\n"
    )
    assert tree(jojo_home) == {"styles": None}


def test_device_that_is_not_here(jojo: Jojo) -> None:
    run = jojo("train", "ink", photo(Path("ref.png")), "--device", "cuda:99")
    assert run.code == 1
    assert "error: device 'cuda:99' is not available\nhint: " in run.err


def test_loss_that_is_no_number_stops_and_saves_nothing(
    before: Tree, jojo: Jojo, jojo_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = iter(range(1, 5))

    def poisoned(features: Features, example: Example) -> Tensor:
        return place_distance(features, example) * (math.nan if next(steps) == 3 else 1)

    monkeypatch.setattr(finetune, "place_distance", poisoned)
    run = jojo("train", "ink", photo(Path("ref.png")), *QUICK, "--overwrite")
    assert (run.code, run.out) == (1, "")
    assert "error: the loss is no longer a number at step 3\nhint: try a lower --lr\n" in run.err
    assert tree(jojo_home) == before


def test_full_disk_leaves_the_registry_as_it_was(
    before: Tree, jojo: Jojo, jojo_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = disk.write_new
    written: list[Path] = []

    def fill_up(path: Path, data: bytes) -> None:
        if len(written) == 2:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(path, data)
        written.append(path)

    monkeypatch.setattr(disk, "write_new", fill_up)
    run = jojo("train", "ink", photo(Path("ref.png")), *QUICK, "--overwrite")
    assert (run.code, run.out) == (1, "")
    assert "No space left on device\nhint: free some space" in run.err
    assert len(written) == 2
    assert tree(jojo_home) == before


def test_home_that_cannot_be_written_is_an_error_before_any_work(jojo: Jojo, jojo_home: Path, no_work: None) -> None:
    jojo_home.write_text("not a folder")
    run = jojo("train", "ink", photo(Path("ref.png")))
    assert run.code == 1
    assert f"error: can't write the style folder {str(jojo_home / 'styles')!r}" in run.err
    assert "JOJO_HOME" in run.err


def test_reference_that_goes_away_while_it_is_learnt(jojo: Jojo, monkeypatch: pytest.MonkeyPatch) -> None:
    reference = photo(Path("ref.png"))
    digest, work = sha256(reference.read_bytes()).hexdigest(), finetune.finetune

    def forget(*args: Any, **kwargs: Any) -> Any:
        reference.unlink()
        return work(*args, **kwargs)

    monkeypatch.setattr(finetune, "finetune", forget)
    assert record(train(jojo, "ink", reference))["references"][0]["sha256"] == digest


def reserved(name: str) -> AbstractContextManager[None]:
    """Hold a name as another training does."""
    return held_elsewhere(lambda: Studio().styles.reserve(name, overwrite=True))


@pytest.mark.parametrize("overwrite", [[], ["--overwrite"]])
def test_second_training_of_a_name_fails_at_once(overwrite: list[str], jojo: Jojo, no_work: None) -> None:
    with reserved("ink"):
        run = jojo("train", "ink", photo(Path("ref.png")), *overwrite)
    assert (run.code, run.out) == (1, "")
    assert run.err.startswith("error: style 'ink' is being trained by another process\nhint: ")


def test_training_of_another_name_goes_on_beside_it(jojo: Jojo) -> None:
    with reserved("ink"):
        train(jojo, "sketch", photo(Path("ref.png")))
    assert Studio().styles.names() == ["sketch"]


@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")]
)
def test_signal_leaves_the_registry_as_it_was(
    number: signal.Signals, code: int, word: str, before: Tree, jojo_home: Path
) -> None:
    options = ("--steps", 100_000, "--refine", 2, "--overwrite")
    with style_kit.start("train", "ink", photo(Path("ref.png")), *options) as process:
        assert process.stderr
        steps = (line for line in process.stderr if line.startswith("step"))
        assert next(steps) == "step 1\n"
        process.send_signal(number)
        out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (code, "")
    assert err.endswith(f"error: {word}\n")
    assert "Traceback" not in err
    assert tree(jojo_home) == before


def test_a_folder_is_all_its_pictures(jojo: Jojo) -> None:
    for name in ("refs/b.png", "refs/a.png"):
        photo(Path(name))
    made = record(train(jojo, "ink", "refs"))
    assert [reference["source"] for reference in made["references"]] == ["a.png", "b.png"]


def test_a_folder_without_pictures_is_refused(jojo: Jojo, no_work: None) -> None:
    Path("refs").mkdir()
    run = jojo("train", "ink", "refs")
    assert run.code == 2
    assert "error: there is no picture to learn from" in run.err


def test_a_picture_from_standard_input(jojo: Jojo, monkeypatch: pytest.MonkeyPatch) -> None:
    data = photo(Path("ref.png")).read_bytes()
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(data)))
    made = record(train(jojo, "ink", "-"))
    assert made["references"][0]["source"] == "stdin"
    assert made["references"][0]["sha256"] == hashlib.sha256(data).hexdigest()


def test_training_goes_on_from_the_style(jojo: Jojo) -> None:
    first = record(train(jojo, "ink", photo(Path("ref.png")), "--seed", 3))
    before = weights("ink")
    Path("ref.png").unlink()  # the style has all that is needed
    run = jojo("train", "ink", "--more", 3, "--json")
    assert run.code == 0, run.err
    result = json.loads(run.out)
    made = record(result)
    assert result["steps"] == 7
    assert made["losses"][:4] == first["losses"]
    assert made["settings"] == first["settings"] | {"more": [3]}
    assert made["references"] == first["references"]
    assert made["seconds"] > first["seconds"]
    after = weights("ink")
    assert after.keys() >= before.keys()
    assert not identical(before, after)
    # From where it was, and not from the base.
    base = tiny.make_base().generator.state_dict()
    key = max(before.keys() & base.keys(), key=lambda key: (before[key] - base[key]).square().mean().item())
    assert (after[key] - before[key]).square().mean() < (after[key] - base[key]).square().mean()


def test_more_takes_no_other_settings(jojo: Jojo, ink: Path, no_work: None) -> None:
    for args in (["ref.png"], ["--alpha", 0.5], ["--method", "encoder"], ["--no-align"]):
        run = jojo("train", "ink", "--more", 3, *args)
        assert run.code == 2
        assert "--more goes on with the references and settings of the style" in run.err


def test_more_of_a_style_that_is_not_there(jojo: Jojo, no_work: None) -> None:
    run = jojo("train", "ink", "--more", 3)
    assert run.code == 1
    assert "error: style 'ink' not found" in run.err


def test_more_of_settings_that_nobody_knows(jojo: Jojo, ink: Path, no_work: None) -> None:
    file = ink / "style.json"
    content = json.loads(file.read_bytes())
    content["settings"]["finetune"]["steps"] = "many"
    file.write_text(json.dumps(content))
    run = jojo("train", "ink", "--more", 3)
    assert run.code == 1
    assert "has a setting that this jojo does not know: steps" in run.err


def test_style_that_knew_strands_of_hair_is_made_again_with_strokes(jojo: Jojo, ink: Path) -> None:
    file = ink / "style.json"
    content = json.loads(file.read_bytes())
    settings = content["settings"]["finetune"]
    del settings["strokes"]
    settings["strands"] = 0.5
    file.write_text(json.dumps(content))
    assert "--strokes 0.5" in jojo("styles", "show", "ink", "--command").out
    assert jojo("train", "ink", "--more", 2).code == 0


def test_command_makes_the_style_again(jojo: Jojo) -> None:
    options = ("--alpha", 0.7, "--vary", "coarse,64-", "--virtual", "8-16=0.25", "--preserve-color", "--seed", 5)
    train(jojo, "ink", photo(Path("ref.png")), *options)
    assert jojo("train", "ink", "--more", 2).code == 0
    before = weights("ink")
    run = jojo("styles", "show", "ink", "--command")
    assert run.err == ""
    lines = [shlex.split(line) for line in run.out.splitlines()]
    assert [line[:3] for line in lines] == [["jojo", "train", "ink"]] * 2
    assert json.loads(jojo("styles", "show", "ink", "--command", "--json").out)["commands"] == run.out.splitlines()
    assert jojo(*lines[0][1:], "--overwrite").code == 0
    assert jojo(*lines[1][1:]).code == 0
    assert identical(before, weights("ink"))


def test_virtual_code_is_nearer_to_the_mean_where_it_was_asked_for(jojo: Jojo, base: "Base") -> None:
    reference = photo(Path("ref.png"))
    for name, options in (("plain", ()), ("near", ("--virtual", "fine=0.5")), ("mean", ("--virtual", "4-1024=1"))):
        train(jojo, name, reference, *options)
    sides, mean_w = base.generator.code_resolutions, base.latents.mean_w
    plain, near, all_ = (weights(name)["palette"] for name in ("plain", "near", "mean"))
    for code, side in enumerate(sides):
        away, half = ((palette[0, code] - mean_w).norm() for palette in (plain, near))
        assert math.isclose(half, away * (0.5 if side >= 64 else 1), rel_tol=1e-3)
    assert torch.allclose(all_[0], mean_w.expand_as(all_[0]), atol=1e-5)


@pytest.mark.parametrize(
    "option", ["--vary 65", "--vary 64-8", "--vary x", "--vary ,", "--virtual fine", "--virtual fine=2"]
)
def test_resolutions_and_amounts_that_are_none(option: str, jojo: Jojo, no_work: None) -> None:
    run = jojo("train", "ink", photo(Path("ref.png")), *option.split())
    assert run.code == 2
    assert "is no " in run.err


def test_resolution_that_the_base_has_not(jojo: Jojo) -> None:
    run = jojo("train", "ink", photo(Path("ref.png")), *QUICK, "--vary", "1024")
    assert run.code == 2
    assert "error: base 'tiny' has no codes of 1024 pixels" in run.err
    assert Studio().styles.names() == []
