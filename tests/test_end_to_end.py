"""The main job on the real weights: train, sample, apply, share. Few steps, so the style is faint but there."""

import io
import json
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import REAL_CACHE
from numpy.typing import NDArray

from jojo_cli import cli, device
from jojo_cli.faces import FaceFinder
from jojo_cli.images import read_image
from jojo_cli.styles import StyleStore
from jojo_cli.weights.manager import ModelManager

pytestmark = pytest.mark.real

POSTER = Path(__file__).parents[1] / "demo" / "poster.png"
PORTRAIT = Path(__file__).parent / "data" / "astronaut.png"


@dataclass(frozen=True)
class Done:
    """What the commands left: files in `folder`, the JSON of each command, and the styles of two machines."""

    folder: Path
    results: dict[str, dict[str, Any]]
    here: StyleStore
    there: StyleStore


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, real_models: ModelManager) -> Done:
    """Do the main job once, from an empty registry."""
    folder = tmp_path_factory.mktemp("work")
    homes = [tmp_path_factory.mktemp(name) for name in ("here", "there")]
    results = {}
    with pytest.MonkeyPatch.context() as patch:

        def jojo(*args: object) -> dict[str, Any]:
            patch.setattr(sys, "argv", ["jojo", *map(str, args), "--json"])
            with redirect_stdout(io.StringIO()) as out, pytest.raises(SystemExit) as stop:
                cli.main()
            assert not stop.value.code
            result: dict[str, Any] = json.loads(out.getvalue())
            return result

        for home in homes:
            (home / "cache").symlink_to(REAL_CACHE, target_is_directory=True)
        patch.delenv("JOJO_BASE", raising=False)
        patch.setenv("JOJO_DEVICE", "cpu")
        patch.setenv("JOJO_OFFLINE", "1")
        patch.setattr(device, "_bf16_pays", cache(device._bf16_pays))  # the same for all, on a busy machine too
        patch.chdir(folder)
        patch.setenv("JOJO_HOME", str(homes[0]))
        results["train"] = jojo("train", "poster", POSTER, "--steps", 4, "--refine", 2)
        results["sample"] = jojo("sample", "poster", "--seed", 1, "-o", "here")
        results["apply"] = jojo("apply", "poster", PORTRAIT, "--refine", 3)
        results["align"] = jojo("align", PORTRAIT, "-o", "crop.png")
        results["invert"] = jojo("invert", PORTRAIT, "--refine", 3)
        for method in (("encoder",), ("mean",), ("hybrid", "--refine", 12)):
            results[method[0]] = jojo("invert", PORTRAIT, "--method", *method, "-o", method[0])
        jojo("apply", "poster", "astronaut.code.safetensors", "--compare")
        results["export"] = jojo("styles", "export", "poster")
        patch.setenv("JOJO_HOME", str(homes[1]))
        results["import"] = jojo("styles", "import", "poster.jojo")
        jojo("sample", "poster", "--seed", 1, "-o", "there")
    here, there = (StyleStore(home / "styles") for home in homes)
    return Done(folder, results, here, there)


def pixels(path: Path) -> NDArray[Any]:
    return np.asarray(read_image(path)).astype(int)


def test_style_is_kept(done: Done) -> None:
    style = done.here.load("poster")
    assert done.results["train"]["path"] == str(style.folder)
    assert len(style.record.losses) == done.results["train"]["steps"] == 4
    assert "displacement" in style.load_weights()  # the poster's face is found
    assert style.record.base == "mobilestylegan-ffhq"
    assert len(style.record.base_sha256) == len(style.record.critic_sha256 or "") == 64
    assert pixels(style.folder / "reference-1.png").shape == (1024, 1024, 3)
    assert pixels(style.preview_path).std() > 20


def test_sample_is_a_face(done: Done, real_models: ModelManager) -> None:
    picture = read_image(done.folder / "here" / "poster-0001.png")
    assert picture.size == (1024, 1024)
    (face,) = FaceFinder(real_models.path("dlib-landmarks-68")).find(picture)
    eyes = face.landmarks[36:48].mean(axis=0) / 1024
    assert eyes.tolist() == pytest.approx([0.5, 0.48], abs=0.05)  # where FFHQ has them


def test_photo_is_redrawn_in_the_style(done: Done) -> None:
    assert done.results["apply"]["output"] == "astronaut.poster.png"
    styled, plain = (pixels(done.folder / name) for name in ("astronaut.poster.png", "astronaut.code.png"))
    assert styled.shape == plain.shape == (1024, 1024, 3)
    assert 2 < np.abs(styled - plain).mean() < 100


def test_code_is_as_good_as_its_photo(done: Done) -> None:
    assert 0 < done.results["invert"]["lpips"] < 1
    names = ("astronaut.poster.png", "astronaut.code.poster.png")
    photo, code = ((done.folder / name).read_bytes() for name in names)
    assert photo == code
    both = pixels(done.folder / "astronaut.code.poster.compare.png")
    assert np.array_equal(both[:, :1024], pixels(done.folder / "astronaut.code.png"))
    assert np.array_equal(both[:, -1024:], pixels(done.folder / "astronaut.poster.png"))


def test_encoder_knows_the_face_and_refinement_brings_it_nearer(done: Done, real_models: ModelManager) -> None:
    mean, encoder, hybrid = (done.results[method]["lpips"] for method in ("mean", "encoder", "hybrid"))
    assert encoder < 0.85 * mean
    assert hybrid < 0.85 * encoder
    find = FaceFinder(real_models.path("dlib-landmarks-68")).find
    (portrait,) = find(read_image(done.folder / "crop.png"))
    (redrawn,) = find(read_image(done.folder / "encoder" / "astronaut.code.png"))
    gaps = np.linalg.norm(portrait.landmarks - redrawn.landmarks, axis=1)
    assert gaps.mean() < 0.03 * 1024  # of the same pose and expression


def test_style_travels_to_another_machine(done: Done) -> None:
    here, there = done.here.load("poster"), done.there.load("poster")
    assert there.record == here.record
    assert done.results["import"]["path"] == str(there.folder)
    assert (done.folder / done.results["export"]["output"]).stat().st_size < 50e6


def test_second_run_draws_the_same_bytes(done: Done) -> None:
    here, there = ((done.folder / place / "poster-0001.png").read_bytes() for place in ("here", "there"))
    assert here == there
