"""What is behind somebody in what a style draws: nothing of theirs goes past its colour."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from jojo_cli.bases.regions import REGIONS, inside
from jojo_cli.stylize.tints import colours, reach_of_background

OF_IT = 0.1
"""How far, in [-1,1], a place may be from its colour and still be of it."""

FREE = 4.0
"""How many times as far beyond that it may go than it was."""


class Background(NamedTuple):
    """The backgrounds of some images."""

    colour: Tensor  # RGB [N,3,1,1], NaN where too little of it is seen
    share: Tensor  # how far places belong to it [N,1,T,T], with what hangs into it


def background_of(images: Tensor, regions: Tensor) -> Background:
    """Return what is behind somebody in images [N,3,T,T] that show regions [N,4,G,G]."""
    colour = colours(images, inside(regions), ["background"])[:, 0, :3, None, None]
    share = reach_of_background(regions[:, [REGIONS.index("background")]])
    return Background(colour, F.interpolate(share, size=images.shape[-2:], mode="bilinear", align_corners=False))


def without_halo(before: Tensor, after: Tensor, behind: Background) -> Tensor:
    """Return images `after` [N,3,T,T] made steeper, less the light or dark rims that this put around somebody.

    Where `before` is of the colour of the background, it goes no farther from it; where it is lighter or darker, as the
    lines around somebody are, it does not become the opposite.
    """
    away = before - behind.colour
    most, least = away.clamp(min=0), away.clamp(max=0)
    most = most + FREE * (away - OF_IT).clamp(min=0)
    least = least + FREE * (away + OF_IT).clamp(max=0)
    held = behind.colour + torch.clamp(after - behind.colour, least, most)
    return torch.lerp(after, held.where(~held.isnan(), after), behind.share)
