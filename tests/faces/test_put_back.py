"""A square goes back to where it was cut from, with soft edges, and the rest of the photo stays."""

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from jojo_cli.faces import crop_face
from jojo_cli.faces.align import FloatArray
from jojo_cli.faces.paste import blended, face_shape, head_shape, put_back, square
from jojo_cli.faces.proportions import ORDINARY


def picture(width: int, height: int) -> Image.Image:
    """Return a picture of soft waves, which resampling changes little."""
    y, x = np.mgrid[:height, :width] / 25
    layers = [127 + 100 * np.sin(x + i) * np.cos(0.7 * y - i) for i in range(3)]
    return Image.fromarray(np.stack(layers, axis=-1).round().astype(np.uint8))


def turned_square(x: float, y: float, side: float, degrees: float) -> FloatArray:
    """Return a quad around a point."""
    angle = np.deg2rad(degrees)
    across = np.array([np.cos(angle), np.sin(angle)]) * side / 2
    down = np.array([-across[1], across[0]])
    corners: FloatArray = np.array([x, y]) + np.stack([-across - down, -across + down, across + down, across - down])
    return corners


def in_crop(places: FloatArray, quad: FloatArray) -> FloatArray:
    """Return where places [K,2] of a photo are in a quad, in shares of its side."""
    across, down = quad[3] - quad[0], quad[1] - quad[0]
    shares: FloatArray = (places - quad[0]) @ np.stack([across, down], axis=1) / (across @ across)
    return shares


def values(image: Image.Image) -> NDArray[np.int64]:
    return np.asarray(image).astype(np.int64)


@pytest.mark.parametrize(
    ("side", "degrees"), [(200, 0), (300, 20), (260, 90), (250, -135)], ids=["upright", "tilted", "lying", "far turned"]
)
def test_crop_that_was_not_redrawn_leaves_the_photo_as_it_was(side: float, degrees: float) -> None:
    photo = picture(500, 400)
    quad = turned_square(250.3, 200.6, side, degrees)
    result = photo.copy()
    put_back(result, crop_face(photo, quad, size=512), quad, square())
    change = np.abs(values(result) - values(photo)).max(axis=2)
    assert change.max() <= 2  # Pillow, which cuts, drops what is behind the point
    assert (change > 1).mean() < 0.01


def test_only_the_quad_changes() -> None:
    photo = picture(500, 400)
    quad = turned_square(250, 200, 200, 30)
    result = photo.copy()
    put_back(result, Image.new("RGB", (256, 256), "red"), quad, square())
    changed = (values(result) != values(photo)).any(axis=2)
    y, x = np.mgrid[:400, :500]
    shares = in_crop(np.stack([x, y], axis=-1).reshape(-1, 2).astype(float), quad).reshape(400, 500, 2)
    inside = ((shares > 0) & (shares < 1)).all(axis=2)
    assert not changed[~inside].any()
    middle = ((shares > 0.15) & (shares < 0.85)).all(axis=2)
    assert (values(result)[middle] == (255, 0, 0)).all()


@pytest.mark.parametrize(("x", "y"), [(0, 0), (500, 200), (250, 400)])
def test_quad_may_leave_the_photo(x: float, y: float) -> None:
    photo = picture(500, 400)
    result = photo.copy()
    put_back(result, Image.new("RGB", (64, 64), "red"), turned_square(x, y, 200, 10), square())
    assert result.size == photo.size
    row, column = min(int(y), 399), min(int(x), 499)
    assert tuple(values(result)[row, column]) == (255, 0, 0)


def test_quad_beside_the_photo_changes_nothing() -> None:
    photo = picture(50, 40)
    result = photo.copy()
    put_back(result, Image.new("RGB", (64, 64), "red"), turned_square(-200, 20, 100, 0), square())
    assert np.array_equal(values(result), values(photo))


def test_small_face_is_shrunk_without_aliasing() -> None:
    stripes = np.zeros((1024, 1024, 3), dtype=np.uint8)
    stripes[:, ::2] = 254
    photo = Image.new("RGB", (200, 200))
    put_back(photo, Image.fromarray(stripes), turned_square(100, 100, 80, 0), square())
    middle = values(photo)[80:120, 80:120]
    assert np.abs(middle - 127).max() <= 3


def test_face_shape_holds_the_faces_of_photo_and_drawing() -> None:
    wider = 0.5 + (ORDINARY - 0.5) * (1.2, 1.0)
    one, both = face_shape([ORDINARY]), face_shape([ORDINARY, wider])
    nose, cheek = (round(256 * 0.57), 128), (round(256 * 0.6), round(256 * 0.2))
    assert one[nose] > 0.99
    assert one[cheek] < 0.05
    assert both[cheek] > 0.3
    assert one[5, 128] == one[128, 5] == 0


def test_head_shape_finds_the_edge_of_the_photo() -> None:
    """What a generator knows of a head is coarse; a step of brightness nearby is where it ends."""
    edge = 148
    shown = np.full((256, 256), 220, dtype=np.uint8)
    shown[:, 40:edge] = 30
    head = np.zeros((64, 64), dtype=np.float32)
    head[10:54, 12:36] = 1  # ends at 144 of 256
    found = head_shape(head, np.zeros_like(head), Image.fromarray(shown).convert("RGB"))
    row = found[128]
    assert row[edge - 4] > 0.4
    assert row[edge + 1] < 0.05


def test_head_shape_holds_the_drawn_head() -> None:
    head, drawn = (np.zeros((64, 64), dtype=np.float32) for _ in range(2))
    head[20:40, 20:40] = 1
    drawn[20:50, 20:40] = 1
    found = head_shape(head, drawn, Image.new("RGB", (128, 128), "grey"))
    assert found[180, 120] > 0.9
    assert found[240, 120] == 0


def test_colours_at_the_seam_follow_the_photo_and_fade_inwards() -> None:
    photo, drawing = Image.new("RGB", (256, 256), (100, 120, 140)), Image.new("RGB", (256, 256), (160, 120, 100))
    weights = square()
    result = values(blended(drawing, photo, weights, 1.0))
    assert np.abs(result[128, 12] - (100, 120, 140)).max() <= 8
    assert np.abs(result[128, 128] - (160, 120, 100)).max() <= 2
    half = values(blended(drawing, photo, weights, 0.5))
    assert np.abs(half[128, 12] - (130, 120, 120)).max() <= 8


def test_detail_of_the_drawing_stays_at_the_seam() -> None:
    noise = np.random.default_rng(0).integers(0, 60, (256, 256, 3), dtype=np.uint8)
    photo, drawing = Image.new("RGB", (256, 256), (150, 150, 150)), Image.fromarray(noise)
    result = values(blended(drawing, photo, square(), 1.0))
    assert result[100:150, 8:20].std() > 0.8 * noise[100:150, 8:20].std()


def test_nothing_is_blended_without_an_amount() -> None:
    photo, drawing = Image.new("RGB", (64, 64), "white"), Image.new("RGB", (64, 64), "red")
    assert np.array_equal(values(blended(drawing, photo, square(), 0.0)), values(drawing))
