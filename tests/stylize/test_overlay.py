"""A reference laid on another face, where both show the same part of a head."""

import numpy as np
import pytest
import torch
from torch import Tensor

from jojo_cli.bases.regions import GRID, REGIONS
from jojo_cli.faces.align import FloatArray
from jojo_cli.faces.proportions import ORDINARY
from jojo_cli.stylize.overlay import Overlay, lay

NOSE, FOREHEAD, CORNER = (0.56, 0.5), (0.2, 0.5), (0.05, 0.05)
"""Rows and columns, in shares of the side."""


def waves(side: int = 256) -> Tensor:
    """Return a picture [1,3,S,S] whose red rises from left to right, and whose green from top to bottom."""
    axis = (torch.arange(side) + 0.5) / side * 2 - 1
    return torch.stack([axis.expand(side, side), axis[:, None].expand(side, side), torch.zeros(side, side)])[None]


def head(*, hair_from: float = 0.0) -> Tensor:
    """Return regions [4,G,G]: a face with background around it, and hair to the right of a column."""
    regions = torch.zeros(len(REGIONS), GRID, GRID)
    regions[REGIONS.index("background")] = 1
    regions[:, 8:60, 12:52] = 0
    regions[REGIONS.index("face"), 8:60, 12:52] = 1
    if hair_from:
        column = round(hair_from * GRID)
        regions[:, 8:60, column:52] = 0
        regions[REGIONS.index("hair"), 8:60, column:52] = 1
    return regions


def all_alike(moves: Tensor) -> Tensor:
    return torch.ones(1, 1, 8, 8)


def laid(other: FloatArray = ORDINARY, other_regions: Tensor | None = None) -> Overlay:
    return lay(waves(), head(), ORDINARY, head() if other_regions is None else other_regions, other, all_alike)


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
    overlay = laid(other_regions=head(hair_from=0.6))
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
    torn = lay(waves(), head(), shut, head(), open_mouth, all_alike)
    assert at(torn.weights, mouth) < 0.5 * at(laid().weights, mouth)
    assert at(torn.weights, NOSE) > 0.8


def test_places_unlike_the_reference_s_count_less() -> None:
    overlay = lay(waves(), head(), ORDINARY, head(), ORDINARY, lambda moves: all_alike(moves) / 4)
    assert at(overlay.weights, NOSE) == pytest.approx(0.25, abs=0.01)


@pytest.mark.parametrize("side", [256, 128])
def test_drawing_shall_become_the_reference_where_that_says_so(side: int) -> None:
    drawn = torch.full((1, 3, side, side), 0.3, requires_grad=True)
    wanted = laid().over(drawn)
    assert at(wanted, NOSE) == pytest.approx(at(waves(), NOSE), abs=0.03)
    assert at(wanted, FOREHEAD) == pytest.approx(torch.full((3,), 0.3), abs=0.02)
    assert not wanted.requires_grad
