"""A reference laid on another face, where both show the same part of a head."""

import numpy as np
import pytest
import torch
from torch import Tensor

from jojo_cli.faces.align import FloatArray
from jojo_cli.faces.proportions import GRID, ORDINARY
from jojo_cli.stylize.overlay import Overlay, Teeth, lay, with_teeth

NOSE, FOREHEAD, CORNER = (0.56, 0.5), (0.2, 0.5), (0.05, 0.05)
EYE, BROW, LIPS = (0.475, 0.38), (0.385, 0.36), (0.745, 0.5)
"""Rows and columns, in shares of the side."""


def waves(side: int = 256) -> Tensor:
    """Return a picture [1,3,S,S] whose red rises from left to right, and whose green from top to bottom."""
    axis = (torch.arange(side) + 0.5) / side * 2 - 1
    return torch.stack([axis.expand(side, side), axis[:, None].expand(side, side), torch.zeros(side, side)])[None]


def head(*, until: float = 1.0) -> Tensor:
    """Return where a face is [G,G]: in the middle, up to a column, where hair begins."""
    face = torch.zeros(GRID, GRID)
    face[8:60, 12 : min(52, round(until * GRID))] = 1
    return face


def all_alike(moves: Tensor) -> Tensor:
    return torch.ones(1, 1, 8, 8)


def laid(
    other: FloatArray = ORDINARY,
    *,
    reference: Tensor | None = None,
    landmarks: FloatArray = ORDINARY,
    face: Tensor | None = None,
    other_face: Tensor | None = None,
    alike: float = 1.0,
) -> Overlay:
    face = head() if face is None else face
    return lay(
        waves() if reference is None else reference,
        face,
        face,
        landmarks,
        head() if other_face is None else other_face,
        other,
        lambda moves: alike * all_alike(moves),
    )


def at(images: Tensor, place: tuple[float, float]) -> Tensor:
    side = images.shape[-1]
    return images[0, :, round(place[0] * side), round(place[1] * side)]


def test_reference_on_its_own_face_is_itself() -> None:
    overlay = laid()
    assert overlay.image == pytest.approx(waves(), abs=0.01)
    assert at(overlay.weights, NOSE) > 0.99
    assert at(overlay.weights, CORNER) == 0  # hair and background have no landmarks


def test_forehead_says_nothing() -> None:
    """No landmark says where it ends, and a fringe may hang over it."""
    assert at(laid().weights, FOREHEAD) < 0.01


def test_features_come_to_lie_on_the_other_face() -> None:
    lower = ORDINARY + np.array([0, 0.05])
    overlay = laid(lower)
    shown = at(overlay.image, (NOSE[0] + 0.05, NOSE[1]))
    assert shown == pytest.approx(at(waves(), NOSE), abs=0.03)


def test_other_regions_count_nothing() -> None:
    overlay = laid(other_face=head(until=0.6))
    assert at(overlay.weights, (0.56, 0.45)) > 0.99
    assert at(overlay.weights, (0.56, 0.7)) < 0.01


def test_what_is_torn_open_counts_little() -> None:
    """Lips that are closed in the reference say nothing of an open mouth."""
    open_mouth = ORDINARY.copy()
    open_mouth[60:68, 1] += np.array([0, -0.03, -0.03, -0.03, 0, 0.08, 0.08, 0.08])
    open_mouth[55:60, 1] += 0.06
    shut = ORDINARY.copy()
    shut[60:68, 1] = 0.73
    mouth = (0.76, 0.5)
    torn = laid(open_mouth, landmarks=shut)
    assert at(torn.weights, mouth) < 0.5 * at(laid().weights, mouth)
    assert at(torn.weights, NOSE) > 0.8


def test_places_unlike_the_reference_s_count_less() -> None:
    assert at(laid(alike=0.25).weights, NOSE) == pytest.approx(0.25, abs=0.01)


def test_eyes_brows_and_lips_count_however_unlike_they_are() -> None:
    weights = laid(alike=0.0).weights
    assert [float(at(weights, place)) for place in (EYE, BROW, LIPS, NOSE)] == pytest.approx(
        [0.8, 0.25, 0.4, 0.0], abs=0.08
    )


