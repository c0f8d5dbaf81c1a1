"""How bold the lines of a reference are, and how even its areas, beside what a style draws."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from jojo_cli.bases.regions import REGIONS, Region, inside, values_in
from jojo_cli.bases.views import FACE
from jojo_cli.nets.gradients import LEAST, steepness, steepnesses, with_gains

SHARES = (torch.arange(100) + 0.5) / 100
"""Of an area, in order of their steepness."""

PASSES = 2
"""How often gains are corrected by what came of them."""

GRAIN = 0.016
"""Up to here, gradients are a grain rather than lines, and become no steeper."""

STEEPER = 3.0
"""How many times as steep others may become; but not what is behind somebody."""

WITH_GAINS: tuple[Region, ...] = ("hair", "background")
"""Regions that have gains of their own."""

EVEN_SHARE = 0.8
"""The share of a background that says so: strands of hair and what else hangs into it are the steepest."""


class Face(NamedTuple):
    """An FFHQ crop, at the side that pictures are finished at or less, and what it shows."""

    image: Tensor  # [1,3,T,T], RGB in [-1,1]
    regions: Tensor | None  # [1,4,G,G], how probable each is at each place, if that is known


def with_own_gains(regions: Tensor) -> Tensor:
    """Return those of all regions [N,4,G,G] that have gains of their own [N,R,G,G]; backgrounds end before a border."""
    hair, background = (regions[:, [REGIONS.index(region)]] for region in WITH_GAINS)
    return torch.cat([hair, inside(background)], dim=1)


def gains(references: Sequence[Face], drawn: Sequence[Face], amount: float) -> Tensor:
    """Return what gives faces that a style draws the gradients of its references, for `with_gains`.

    They are [1+R,K], or [1,K] where nothing is known of regions. An amount of 1 makes gradients as steep, and 0 leaves
    them as they are.
    """
    rows = [_matched(references, drawn, _of_face, lines=True)]
    if all(face.regions is not None for face in (*references, *drawn)):
        rows += [
            _matched(references, drawn, partial(_of_region, which=i), lines=region != "background")
            for i, region in enumerate(WITH_GAINS)
        ]
    return 1 + amount * (torch.stack(rows) - 1)


def _matched(references: Sequence[Face], drawn: Sequence[Face], values: "Values", *, lines: bool) -> Tensor:
    """Return gains [K] that make some places as steep as the references'; 1 where there are none.

    With `lines`, the steepest become steeper as the next do. Else nothing becomes steeper, nor stays steeper than what
    the references have there.
    """
    steep = steepnesses()
    most = torch.where(steep < GRAIN, 1.0, STEEPER if lines else 1.0)
    wanted, own = _distribution(references, values), _distribution(drawn, values)
    found = torch.ones_like(steep)
    if (wanted + own).isnan().any():
        return found
    target = wanted
    for _ in range(PASSES):  # what lies beside an edge keeps it from getting all that was aimed at
        becomes = torch.from_numpy(np.interp(steep.numpy(), own.numpy(), target.numpy())).float()
        if lines:
            becomes = torch.where(steep > own[-1], steep * target[-1] / own[-1].clamp(min=LEAST), becomes)
        found = torch.minimum(becomes / steep, most)
        reached = [face._replace(image=with_gains(face.image, found[None].to(face.image))[0]) for face in drawn]
        target = target * (wanted / _distribution(reached, values).clamp(min=LEAST)).clamp(1 / STEEPER, STEEPER)
    return found


def _distribution(faces: Sequence[Face], values: "Values") -> Tensor:
    """Return how steep some places of faces are, at their `SHARES` [Q], on average; NaN if there are none."""
    found = [torch.quantile(steep.cpu(), SHARES) for face in faces if len(steep := values(face))]
    return torch.stack(found).mean(dim=0) if found else torch.full_like(SHARES, torch.nan)


Values = Callable[[Face], Tensor]
"""Returns how steep some places [P] of a face are."""


def _of_face(face: Face) -> Tensor:
    """Return how steep the places between the brows and the chin are [P]."""
    steep = steepness(face.image.float())
    rows, columns = (slice(*(round(share * steep.shape[-1]) for share in shares)) for shares in FACE)
    return steep[..., rows, columns].flatten()


def _of_region(face: Face, which: int) -> Tensor:
    """Return how steep the places of one of the regions `WITH_GAINS` are [P]: none where they are too few."""
    steep = steepness(face.image.float())
    assert face.regions is not None
    found = values_in(steep, with_own_gains(face.regions)[:, [which]])[0].sort().values
    share = EVEN_SHARE if WITH_GAINS[which] == "background" else 1.0
    return found.narrow(0, 0, round(share * len(found)))
