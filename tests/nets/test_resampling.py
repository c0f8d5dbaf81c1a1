"""Changes of size as matrices: the same numbers as torch's own functions, where it has them."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F

from jojo_cli.nets.resampling import antialiased, averages, resampled


@pytest.mark.parametrize(("inputs", "outputs"), [(19, 8), (75, 8), (16, 8), (188, 112), (5, 8)])
def test_averages_are_those_of_adaptive_pooling(inputs: int, outputs: int) -> None:
    x = torch.randn(2, 3, inputs, inputs, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(resampled(x, averages(inputs, outputs)), F.adaptive_avg_pool2d(x, outputs), atol=1e-5)


@pytest.mark.parametrize(("height", "width"), [(690, 690), (345, 346), (86, 86), (150, 150)])
def test_antialiasing_is_that_of_interpolate(height: int, width: int) -> None:
    x = torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(0))
    theirs = F.interpolate(x, size=(150, 150), mode="bilinear", antialias=True, align_corners=False)
    assert torch.allclose(resampled(x, antialiased(height, 150), antialiased(width, 150)), theirs, atol=1e-5)


def test_precision_is_that_of_the_picture_whatever_runs_around_it() -> None:
    x = torch.rand(1, 3, 20, 20, generator=torch.Generator().manual_seed(0))
    with torch.autocast("cpu", torch.bfloat16):
        y = resampled(x, averages(20, 7))
    assert y.dtype == torch.float32
    assert torch.equal(y, resampled(x, averages(20, 7)))


@pytest.mark.parametrize("matrix", [averages, antialiased])
def test_what_was_drawn_without_gradients_can_be_learnt_later(matrix: Callable[[int, int], torch.Tensor]) -> None:
    x = torch.rand(1, 3, 21, 21, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        resampled(x, matrix(21, 9))
    x.requires_grad_()
    resampled(x, matrix(21, 9)).sum().backward()  # type: ignore[no-untyped-call]
    assert x.grad is not None
    assert x.grad.sum().item() == pytest.approx(3 * 9 * 9, rel=1e-4)  # rows add up to 1
