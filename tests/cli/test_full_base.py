"""The full base, as a user types it: its losses and encoders, and that nothing is loaded or fetched without need."""

import json
import shutil
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import style_kit
import tiny
import tiny_full
import torch
from conftest import Jojo
from face_kit import photo
from safetensors.torch import load_file
from style_kit import as_json, pixels, same, train_ink
from torch import Tensor

from jojo_cli import bases
from jojo_cli.bases import EMBEDDED_BASE, FULL_BASE
from jojo_cli.codes import read_code
from jojo_cli.images import save_image, to_image
from jojo_cli.stylize.mixing import sample_code

if TYPE_CHECKING:
    from jojo_cli.bases.base import Base

fake_finder = style_kit.fake_finder
pytestmark = pytest.mark.usefixtures("workplace")

QUICK = ("--steps", "3", "--lr", "0.02")


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake_finder: None) -> None:
    """Work in an empty folder, on the tiny full base."""
    path = tmp_path / "work"
    path.mkdir()
    monkeypatch.chdir(path)
    monkeypatch.setenv("JOJO_BASE", tiny_full.NAME)
    tiny_full.register(monkeypatch)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder of styles with `ink` in it, trained once."""
    with pytest.MonkeyPatch.context() as patch:
        tiny_full.register(patch)
        return train_ink(tmp_path_factory.mktemp("trained"), patch, "--base", tiny_full.NAME, *QUICK)


@pytest.fixture
def ink(trained: Path, jojo_home: Path) -> Path:
    """Give the folder of a style `ink` that `jojo` knows."""
    shutil.copytree(trained, jojo_home / "styles")
    return jojo_home / "styles" / "ink"


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Give the list of what is loaded from now on, beside the generator."""
    names: list[str] = []

    def watch(module: object, function: str, name: Callable[..., str]) -> None:
        work = getattr(module, function)

        def load(*args: Any) -> Any:
            names.append(name(*args))
            return work(*args)

        monkeypatch.setattr(module, function, load)

    watch(tiny, "make_critic", lambda: "perceptual")
    watch(tiny_full, "make_encoder", lambda name: name)
    watch(tiny_full, "make_comparer", lambda loss, channels: loss)
    watch(tiny_full, "make_recogniser", lambda: "recogniser")
    return names


def train(jojo: Jojo, name: str, *options: object) -> dict[str, Any]:
    """Train a style, and return what it keeps of its making."""
    run = jojo("train", name, photo(Path("ref.png")), *QUICK, *options, "--json")
    assert run.code == 0, run.err
    content: dict[str, Any] = json.loads(Path(json.loads(run.out)["path"], "style.json").read_bytes())
    return content


def weight(jojo_home: Path, style: str) -> Tensor:
    """Return one of the tensors that a style changed."""
    return load_file(jojo_home / "styles" / style / "weights.safetensors")["stages.6.conv1.weight"]


def test_training_is_jojogans_unless_told_otherwise(jojo: Jojo, full_base: "Base", loaded: list[str]) -> None:
    made = train(jojo, "ink")
    assert made["settings"]["finetune"] == as_json(asdict(full_base.finetunings[0])) | {"steps": 3, "rate": 0.02}
    assert made["settings"]["invert"] == asdict(full_base.reference_inversions[0])
    assert made["settings"]["finetune"]["loss"] == "discriminator"
    assert made["settings"]["invert"]["encoder"] == "e4e"
    assert (made["base"], made["base_sha256"]) == (tiny_full.NAME, tiny_full.sha256("generator"))
    assert made["critic_sha256"] == tiny_full.sha256("discriminator")
    assert sorted(loaded) == ["discriminator", "e4e", "perceptual"]


def test_training_by_lpips_needs_no_discriminator(jojo: Jojo, loaded: list[str]) -> None:
    made = train(jojo, "ink", "--loss", "lpips", "--steps", 1)
    assert made["settings"]["finetune"]["loss"] == "lpips"
    assert made["critic_sha256"] == tiny_full.sha256("lpips")
    assert sorted(loaded) == ["e4e", "lpips", "perceptual"]


def test_terms_of_the_loss_are_kept_and_make_a_difference(jojo: Jojo, jojo_home: Path, loaded: list[str]) -> None:
    train(jojo, "plain")
    assert "recogniser" not in loaded
    for option, name in (("--id-weight", "identity"), ("--ms-ssim-weight", "ms_ssim")):
        made = train(jojo, name, option, 0.5)
        assert made["settings"]["finetune"][name] == 0.5
        assert not torch.equal(weight(jojo_home, "plain"), weight(jojo_home, name))
    assert loaded.count("recogniser") == 1


def test_several_references_are_looked_at_in_each_step(jojo: Jojo) -> None:
    made = train(jojo, "both", photo(Path("other.png"), size=(200, 150)))
    assert len(made["references"]) == 2
    assert made["settings"]["finetune"]["batch"] is None


