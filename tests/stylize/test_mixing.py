"""Codes: drawn by seed, and mixed in some places only."""

import pytest
import torch
from torch import Tensor

from jojo_cli.bases.base import Base
from jojo_cli.stylize.mixing import mix_codes, random_w, sample_code


@pytest.fixture
def pair() -> tuple[Tensor, Tensor]:
    """Give w_plus [2,5,8] and w [2,8]."""
    rng = torch.Generator().manual_seed(0)
    return torch.randn(2, 5, 8, generator=rng), torch.randn(2, 8, generator=rng)


@pytest.mark.parametrize("amount", [0.0, 0.5, 1.0])
def test_chosen_codes_move_and_the_others_stay(amount: float, pair: tuple[Tensor, Tensor]) -> None:
    w_plus, w = pair
    before = w_plus.clone()
    mixed = mix_codes(w_plus, w[:, None], (1, 4), amount)
    assert torch.equal(mixed[:, [0, 2, 3]], w_plus[:, [0, 2, 3]])
    for code in (1, 4):
        assert torch.allclose(mixed[:, code], (1 - amount) * w_plus[:, code] + amount * w, atol=1e-6)
    assert torch.equal(w_plus, before)


def test_ends_of_the_mix_are_exact(pair: tuple[Tensor, Tensor]) -> None:
    w_plus, w = pair
    assert torch.equal(mix_codes(w_plus, w[:, None], range(5), 0.0), w_plus)
    assert torch.equal(mix_codes(w_plus, w[:, None], range(5), 1.0), w[:, None].expand(2, 5, 8))


def test_no_codes_is_no_mix(pair: tuple[Tensor, Tensor]) -> None:
    w_plus, w = pair
    assert torch.equal(mix_codes(w_plus, w[:, None], (), 1.0), w_plus)


def test_one_random_code_serves_every_picture(pair: tuple[Tensor, Tensor]) -> None:
    w_plus, w = pair
    mixed = mix_codes(w_plus, w[:1, None], (2,), 1.0)
    assert torch.equal(mixed[:, 2], w[:1].expand(2, 8))


def test_codes_of_another_picture_may_differ(pair: tuple[Tensor, Tensor]) -> None:
    w_plus, _ = pair
    other = w_plus.flip(1)
    assert torch.equal(mix_codes(w_plus, other, (0,), 1.0)[:, 0], w_plus[:, 4])


def test_random_codes_follow_their_generator(base: Base) -> None:
    first, second = (torch.Generator().manual_seed(7) for _ in range(2))
    codes = [random_w(base, first) for _ in range(2)]
    assert torch.equal(codes[0], random_w(base, second))
    assert not torch.equal(codes[0], codes[1])
    assert codes[0].shape == (1, base.generator.w_dim)
    assert not codes[0].requires_grad


def test_sample_is_the_same_for_a_seed_and_differs_between_seeds(base: Base) -> None:
    codes = [sample_code(base, seed, 0.7) for seed in range(4)]
    assert codes[0].shape == (1, base.generator.codes, base.generator.w_dim)
    assert torch.equal(sample_code(base, 2, 0.7), codes[2])
    assert len({code.sum().item() for code in codes}) == 4


def test_truncation_pulls_a_sample_to_the_mean(base: Base) -> None:
    mean = base.latents.mean_w
    assert torch.equal(sample_code(base, 5, 0.0), base.generator.w_to_w_plus(mean[None]))
    far, near = ((sample_code(base, 5, psi) - mean).norm().item() for psi in (1.0, 0.5))
    assert near == pytest.approx(far / 2, rel=1e-3)


def test_largest_seed_works(base: Base) -> None:
    assert sample_code(base, 2**63 - 1, 1.0).isfinite().all()
