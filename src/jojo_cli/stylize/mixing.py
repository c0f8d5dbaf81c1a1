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


def mix_codes(w_plus: Tensor, w: Tensor, codes: Sequence[int], amount: float) -> Tensor:
    """Return w_plus [N,L,D] with its `codes` moved towards w [N,D]: 0 leaves them, 1 replaces them.

    Step 2 of JoJoGAN (arXiv 2112.11641, eq. 2): M * w_plus + (1 - M) * w, M being 0 at `codes`.
    """
    share = w_plus.new_zeros(w_plus.shape[1], 1)  # [L,1]
    share[list(codes)] = amount
    return torch.lerp(w_plus, w[:, None], share)


def adapt_color(base: Base, w_plus: Tensor, amount: float) -> Tensor:
    """Return w_plus [N,L,D] with its fine codes moved to the centre of all faces: 0 leaves them, 1 replaces them.

    A style is learnt on random faces. The fine codes of a photo lie farther out, where less of the style is seen: moved
    towards the others they take its palette, and the coarse codes keep the person. Whitened, so that no direction is
    moved farther than another (see `Latents`).
    """
    if amount == 0:
        return w_plus
    codes = list(base.varied_codes)
    moved = w_plus.clone()
    moved[:, codes] = base.latents.unwhiten(base.latents.whiten(w_plus[:, codes]) * (1 - amount))
    return moved