@pytest.mark.parametrize("name", ["psp", "restyle-psp", "restyle-e4e"])
def test_encoder_chosen_reads_the_picture(name: str, jojo: Jojo, full_base: "Base", loaded: list[str]) -> None:
    me = photo(Path("me.png"))
    jojo("invert", me, "-o", "e4e.safetensors")
    loaded.clear()
    assert jojo("invert", me, "--encoder", name, "-o", "other.safetensors").code == 0
    assert loaded == [name]  # nothing is measured
    usual, other = (read_code(Path(file), full_base) for file in ("e4e.safetensors", "other.safetensors"))
    assert usual.shape == other.shape == (1, 14, tiny_full.W_DIM)
    assert (usual - other).abs().max() > 0.01


def test_style_keeps_which_encoder_read_its_reference(jojo: Jojo) -> None:
    assert train(jojo, "ink", "--encoder", "restyle-e4e")["settings"]["invert"]["encoder"] == "restyle-e4e"
    assert train(jojo, "mean", "--method", "mean")["settings"]["invert"]["encoder"] is None


def test_refinement_asks_who_it_is(jojo: Jojo, loaded: list[str]) -> None:
    assert jojo("invert", photo(Path("me.png")), "--refine", 2).code == 0
    assert sorted(loaded) == ["e4e", "perceptual", "recogniser"]


@pytest.mark.parametrize("options", ["--method optimize --refine 2", "--method mean"])
def test_without_an_encoder_none_is_loaded(options: str, jojo: Jojo, loaded: list[str], ink: Path) -> None:
    assert jojo("apply", "ink", photo(Path("me.png")), *options.split()).code == 0
    assert loaded == (["perceptual"] if "--refine" in options else [])


def test_photo_is_redrawn_with_the_encoder_alone(jojo: Jojo, loaded: list[str], ink: Path) -> None:
    run = jojo("apply", "ink", photo(Path("me.png")))
    assert (run.code, run.out, run.err) == (0, "me.ink.png\n", "base tiny-full on cpu in float32\n")
    assert pixels("me.ink.png").shape == (256, 256, 3)
    assert loaded == ["e4e"]


def test_code_is_redrawn_with_the_generator_alone(jojo: Jojo, loaded: list[str], ink: Path) -> None:
    jojo("invert", photo(Path("me.png")))
    jojo("apply", "ink", "me.png")
    loaded.clear()
    assert jojo("apply", "ink", "me.code.safetensors").code == 0
    assert loaded == []
    assert same("me.code.ink.png", "me.ink.png")


def test_samples_are_drawn_with_the_generator_alone(jojo: Jojo, loaded: list[str], ink: Path) -> None:
    jojo("sample", "ink", "-n", 2, "--seed", 5, "-o", "many")
    jojo("sample", "ink", "--seed", 6, "-o", "one")
    assert loaded == []
    assert same("many/ink-0006.png", "one/ink-0006.png")  # whatever the noise of its neighbours
    assert not same("many/ink-0005.png", "many/ink-0006.png")


def test_strength_goes_from_the_base_to_the_style(jojo: Jojo, full_base: "Base", ink: Path) -> None:
    for strength in ("0", "0.5", "1"):
        jojo("sample", "ink", "--seed", 2, "--strength", strength, "-o", strength)
    save_image(to_image(full_base.generator.synthesis(sample_code(full_base, 2, 0.7))[0]), Path("base.png"))
    assert same("0/ink-0002.png", "base.png")
    plain, half, full = (pixels(f"{strength}/ink-0002.png") for strength in ("0", "0.5", "1"))
    assert 0 < np.abs(half - plain).mean() < np.abs(full - plain).mean()
    assert 0 < np.abs(half - full).mean() < np.abs(full - plain).mean()


def test_styles_of_two_bases_live_side_by_side(jojo: Jojo, monkeypatch: pytest.MonkeyPatch, ink: Path) -> None:
    style_kit.use_tiny_base(monkeypatch)
    monkeypatch.setenv("JOJO_BASE", "tiny")
    assert jojo("train", "small", photo(Path("ref.png")), *style_kit.QUICK).code == 0
    for base, style, side in ((tiny_full.NAME, "ink", 256), ("tiny", "small", 128)):
        run = jojo("apply", style, photo(Path("me.png")))
        assert (run.code, run.err) == (0, f"base {base} on cpu in float32\n")
        assert len(pixels(f"me.{style}.png")) == side


