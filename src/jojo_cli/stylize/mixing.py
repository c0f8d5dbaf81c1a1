"""Codes: drawn at random, and mixed into the family of faces that all become the reference."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from jojo_cli.bases.base import Base
from jojo_cli.errors import UsageError


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


def mix_codes(w_plus: Tensor, other: Tensor, codes: Sequence[int], amount: float | Sequence[float]) -> Tensor:
    """Return w_plus [N,L,D] with its `codes` moved towards the other's [N,L,D]: 0 leaves them, 1 replaces them.

    `amount` is one for all of them, or one for each.

    Step 2 of JoJoGAN (arXiv 2112.11641, eq. 2): M * w_plus + (1 - M) * other, M being 0 at `codes`. One that is the
    same for all pictures, or all codes, may be given once.
    """
    share = w_plus.new_zeros(w_plus.shape[1])  # [L]
    share[list(codes)] = w_plus.new_tensor(amount)
    return torch.lerp(w_plus, other, share[:, None])


def codes_at(base: Base, sides: Sequence[int]) -> tuple[int, ...]:
    """Return the codes that act at some resolutions, in pixels.

    Raises:
        UsageError: none does.
    """
    codes = tuple(code for code, side in enumerate(base.generator.code_resolutions) if side in sides)
    if not codes:
        known = ", ".join(map(str, sorted(set(base.generator.code_resolutions))))
        raise UsageError(
            f"base {base.name!r} has no codes of {', '.join(map(str, sides))} pixels", hint=f"it has {known}"
        )
    return codes


def towards_mean(base: Base, w_plus: Tensor, amounts: Mapping[int, float]) -> Tensor:
    """Return w_plus [N,L,D] moved to the mean code, by resolution: 0 leaves it, 1 replaces it.

    JoJoGAN's virtual inverter (arXiv 2112.11641): the code of what no face is like becomes that of a face.

    Raises:
        UsageError: no code acts at any of the resolutions.
    """
    if not amounts:
        return w_plus
    codes, sides = codes_at(base, tuple(amounts)), base.generator.code_resolutions
    return mix_codes(w_plus, base.latents.mean_w, codes, [amounts[sides[code]] for code in codes])
