"""Windows on a picture, through which it is looked at and compared."""

from dataclasses import dataclass
from math import ceil

import torch.nn.functional as F
from torch import Tensor

from jojo_cli.nets.generator import Area
from jojo_cli.nets.resampling import antialiased, resampled

VIEW = 256
"""Side of what LPIPS looks at, in pixels: near the size that it was trained at."""


@dataclass(frozen=True)
class View:
    """A square window on a picture at a smaller scale; sides and places in pixels of that scale."""

    scale: int  # side of the whole picture
    size: int  # side of the window
    top: int = 0
    left: int = 0

    def __call__(self, images: Tensor) -> Tensor:
        """Return the window [N,3,size,size] of images [N,3,R,R], R a multiple of `scale`."""
        factor = images.shape[-1] // self.scale
        rows = slice(self.top * factor, (self.top + self.size) * factor)
        columns = slice(self.left * factor, (self.left + self.size) * factor)
        return shrink(images[..., rows, columns], self.size)

    @property
    def area(self) -> Area:
        """Where the window is."""
        rows, columns = ((start / self.scale, (start + self.size) / self.scale) for start in (self.top, self.left))
        return rows, columns


def whole_view(resolution: int) -> View:
    """Return the view of a whole picture of `resolution` pixels a side, at the size that LPIPS looks at."""
    size = min(VIEW, resolution)
    return View(size, size)


def face_view(resolution: int) -> View:
    """Return the view of the middle of an FFHQ crop, from the brows to the chin, at twice the size of the whole."""
    size = min(VIEW, resolution // 2)
    return View(2 * size, size, top=round(0.69 * size), left=size // 2)


WHOLE: Area = (0.0, 1.0), (0.0, 1.0)

FACE: Area = (0.29, 0.93), (0.19, 0.81)
"""The face of an FFHQ crop, from above the brows to below the chin."""


CHIP: Area = (0.262, 0.936), (0.163, 0.837)
"""Where `face_chip` looks."""


def both(a: Area, b: Area) -> Area:
    """Return the least area that holds two."""
    rows, columns = ((min(x[0], y[0]), max(x[1], y[1])) for x, y in zip(a, b, strict=True))
    return rows, columns


def closer_views(resolution: int, scale: int, area: Area) -> list[View]:
    """Return windows that cover an area of a picture at `scale`; none where the picture is smaller, or one shows all.

    Args:
        resolution: side of the picture in pixels.
        scale: side that it is shrunk to before windows are cut from it.
        area: where the windows lie.
    """
    size = min(VIEW, resolution)
    if not size < scale <= resolution:
        return []

    def places(start: float, end: float) -> list[int]:
        count = max(3, ceil((end - start) * scale / size))
        return [round(start * scale + i * ((end - start) * scale - size) / (count - 1)) for i in range(count)]

    rows, columns = area
    return [View(scale, size, top, left) for top in places(*rows) for left in places(*columns)]


def shrink(images: Tensor, size: int) -> Tensor:
    """Return images [N,3,R,R] averaged down to `size` pixels a side."""
    factor = images.shape[-1] // size
    return F.avg_pool2d(images, factor) if factor > 1 else images


def resized(images: Tensor, size: int) -> Tensor:
    """Return images [N,3,R,R] at `size` pixels a side: averaged down, or interpolated up where they are smaller."""
    if images.shape[-1] >= size:
        return shrink(images, size)
    return F.interpolate(images, size=(size, size), mode="bilinear", align_corners=False)


def face_chip(images: Tensor, size: int = 150) -> Tensor:
    """Return the faces [N,3,size,size] of FFHQ crops [N,3,R,R], about as dlib cuts them out: all at one place."""
    side = images.shape[-1]
    rows, columns = (slice(*(round(share * side) for share in axis)) for axis in CHIP)
    face = images[..., rows, columns]
    return resampled(face, antialiased(face.shape[-2], size), antialiased(face.shape[-1], size))