@pytest.mark.parametrize(
    ("options", "error"),
    [
        (
            "--base mobilestylegan-ffhq --loss discriminator",
            "error: base 'mobilestylegan-ffhq' has no loss 'discriminator'\nhint: it has lpips\n",
        ),
        (
            "--base stylegan2-ffhq --encoder e5e",
            "error: base 'stylegan2-ffhq' has no encoder 'e5e'\nhint: it has e4e, psp, restyle-e4e, restyle-psp\n",
        ),
        (
            "--base mobilestylegan-ffhq --encoder e4e",
            "error: base 'mobilestylegan-ffhq' has no encoder 'e4e'\nhint: it has feedback\n",
        ),
        ("--base stylegan2-ffhq --encoder e4e --method mean", "error: --method mean asks no encoder\nhint: "),
        ("--base stylegan2-ffhq --encoder e4e --method optimize", "error: --method optimize asks no encoder\nhint: "),
    ],
)
def test_what_a_base_has_not_is_wrong_usage_before_anything_is_fetched(
    options: str, error: str, jojo: Jojo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("jojo_cli.weights.manager.ModelManager.pull", None)
    run = jojo("train", "ink", photo(Path("ref.png")), *options.split())
    assert (run.code, run.out) == (2, "")
    assert run.err.startswith(error)


def missing(error: str) -> list[str]:
    """Return the weights that a command lacks."""
    message, names = error.splitlines()[0].split(": ", 2)[1:]
    assert message == "JOJO_OFFLINE forbids to fetch what is not installed"
    return [name.strip("'") for name in names.split(", ")]


DRAW, LOOK, ENCODE, JUDGE = FULL_BASE, "stlpips-vgg", "e4e-ffhq", "stylegan2-ffhq-discriminator"
PEOPLE = "arcface-ir-se50"


@pytest.mark.parametrize(
    ("options", "weights"),
    [
        ("", [DRAW, LOOK, ENCODE, JUDGE]),
        ("--loss lpips", [DRAW, LOOK, ENCODE, "vgg16"]),
        ("--encoder restyle-psp", [DRAW, LOOK, "restyle-psp-ffhq", JUDGE]),
        ("--method mean", [DRAW, LOOK, JUDGE]),
        ("--method hybrid", [DRAW, LOOK, ENCODE, JUDGE, PEOPLE]),
        ("--refine 5", [DRAW, LOOK, ENCODE, JUDGE, PEOPLE]),
        ("--id-weight 0.5", [DRAW, LOOK, ENCODE, JUDGE, PEOPLE]),
    ],
)
def test_training_fetches_what_its_choices_need(
    options: str, weights: list[str], jojo: Jojo, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOJO_OFFLINE", "1")
    run = jojo("train", "ink", photo(Path("ref.png")), "--base", FULL_BASE, *options.split())
    assert run.code == 1
    assert sorted(missing(run.err)) == sorted(weights)


@pytest.mark.parametrize(
    ("command", "weights"),
    [
        ("sample ink", [DRAW]),
        ("apply ink me.safetensors", [DRAW]),
        ("apply ink me.png", [DRAW, LOOK, ENCODE]),
        ("apply ink me.png --encoder psp", [DRAW, LOOK, "psp-ffhq"]),
        ("apply ink me.png --method mean", [DRAW, LOOK]),
        ("apply ink me.png --refine 3", [DRAW, LOOK, ENCODE, PEOPLE]),
    ],
)
def test_drawing_fetches_what_its_choices_need(
    command: str, weights: list[str], jojo: Jojo, monkeypatch: pytest.MonkeyPatch, ink: Path
) -> None:
    record = ink / "style.json"
    record.write_text(record.read_text().replace(f'"base": "{tiny_full.NAME}"', f'"base": "{FULL_BASE}"'))
    photo(Path("me.png"))
    Path("me.safetensors").touch()
    monkeypatch.setenv("JOJO_OFFLINE", "1")
    run = jojo(*command.split())
    assert run.code == 1
    assert sorted(missing(run.err)) == sorted(weights)


@pytest.mark.parametrize(
    ("cuda", "variable", "option", "base"),
    [
        (False, None, None, EMBEDDED_BASE),
        (True, None, None, FULL_BASE),
        (True, EMBEDDED_BASE, None, EMBEDDED_BASE),
        (False, FULL_BASE, None, FULL_BASE),
        (False, EMBEDDED_BASE, FULL_BASE, FULL_BASE),
        (True, FULL_BASE, EMBEDDED_BASE, EMBEDDED_BASE),
    ],
)
def test_base_is_what_suits_the_device_unless_named(
    cuda: bool, variable: str | None, option: str | None, base: str, jojo: Jojo, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("JOJO_BASE", "JOJO_DEVICE"):
        monkeypatch.delenv(name)
    if variable:
        monkeypatch.setenv("JOJO_BASE", variable)
    monkeypatch.setenv("JOJO_OFFLINE", "1")
    monkeypatch.setattr("torch.cuda.is_available", lambda: cuda)
    monkeypatch.setattr("torch.cuda.device_count", lambda: int(cuda))
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda including_emulation=True: cuda)
    monkeypatch.setattr("torch.cuda.device", nullcontext)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
    run = jojo("train", "ink", photo(Path("ref.png")), *(["--base", option] if option else []))
    assert run.code == 1
    assert missing(run.err)[0] == base
    nobody_named_it = base == FULL_BASE and not (variable or option)
    assert ("or add --base mobilestylegan-ffhq" in run.err) == nobody_named_it


def test_bases_say_what_they_need_and_what_choices_need_besides() -> None:
    full = bases.find_base(FULL_BASE)
    assert sorted(full.needs()) == sorted([DRAW, LOOK, ENCODE, JUDGE])
    assert set(full.optional()) == {"psp-ffhq", "restyle-e4e-ffhq", "restyle-psp-ffhq", "vgg16", PEOPLE}
