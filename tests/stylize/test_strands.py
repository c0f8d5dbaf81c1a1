"""Hair that goes on along its strands."""

from math import pi

import pytest
import torch
from torch import Tensor

from jojo_cli.stylize.strands import with_strands

SIDE = 512


def hair_at(angle: float, *, broken: float) -> Tensor:
    """Return strands [1,3,512,512] 12 pixels apart that run at an angle from the horizontal, with some noise."""
    places = torch.arange(SIDE) / 12 * 2 * pi
    across = places[:, None] * torch.cos(torch.tensor(angle)) - places * torch.sin(torch.tensor(angle))
    noise = broken * torch.randn(SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    return (0.5 * torch.sin(across) + noise).expand(1, 3, SIDE, SIDE)


@pytest.mark.parametrize("angle", [0.0, 0.5, pi / 2, 2.2, -0.4])
def test_strands_are_closed_and_stay_apart(angle: float) -> None:
    clean, broken = hair_at(angle, broken=0), hair_at(angle, broken=0.2)
    smooth = with_strands(broken, torch.ones(1, 1, 64, 64))
    inside = (..., slice(40, -40), slice(40, -40))
    before, after = ((image - clean)[inside].std() for image in (broken, smooth))
    assert after < 0.45 * before
    assert smooth[inside].std() > 0.8 * clean[inside].std()


def test_only_hair_changes_and_by_its_amount() -> None:
    image = hair_at(0.5, broken=0.2)
    hair = (torch.arange(64) < 32).float().expand(1, 1, 64, 64)
    whole, half, none = (with_strands(image, hair, amount) for amount in (1.0, 0.5, 0.0))
    assert torch.equal(whole[..., 300:], image[..., 300:])
    assert not torch.allclose(whole[..., :200], image[..., :200], atol=0.1)
    assert torch.allclose(half, (whole + image) / 2, atol=1e-6)
    assert torch.equal(none, image)


def test_even_hair_stays_as_it_is() -> None:
    even = torch.full((2, 3, 128, 128), 0.3)
    assert torch.allclose(with_strands(even, torch.ones(2, 1, 64, 64)), even)


def test_picture_of_any_size_is_followed_as_far() -> None:
    image = hair_at(0.5, broken=0.2)
    larger = image.repeat_interleave(2, 2).repeat_interleave(2, 3)
    smooth = with_strands(larger, torch.ones(1, 1, 64, 64))
    back = torch.nn.functional.avg_pool2d(smooth, 2)
    assert torch.allclose(back, with_strands(image, torch.ones(1, 1, 64, 64)), atol=0.12)
