"""Codes: drawn at random, and mixed into the family of faces that all become the reference."""

from collections.abc import Sequence

import torch
from torch import Tensor

from jojo_cli.bases.base import Base


def random_w(base: Base, rng: torch.Generator) -> Tensor:
    """Return one code w [1,D] of a random face."""
    z = torch.randn(1, base.generator.w_dim, generator=rng)
    with torch.no_grad():
        w: Tensor = base.generator.mapping(z.to(base.device.torch_device))
    return w


def sample_code(base: Base, seed: int, truncation: float) -> Tensor:
    """Return the code w_plus [1,L,D] of the random face number `seed`, the same on its own as among others."""
    w = random_w(base, torch.Generator().manual_seed(seed))
    return base.generator.w_to_w_plus(base.latents.truncate(w, truncation))


def mix_codes(w_plus: Tensor, other: Tensor, codes: Sequence[int], amount: float) -> Tensor:
    """Return w_plus [N,L,D] with its `codes` moved towards the other's [N,L,D]: 0 leaves them, 1 replaces them.

    Step 2 of JoJoGAN (arXiv 2112.11641, eq. 2): M * w_plus + (1 - M) * other, M being 0 at `codes`. One that is the
    same for all pictures, or all codes, may be given once.
    """
    share = w_plus.new_zeros(w_plus.shape[1], 1)  # [L,1]
    share[list(codes)] = amount
    return torch.lerp(w_plus, other, share)
