"""Large pictures, which are finished at a coarse size."""

import torch
import torch.nn.functional as F
from tiny import make_generator
from torch import Tensor

from jojo_cli.nets.gradients import STEEPNESSES
from jojo_cli.stylize.finish import coarse, finished
from jojo_cli.stylize.strokes import strokes

REGIONS = torch.tensor([0.0, 1.0, 0.0, 0.0]).view(1, 4, 1, 1).expand(1, 4, 64, 64)  # a face all over


def fine_and_coarse() -> Tensor:
    """Return a large picture [1,3,1024,1024] with noise from pixel to pixel, on shapes."""
    rng = torch.Generator().manual_seed(0)
    shapes = F.interpolate(torch.randn(1, 1, 16, 16, generator=rng), size=1024, mode="bicubic", align_corners=False)
    return (0.3 * shapes + 0.1 * torch.randn(1, 1, 1024, 1024, generator=rng)).expand(1, 3, 1024, 1024)


def detail(image: Tensor) -> float:
    """Return how much an image differs from itself at half the size."""
    half = F.interpolate(F.avg_pool2d(image, 2), scale_factor=2.0, mode="bilinear", align_corners=False)
    return (image - half).abs().mean().item()


def test_picture_is_only_finished_with_what_the_style_has() -> None:
    image = fine_and_coarse()
    assert torch.allclose(finished(image, make_generator(), REGIONS), image, atol=1e-5)


def test_detail_goes_with_the_gradients_it_lies_in() -> None:
    styled, image = make_generator(), fine_and_coarse()
    for times in (0.5, 2.0):
        styled.gains = torch.full((1, STEEPNESSES), times)
        assert abs(detail(finished(image, styled, None)) / (times * detail(image)) - 1) < 0.1


def test_detail_goes_where_strokes_are_smooth() -> None:
    styled, image = make_generator(), fine_and_coarse()
    styled.strokes = strokes(1.0)
    smooth, half = (finished(image, styled, REGIONS, amount) for amount in (1.0, 0.5))
    assert detail(smooth) < 0.1 * detail(image)
    assert torch.allclose(half, (smooth + image) / 2, atol=1e-5)


def test_coarse_and_large_picture_come_out_alike() -> None:
    styled, image = make_generator(), fine_and_coarse()
    styled.strokes, styled.gains = strokes(1.0), torch.full((1, STEEPNESSES), 1.3)
    styled.tones = torch.linspace(-0.9, 0.8, 17)
    large, small = (finished(x, styled, REGIONS) for x in (image, coarse(image)))
    assert large.shape == image.shape
    assert (coarse(large) - small).abs().mean() < 0.02
