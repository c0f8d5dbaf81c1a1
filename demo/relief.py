"""Pictures with depth: height fields, light on them and layers of soft colour.

A plane is an array [SIZE,SIZE] of float32, a normal [...,3] points to the eye along +z, colours run from 0 to 1.
"""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

import numpy as np
from drawing import SIZE, Shape, curve, even, normals
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Plane: TypeAlias = NDArray[np.float32]
Tone: TypeAlias = tuple[float, float, float]  # 0 to 255

Y, X = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32) + np.float32(0.5)


def blurred(plane: Plane, sigma: float) -> Plane:
    """`plane` [H,W] after a Gaussian blur, its borders continued."""
    pad = int(3 * sigma) + 1
    wide = np.pad(plane, pad, mode="edge")
    fy, fx = np.fft.fftfreq(wide.shape[0])[:, None], np.fft.rfftfreq(wide.shape[1])[None]
    gain = np.exp(-2 * (np.pi * sigma) ** 2 * (fx**2 + fy**2))
    soft = np.fft.irfft2(np.fft.rfft2(wide) * gain, s=wide.shape)[pad:-pad, pad:-pad]
    return soft.astype(np.float32)


def stencil(shape: Shape, blur: float = 0) -> Plane:
    """1 inside `shape`, 0 outside, the edge softened by `blur` pixels."""
    image = Image.new("L", (SIZE * 3, SIZE * 3))
    ImageDraw.Draw(image).polygon((curve(shape) * 3).ravel().tolist(), fill=255)
    plane = np.asarray(image.reduce(3)).astype(np.float32) / np.float32(255)
    return blurred(plane, blur) if blur else plane


def bump(x: float, y: float, rx: float, ry: float) -> Plane:
    """A Gaussian hill of height 1."""
    hill: Plane = np.exp(-(((X - x) / rx) ** 2) - ((Y - y) / ry) ** 2)
    return hill


def knob(z: Plane, x: float, y: float, rx: float, ry: float, rise: float, *, blend: float = 10) -> Plane:
    """`z` with a paraboloid grown out of it that is `rise` higher than `z` at its summit."""
    top = z[int(y), int(x)] + rise * (1 - ((X - x) / rx) ** 2 - ((Y - y) / ry) ** 2)
    joined: Plane = blend * np.logaddexp(z / blend, top / blend)
    return joined


