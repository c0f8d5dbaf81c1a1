"""Shift-tolerant LPIPS: what must hold for any weights."""

import pytest
import tiny
import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import gradcheck

from jojo_cli.nets.lpips import VGG16, BlurPool, ShiftTolerantLPIPS, Subspace
from jojo_cli.nets.ops import Features


@pytest.fixture(scope="module")
def critic() -> ShiftTolerantLPIPS:
    return tiny.make_critic().requires_grad_(False)


def pictures(count: int, *, size: int = 64, seed: int = 0) -> Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_distance_is_zero_to_itself_and_the_same_both_ways(critic: ShiftTolerantLPIPS) -> None:
    a, b = pictures(2), pictures(2, seed=1)
    assert critic(a, a).tolist() == [0, 0]
    assert (critic(a, b) > 0.001).all()
    assert torch.equal(critic(a, b), critic(b, a))


def test_distances_of_a_batch_are_those_of_its_pairs(critic: ShiftTolerantLPIPS) -> None:
    a, b = pictures(3), pictures(3, seed=1)
    singles = [critic(a[i : i + 1], b[i : i + 1]).item() for i in range(3)]
    assert critic(a, b).tolist() == pytest.approx(singles, rel=1e-4)
    assert len(set(singles)) == 3


def test_farther_pictures_are_farther(critic: ShiftTolerantLPIPS) -> None:
    a, b = pictures(1), pictures(1, seed=1)
    distances = [critic(a, torch.lerp(a, b, share)).item() for share in (0.1, 0.3, 1.0)]
    assert distances == sorted(distances)


def test_distance_is_not_rounded_where_the_rest_is(critic: ShiftTolerantLPIPS) -> None:
    a, b = (critic.features(x) for x in torch.rand(2, 1, 3, 64, 64, generator=torch.Generator().manual_seed(0)))
    with torch.autocast("cpu", torch.bfloat16):
        rounded = critic.distance(a, b)
    assert torch.allclose(rounded, critic.distance(a, b), rtol=1e-5)


def test_features_can_be_kept(critic: ShiftTolerantLPIPS) -> None:
    a, b = pictures(2), pictures(2, seed=1)
    kept = critic.features(b)
    before = [block.clone() for block in kept]
    assert torch.equal(critic.distance(critic.features(a), kept), critic(a, b))
    assert all(map(torch.equal, kept, before))


def test_smallest_picture(critic: ShiftTolerantLPIPS) -> None:
    assert critic(pictures(1, size=32), pictures(1, size=32, seed=1)).isfinite().all()


def test_gradients_reach_the_picture(critic: ShiftTolerantLPIPS) -> None:
    a = pictures(1).requires_grad_()
    (gradient,) = torch.autograd.grad(critic(a, pictures(1, seed=1)), a)
    assert (gradient != 0).float().mean() > 0.9


def test_gradients_are_those_of_its_formula(critic: ShiftTolerantLPIPS) -> None:
    target = critic.features(pictures(1, seed=2))

    def formula(features: Features) -> Tensor:
        blocks = zip(features, target, critic.heads, strict=True)
        squares = [(F.normalize(x) - F.normalize(y)).square() * head[:, None, None] for x, y, head in blocks]
        return torch.stack([x.sum(dim=1).mean(dim=(1, 2)) for x in squares]).sum(dim=0)

    features = tuple(x.detach().requires_grad_() for x in critic.features(pictures(2)))
    weights = torch.tensor([1.0, 3.0])
    own, expected = (
        torch.autograd.grad((weights * distance).sum(), features)
        for distance in (critic.distance(features, target), formula(features))
    )
    for x, y, seen in zip(own, expected, features, strict=True):
        lit = (seen > 0).any(dim=1, keepdim=True)  # features that are all 0 point nowhere
        assert torch.allclose(x * lit, y * lit, rtol=1e-3, atol=1e-9)


@pytest.mark.parametrize("size", [(6, 8), (7, 9)])
def test_gradients_of_blur_pool_are_right(size: tuple[int, int]) -> None:
    torch.manual_seed(0)
    x = torch.randn(2, 3, *size, dtype=torch.double, requires_grad=True)
    assert gradcheck(BlurPool(3).double(), x)


