"""Detail that nobody asked for: contrasts by octave and place, and what is beyond those that a face may have."""

import pytest
import torch
from torch import Tensor

from jojo_cli.stylize.detail import FAINT, Limit, contrasts

SIDE, GRID = 128, 8


def stripes(period: int, *, amplitude: float = 0.5, side: int = SIDE) -> Tensor:
    """Return a picture [1,3,S,S] of stripes, half of the period light and half dark."""
    row = torch.where(torch.arange(side) % period < period / 2, amplitude, -amplitude)
    return row.expand(1, 3, side, side)


def limit_of(images: Tensor, *, counts: float = 1.0) -> Limit:
    return Limit(contrasts(images, GRID), torch.full((1, 1, GRID, GRID), counts))


@pytest.mark.parametrize(("octave", "period"), [(0, 2), (1, 4), (3, 16), (4, 32)])
def test_stripes_have_the_contrast_of_their_octave(octave: int, period: int) -> None:
    found = contrasts(stripes(period), GRID)
    assert found.shape == (1, 6, GRID, GRID)
    assert torch.allclose(found[:, octave], torch.tensor(0.5), atol=1e-4)
    assert torch.allclose(found[:, [b for b in range(6) if b != octave]], torch.tensor(FAINT))


def test_contrast_is_where_the_stripes_are() -> None:
    images = torch.zeros(1, 3, SIDE, SIDE)
    images[..., : SIDE // 2] = stripes(2)[..., : SIDE // 2]
    finest = contrasts(images, GRID)[0, 0]
    assert (finest[:, :4] > 0.49).all()
    assert torch.allclose(finest[:, 4:], torch.tensor(FAINT))


def test_what_a_face_may_have_is_no_excess_and_more_is() -> None:
    limit = limit_of(stripes(4, amplitude=0.3))
    assert limit.excess(stripes(4, amplitude=0.3)) == 0
    assert limit.excess(stripes(4, amplitude=0.1)) == 0
    assert limit.excess(torch.zeros(1, 3, SIDE, SIDE)) == 0
    beyond, farther = (limit.excess(stripes(4, amplitude=a)) for a in (0.4, 0.5))
    assert 0 < beyond < farther
    assert limit.excess(stripes(8, amplitude=0.1)) > 0  # not at this octave


def test_smaller_pictures_are_compared_octave_by_octave() -> None:
    limit = limit_of(stripes(8))
    assert limit.excess(stripes(4, side=SIDE // 2)) == pytest.approx(0, abs=1e-6)  # the same stripes
    assert limit.excess(stripes(8, side=SIDE // 2)) > 0


def test_only_what_counts_is_held_down() -> None:
    noise = torch.rand(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    even = torch.zeros(1, 3, SIDE, SIDE)
    assert limit_of(even, counts=0).excess(noise) == 0
    assert limit_of(even, counts=0.5).excess(noise) == pytest.approx(limit_of(even).excess(noise).item() / 2)
