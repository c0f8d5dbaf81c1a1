"""Pictures whose gradients are steeper or flatter: lines bolder, areas more even.

Filtering gradients, and finding the picture that has them, is how Bhat et al. sharpen, smooth and abstract
("GradientShop", ACM Transactions on Graphics 29, 2010): it leaves less of a halo along an edge than
filtered bands.
"""

from math import log, pi

import torch
import torch.nn.functional as F
from torch import Tensor

SIDE = 512
"""Side that gradients are looked at in, in pixels, or less."""

STEEPNESSES = 25
"""How many steepnesses have a gain."""

LEAST, MOST = 0.002, 0.8
"""The first and the last of them, as changes of the luminance, in [-1,1], over 1 / `SIDE` of the side."""

EVEN, BOLD = 0.002, 0.06
"""How firmly places keep their colours, as the inverse square of a distance in pixels of `SIDE`: where gradients become
flatter, so that whole backgrounds get even; and where steeper, so that what lies beside an edge stays as it is."""

MARGIN = 64
"""What a picture is continued by before it is taken for periodic, in pixels: farther than a change reaches."""

LUMINANCE = (0.299, 0.587, 0.114)


def steepnesses() -> Tensor:
    """Return those that have a gain [K], evenly spaced by their logarithms."""
    return torch.logspace(log(LEAST), log(MOST), STEEPNESSES, base=torch.e)


def luminance(images: Tensor) -> Tensor:
    """Return how light images [N,3,S,S] are at every place [N,1,S,S]."""
    return torch.einsum("nchw,c->nhw", images, images.new_tensor(LUMINANCE))[:, None]


def steepness(images: Tensor) -> Tensor:
    """Return how steep the luminance of images [N,3,T,T] is at every place [N,1,T,T], T being at most `SIDE`."""
    light = luminance(images)
    right, down = slopes(light)
    return (right.square() + down.square()).sqrt() * (light.shape[-1] / SIDE)


def slopes(images: Tensor) -> tuple[Tensor, Tensor]:
    """Return how much images [N,C,S,S] change from pixel to pixel [N,C,S,S], to the right and down."""
    padded = F.pad(images, (1, 1, 1, 1), mode="replicate")
    right = padded[..., 1:-1, 2:] - padded[..., 1:-1, :-2]
    down = padded[..., 2:, 1:-1] - padded[..., :-2, 1:-1]
    return right / 2, down / 2


def with_gains(images: Tensor, gains: Tensor, regions: Tensor | None = None) -> tuple[Tensor, Tensor]:
    """Return images [N,3,T,T] whose gradients are steeper or flatter, and how many times at each place [N,1,T,T].

    `gains` [1,K] say how many times as steep those of each of `steepnesses` become, T being at most `SIDE`. Where there
    are regions [N,R,G,G], shares of each place, they are [1+R,K]: what these leave, and each of them.
    """
    steep = steepness(images)
    gain = rest = _gain_at(steep, gains[0])
    if regions is not None:
        shares = F.interpolate(regions, size=gain.shape[-2:], mode="bilinear", align_corners=False)
        for i, row in enumerate(gains[1:]):
            gain = gain + shares[:, [i]] * (_gain_at(steep, row) - rest)
    return images + _change(images, gain), gain


def _gain_at(steep: Tensor, gains: Tensor) -> Tensor:
    """Return the gains [K] of steepnesses of any shape, with straight lines between those that are known."""
    place = (steep.clamp(LEAST, MOST) / LEAST).log() * ((STEEPNESSES - 1) / log(MOST / LEAST))
    return looked_up(gains, place)


def looked_up(values: Tensor, places: Tensor) -> Tensor:
    """Return the values [K] at places of any shape from 0 to K-1, with straight lines between those that are known."""
    before = places.floor().clamp(max=len(values) - 2)
    index = before.long()
    return torch.lerp(values[index], values[index + 1], places - before)


def _change(images: Tensor, gain: Tensor) -> Tensor:
    """Return what gives images [N,3,T,T] gradients that are `gain` [N,1,T,T] times their own, in a way.

    It is the least-squares solution, by Fourier transforms, of the gradients wanted and no change of the colours, the
    latter with the weights `EVEN` and `BOLD`: the screened Poisson equation.
    """
    side = images.shape[-1]
    margin = min(MARGIN, side - 1)
    images, gain = (F.pad(x, (margin,) * 4, mode="reflect") for x in (images, gain - 1))
    total = images.shape[-1]
    rows, columns = (
        2 - 2 * torch.cos(2 * pi / total * torch.arange(count, device=images.device))
        for count in (total, total // 2 + 1)
    )
    laplacian = rows[:, None] + columns
    flatter, steeper = torch.zeros_like(images), torch.zeros_like(images)
    for axis in (-1, -2):
        difference = images.roll(-1, axis) - images
        more = (gain.roll(-1, axis) + gain) / 2
        for divergence, part in ((flatter, more.clamp(max=0)), (steeper, more.clamp(min=0))):
            wanted = difference * part
            divergence += wanted - wanted.roll(1, axis)
    firm = (SIDE / side) ** 2
    spectrum = torch.fft.rfft2(flatter) / -(laplacian + EVEN * firm)
    spectrum -= torch.fft.rfft2(steeper) / (laplacian + BOLD * firm)
    change: Tensor = torch.fft.irfft2(spectrum, s=(total, total))
    return change[..., margin:-margin, margin:-margin]