def test_published_network_is_the_default() -> None:
    with torch.device("meta"):
        shapes = {key: list(tensor.shape) for key, tensor in ShiftTolerantLPIPS().state_dict().items()}
    assert shapes["blocks.4.5.weight"] == [512, 512, 3, 3]
    assert [shapes[f"heads.{i}"] for i in range(5)] == [[block[-1]] for block in VGG16]
    assert len(shapes) == 2 * 13 + 5


def test_blur_pool_halves_and_keeps_a_plain_area_plain() -> None:
    plain = torch.full((1, 2, 32, 32), 0.7)
    pooled = BlurPool(2)(plain)
    assert pooled.shape[-1] in {16, 17}
    assert (pooled - 0.7).abs().max() < 1e-6


def test_blur_pool_spreads_a_dot_evenly_wherever_it_falls() -> None:
    totals = []
    for column in (15, 16):
        dot = torch.zeros(1, 1, 32, 32)
        dot[..., 16, column] = 1
        totals.append(BlurPool(1)(dot).sum().item())
    assert totals[0] == pytest.approx(totals[1])


def test_channels_that_see_nothing_can_go() -> None:
    """Make some channels of each convolution blind, and leave them out."""
    critic = tiny.make_critic().requires_grad_(False)
    kept = []
    for number, layer in enumerate(critic.convolutions()):
        blind = [number % layer.out_channels, layer.out_channels - 1]
        assert layer.bias is not None
        layer.bias[blind] = -1e6
        kept.append([channel for channel in range(layer.out_channels) if channel not in blind])
    narrow = critic.narrowed(kept)
    a, b = pictures(2), pictures(2, seed=1)
    assert narrow(a, b).tolist() == pytest.approx(critic(a, b).tolist(), rel=1e-5)
    assert [layer.out_channels for layer in narrow.convolutions()] == [len(channels) for channels in kept]


def outputs_of(critic: ShiftTolerantLPIPS, number: int, images: Tensor) -> Tensor:
    """Return the outputs of a convolution, a row for each place."""
    seen: list[Tensor] = []
    # A copy: the ReLU after it works in place.
    hook = critic.convolutions()[number].register_forward_hook(lambda layer, inputs, y: seen.append(y.clone()))
    critic.features(images)
    hook.remove()
    return seen[0].movedim(1, -1).flatten(0, 2)


def test_convolutions_may_draw_in_the_spaces_that_they_draw_in() -> None:
    """Let the outputs of a convolution have three dimensions, whatever its input."""
    critic = tiny.make_critic().requires_grad_(False)
    layer = critic.convolutions()[2]
    mixed = torch.randn(layer.out_channels, 3, generator=torch.Generator().manual_seed(0))
    layer.weight[:] = (mixed @ layer.weight[:3].flatten(1)).view_as(layer.weight)
    rows = outputs_of(critic, 2, pictures(2))
    subspace = Subspace.of(rows.mean(dim=0), rows.T.cov(correction=0), share=0.9999, multiple=1)
    assert subspace.directions.shape == (3, layer.out_channels)
    assert subspace.spares(layer)
    low = critic.low_rank({2: subspace})
    a, b = pictures(2, seed=1), pictures(2, seed=2)
    assert low(a, b).tolist() == pytest.approx(critic(a, b).tolist(), rel=1e-4)
    assert sum(p.numel() for p in low.parameters()) < sum(p.numel() for p in critic.parameters())


def test_subspace_of_nearly_all_channels_spares_nothing() -> None:
    layer = torch.nn.Conv2d(8, 16, 3)
    eye = torch.eye(16)
    assert [Subspace(torch.zeros(16), eye[:rank]).spares(layer) for rank in (4, 14)] == [True, False]


def test_subspaces_are_kept_as_tensors() -> None:
    rng = torch.Generator().manual_seed(0)
    subspaces = {
        number: Subspace(torch.randn(4, generator=rng), torch.randn(2, 4, generator=rng)) for number in (3, 11)
    }
    again = Subspace.from_tensors(Subspace.tensors(subspaces))
    assert list(again) == [3, 11]
    assert all(torch.equal(again[n].directions, own.directions) for n, own in subspaces.items())
    assert all(torch.equal(again[n].mean, own.mean) for n, own in subspaces.items())
