"""Where the irises of a face are."""

import numpy as np
import pytest
from PIL import Image, ImageDraw

from jojo_cli.faces.align import EYES
from jojo_cli.faces.irises import iris_places
from jojo_cli.faces.proportions import ORDINARY

SIDE = 1024
WIDTH = float(np.ptp(ORDINARY[EYES[0], 0]))


def drawing(aside: float, iris: tuple[int, int, int] = (60, 90, 140)) -> Image.Image:
    """Return a face whose irises lie so far to the right of the middle of the eyes, in widths of these."""
    image = Image.new("RGB", (SIDE, SIDE), (240, 200, 170))
    pen = ImageDraw.Draw(image)
    for eye in EYES:
        pen.polygon([tuple(SIDE * point) for point in ORDINARY[eye]], fill=(245, 245, 245))
        x, y = ORDINARY[eye].mean(axis=0) + np.array([aside * WIDTH, 0.0])
        for radius, colour in ((0.21, iris), (0.08, (0, 0, 0))):
            reach = radius * WIDTH
            pen.ellipse([SIDE * (x - reach), SIDE * (y - reach), SIDE * (x + reach), SIDE * (y + reach)], fill=colour)
    return image


@pytest.mark.parametrize("aside", [-0.15, 0.0, 0.15])
@pytest.mark.parametrize("iris", [(60, 90, 140), (30, 20, 15)])
def test_irises_are_where_eyes_look(aside: float, iris: tuple[int, int, int]) -> None:
    places = iris_places(drawing(aside, iris), ORDINARY)
    assert places.shape == (512, 512)
    for eye, half in zip(EYES, (slice(0, 256), slice(256, 512)), strict=True):
        rows, columns = np.nonzero(places[:, half])
        x, y = ORDINARY[eye].mean(axis=0) + np.array([aside * WIDTH, 0.0])
        assert (columns.mean() + half.start) / 512 == pytest.approx(x, abs=0.07 * WIDTH)
        assert rows.mean() / 512 == pytest.approx(y, abs=0.07 * WIDTH)
        assert np.ptp(columns) / 512 == pytest.approx(0.43 * WIDTH, rel=0.15)


def test_less_of_them_is_what_is_in_the_middle() -> None:
    whole, inner = (iris_places(drawing(0.0), ORDINARY, size=size) for size in (1.0, 0.5))
    assert (whole & inner).sum() == inner.sum()
    assert 0 < inner.sum() < 0.4 * whole.sum()


def test_eyes_that_are_shut_have_none() -> None:
    landmarks = ORDINARY.copy()
    for eye in EYES:
        landmarks[eye, 1] = landmarks[eye, 1].mean()
    assert not iris_places(drawing(0.0), landmarks).any()
    assert not iris_places(Image.new("RGB", (SIDE, SIDE), "white"), ORDINARY).any()
