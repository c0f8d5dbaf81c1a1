"""The optimiser of finetuning: Adam, but for what it divides by."""

import pytest
import torch
from torch import nn

from jojo_cli.stylize.optimizer import RowAdam


def moved(parameter: nn.Parameter, *gradients: torch.Tensor) -> torch.Tensor:
    """Return how far a parameter goes in a step for each gradient."""
    before = parameter.detach().clone()
    optimizer = RowAdam([{"params": [parameter]}], lr=0.1, beta=0.9)
    for gradient in gradients:
        parameter.grad = gradient
        optimizer.step()
    return parameter.detach() - before


@pytest.mark.parametrize("shape", [(2, 3), (2, 3, 1, 1), (2, 1, 1, 3)])
def test_weights_of_a_channel_move_by_what_they_matter(shape: tuple[int, ...]) -> None:
    gradient = torch.tensor([[3.0, 0.0, -4.0], [0.03, 0.0, -0.04]]).view(shape)
    away = moved(nn.Parameter(torch.ones(shape)), gradient).view(2, 3)
    assert away[0] == pytest.approx(torch.tensor([-3.0, 0.0, 4.0]) * 0.1 / (25 / 3) ** 0.5)
    assert away[1] == pytest.approx(away[0])  # another channel has a size of its own


def test_each_element_of_one_axis_has_its_own_size() -> None:
    away = moved(nn.Parameter(torch.ones(3)), torch.tensor([3.0, 0.0, -0.01]))
    assert away == pytest.approx(torch.tensor([-0.1, 0.0, 0.1]))


def test_as_adam_where_a_channel_is_one_weight() -> None:
    ours, theirs = (nn.Parameter(torch.ones(4, 1)) for _ in range(2))
    gradients = [torch.randn(4, 1, generator=torch.Generator().manual_seed(step)) for step in range(5)]
    adam = torch.optim.Adam([theirs], lr=0.1, betas=(0.0, 0.9))
    for gradient in gradients:
        theirs.grad = gradient
        adam.step()
    assert moved(ours, *gradients) == pytest.approx(theirs.detach() - 1)


def test_what_has_no_gradient_stays() -> None:
    parameter = nn.Parameter(torch.ones(2, 2))
    RowAdam([{"params": [parameter]}], lr=0.1, beta=0.9).step()
    assert torch.equal(parameter.detach(), torch.ones(2, 2))
