"""Lines and hair that go on along themselves."""

from math import pi

import pytest
import torch
from torch import Tensor

from jojo_cli.stylize.strokes import strokes, strokes_of_strands, with_strokes, without_strokes

SIDE = 512
HAIR, NO_HAIR = torch.ones(1, 1, 64, 64), torch.zeros(1, 1, 64, 64)


def strands_at(angle: float, *, broken: float, crimped: float = 0.0) -> Tensor:
    """Return strands [1,3,512,512] 12 pixels apart that run at an angle from the horizontal, with noise and crimps."""
    places = torch.arange(SIDE) / 12 * 2 * pi
    down, right = torch.cos(torch.tensor(angle)) * places[:, None], torch.sin(torch.tensor(angle)) * places
    along = torch.cos(torch.tensor(angle)) * places + torch.sin(torch.tensor(angle)) * places[:, None]
    noise = broken * torch.randn(SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    return (0.5 * torch.sin(down - right + crimped * torch.sin(along / 2)) + noise).expand(1, 3, SIDE, SIDE)


def smoothed(image: Tensor, hair: Tensor) -> Tensor:
    return with_strokes(image, strokes(1.0), hair)[0]


@pytest.mark.parametrize("hair", [HAIR, NO_HAIR])
@pytest.mark.parametrize("angle", [0.0, 0.5, pi / 2, 2.2, -0.4])
def test_strokes_are_closed_and_stay_apart(angle: float, hair: Tensor) -> None:
    clean, broken = strands_at(angle, broken=0), strands_at(angle, broken=0.2)
    smooth = smoothed(broken, hair)
    inside = (..., slice(60, -60), slice(60, -60))
    before, after = ((image - clean)[inside].std() for image in (broken, smooth))
    assert after < 0.45 * before
    assert smooth[inside].std() > 0.8 * clean[inside].std()


def test_hair_follows_the_direction_of_all_that_is_around() -> None:
    """Its crimps are combed out, where a line elsewhere is followed through its bends."""
    crimped = strands_at(0.5, broken=0, crimped=1.2)
    inside = (..., slice(60, -60), slice(60, -60))
    lines, hair = ((smoothed(crimped, where) - crimped)[inside].std() for where in (NO_HAIR, HAIR))
    assert lines < 0.4 * crimped[inside].std()
    assert hair > 2 * lines


def test_each_place_goes_as_far_as_it_shall() -> None:
    image = strands_at(0.5, broken=0.2)
    left = (torch.arange(64) < 32).float().expand(1, 1, 64, 64)
    only_hair = strokes(1.0) * torch.tensor([[1.0, 1.0, 1.0], [0.0, 1.0, 1.0]])
    (whole, far), (half, _), (none, nowhere) = (
        with_strokes(image, only_hair, left, amount) for amount in (1.0, 0.5, 0.0)
    )
    assert torch.equal(whole[..., 300:], image[..., 300:])
    assert not torch.allclose(whole[..., :200], image[..., :200], atol=0.1)
    assert torch.allclose(half, (whole + image) / 2, atol=1e-6)
    assert torch.equal(none, image)
    assert far[..., :200].min() == 1
    assert far[..., 300:].max() == nowhere.max() == 0
    assert torch.equal(with_strokes(image, without_strokes(strokes(1.0)), left)[0], image)
    assert torch.allclose(with_strokes(image, strokes(0.5), left)[0], (smoothed(image, left) + image) / 2, atol=1e-6)


def test_even_picture_stays_as_it_is() -> None:
    even = torch.full((2, 3, 128, 128), 0.3)
    assert torch.allclose(smoothed(even, torch.ones(2, 1, 64, 64)), even)


def test_styles_that_knew_of_hair_alone_smooth_hair_alone() -> None:
    image = strands_at(0.5, broken=0.2)
    old = strokes_of_strands(torch.tensor([0.5]))
    assert torch.equal(with_strokes(image, old, NO_HAIR)[0], image)
    whole, half = (with_strokes(image, one, HAIR)[0] for one in (strokes_of_strands(torch.ones(1)), old))
    assert not torch.allclose(whole, image, atol=0.1)
    assert torch.allclose(half, (whole + image) / 2, atol=1e-6)
