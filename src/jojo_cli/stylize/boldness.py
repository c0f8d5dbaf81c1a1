"""How bold the lines of a reference are, and how even its areas, beside what a style draws."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from jojo_cli.bases.views import FACE
from jojo_cli.nets.gradients import LEAST, steepness, steepnesses, with_gains

SHARES = (torch.arange(100) + 0.5) / 100
"""Of a face, in order of their steepness."""

PASSES = 2
"""How often gains are corrected by what came of them."""

GRAIN = 0.016
"""Up to here, gradients are a grain rather than lines, and become no steeper."""

STEEPER = 3.0
"""How many times as steep others may become."""


def gains(references: Sequence[Tensor], drawn: Sequence[Tensor], amount: float) -> Tensor:
    """Return what gives faces that a style draws the gradients of its references [K], for `with_gains`.

    Both are FFHQ crops [1,3,R,R], RGB in [-1,1]. An amount of 1 makes them as steep, and 0 leaves them as they are.
    """
    steep = steepnesses()
    most = torch.where(steep < GRAIN, 1.0, STEEPER)
    wanted, own = _distribution(references), _distribution(drawn)
    exact, target = torch.ones_like(steep), wanted
    for _ in range(PASSES):  # what lies beside an edge keeps it from getting all that was aimed at
        exact = torch.minimum(_mapped(own, target, steep) / steep, most)
        reached = _distribution([with_gains(x, exact.to(x.device)) for x in drawn])
        target = target * (wanted / reached.clamp(min=LEAST)).clamp(1 / STEEPER, STEEPER)
    return 1 + amount * (exact - 1)


def _mapped(own: Tensor, wanted: Tensor, steep: Tensor) -> Tensor:
    """Return how steep what is `steep` [K] becomes where `own` [Q] becomes `wanted` [Q]; the steepest go on as it."""
    between = np.interp(steep.numpy(), own.numpy(), wanted.numpy())
    return torch.where(
        steep > own[-1], steep * wanted[-1] / own[-1].clamp(min=LEAST), torch.from_numpy(between).float()
    )


def _distribution(images: Sequence[Tensor]) -> Tensor:
    """Return how steep faces [1,3,R,R] are at their `SHARES`, on average [Q]."""
    return torch.stack([_quantiles(steepness(image.float())) for image in images]).mean(dim=0)


def _quantiles(steep: Tensor) -> Tensor:
    rows, columns = (slice(*(round(share * steep.shape[-1]) for share in shares)) for shares in FACE)
    return torch.quantile(steep[..., rows, columns].flatten().cpu(), SHARES)
