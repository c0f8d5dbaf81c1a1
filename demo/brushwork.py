"""Oil paint: a smooth picture painted over with brush strokes, from broad to fine."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from drawing import SIZE
from PIL import Image, ImageDraw
from relief import Plane, blurred

FINE = 2  # strokes are drawn this much larger, then reduced


class Pass(NamedTuple):
    """One going over the picture with one brush."""

    width: float
    gap: float  # between strokes, in brush widths
    length: float  # in brush widths
    tolerance: float  # of the colour already there, 0 to 1, below which no stroke is set
    jitter: float  # of the colour


def flow(direction: Plane, weight: Plane, spread: float) -> Plane:
    """The lines [...,2] of `direction` [...,2], averaged over `spread` pixels where their `weight` is low.

    A line has no begin and no end, so it is averaged at twice its angle.
    """
    double = 2 * np.arctan2(direction[..., 1], direction[..., 0])
    c, s = (blurred((f(double) * weight).astype(np.float32), spread) for f in (np.cos, np.sin))
    angle = np.arctan2(s, c) / 2
    return np.stack([np.cos(angle), np.sin(angle)], axis=-1).astype(np.float32)


def along_edges(plane: Plane, soft: float) -> tuple[Plane, Plane]:
    """The direction [...,2] across the slope of `plane`, and how steep it is."""
    dy, dx = np.gradient(blurred(plane, soft))
    return np.stack([-dy, dx], axis=-1), np.hypot(dx, dy)


class Painting:
    """A canvas and the thickness of the paint on it."""

    def __init__(self, ground: tuple[int, int, int], seed: int) -> None:
        """A canvas primed with `ground`; `seed` decides the strokes."""
        self.image = Image.new("RGB", (SIZE * FINE, SIZE * FINE), ground)
        self.paint = Image.new("L", self.image.size, 128)
        self.random = np.random.default_rng(seed)

    def seen(self) -> Plane:
        """The picture [SIZE,SIZE,3] so far."""
        return np.asarray(self.image.reduce(FINE)).astype(np.float32) / np.float32(255)

    def cover(self, goal: Plane, lines: Plane, brush: Pass, care: Plane) -> None:
        """Go over the canvas with `brush` where it differs from `goal`; `care` lowers the tolerance."""
        w = brush.width
        model = np.stack([blurred(goal[..., k], 0.22 * w) for k in range(3)], axis=-1)
        wrong = np.abs(self.seen() - model).mean(-1)
        wrong = blurred(wrong, 0.3 * w) if w > 6 else wrong
        grid = np.arange(0, SIZE, brush.gap * w)
        y, x = (v.ravel() for v in np.meshgrid(grid, grid, indexing="ij"))
        start = np.stack([x, y], axis=1) + self.random.uniform(-0.5, 0.5, (len(x), 2)) * brush.gap * w
        start = start.clip(0, SIZE - 1)
        col, row = start.astype(int).T
        start = start[wrong[row, col] > brush.tolerance * (1.2 - care[row, col])]
        self.random.shuffle(start)
        tracks, tones = self.trace(start, model, lines, brush)
        tones += self.random.normal(0, brush.jitter, (len(tones), 1)) + self.random.normal(
            0, brush.jitter / 3, tones.shape
        )
        for track, tone in zip(tracks, tones, strict=True):
            self.stroke(track, w * self.random.uniform(0.75, 1.15), tone)

    def trace(self, start: Plane, model: Plane, lines: Plane, brush: Pass) -> tuple[Plane, Plane]:
        """The middle lines [N,K,2] of strokes through `start`, and the colours [N,3] there.

        A stroke stops where the colour below it becomes another.
        """
        col, row = start.astype(int).T
        tones = model[row, col]
        step = brush.width * brush.length * self.random.uniform(0.6, 1.2, (len(start), 1)) / 10
        halves = []
        for sign in (-1, 1):
            place, heading = start.copy(), sign * lines[row, col]
            going = np.ones((len(start), 1), dtype=bool)
            half = []
            for _ in range(5):
                place = place + going * step * heading
                c, r = place.clip(0, SIZE - 1).astype(int).T
                going &= np.abs(model[r, c] - tones).mean(-1, keepdims=True) < 0.05
                turn = lines[r, c]
                turn = turn * np.sign((turn * heading).sum(-1, keepdims=True) + 1e-6)
                heading = 0.5 * heading + 0.5 * turn
                half.append(place)
            halves.append(half)
        track = np.stack([*halves[0][::-1], start, *halves[1]], axis=1)
        return track, tones.copy()

    def stroke(self, track: Plane, width: float, tone: Plane) -> None:
        """One stroke of a bristle brush along `track` [K,2]."""
        track = track[np.concatenate([[True], np.hypot(*np.diff(track, axis=0).T) > 0.1])] * FINE
        if len(track) < 2:
            track = np.concatenate([track, np.add(track, [[width * FINE * 0.4, 0]])])
        step = np.gradient(track, axis=0)
        across = np.stack([-step[:, 1], step[:, 0]], axis=1) / (np.hypot(*step.T)[:, None] + 1e-6)
        swell = np.sin(np.pi * np.linspace(0.12, 0.9, len(track)))[:, None] ** 0.5
        offset = across * swell * width * FINE / 2
        body = np.concatenate([track + offset, (track - offset)[::-1]]).ravel().tolist()
        picture, paint = ImageDraw.Draw(self.image), ImageDraw.Draw(self.paint)
        thick = int(self.random.integers(105, 150))
        picture.polygon(body, fill=shade(tone, 0))
        paint.polygon(body, fill=thick)
        for u in self.random.uniform(-0.9, 0.9, int(width / 2.2)):
            bristle = (track + offset * u).ravel().tolist()
            light = self.random.normal(0, 0.022)
            picture.line(bristle, fill=shade(tone, light), width=max(1, int(width / 8)))
            paint.line(bristle, fill=thick + int(self.random.integers(-34, 34)), width=max(1, int(width / 9)))
        if width > 5:
            # Paint that the brush pushed aside.
            paint.line((track + offset).ravel().tolist(), fill=thick + 50, width=2)
            paint.line((track - offset).ravel().tolist(), fill=thick + 30, width=2)

    def finish(self, relief: float) -> Plane:
        """The picture [SIZE,SIZE,3] with light from the upper left on its paint."""
        thick = np.asarray(self.paint.reduce(FINE)).astype(np.float32) / np.float32(255)
        dy, dx = np.gradient(blurred(thick, 0.8))
        slope: Plane = np.asarray(dx + dy, dtype=np.float32).clip(-0.25, 0.25)
        return self.seen() * (1 + relief * slope[..., None])


def shade(tone: Plane, light: float) -> tuple[int, int, int]:
    """The colour `tone`, 0 to 1, made lighter by `light`, 0 to 255."""
    r, g, b = ((float(v) * (1 + 1.5 * light) + 0.3 * light) * 255 for v in tone)
    return int(min(max(r, 0), 255)), int(min(max(g, 0), 255)), int(min(max(b, 0), 255))