def test_what_the_reference_hides_says_nothing() -> None:
    """Under a strand of hair, its landmarks are guesses."""
    weights = laid(face=head(until=0.5), alike=0.0).weights
    assert at(weights, EYE) > 0.7
    assert at(weights, (EYE[0], 1 - EYE[1])) < 0.1


def test_lips_that_are_not_as_far_open_say_nothing() -> None:
    assert at(laid(smiling(), alike=0.0).weights, LIPS) < 0.05


def test_lids_that_were_taken_for_brows_say_nothing() -> None:
    low = ORDINARY.copy()
    low[17:27, 1] = ORDINARY[37, 1]
    assert at(laid(landmarks=low, alike=0.0).weights, BROW) < 0.1


@pytest.mark.parametrize("side", [256, 128])
def test_drawing_shall_become_the_reference_where_that_says_so(side: int) -> None:
    drawn = torch.full((1, 3, side, side), 0.3, requires_grad=True)
    wanted = laid().over(drawn)
    assert at(wanted, NOSE) == pytest.approx(at(waves(), NOSE), abs=0.03)
    assert at(wanted, FOREHEAD) == pytest.approx(torch.full((3,), 0.3), abs=0.02)
    assert not wanted.requires_grad


def smiling() -> FloatArray:
    """Return the landmarks of an ordinary face whose mouth is open."""
    landmarks = ORDINARY.copy()
    landmarks[60:68, 1] += np.array([0, -0.02, -0.02, -0.02, 0, 0.04, 0.04, 0.04])
    return landmarks


def portrait(*, lips: float) -> Tensor:
    """Return a grey picture whose eyes are black to the left and nearly white to the right, and whose lips are as
    bright as is said.
    """
    picture = torch.zeros(1, 3, 256, 256)
    for eye in (slice(36, 42), slice(42, 48)):
        (left, top), (right, bottom) = (256 * edge for edge in (ORDINARY[eye].min(axis=0), ORDINARY[eye].max(axis=0)))
        rows, middle = slice(round(top), round(bottom)), round((left + right) / 2)
        picture[..., rows, round(left) : middle] = -1
        picture[..., rows, middle : round(right)] = 0.9
    picture[..., 180:206, 80:176] = lips
    return picture


def face_with_teeth() -> Tensor:
    """Return a grey face with a dark mouth, and white teeth in its upper half."""
    picture = torch.zeros(1, 3, 256, 256)
    picture[..., 178:206, 96:160] = -1
    picture[..., 178:192, 96:160] = 1
    return picture


TEETH, GAP = (0.72, 0.5), (0.782, 0.5)


@pytest.mark.parametrize("side", [256, 128])
def test_teeth_are_as_light_as_eyes_and_the_gap_as_dark(side: int) -> None:
    closed = portrait(lips=-0.5)
    natural = torch.nn.functional.avg_pool2d(face_with_teeth(), 256 // side)
    before = laid(smiling(), reference=closed)
    teeth = Teeth.like(closed, ORDINARY)
    assert teeth
    overlay = with_teeth(before, teeth, natural, smiling())
    assert at(overlay.image, TEETH) == pytest.approx(torch.full((3,), 0.9), abs=0.1)
    assert at(overlay.image, GAP) == pytest.approx(torch.full((3,), -1.0), abs=0.2)
    assert at(overlay.weights, TEETH) > 0.9
    assert torch.equal(at(overlay.image, NOSE), at(before.image, NOSE))
    assert torch.equal(at(overlay.weights, CORNER), at(before.weights, CORNER))


def test_closed_mouth_and_teeth_of_the_reference_are_left_alone() -> None:
    shut = ORDINARY.copy()
    shut[60:68, 1] = 0.73
    closed = portrait(lips=-0.5)
    overlay = laid(shut, reference=closed)
    teeth = Teeth.like(closed, ORDINARY)
    assert teeth
    same = with_teeth(overlay, teeth, face_with_teeth(), shut) is overlay
    assert same
    assert Teeth.like(portrait(lips=0.9), ORDINARY) is None
