"""The discriminator as a critic: what must hold for any weights."""

import pytest
import torch
from torch import Tensor

from jojo_cli.nets.discriminator import Discriminator


@pytest.fixture(scope="module")
def critic() -> Discriminator:
    return make_critic().requires_grad_(False)


def make_critic(octaves: int = 6) -> Discriminator:
    """Return a small random critic for pictures of 2 px to the power `octaves` + 1."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Discriminator((4, 6, 8, 8, 10, 12, 12, 12, 12)[:octaves])


def pictures(count: int, *, size: int = 128, seed: int = 0) -> Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@pytest.mark.parametrize(
    ("octaves", "resolution", "sides"),
    [
        (5, 64, [32, 8, 4]),
        (6, 128, [64, 16, 8, 4]),
        (7, 256, [128, 32, 16, 8]),
        (9, 1024, [512, 128, 64, 32]),
    ],
)
def test_compared_layers_are_those_of_jojogan(octaves: int, resolution: int, sides: list[int]) -> None:
    with torch.device("meta"):
        critic = make_critic(octaves)
        features = critic.features(torch.empty(2, 3, resolution, resolution))
    assert critic.resolution == resolution
    channels = (6, 8, 10, 12)  # after blocks 1, 3, 4 and 5
    assert [tuple(layer.shape) for layer in features] == [
        (2, c, side, side) for c, side in zip(channels, sides, strict=False)
    ]


def test_no_layer_beyond_the_last_compared_one() -> None:
    state = make_critic(9).state_dict()
    assert {key.split(".")[1] for key in state if key.startswith("blocks.")} == set("01234")


def test_distance_is_zero_to_itself_and_the_same_both_ways(critic: Discriminator) -> None:
    a, b = pictures(2), pictures(2, seed=1)
    assert critic(a, a).tolist() == [0, 0]
    assert (critic(a, b) > 0.001).all()
    assert torch.equal(critic(a, b), critic(b, a))


def test_distances_of_a_batch_are_those_of_its_pairs(critic: Discriminator) -> None:
    a, b = pictures(3), pictures(3, seed=1)
    singles = [critic(a[i : i + 1], b[i : i + 1]).item() for i in range(3)]
    assert critic(a, b).tolist() == pytest.approx(singles, rel=1e-4)
    assert len(set(singles)) == 3


def test_farther_pictures_are_farther(critic: Discriminator) -> None:
    a, b = pictures(1), pictures(1, seed=1)
    distances = [critic(a, torch.lerp(a, b, share)).item() for share in (0.1, 0.3, 1.0)]
    assert distances == sorted(distances)


def test_every_layer_weighs_the_same(critic: Discriminator) -> None:
    features = critic.features(pictures(1))
    for i in range(4):
        moved = tuple(layer + (j == i) for j, layer in enumerate(features))
        assert critic.distance(features, moved).item() == pytest.approx(0.25, rel=1e-4)


def test_features_can_be_kept(critic: Discriminator) -> None:
    a, b = pictures(2), pictures(2, seed=1)
    kept = critic.features(b)
    before = [layer.clone() for layer in kept]
    assert torch.equal(critic.distance(critic.features(a), kept), critic(a, b))
    assert all(map(torch.equal, kept, before))


def test_gradients_reach_the_picture(critic: Discriminator) -> None:
    a = pictures(1).requires_grad_()
    (gradient,) = torch.autograd.grad(critic(a, pictures(1, seed=1)), a)
    assert (gradient != 0).float().mean() > 0.9


def test_half_precision_measures_nearly_the_same_in_float32(critic: Discriminator) -> None:
    a, b = pictures(2), pictures(2, seed=1)
    with torch.autocast("cpu", torch.bfloat16):
        rough = critic(a, b)
    assert rough.dtype == torch.float32
    assert rough.tolist() == pytest.approx(critic(a, b).tolist(), rel=0.02)


def test_memory_format_does_not_change_the_distance(critic: Discriminator) -> None:
    a, b = pictures(2), pictures(2, seed=1)
    other = make_critic().requires_grad_(False)
    for parameter in other.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    assert other(a, b).tolist() == pytest.approx(critic(a, b).tolist(), rel=1e-4)
