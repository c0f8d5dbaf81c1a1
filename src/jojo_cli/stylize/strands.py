"""Hair in strands: what is drawn of it goes on along it, where a generator breaks it into short pieces.

Smoothing along the directions of a structure tensor is how Kyprianidis and Kang make painted strokes of photos ("Image
and video abstraction by coherence-enhancing filtering", Computer Graphics Forum 30, 2011). What it takes from the
contrast across the strands, `with_gains` gives back.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from jojo_cli.bases.views import shrink
from jojo_cli.nets.gradients import slopes

SIDE = 512
"""Side that strands are followed in, in pixels, or the picture's where it is smaller."""

COARSE = 256
"""Side that their directions are seen in."""

STEP, STEPS = 0.8, 3
"""How far the nearest pixels of a strand are that are averaged, in pixels of `SIDE`, and how often it triples."""

WIDTH = 2.0
"""Deviation of the Gaussian over which directions are averaged, in pixels of `COARSE`."""


def with_strands(images: Tensor, hair: Tensor, amount: float | Tensor = 1.0) -> Tensor:
    """Return images [N,3,S,S] whose `hair` [N,1,G,G], shares of each place, is smoothed along its strands."""
    side = images.shape[-1]
    small = shrink(images, min(SIDE, side))
    along = _directions(images, small.shape[-1])
    middles = (torch.arange(small.shape[-1], device=images.device) + 0.5) / small.shape[-1] * 2 - 1
    places = torch.stack([middles.expand(len(middles), -1), middles[:, None].expand(-1, len(middles))], dim=-1)
    smooth, step = small, 2 * STEP / SIDE
    for _ in range(STEPS):
        ahead, behind = (
            F.grid_sample(smooth, places + way * along, padding_mode="border", align_corners=False)
            for way in (step, -step)
        )
        smooth = (smooth + ahead + behind) / 3
        step *= 3
    smooth, share = (F.interpolate(x, size=(side, side), mode="bilinear", align_corners=False) for x in (smooth, hair))
    return torch.lerp(images, smooth, amount * share)


def _directions(images: Tensor, side: int) -> Tensor:
    """Return the unit vectors [N,side,side,2], to the right and down, along which images change least."""
    right, down = slopes(shrink(images, min(COARSE, images.shape[-1])).mean(dim=1, keepdim=True))
    # Twice the angle: so what points to either side is one direction, and directions can be averaged.
    twice = -torch.cat([right.square() - down.square(), 2 * right * down], dim=1)
    twice = F.interpolate(_blurred(twice), size=(side, side), mode="bilinear", align_corners=False)
    angle = torch.atan2(twice[:, 1], twice[:, 0]) / 2
    return torch.stack([angle.cos(), angle.sin()], dim=-1)


def _blurred(images: Tensor) -> Tensor:
    """Return images [N,C,S,S] after a Gaussian, the border continued."""
    reach = round(3 * WIDTH)
    weights = torch.exp(torch.arange(-reach, reach + 1, device=images.device).square() / (-2 * WIDTH**2))
    kernel = (weights / weights.sum()).expand(images.shape[1], 1, 1, -1)
    for k, pad in ((kernel, (reach, reach, 0, 0)), (kernel.mT, (0, 0, reach, reach))):
        images = F.conv2d(F.pad(images, pad, mode="replicate"), k, groups=images.shape[1])
    return images
