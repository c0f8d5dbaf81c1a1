"""How the codes of a generator are distributed, and what follows from it."""

import pytest
import tiny
import torch
from torch import Tensor

from jojo_cli.bases.base import Base
from jojo_cli.bases.latents import Latents


def random_codes(base: Base, count: int, *, seed: int) -> Tensor:
    z = torch.randn(count, base.generator.w_dim, generator=torch.Generator().manual_seed(seed))
    w: Tensor = base.generator.mapping(z)
    return w


def test_whitened_codes_have_zero_mean_and_unit_variance(base: Base) -> None:
    whitened = base.latents.whiten(random_codes(base, 20_000, seed=123))
    assert whitened.mean(dim=0).abs().max() < 0.1
    assert (torch.cov(whitened.T) - torch.eye(base.generator.w_dim)).abs().max() < 0.15


@pytest.mark.parametrize("shape", [(32,), (5, 32), (2, 14, 32)])
def test_unwhitening_undoes_whitening(base: Base, shape: tuple[int, ...]) -> None:
    w = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    there_and_back = base.latents.unwhiten(base.latents.whiten(w))
    back_and_there = base.latents.whiten(base.latents.unwhiten(w))
    assert torch.allclose(there_and_back, w, atol=1e-4)
    assert torch.allclose(back_and_there, w, atol=1e-4)


def test_mean_code_is_the_mean(base: Base) -> None:
    mean = random_codes(base, 20_000, seed=123).mean(dim=0)
    assert base.latents.mean_w.shape == (32,)
    assert (base.latents.mean_w - mean).abs().max() < 0.05


def test_truncation_goes_from_the_mean_to_the_code(base: Base) -> None:
    w = random_codes(base, 3, seed=1)
    mean = base.latents.mean_w
    assert torch.equal(base.latents.truncate(w, 0.0), mean.expand_as(w))
    assert torch.equal(base.latents.truncate(w, 1.0), w)
    assert torch.allclose(base.latents.truncate(w, 0.7), mean + 0.7 * (w - mean), atol=1e-6)


def test_same_generator_measures_the_same(base: Base) -> None:
    again = Latents.measure(base.generator)
    for name in ("mean_w", "centre", "basis", "inverse"):
        measured: Tensor = getattr(again, name)
        assert torch.equal(measured, getattr(base.latents, name))
        assert measured.dtype == torch.float32


def test_axis_along_which_codes_hardly_vary_stays_finite() -> None:
    generator = tiny.make_generator((8,)).requires_grad_(False)
    generator.get_parameter("mapping.1.weight")[0] = 0  # the first number of every w is the same
    latents = Latents.measure(generator)
    w = generator.mapping(torch.randn(100, 32, generator=torch.Generator().manual_seed(0)))
    whitened = latents.whiten(w)
    assert whitened.abs().max() < 10
    assert torch.allclose(latents.unwhiten(whitened), w, atol=1e-3)


def test_straightened_codes_are_centred_and_go_back(base: Base) -> None:
    z = torch.randn(500, base.generator.w_dim, generator=torch.Generator().manual_seed(1))
    w = base.generator.mapping(z)
    straight = base.latents.straighten(w)
    assert straight.mean().abs() < 0.05
    assert straight.var().item() == pytest.approx(1, abs=0.1)
    assert torch.allclose(base.latents.bend(straight), w, atol=1e-5)
