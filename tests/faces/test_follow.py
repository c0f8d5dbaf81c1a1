"""Faces followed from frame to frame of a film."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from face_kit import FakeFinder, photo
from PIL import Image

from jojo_cli.faces import FaceFinder
from jojo_cli.faces.align import FloatArray
from jojo_cli.faces.follow import FaceFollower
from jojo_cli.images import read_image
from jojo_cli.weights.manager import ModelManager

ASTRONAUT = Path(__file__).parents[1] / "data" / "astronaut.png"


class Counting(FakeFinder):
    """Counts how often the whole picture is searched."""

    def __init__(self) -> None:
        self.searched = 0

    def find(self, image: Image.Image, *, lying: bool = True, largest: bool = False) -> list[Any]:
        self.searched += 1
        return super().find(image, lying=lying)

    def near(self, image: Image.Image, landmarks: FloatArray) -> FloatArray | None:
        found = super().near(image, landmarks)
        self.searched -= 1
        return found


def follower(finder: FakeFinder) -> FaceFollower:
    return FaceFollower(finder)  # type: ignore[arg-type]


def frame(tmp_path: Path, faces: int, shade: int = 0) -> Image.Image:
    """Return a frame with so many faces; one of another shade is of another scene."""
    image = read_image(photo(tmp_path / "frame.png", faces=faces))
    image.paste((255 - shade, shade, shade), (20, 0, 160, 120)) if shade else None
    return image


def test_whole_picture_is_searched_now_and_then(tmp_path: Path) -> None:
    finder = Counting()
    following = follower(finder)
    one = frame(tmp_path, 1)
    sights = [following.see(one, 0.04 * number)[1] for number in range(25)]
    assert all([sight.who for sight in each] == [1] for each in sights)
    assert 4 <= finder.searched <= 5


def test_scene_begins_with_other_colours_and_new_faces(tmp_path: Path) -> None:
    following = follower(FakeFinder())
    shades = [0] * 5 + [200] * 5 + [0] * 5
    seen = [following.see(frame(tmp_path, 1, shade), 0.04 * number) for number, shade in enumerate(shades)]
    assert [begins for begins, _ in seen] == [number in (0, 5, 10) for number in range(15)]
    assert [faces[0].who for _, faces in seen] == [1] * 5 + [2] * 5 + [3] * 5


def test_scene_of_the_same_colours_is_told_by_what_is_where() -> None:
    rng = np.random.default_rng(0)
    scenes = [np.kron(rng.integers(0, 2, (9, 16, 1)) * 120 + 20 * k, np.ones((20, 20, 1))) * (1, 1, 0) for k in (0, 1)]
    following = follower(FakeFinder())
    for number in range(20):
        pixels = np.roll(scenes[number >= 10], number, axis=1).clip(0, 255)
        begins, _ = following.see(Image.fromarray(pixels.astype(np.uint8)), 0.04 * number)
        assert begins is (number in (0, 10))


def test_pan_noise_and_slow_light_are_no_cuts() -> None:
    rng = np.random.default_rng(0)
    large = np.asarray(Image.effect_noise((400, 300), 90).resize((1600, 1200)), dtype=float)
    following = follower(FakeFinder())
    for number in range(20):
        pixels = large[10 * number : 10 * number + 300, 20 * number : 20 * number + 400, None] * (1, 0.8, 0)
        noisy = (pixels * (1 - 0.02 * number) + rng.normal(0, 8, (300, 400, 3))).clip(0, 29)
        begins, _ = following.see(Image.fromarray(noisy.astype(np.uint8)), 0.04 * number)
        assert begins is (number == 0)


def test_face_that_is_away_for_a_moment_is_the_same(tmp_path: Path) -> None:
    following = follower(FakeFinder())
    counts = [1] * 10 + [0] * 8 + [1] * 10 + [0] * 20 + [1] * 10
    seen = [following.see(frame(tmp_path, count), 0.04 * number)[1] for number, count in enumerate(counts)]
    assert {sight.who for each in seen[:28] for sight in each} == {1}
    assert {sight.who for each in seen[28:] for sight in each} == {2}


@pytest.mark.real
@pytest.mark.parametrize("change", [lambda image: image, lambda image: image.rotate(8, Image.Resampling.BICUBIC)])
def test_real_face_is_found_near_where_it_was(
    change: Callable[[Image.Image], Image.Image], real_models: ModelManager
) -> None:
    finder = FaceFinder(real_models.ensure("dlib-landmarks-68"))
    image = read_image(ASTRONAUT)
    before = finder.find(image)[0].landmarks
    moved = change(image)
    shifted = Image.new("RGB", image.size)
    shifted.paste(moved, (12, -7))
    found = finder.near(shifted, before)
    assert found is not None
    wanted = finder.find(shifted)[0].landmarks
    assert np.abs(found - wanted).mean() < 1.5
    assert finder.near(image, before - before.mean(axis=0) + (90, 400)) is None
