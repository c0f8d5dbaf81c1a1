"""What the reference pictures are drawn with: curves, brush strokes and a canvas.

Coordinates are pixels of the finished 1024 x 1024 picture, x to the right, y down.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageChops, ImageDraw, ImageFilter

Points: TypeAlias = NDArray[np.float64]  # [N,2]
Shape: TypeAlias = Points | str  # a string is a path, see curve()
Colour: TypeAlias = tuple[int, int, int]

SIZE = 1024
SCALE = 3  # drawn this much larger, then reduced


def curve(shape: Shape) -> Points:
    """The line [N,2] that `shape` stands for.

    A path is written "x,y x,y ..." and runs smoothly through its points; a "/" makes a corner of the point
    before it, a "z" at the end closes the path into a smooth loop.
    """
    if not isinstance(shape, str):
        return shape
    pieces: list[Points] = []
    corner: list[list[float]] = []
    for part in shape.removesuffix("z").split("/"):
        knots = corner + [[float(v) for v in pair.split(",")] for pair in part.split()]
        pieces.append(smooth(np.array(knots), loop=shape.endswith("z")))
        corner = knots[-1:]
    return np.concatenate(pieces)


def smooth(knots: Points, *, loop: bool = False) -> Points:
    """A Catmull-Rom spline [N,2] through `knots`."""
    if loop:
        p = np.concatenate([knots[-1:], knots, knots[:2]])
    else:
        p = np.concatenate([2 * knots[:1] - knots[1:2], knots, 2 * knots[-1:] - knots[-2:-1]])
    t = np.linspace(0, 1, 12, endpoint=False)[:, None, None]
    a, b, c, d = p[:-3], p[1:-2], p[2:-1], p[3:]
    spans = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    return np.concatenate([spans.transpose(1, 0, 2).reshape(-1, 2), p[-2:-1]])


def even(line: Points, count: int) -> Points:
    """`count` points at equal distances along `line`."""
    way = np.concatenate([[0], np.hypot(*np.diff(line, axis=0).T).cumsum()])
    stops = np.linspace(0, way[-1], count)
    return np.stack([np.interp(stops, way, line[:, 0]), np.interp(stops, way, line[:, 1])], axis=1)


def normals(line: Points) -> Points:
    """Unit vectors [N,2] across `line`."""
    step = np.gradient(line, axis=0)
    length = np.hypot(step[:, 0], step[:, 1]) + 1e-9
    return np.stack([-step[:, 1] / length, step[:, 0] / length], axis=1)


def mirror(shape: Shape) -> Points:
    """`shape` on the other side of the vertical axis."""
    x, y = curve(shape).T
    return np.stack([SIZE - x, y], axis=1)


def both(half: Shape) -> Points:
    """A symmetric line from `half` of it, which starts on the vertical axis."""
    return np.concatenate([mirror(half)[:0:-1], curve(half)])


def ellipse(x: float, y: float, rx: float, ry: float) -> Points:
    """The outline [180,2] of an ellipse."""
    a = np.linspace(0, 2 * np.pi, 180, endpoint=False)
    return np.stack([x + rx * np.cos(a), y + ry * np.sin(a)], axis=1)


def ribbon(line: Points, width: float, ends: tuple[float, float]) -> Points:
    """The outline of a brush stroke: full `width` in its middle, these fractions of it at its `ends`."""
    t = np.linspace(0, 1, len(line))
    swell = np.sin(np.pi * t) ** 0.7
    offset = normals(line) * (0.5 * width * (swell + (1 - swell) * np.where(t < 0.5, *ends)))[:, None]
    return np.concatenate([line + offset, (line - offset)[::-1]])


def pen(line: Points, widths: tuple[float, ...]) -> Points:
    """The outline of a line whose width passes smoothly through `widths` from its begin to its end."""
    line = even(line, max(40, 2 * len(line)))
    knots = smooth(np.stack([np.linspace(0, 1, len(widths)), widths], axis=1))
    width = np.interp(np.linspace(0, 1, len(line)), *knots.T).clip(0)
    offset = normals(line) * (0.5 * width)[:, None]
    return np.concatenate([line + offset, (line - offset)[::-1]])


class Canvas:
    """A picture being painted, `SCALE` times its final size."""

    def __init__(self, ground: Colour) -> None:
        """An empty canvas of the colour `ground`."""
        self.image = Image.new("RGB", (SIZE * SCALE, SIZE * SCALE), ground)

    def mask(self, shape: Shape, *, blur: float = 0, clip: Image.Image | None = None) -> Image.Image:
        """A stencil, open inside `shape` and `clip`, the edge of `shape` softened by `blur` pixels."""
        stencil = Image.new("L", self.image.size)
        ImageDraw.Draw(stencil).polygon((curve(shape) * SCALE).ravel().tolist(), fill=255)
        if blur:
            stencil = stencil.filter(ImageFilter.GaussianBlur(blur * SCALE))
        return ImageChops.multiply(stencil, clip) if clip else stencil

    def fill(self, shape: Shape, colour: Colour, *, opacity: float = 1, clip: Image.Image | None = None) -> None:
        """Paint the inside of `shape`, where `clip` is open."""
        outline = curve(shape) * SCALE
        left, top = (int(v) for v in np.floor(outline.min(0)).clip(0, SIZE * SCALE))
        right, bottom = (int(v) for v in np.ceil(outline.max(0) + 1).clip(0, SIZE * SCALE))
        if right <= left or bottom <= top:
            return
        stencil = Image.new("L", (right - left, bottom - top))
        ImageDraw.Draw(stencil).polygon((outline - [left, top]).ravel().tolist(), fill=round(255 * opacity))
        if clip:
            stencil = ImageChops.multiply(stencil, clip.crop((left, top, right, bottom)))
        self.image.paste(colour, (left, top, right, bottom), stencil)

    def stroke(
        self,
        line: Shape,
        width: float,
        colour: Colour,
        *,
        ends: tuple[float, float] = (0, 0),
        opacity: float = 1,
        clip: Image.Image | None = None,
    ) -> None:
        """Paint a brush stroke along `line`, swelling from and to the fractions `ends` of its width."""
        self.fill(ribbon(curve(line), width, ends), colour, opacity=opacity, clip=clip)

    def pen(self, line: Shape, widths: tuple[float, ...], colour: Colour, *, clip: Image.Image | None = None) -> None:
        """Draw along `line` with a pen that is pressed to `widths` on its way."""
        self.fill(pen(curve(line), widths), colour, clip=clip)

    def finish(self) -> Image.Image:
        """The picture, reduced to `SIZE`."""
        return self.image.resize((SIZE, SIZE), Image.Resampling.LANCZOS)
