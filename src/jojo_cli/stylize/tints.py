"""Which colours skin, hair and what is behind somebody have in a style."""

from collections.abc import Sequence
from itertools import product

import torch
import torch.nn.functional as F
from torch import Tensor

from jojo_cli.bases.regions import REGIONS, Region, inside, values_in
from jojo_cli.bases.views import shrink
from jojo_cli.stylize.boldness import Face

TINTED: tuple[Region, ...] = ("face", "hair", "background")
"""Regions whose colours are known: the body is skin and clothes, and goes with the face."""

SIDE = 256
"""Side that colours are looked at in, in pixels, or the picture's where it is smaller."""

ALIKE = 0.35
"""How far, in [-1,1], a colour is from its region's to be moved with it by the share exp(-1/2): eyes, lips and lines
are farther, and stay."""


def tints(references: Sequence[Face], drawn: Sequence[Face]) -> Tensor | None:
    """Return the colours [2,R,4] of the regions `TINTED` in what a style draws, and in its references.

    They are medians, RGB in [-1,1], and how far places are from these, means over the pictures; what only one of the
    two shows has its colour in both. The regions of references are those that are sure already. None where regions
    are not known.
    """
    own = [colours(face.image, inside(face.regions)) for face in drawn if face.regions is not None]
    wanted = [colours(face.image, face.regions) for face in references if face.regions is not None]
    if not own or not wanted:
        return None
    a, b = (torch.cat(found).nanmean(dim=0) for found in (own, wanted))
    return torch.stack([a.where(~a.isnan(), b), b.where(~b.isnan(), a)]).nan_to_num()


def tinted(images: Tensor, tints: Tensor, regions: Tensor, amount: float = 1.0, *, background: bool = True) -> Tensor:
    """Return images [N,3,S,S] whose `regions` [N,4,G,G] have the colours that a style's `tints` [2,R,4] say.

    Skin and hair are moved by what the style lacks on average, so that those of people differ as they did, but none
    beyond the references'. Each background has its own colour replaced, and becomes no less even than theirs, or none
    has. A region that has one colour in both stays as it is.
    """
    drawn, wanted = tints
    found = colours(images, inside(regions))
    shares = F.interpolate(_spread(regions), size=images.shape[-2:], mode="bilinear", align_corners=False)
    moves = torch.zeros_like(images)
    for i, region in enumerate(TINTED):
        if region == "background" and not background:
            continue
        own, uneven = found[:, i, :3, None, None], found[:, i, 3:, None, None]
        aim, lack = (x[:3, None, None] for x in (wanted[i], wanted[i] - drawn[i]))
        if region == "background" and lack.any():
            kept = (wanted[i, 3] / uneven.clamp(min=1e-3)).clamp(max=1)
            move = aim - own + (kept - 1) * (images - own)
        else:
            move = (own + lack).clamp(torch.minimum(own, aim), torch.maximum(own, aim)) - own
        moves += (shares[:, [i]] * alike(images, own, ALIKE) * move).nan_to_num()  # nothing where a colour isn't known
    return images + amount * moves


def alike(images: Tensor, colour: Tensor, within: float) -> Tensor:
    """Return how near places of images [N,3,S,S] are to a colour [N,3,1,1] each [N,1,S,S]: exp(-1/2) `within` of it.

    0 where the colour is not known, NaN.
    """
    return torch.exp((images - colour).square().sum(dim=1, keepdim=True) / (-2 * within**2)).nan_to_num()


def colours(images: Tensor, regions: Tensor, which: Sequence[Region] = TINTED) -> Tensor:
    """Return the median colours of some of the regions [N,4,G,G] of images, and how far places are from them [N,R,4].

    NaN where they take too little.
    """
    found = images.new_full((len(images), len(which), 4), torch.nan, dtype=torch.float32)
    small = shrink(images.float(), min(SIDE, images.shape[-1]))
    for n, i in product(range(len(images)), range(len(which))):
        shades = values_in(small[[n]], regions[[n], REGIONS.index(which[i]), None])
        if shades.numel():
            found[n, i, :3] = middle = shades.median(dim=1).values
            found[n, i, 3] = (shades - middle[:, None]).abs().median()
    return found


def _spread(regions: Tensor) -> Tensor:
    """Return how far places belong to the regions `TINTED` [N,R,G,G], of how probable all are [N,4,G,G]."""
    named = {region: regions[:, [i]] for i, region in enumerate(REGIONS)}
    behind = reach_of_background(named["background"])
    return torch.cat([named["face"] + named["body"], named["hair"], behind], dim=1)


def reach_of_background(share: Tensor) -> Tensor:
    """Return the share of a background [N,1,G,G] with what hangs into it, which is told apart by its colours."""
    return F.max_pool2d(share, 3, stride=1, padding=1)