def puffed(mask: Plane) -> Plane:
    """`mask` blown up like a cushion; a disc becomes a hemisphere."""
    height = np.zeros((16, 16), dtype=np.float32)
    for size, rounds in ((32, 300), (64, 120), (128, 80), (256, 50), (512, 24), (1024, 10)):
        inside = mask.reshape(size, SIZE // size, size, SIZE // size).mean((1, 3))
        height = np.pad(height.repeat(2, axis=0).repeat(2, axis=1), 1)
        for _ in range(rounds):
            near = height[:-2, 1:-1] + height[2:, 1:-1] + height[1:-1, :-2] + height[1:-1, 2:]
            height[1:-1, 1:-1] = inside * (near / 4 + (SIZE / size) ** 2 / 4)
        height = height[1:-1, 1:-1]
    return 2 * np.sqrt(height)


def unit(vectors: Plane) -> Plane:
    """`vectors` [...,3] at length 1."""
    scaled: Plane = vectors / (np.linalg.norm(vectors, axis=-1, keepdims=True) + 1e-6)
    return scaled


def facing(z: Plane, soft: float = 1.5) -> Plane:
    """The normals [SIZE,SIZE,3] of the height field `z`."""
    dy, dx = np.gradient(blurred(z, soft))
    return unit(np.stack([-dx, -dy, np.ones_like(z)], axis=-1))


def hollows(z: Plane, reach: float, depth: float) -> Plane:
    """How open each point of `z` is, 0 to 1: less than 1 where it lies below its surroundings."""
    openness: Plane = np.exp(-np.clip(blurred(z, reach) - z, 0, None) / depth)
    return openness


class Light(NamedTuple):
    """A main light and a rim light from behind."""

    main: Tone  # where it comes from
    rim: Tone
    rim_colour: Tone

    def diffuse(self, normal: Plane) -> Plane:
        """Wrapped light [...], 0 to 1."""
        toward = unit(np.array(self.main, dtype=np.float32))
        amount: Plane = np.clip((normal @ toward + 0.45) / 1.45, 0, 1)
        return amount

    def gloss(self, normal: Plane, power: float) -> Plane:
        """The reflection [...] of the main light."""
        half = unit(unit(np.array(self.main, dtype=np.float32)) + np.array([0, 0, 1], dtype=np.float32))
        amount: Plane = np.clip(normal @ half, 0, 1) ** power
        return amount

    def edge(self, normal: Plane) -> Plane:
        """The rim light [...,3]."""
        toward = unit(np.array(self.rim, dtype=np.float32))
        amount = np.clip(normal @ toward, 0, 1) * np.clip(1 - normal[..., 2], 0, 1) ** 2
        colour: Plane = amount[..., None] * np.array(self.rim_colour, dtype=np.float32) / 255
        return colour


def ramp(amount: Plane, *tones: Tone) -> Plane:
    """Colours [...,3] between `tones`, the first where `amount` is 0, the last where it is 1."""
    stops = np.linspace(0, 1, len(tones))
    channels = [np.interp(amount, stops, [tone[k] for tone in tones]) / 255 for k in range(3)]
    return np.stack(channels, axis=-1).astype(np.float32)


def moved(plane: Plane, right: int, down: int) -> Plane:
    """`plane` shifted by whole pixels >= 0, its borders continued."""
    return np.pad(plane, ((down, 0), (right, 0)), mode="edge")[: plane.shape[0], : plane.shape[1]]


def lay(picture: Plane, mask: Plane, colour: Plane | Tone, opacity: float = 1) -> None:
    """Cover `picture` with `colour` where `mask` is open."""
    paint = np.asarray(colour, dtype=np.float32) / 255 if isinstance(colour, tuple) else colour
    picture += (mask * opacity)[..., None] * (paint - picture)


def dim(picture: Plane, mask: Plane, tint: Tone) -> None:
    """Multiply `picture` by `tint` where `mask` is open."""
    picture *= 1 - mask[..., None] * (1 - np.array(tint, dtype=np.float32) / 255)


class Lock(NamedTuple):
    """A lock of hair inside the rectangle `box` of the picture; the planes have its size."""

    box: tuple[slice, slice]
    mask: Plane
    along: Plane  # 0 at the root to 1 at the tip
    across: Plane  # -1 to 1
    spine: Plane  # [...,2] its direction


def lock(shape: Shape, width: float, *, sharp: float = 0.6, blunt: float = 0, margin: int = 24) -> Lock:
    """The lock along `shape`, at most `width` wide; the higher `sharp`, the longer its tip.

    Its root is rounded over the fraction `blunt` of its length.
    """
    line = even(curve(shape), 90)
    low = np.clip(line.min(0) - width / 2 - margin, 0, SIZE).astype(int)
    high = np.clip(line.max(0) + width / 2 + margin, 0, SIZE).astype(int)
    box = slice(low[1], high[1]), slice(low[0], high[0])
    place = np.stack([X[box], Y[box]], axis=-1)
    best = np.full(place.shape[:2], 1e9, dtype=np.float32)
    nearest = np.zeros(place.shape[:2], dtype=np.int64)
    for k, point in enumerate(line.astype(np.float32)):
        distance = ((place - point) ** 2).sum(-1)
        closer = distance < best
        best[closer], nearest[closer] = distance[closer], k
    tangent = np.stack([normals(line)[:, 1], -normals(line)[:, 0]], axis=1).astype(np.float32)
    rest = place - line[nearest].astype(np.float32)
    slide = (rest * tangent[nearest]).sum(-1)
    side = rest[..., 1] * tangent[nearest][..., 0] - rest[..., 0] * tangent[nearest][..., 1]
    step = np.hypot(*(line[1] - line[0]))
    along = (nearest + slide / step) / (len(line) - 1)
    t = np.clip(along, 0, 1)
    swell = (0.55 + 0.45 * np.sin(np.pi / 2 * np.clip(t / 0.4, 0, 1))) * np.clip(1 - t**1.5, 0, 1) ** sharp
    if blunt:
        swell *= np.sqrt(np.clip(1 - (1 - np.clip(t / blunt, 0, 1)) ** 2, 0, 1))
    half = width / 2 * swell
    mask = np.clip(half - np.abs(side) + 0.5, 0, 1) * np.clip(half, 0, 1) * (along > -0.02) * (along < 1.01)
    return Lock(
        box,
        mask.astype(np.float32),
        t.astype(np.float32),
        np.clip(side / np.maximum(half, 0.3), -1, 1).astype(np.float32),
        tangent[nearest],
    )


def finish(picture: Plane) -> Image.Image:
    """`picture` as an image."""
    return Image.fromarray((picture.clip(0, 1) * 255 + 0.5).astype(np.uint8))
