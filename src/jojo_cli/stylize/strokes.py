"""Lines in one stroke and hair in strands: what is drawn goes on along itself, where a generator breaks it into pieces.

Smoothing along the directions of a structure tensor is how Kyprianidis and Kang make drawings and paintings of photos
("Image and video abstraction by coherence-enhancing filtering", Computer Graphics Forum 30, 2011). What it takes from
the contrast, `with_gains` gives back.
"""

from math import ceil

import torch
import torch.nn.functional as F
from torch import Tensor

from jojo_cli.bases.views import resized
from jojo_cli.nets.gradients import SIDE, slopes

COLUMNS = 3
"""What is known of strokes: how far the picture takes them, from 0 to 1; the deviation of the Gaussian over which their
directions are averaged, in pixels of `COARSE`; and how often they are, each time over three times the length."""

STRANDS, LINES = (1.0, 7.0, 4.0), (1.0, 1.5, 2.0)
"""What suits hair, which runs far in one direction, and the rest."""

MOST = (1.0, 32.0, 6.0)
"""The most of each that makes sense."""

COARSE = 256
"""Side that directions are seen in, in pixels, or the picture's where it is smaller."""

STEP = 0.8
"""How far the nearest pixels of a stroke are that are averaged, in pixels of `SIDE`."""


def strokes(amount: float) -> Tensor:
    """Return those of hair and of the rest [2,COLUMNS] that pictures take so far, from 0 to 1."""
    return torch.tensor([STRANDS, LINES]) * torch.tensor([amount, 1, 1])


def are_strokes(tensor: Tensor) -> bool:
    """Return whether a tensor [2,COLUMNS] from somewhere can be what is known of strokes."""
    return bool(((tensor >= 0) & (tensor <= torch.tensor(MOST)) & (tensor[:, [1]] > 0)).all())


def without_strokes(strokes: Tensor) -> Tensor:
    """Return strokes [2,COLUMNS] that pictures do not take at all."""
    return strokes * torch.tensor([0, 1, 1], device=strokes.device)


def strokes_of_strands(strands: Tensor) -> Tensor:
    """Return the strokes [2,COLUMNS] of styles that knew but `strands` [1] of hair, and how far they went."""
    return torch.tensor([[1.0, 2.0, 3.0], [0.0, 2.0, 3.0]]) * F.pad(strands.cpu(), (0, 2), value=1.0)


def with_strokes(images: Tensor, strokes: Tensor, hair: Tensor, amount: float = 1.0) -> tuple[Tensor, Tensor]:
    """Return images [N,3,T,T] that are smoothed along their strokes [2,COLUMNS], and how far each place is [N,1,T,T].

    `hair` [N,1,G,G] says where the first of them are to be found, in shares of each place.
    """
    side = images.shape[-1]
    hair = resized(hair, side)
    far, _, times = (rest + hair * (of_hair - rest) for of_hair, rest in strokes.T)
    along = _directions(images, strokes[:, 1], hair)
    middles = (torch.arange(side, device=images.device) + 0.5) / side * 2 - 1
    places = torch.stack([middles.expand(side, -1), middles[:, None].expand(-1, side)], dim=-1)
    smooth, step = images, 2 * STEP / SIDE
    for done in range(ceil(strokes[:, 2].max().item())):
        ahead, behind = (
            F.grid_sample(smooth, places + way * along, padding_mode="border", align_corners=False)
            for way in (step, -step)
        )
        smooth = torch.lerp(smooth, (smooth + ahead + behind) / 3, (times - done).clamp(0, 1))
        step *= 3
    far = amount * far
    return torch.lerp(images, smooth, far), far


def _directions(images: Tensor, widths: Tensor, hair: Tensor) -> Tensor:
    """Return the unit vectors [N,T,T,2], to the right and down, along which images change least, seen so widely."""
    side, coarse = images.shape[-1], min(COARSE, images.shape[-1])
    right, down = slopes(resized(images, coarse).mean(dim=1, keepdim=True))
    # Twice the angle: so what points to either side is one direction, and directions can be averaged.
    twice = -torch.cat([right.square() - down.square(), 2 * right * down], dim=1)
    of_hair, rest = (_blurred(twice, width) for width in widths.tolist())
    twice = resized(torch.lerp(rest, of_hair, resized(hair, coarse)), side)
    angle = torch.atan2(twice[:, 1], twice[:, 0]) / 2
    return torch.stack([angle.cos(), angle.sin()], dim=-1)


def _blurred(images: Tensor, width: float) -> Tensor:
    """Return images [N,C,S,S] after a Gaussian, the border continued."""
    reach = round(3 * width)
    weights = torch.exp(torch.arange(-reach, reach + 1, device=images.device).square() / (-2 * width**2))
    kernel = (weights / weights.sum()).expand(images.shape[1], 1, 1, -1)
    for k, pad in ((kernel, (reach, reach, 0, 0)), (kernel.mT, (0, 0, reach, reach))):
        images = F.conv2d(F.pad(images, pad, mode="replicate"), k, groups=images.shape[1])
    return images
