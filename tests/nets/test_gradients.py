"""Pictures whose gradients are made steeper or flatter."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from jojo_cli.nets import gradients
from jojo_cli.nets.gradients import steepness, steepnesses


def with_gains(images: Tensor, gains: Tensor, regions: Tensor | None = None) -> Tensor:
    return gradients.with_gains(images, gains, regions)[0]


def with_line(side: int) -> Tensor:
    """Return a grey picture [1,3,S,S] with a soft dark line from top to bottom, and a little unevenness."""
    across = torch.linspace(0, 1, side)
    line = -0.4 * torch.exp(-((across - 0.5) / 0.01).square())
    uneven = 0.01 * torch.sin(across * 50)[:, None] * torch.sin(across * 50)
    return (line + uneven).expand(1, 3, side, side).clone()


def only_lines(times: float) -> Tensor:
    """Return gains that take what is nearly even away, and make the rest so many times as steep."""
    return torch.where(steepnesses() < 0.01, 0.0, times)[None]


@pytest.mark.parametrize("side", [48, 512])
def test_gains_of_one_change_nothing(side: int) -> None:
    images = torch.rand(2, 3, side, side, generator=torch.Generator().manual_seed(0)) * 2 - 1
    assert torch.allclose(with_gains(images, torch.ones_like(steepnesses())[None]), images, atol=1e-6)


@pytest.mark.parametrize("side", [256, 512])
def test_lines_get_bolder_and_areas_even(side: int) -> None:
    before = with_line(side)
    after = with_gains(before, only_lines(1.5))
    beside = slice(round(0.1 * side), round(0.4 * side))
    middle = slice(round(0.48 * side), round(0.52 * side))
    assert after[..., middle].min() < before[..., middle].min() - 0.05
    assert after[..., beside].std() < 0.3 * before[..., beside].std()
    assert (after[..., beside].mean() - before[..., beside].mean()).abs() < 0.01  # without a halo


def test_size_of_a_picture_hardly_matters() -> None:
    large, small = (with_gains(with_line(side), only_lines(1.5)) for side in (512, 256))
    assert (F.avg_pool2d(large, 2) - small).abs().max() < 0.03
    assert (steepness(with_line(512)).amax() / steepness(with_line(256)).amax() - 1).abs() < 0.15


def test_gains_of_places_are_known() -> None:
    _, gain = gradients.with_gains(with_line(128), only_lines(1.5))
    assert gain.shape == (1, 1, 128, 128)
    assert gain[..., 62].mean() > 1.4  # beside the middle of the line
    assert gain[..., 20].mean() < 0.1


def test_each_picture_is_filtered_on_its_own() -> None:
    images = torch.cat([with_line(128), with_line(128).flip(1) * 0.5])
    together = with_gains(images, only_lines(2.0))
    assert torch.allclose(together, torch.cat([with_gains(x[None], only_lines(2.0)) for x in images]), atol=1e-6)


def test_regions_have_gains_of_their_own() -> None:
    images = with_line(256).transpose(2, 3)  # the line runs from left to right
    nothing, bold = torch.zeros_like(only_lines(2)), only_lines(2.0)
    left = (torch.arange(64) < 32).float().expand(1, 1, 64, 64)
    drawn = with_gains(images, torch.cat([bold, nothing]), left)
    right, gone = drawn[..., 180:], drawn[..., :76]
    assert torch.allclose(right, with_gains(images, bold)[..., 180:], atol=0.01)
    assert gone.std() < 0.4 * images[..., :76].std()
