"""What gives faces that a style draws the gradients of its references."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from jojo_cli.nets.gradients import steepness, steepnesses, with_gains
from jojo_cli.stylize.boldness import GRAIN, gains


def picture(seed: int, contrast: float, grain: float = 0.0) -> Tensor:
    """Return smooth shapes [1,3,256,256] with contours, of some contrast, and with noise."""
    rng = torch.Generator().manual_seed(seed)
    shapes = F.interpolate(torch.randn(1, 1, 12, 12, generator=rng), size=256, mode="bicubic", align_corners=False)
    noise = grain * torch.randn(1, 1, 256, 256, generator=rng)
    return (contrast * torch.tanh(8 * shapes) + noise).expand(1, 3, 256, 256)


def test_faces_become_as_bold_as_the_reference() -> None:
    wanted, faces = picture(0, 0.8), [picture(seed, 0.35) for seed in (1, 2, 3)]
    found = gains([wanted], faces, 1.0)
    away = [abs(steepness(face).mean() / steepness(wanted).mean() - 1) for face in faces]
    still_away = [abs(steepness(with_gains(face, found)).mean() / steepness(wanted).mean() - 1) for face in faces]
    assert max(still_away) < 0.5 * min(away)


def test_areas_become_as_even_as_the_reference() -> None:
    found = gains([picture(0, 0.6)], [picture(1, 0.6, grain=0.01)], 1.0)
    area = 0.01 * torch.randn(1, 3, 256, 256, generator=torch.Generator().manual_seed(9))
    assert with_gains(area, found).std() < 0.5 * area.std()


def test_grain_is_not_made_a_line() -> None:
    found = gains([picture(0, 0.6, grain=0.02)], [picture(1, 0.6, grain=0.001)], 1.0)
    assert found[steepnesses() < GRAIN].max() <= 1


def test_amount_says_how_far() -> None:
    pictures = [picture(0, 0.8)], [picture(1, 0.4)]
    none, half, whole = (gains(*pictures, amount) for amount in (0.0, 0.5, 1.0))
    assert torch.equal(none, torch.ones_like(none))
    assert torch.allclose(half, (1 + whole) / 2)
    assert whole.max() > 1.3


def test_even_picture_says_nothing_wild() -> None:
    found = gains([torch.zeros(1, 3, 64, 64)], [torch.zeros(1, 3, 64, 64)], 1.0)
    assert found.isfinite().all()
    assert found.min() >= 0


@pytest.mark.parametrize("count", [1, 3])
def test_references_count_alike(count: int) -> None:
    faces = [picture(1, 0.4)]
    assert torch.allclose(gains([picture(0, 0.8)] * count, faces, 1.0), gains([picture(0, 0.8)], faces, 1.0), atol=1e-4)
