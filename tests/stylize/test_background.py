"""What is behind somebody, whose colour nothing goes past."""

import pytest
import torch
from torch import Tensor

from jojo_cli.nets.gradients import with_gains
from jojo_cli.stylize.background import background_of, without_halo


def picture(behind: float, hair: float, line: float | None = None) -> tuple[Tensor, Tensor]:
    """Return hair on the left and what is behind it on the right, with a line between, and the regions."""
    image = torch.full((1, 3, 256, 256), hair)
    image[..., 128:] = behind
    if line is not None:
        image[..., 126:132] = line
    regions = torch.zeros(1, 4, 64, 64)  # background, face, hair, body
    regions[:, 0, :, 32:] = regions[:, 2, :, :32] = 1
    return image, regions


@pytest.mark.parametrize(("behind", "hair"), [(0.4, -0.8), (-0.4, 0.5)])
def test_edges_become_steeper_without_a_rim(behind: float, hair: float) -> None:
    image, regions = picture(behind, hair)
    bold, _ = with_gains(image, torch.full((1, 25), 2.0))
    held = without_halo(image, bold, background_of(image, regions))
    assert (bold[..., 128:] - behind).abs().max() > 0.2
    assert (held[..., 128:] - behind).abs().max() < 0.01
    assert torch.equal(held[..., :120], bold[..., :120])


def test_lines_around_somebody_still_become_darker() -> None:
    image, regions = picture(0.4, 0.2, line=-0.1)
    bold, _ = with_gains(image, torch.full((1, 25), 2.0))
    held = without_halo(image, bold, background_of(image, regions))
    assert held[..., 128:131].mean() < -0.17
    assert held[..., 134:].max() <= 0.41


def test_colours_that_are_not_known_hold_nothing() -> None:
    """No background is seen, or too little of it."""
    image, regions = picture(0.4, -0.8)
    regions[:, 0, :, :-2] = 0
    bold, _ = with_gains(image, torch.full((1, 25), 2.0))
    behind = background_of(image, regions)
    assert behind.colour.isnan().all()
    assert torch.equal(without_halo(image, bold, behind), bold)
