"""The landmarks of drawings: eyes larger than any that dlib has seen."""

from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image, ImageDraw

from jojo_cli.faces.align import FloatArray
from jojo_cli.faces.drawn import landmarks_of_drawing
from jojo_cli.faces.proportions import ORDINARY

EYES = (slice(36, 42), slice(42, 48))
SIDE = 512


def size(landmarks: FloatArray, eye: slice) -> FloatArray:
    extent: FloatArray = np.ptp(landmarks[eye], axis=0)
    return extent


def drawing(times: float, *, brows: float = 0.34) -> Image.Image:
    """Return a face with eyes so many times larger than ordinary ones, and thick brows at a height."""
    image = Image.new("RGB", (SIDE, SIDE), (240, 200, 170))
    pen = ImageDraw.Draw(image)
    for eye in EYES:
        centre, half = ORDINARY[eye].mean(axis=0), times * size(ORDINARY, eye) / 2
        pen.ellipse([*(SIDE * (centre - half)), *(SIDE * (centre + half))], fill=(20, 60, 90))
        left, right = centre[0] - 0.09, centre[0] + 0.09
        pen.rectangle([SIDE * left, SIDE * (brows - 0.012), SIDE * right, SIDE * (brows + 0.012)], fill=(60, 30, 20))
    return image


def predictor(brows: float, *, above: float = 0.0) -> Callable[[Image.Image], FloatArray]:
    """Return what sees eyes as they are, but none that is larger than usual; and brows on their lids, or above them."""

    def find(image: Image.Image) -> FloatArray:
        blue = np.asarray(image)[..., 0] < 40
        found = ORDINARY.copy()
        for eye in EYES:
            centre = ORDINARY[eye].mean(axis=0)
            column = round(SIDE * centre[0])
            tall = np.count_nonzero(blue[:, column]) / SIDE
            times = tall / size(ORDINARY, eye)[1]
            found[eye] = centre + (times if times < 1.3 else 1.0) * (ORDINARY[eye] - centre)
        found[17:27, 1] = brows if times < 1.3 else found[37, 1] - above
        return found

    return find


@pytest.mark.parametrize("times", [1.0, 1.6])
def test_eyes_are_as_large_as_they_are_drawn(times: float) -> None:
    image, find = drawing(times), predictor(0.34)
    landmarks = landmarks_of_drawing(image, find(image), find)
    for eye in EYES:
        wide, tall = size(landmarks, eye) / size(ORDINARY, eye)
        assert wide == pytest.approx(times, rel=0.2)
        assert tall == pytest.approx(times, rel=0.25)  # an ellipse is deeper than the lids that are put on it
        assert landmarks[eye].mean(axis=0) == pytest.approx(ORDINARY[eye].mean(axis=0), abs=0.01)
    assert landmarks[:17] == pytest.approx(ORDINARY[:17])
    assert landmarks[27:36] == pytest.approx(ORDINARY[27:36])


@pytest.mark.parametrize("white", [0.0, 0.02])
def test_lower_lids_are_where_skin_begins(white: float) -> None:
    """The predictor sees them in a large iris, or above the white below it."""
    image = drawing(1.2)
    pen = ImageDraw.Draw(image)
    for eye in EYES:
        (x, y), tall = ORDINARY[eye].mean(axis=0), size(ORDINARY, eye)[1]
        bottom = y + 0.6 * tall + white
        pen.rectangle([SIDE * (x - 0.05), SIDE * y, SIDE * (x + 0.05), SIDE * bottom], fill=(240, 240, 255))
    after = landmarks_of_drawing(image, ORDINARY, lambda crop: np.zeros((68, 2)))
    for eye in EYES:
        lid = ORDINARY[eye].mean(axis=0)[1] + 0.6 * size(ORDINARY, eye)[1] + white
        assert after[eye][4:, 1] == pytest.approx(np.full(2, lid), abs=0.005)
        assert after[eye][:4] == pytest.approx(ORDINARY[eye][:4])


def test_brows_are_not_on_the_lids() -> None:
    image, find = drawing(1.6), predictor(0.34)
    before = find(image)
    assert before[17:27, 1].mean() > 0.45
    after = landmarks_of_drawing(image, before, find)
    assert after[17:27, 1] == pytest.approx(np.full(10, 0.34), abs=0.03)


def test_brows_are_not_in_the_crease_above_the_lids() -> None:
    image, find = drawing(1.6), predictor(0.34, above=0.07)
    before = find(image)
    top = min(ORDINARY[eye].mean(axis=0)[1] - 1.6 * size(ORDINARY, eye)[1] / 2 for eye in EYES)
    assert 0.36 < before[17:27, 1].mean() < top
    after = landmarks_of_drawing(image, before, find)
    assert after[17:27, 1] == pytest.approx(np.full(10, 0.34), abs=0.03)


def test_brows_that_lie_on_brows_are_believed() -> None:
    """Also where others lie on them a little better."""
    image, find = drawing(1.6), predictor(0.34, above=0.115)
    before = find(image)
    assert before[17:27, 1].mean() == pytest.approx(0.345, abs=0.01)
    before[18, 1] -= 0.05  # on skin
    after = landmarks_of_drawing(image, before, find)
    assert after[17:27] == pytest.approx(before[17:27])
