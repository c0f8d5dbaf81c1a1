"""The FFHQ crop: its geometry, where each pixel comes from, and what lies beyond the border."""

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps

from jojo_cli.faces import crop_face, face_quad

DATA = Path(__file__).parents[1] / "data"
GOLDEN = json.loads((DATA / "ffhq-alignment.json").read_text())


def square(centre: tuple[float, float], side: float, *, degrees: float = 0) -> NDArray[np.float64]:
    """Make the corners of a square as `face_quad` orders them, turned clockwise."""
    turn = np.deg2rad(degrees)
    across = np.array([np.cos(turn), np.sin(turn)]) * side / 2
    down = np.array([-across[1], across[0]])
    corners: NDArray[np.float64] = np.array([-across - down, -across + down, across + down, across - down])
    corners += centre
    return corners


def ramps(width: int, height: int) -> Image.Image:
    """Make a picture whose red is its x and whose green is its y, in parts of 255."""
    pixels = np.zeros((height, width, 3), dtype=np.float64)
    pixels[..., 0] = (np.arange(width) + 0.5)[None, :] / width * 255
    pixels[..., 1] = (np.arange(height) + 0.5)[:, None] / height * 255
    # Rounding up or down by chance keeps the mean of many pixels exact.
    return Image.fromarray((pixels + np.random.default_rng(0).random(pixels.shape)).astype(np.uint8))


@pytest.mark.parametrize("name", GOLDEN)
def test_quad_is_that_of_ffhq(name: str) -> None:
    quad = face_quad(np.array(GOLDEN[name]["landmarks"]))
    assert np.abs(quad - GOLDEN[name]["quad"]).max() < 0.01


@pytest.mark.parametrize("side", [60, 100, 150, 340, 450])  # enlarged, as it is, reduced a little and much
@pytest.mark.parametrize("degrees", [0, 30, 180])
def test_crop_takes_each_pixel_from_where_it_lies(side: float, degrees: float) -> None:
    size, extent = 100, 700
    quad = square((351.3, 349.1), side, degrees=degrees)
    photo = ramps(extent, extent)
    crop, negative = (
        np.asarray(crop_face(image, quad, size=size)).astype(float) for image in (photo, ImageOps.invert(photo))
    )
    crop = (crop - negative + 255) / 2  # Pillow rounds down when it turns a picture

    steps = (np.arange(size) + 0.5) / size
    x = quad[0, 0] + (quad[3, 0] - quad[0, 0]) * steps[None, :] + (quad[1, 0] - quad[0, 0]) * steps[:, None]
    y = quad[0, 1] + (quad[3, 1] - quad[0, 1]) * steps[None, :] + (quad[1, 1] - quad[0, 1]) * steps[:, None]
    for channel, position in enumerate((x, y)):
        found = crop[..., channel] / 255 * extent - 0.5
        assert abs((found - position).mean()) < 0.35  # of a pixel, from ramps in 8 bits
        assert np.abs(found - position).max() < 7


@pytest.mark.parametrize("side", [180, 600])
def test_fine_patterns_are_averaged_not_skipped(side: int) -> None:
    board = Image.fromarray(np.indices((800, 800)).sum(axis=0).astype(np.uint8) % 2 * 255).convert("RGB")
    crop = np.asarray(crop_face(board, square((400.3, 400.3), side), size=128)).astype(float)
    assert np.abs(crop - 127.5).max() < 8


@pytest.mark.parametrize("side", [300, 1500])
def test_what_lies_beyond_the_border_is_mirrored_and_blurred(side: int) -> None:
    size = 256
    noise = np.random.default_rng(0).integers(0, 256, (side // 4, side // 4, 3), dtype=np.uint8)
    photo = Image.fromarray(noise).resize((side, side), Image.Resampling.BICUBIC)
    # The left third of the crop lies outside.
    crop = np.asarray(crop_face(photo, square((side / 6, side / 2), side), size=size)).astype(float)
    inside = np.asarray(crop_face(photo, square((side * 0.6, side / 2), side * 0.5), size=size // 2)).astype(float)

    def detail(pixels: NDArray[np.float64]) -> float:
        return float(np.abs(np.diff(pixels, axis=1)).mean())

    middle = slice(size // 4, -size // 4)
    assert detail(crop[middle, : size // 4]) < detail(crop[middle, size // 2 :]) / 10
    assert detail(crop[middle, size // 2 :]) == pytest.approx(detail(inside), rel=0.1)
    assert crop.min(axis=2).mean() > 60  # nothing is filled with black


def test_real_pixels_stay_as_they_are_where_a_border_is_near() -> None:
    photo = Image.open(DATA / "grace_hopper.png").convert("RGB")
    quad = np.array(GOLDEN["grace_hopper"]["quad"])
    whole = np.asarray(crop_face(photo, quad, size=256)).astype(float)
    left, top = 175, 140  # through the hat and the cheek
    cut = photo.crop((left, top, photo.width, photo.height))
    near = np.asarray(crop_face(cut, quad - np.array((left, top)), size=256)).astype(float)
    assert np.abs(near - whole)[160:, 128:].mean() < 0.5
    assert np.abs(near - whole)[:64].mean() > 10


@pytest.mark.parametrize("size", [32, 1000])
def test_crop_has_the_size_asked_for(size: int) -> None:
    crop = crop_face(Image.new("RGB", (50, 20), "red"), square((45, 5), 60), size=size)
    assert (crop.mode, crop.size) == ("RGB", (size, size))


def test_face_larger_than_its_picture_is_still_a_crop() -> None:
    crop = crop_face(Image.new("RGB", (9, 3), "red"), square((4, 1), 400), size=64)
    assert np.asarray(crop).reshape(-1, 3).mean(axis=0).tolist() == pytest.approx([255, 0, 0], abs=1)
