"""What a style has beside a network: the colours, strokes and gradients of its references, given to what it draws."""

from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from jojo_cli.bases.regions import REGIONS
from jojo_cli.bases.views import shrink
from jojo_cli.nets.generator import Generator
from jojo_cli.nets.gradients import SIDE, with_gains
from jojo_cli.stylize.background import background_of, without_halo
from jojo_cli.stylize.boldness import with_own_gains
from jojo_cli.stylize.irises import with_irises
from jojo_cli.stylize.strokes import with_strokes
from jojo_cli.stylize.tints import tinted
from jojo_cli.stylize.tones import toned

FINISHES = ("tints", "irises", "strokes", "gains", "tones")
"""The parts of a style that pictures are finished with."""


def coarse(images: Tensor) -> Tensor:
    """Return images [N,3,S,S] at the side that they are finished at [N,3,T,T]."""
    return shrink(images, min(SIDE, images.shape[-1]))


def finished(
    images: Tensor,
    styled: Generator,
    regions: Tensor | None,
    amount: float = 1.0,
    *,
    irises: Tensor | None = None,
    tint: float = 1.0,
    background: bool = True,
) -> Tensor:
    """Return images [N,3,S,S] that a style's network drew with what else the style has: colours, strokes, gains, tones.

    `regions` [N,4,G,G] and `irises` [N,1,G,G] are what they show, as `shown` finds it. `tint` is the share of the
    amount that colours have, which a `background` may go without. All is done at a coarse size; what is finer goes
    where strokes are smooth, and elsewhere gets as much steeper as what it lies in.
    """
    drawn = before = coarse(images)
    detail = torch.ones_like(drawn[:, :1])
    if styled.tints is not None and regions is not None:
        drawn = tinted(drawn, styled.tints, regions, amount * tint, background=background)
    if styled.strokes is not None and regions is not None:
        drawn, smooth = with_strokes(drawn, styled.strokes, regions[:, [REGIONS.index("hair")]], amount)
        detail = detail * (1 - smooth)
    behind = None if regions is None else background_of(drawn, regions)
    if styled.gains is not None:
        gains = torch.lerp(torch.ones_like(styled.gains), styled.gains, amount)
        bold, steeper = with_gains(drawn, gains, None if regions is None else with_own_gains(regions))
        drawn = without_halo(drawn, bold, behind) if behind else bold
        detail = detail * steeper
    if styled.tones is not None and behind:
        drawn = toned(drawn, styled.tones, behind, amount, background=background)
    if styled.irises is not None and irises is not None:
        drawn = with_irises(drawn, irises, styled.irises, amount * tint)
    if drawn.shape == images.shape:
        return drawn
    enlarge = partial(F.interpolate, size=images.shape[-2:], mode="bilinear", align_corners=False)
    if not detail.any():
        return enlarge(drawn)
    return torch.addcmul(enlarge(drawn), enlarge(detail), images - enlarge(before))
