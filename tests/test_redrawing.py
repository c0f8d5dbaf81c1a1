"""A style redraws faces, by judges that its training does not follow (`benchmarks/judges.py`).

The bounds are those that a style which only recolours photos misses, as jojo's earlier recipe did.
"""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import mean, median

import numpy as np
import pytest
from conftest import REAL_CACHE
from judges import Array, Drawing, geometry, moved, palette_distance, weave
from PIL import Image

from jojo_cli.bases.base import Base
from jojo_cli.faces import FaceFinder, face_quad
from jojo_cli.images import read_image, to_image
from jojo_cli.styles import Style, StyleStore
from jojo_cli.stylize.draw import draw, styled_generator
from jojo_cli.stylize.mixing import sample_code
from jojo_cli.weights.manager import ModelManager

pytestmark = pytest.mark.real

ROOT = Path(__file__).parents[1]
REFERENCE = ROOT / "demo" / "poster.png"
PORTRAIT = ROOT / "tests" / "data" / "grace_hopper.png"


@dataclass(frozen=True)
class Drawn:
    """What a style with default settings draws."""

    reference: Image.Image
    plain: list[Image.Image]  # random faces as the base draws them
    styled: list[Image.Image]  # the same in the style
    photo: Image.Image  # a portrait in the style
    pasted: Image.Image  # the same, in its photo
    style: Style


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory, real_models: ModelManager) -> Drawn:
    """Learn the style as a user would, on every core, and draw with it."""
    folder = tmp_path_factory.mktemp("work")
    home = tmp_path_factory.mktemp("home")
    (home / "cache").symlink_to(REAL_CACHE, target_is_directory=True)
    environment = {key: value for key, value in os.environ.items() if key != "OMP_NUM_THREADS"}
    environment |= {"JOJO_HOME": str(home), "JOJO_DEVICE": "cpu", "JOJO_OFFLINE": "1"}

    def jojo(*args: object) -> None:
        subprocess.run([sys.executable, "-m", "jojo_cli", *map(str, args)], cwd=folder, env=environment, check=True)

    jojo("train", "poster", REFERENCE, "--no-align")
    for strength in (0, 1):
        jojo("sample", "poster", "-n", 4, "--strength", strength, "-o", str(strength))
    jojo("apply", "poster", PORTRAIT, "--method", "encoder", "-o", "photo.png")
    jojo("apply", "poster", PORTRAIT, "--method", "encoder", "--paste", "-o", "pasted.png")
    plain, styled = ([read_image(folder / str(s) / f"poster-{i:04d}.png") for i in range(4)] for s in (0, 1))
    style = StyleStore(home / "styles").load("poster")
    photo, pasted = (read_image(folder / f"{name}.png") for name in ("photo", "pasted"))
    return Drawn(read_image(style.folder / "reference-1.png"), plain, styled, photo, pasted, style)


def test_faces_are_flat_where_the_reference_is(drawn: Drawn) -> None:
    plain, styled = (mean(Drawing.of(face).flat for face in faces) for faces in (drawn.plain, drawn.styled))
    wanted = Drawing.of(drawn.reference).flat
    # Trainings on one machine came out at 0.58 to 0.63, where the reference has 0.70.
    assert plain + 0.13 < wanted - 0.15 < styled < wanted + 0.08


def test_lines_are_as_strong_as_those_of_the_reference(drawn: Drawn) -> None:
    wanted = Drawing.of(drawn.reference)
    plain, styled = (mean(Drawing.of(face).distance(wanted) for face in faces) for faces in (drawn.plain, drawn.styled))
    assert styled < 0.5 * plain
    assert Drawing.of(drawn.photo).distance(wanted) < 0.33


@pytest.fixture(scope="module")
def in_place(drawn: Drawn, real_base: Base) -> list[Image.Image]:
    """Draw the random faces in the style, without what gives them the proportions of the reference."""
    weights = {key: tensor for key, tensor in drawn.style.load_weights().items() if key != "displacement"}
    styled = styled_generator(real_base, weights)
    return [to_image(draw(real_base, styled, sample_code(real_base, seed, 0.7))[0]) for seed in range(4)]


def test_nothing_is_woven(drawn: Drawn, in_place: list[Image.Image]) -> None:
    # Photos have 1.2, and faces that the base draws 4 to 15.
    assert mean(map(weave, in_place)) < 4  # moved to other proportions, a weave would be blurred
    assert weave(drawn.photo) < 4


def test_faces_take_the_proportions_of_the_reference(drawn: Drawn, real_base: Base, real_models: ModelManager) -> None:
    """Judged on the base's own faces: where landmarks of drawings are found is half chance."""
    finder = FaceFinder(real_models.ensure("dlib-landmarks-68"))
    moving = styled_generator(real_base, {"displacement": drawn.style.load_weights()["displacement"]})

    def proportions(face: Image.Image) -> Array:
        return geometry(finder.find(face)[0].landmarks)

    def way(seed: int) -> float:
        code = sample_code(real_base, seed, 0.7)
        before, after = (to_image(draw(real_base, net, code)[0]) for net in (real_base.generator, moving))
        return moved(proportions(before), proportions(after), wanted)

    wanted = proportions(drawn.reference)
    assert mean(map(way, range(8))) > 0.08


def test_colours_are_those_of_the_reference(drawn: Drawn) -> None:
    for plain, styled in zip(drawn.plain, drawn.styled, strict=True):
        assert palette_distance(styled, drawn.reference) < 0.6 * palette_distance(plain, drawn.reference)


def test_what_is_behind_somebody_is_the_reference_s(drawn: Drawn) -> None:
    """In the corners above, where no hair is: with codes and training alone, they keep some of what the photo has."""

    def corners(picture: Image.Image) -> Array:
        small = np.asarray(picture.resize((64, 64), Image.Resampling.BOX), dtype=float)
        colours: Array = np.concatenate([small[:6, :6], small[:6, -6:]]).mean(axis=(0, 1))
        return colours

    away = [np.abs(corners(picture) - corners(drawn.reference)).max() for picture in (*drawn.styled, drawn.photo)]
    assert median(away) < 8  # without, 25; one of the faces has hair in a corner


def test_head_goes_back_into_its_photo(drawn: Drawn, real_models: ModelManager) -> None:
    """Nothing but the head is drawn: the flag behind it and the uniform below stay to the bit."""
    photo = read_image(PORTRAIT)
    changed = (np.asarray(photo) != np.asarray(drawn.pasted)).any(axis=2)
    (face,) = FaceFinder(real_models.ensure("dlib-landmarks-68")).find(photo)
    quad = face_quad(face.landmarks)
    left, top = quad.min(axis=0).astype(int)
    right, bottom = quad.max(axis=0).astype(int)
    left_eye, right_eye, chin = (face.landmarks[i].astype(int) for i in (36, 45, 8))
    assert changed[left_eye[1] : chin[1] - 10, left_eye[0] : right_eye[0]].mean() > 0.95
    outside = changed.copy()
    outside[max(top, 0) : bottom + 1, max(left, 0) : right + 1] = False
    assert not outside.any()
    square = changed[max(top, 0) : bottom + 1, max(left, 0) : right + 1]
    assert 0.25 < square.mean() < 0.75
