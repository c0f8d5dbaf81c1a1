"""The face recogniser: what must hold for any weights."""

import pytest
import torch
from torch import Tensor

from jojo_cli.nets.dlib_recogniser import LEVELS, FaceRecogniser, ResidualBlock, add_zero_padded


@pytest.fixture(scope="module")
def recogniser() -> FaceRecogniser:
    torch.manual_seed(0)
    return FaceRecogniser([(channels // 8, 1) for channels, _ in LEVELS], dimensions=16).requires_grad_(False)


def chips(count: int, *, seed: int = 0) -> Tensor:
    return torch.rand(count, 3, 150, 150, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_descriptors_of_a_batch_are_those_of_its_chips(recogniser: FaceRecogniser) -> None:
    batch = chips(3)
    descriptors = recogniser(batch)
    singles = torch.cat([recogniser(batch[i : i + 1]) for i in range(3)])
    assert descriptors.shape == (3, 16)
    assert torch.allclose(descriptors, singles, atol=1e-6)
    assert (descriptors[0] - descriptors[1]).abs().max() > 1e-4


def test_gradients_reach_the_chip(recogniser: FaceRecogniser) -> None:
    chip = chips(1).requires_grad_()
    other = recogniser(chips(1, seed=1))
    (gradient,) = torch.autograd.grad((recogniser(chip) - other).square().sum(), chip)
    assert (gradient != 0).float().mean() > 0.8  # the last columns are in no window of the pools


def test_published_network_is_the_default() -> None:
    with torch.device("meta"):
        net = FaceRecogniser()
        shapes = {key: list(tensor.shape) for key, tensor in net.state_dict().items()}
    downs = [block.down for block in net.modules() if isinstance(block, ResidualBlock)]
    assert [i for i, down in enumerate(downs) if down] == [3, 7, 10, 13]
    assert len(downs) == 14
    assert shapes["stem.weight"] == [32, 3, 7, 7]
    assert shapes["levels.1.0.conv1.weight"] == [64, 32, 3, 3]
    assert shapes["levels.4.0.conv2.bias"] == [256]
    assert shapes["head.weight"] == [128, 256]
    assert len(shapes) == 2 + 14 * 4 + 1


@pytest.mark.parametrize(("side", "half", "residual"), [(35, 17, 17), (17, 8, 8), (8, 4, 3), (4, 2, 1)])
def test_going_down_counts_what_one_side_lacks_as_zero(side: int, half: int, residual: int) -> None:
    block = ResidualBlock(2, 3, down=True).requires_grad_(False)
    for parameter in block.parameters():
        parameter.zero_()
    block.conv2.get_parameter("bias").fill_(10)
    expected = torch.zeros(1, 3, half, half)
    expected[:, :2] += 1
    expected[:, :, :residual, :residual] += 10
    assert torch.equal(block(torch.ones(1, 2, side, side)), expected)


def test_sum_has_the_size_of_the_larger_on_every_axis() -> None:
    a, b = torch.ones(1, 1, 3, 2), torch.full((1, 2, 1, 2), 10.0)
    assert add_zero_padded(a, b).tolist() == [[[[11, 11], [1, 1], [1, 1]], [[10, 10], [0, 0], [0, 0]]]]
