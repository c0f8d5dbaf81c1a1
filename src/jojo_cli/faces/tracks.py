"""Faces through the scenes of a film: which belong together, and their squares without tremble."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from jojo_cli.faces.align import EYES, FloatArray, face_quad, quad_side
from jojo_cli.faces.detect import FoundChoice
from jojo_cli.faces.follow import Sight

GAP = 0.5
"""Seconds that a face may be out of sight and still be drawn, between where it was and where it will be."""

_SHORTEST = 0.15
"""Seconds that a face is in sight at least, in a longer scene: else it is none."""

_FADED = 4
"""Frames in which a face comes and goes within a scene."""

_PLACE, _AXES = 0.04, 0.12
"""Seconds over which the middles of squares are smoothed, and their sides: the sigma of a Gaussian."""

_REACH = 3.5
"""How many sigmas of it are looked at."""

_MINOR = 0.5
"""The share of the largest face's side from which on another one takes its place while it is away."""


class Seen(NamedTuple):
    """What was seen in a frame."""

    time: float  # in seconds
    begins: bool  # whether a scene does
    faces: Sequence[Sight]


@dataclass(frozen=True, eq=False)
class Track:
    """A face through a scene; its N frames may have gaps.

    Attributes:
        scene: its number, from 0.
        frames: their numbers [N], growing.
        quads: the squares [N,4,2] that FFHQ would cut, x and y in pixels.
        shares: how much of the face is drawn [N], 0 to 1.
        best: the number of the frame that shows it best.
        quad: its square there [4,2], as it was found.
    """

    scene: int
    frames: NDArray[np.int64]
    quads: FloatArray
    shares: FloatArray
    best: int
    quad: FloatArray

    @cached_property
    def sides(self) -> FloatArray:
        """The sides of its squares [N], in pixels."""
        return np.array([quad_side(quad) for quad in self.quads])

    @property
    def side(self) -> float:
        """Their mean."""
        return float(self.sides.mean())

    @property
    def weight(self) -> float:
        """How much of the film it is about."""
        return float(self.side**2 * len(self.frames))

    def place(self, frame: int) -> int | None:
        """Return the place of a frame among its own, if it is one of them."""
        place = int(np.searchsorted(self.frames, frame))
        return place if place < len(self.frames) and self.frames[place] == frame else None


def find_tracks(film: Sequence[Seen], choice: FoundChoice) -> list[Track]:
    """Return the chosen faces of each scene of a film, by scene.

    Args:
        film: its frames.
        choice: largest, the one that fills most of a scene; all; or a number by that, from 1.
    """
    scenes = np.cumsum([seen.begins for seen in film]) - 1
    found: dict[tuple[int, int], dict[int, FloatArray]] = defaultdict(dict)
    for number, seen in enumerate(film):
        for who, landmarks in seen.faces:
            found[int(scenes[number]), who][number] = landmarks
    times = np.array([seen.time for seen in film])
    tracks: dict[int, list[Track]] = defaultdict(list)
    for (scene, _), landmarks_in in found.items():
        first, last = np.searchsorted(scenes, [scene, scene + 1])
        track = _track(scene, landmarks_in, times, int(first), int(last) - 1)
        if track:
            tracks[scene].append(track)
    return [track for scene in sorted(tracks) for track in _chosen(tracks[scene], choice)]


def smoothed(times: FloatArray, values: FloatArray, at: float, sigma: float) -> FloatArray:
    """Return values [N,...] of times, growing, at another one: by the line that fits best what is near it.

    What moves evenly is not late, nor early at the ends. `sigma` is that of a Gaussian, in seconds.
    """
    first, last = np.searchsorted(times, [at - _REACH * sigma, at + _REACH * sigma])
    if first == last:
        first = min(int(first), len(times) - 1)
        nearest = first - (first > 0 and at - times[first - 1] < times[first] - at)
        value: FloatArray = values[nearest]
        return value
    apart = times[first:last] - at
    weights = np.exp(-0.5 * (apart / sigma) ** 2)
    weights /= weights.sum()
    middle = float(weights @ apart)
    spread = float(weights @ (apart - middle) ** 2)
    if spread > (0.05 * sigma) ** 2:
        weights = weights * (1 - middle * (apart - middle) / spread)
    line: FloatArray = np.tensordot(weights, values[first:last], axes=1)
    return line


def _track(scene: int, landmarks: dict[int, FloatArray], times: FloatArray, first: int, last: int) -> Track | None:
    """Return the track of a face by its landmarks in some frames of the scene from `first` to `last`."""
    frames = np.array(sorted(landmarks))
    if len(frames) < 2 <= last - first or times[frames[-1]] - times[frames[0]] < min(
        _SHORTEST, 0.5 * (times[last] - times[first])
    ):
        return None
    quads = np.stack([face_quad(landmarks[number]) for number in frames])
    middles, axes = quads.mean(axis=1), (quads[:, 3] - quads[:, 0]) / 2
    pieces = np.split(np.arange(len(frames)), np.flatnonzero(np.diff(times[frames]) > GAP) + 1)
    parts = []
    for piece in pieces:
        begin, end = frames[piece[0]], frames[piece[-1]]
        every = np.arange(begin, end + 1)
        known = times[frames[piece]]
        filled = [
            np.stack([np.interp(times[every], known, values[piece][:, i]) for i in (0, 1)], axis=1)
            for values in (middles, axes)
        ]
        smooth = [
            np.stack([smoothed(times[every], values, at, sigma) for at in times[every]])
            for values, sigma in zip(filled, (_PLACE, _AXES), strict=True)
        ]
        shares = np.ones(len(every))
        ramp = (np.arange(min(_FADED, len(every))) + 1) / (_FADED + 1)
        if begin > first:
            shares[: len(ramp)] = np.minimum(shares[: len(ramp)], ramp)
        if end < last:
            shares[-len(ramp) :] = np.minimum(shares[-len(ramp) :], ramp[::-1])
        parts.append((every, _squares(*smooth), shares))
    best = max(range(len(frames)), key=lambda place: _shown(landmarks[int(frames[place])]))
    every, squares, shares = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Track(scene, every, squares, shares, int(frames[best]), quads[best])


def _squares(middles: FloatArray, axes: FloatArray) -> FloatArray:
    """Return squares [N,4,2] by their middles [N,2] and half of their upper sides [N,2]."""
    down = np.stack([-axes[:, 1], axes[:, 0]], axis=1)
    return np.stack(
        [middles - axes - down, middles - axes + down, middles + axes + down, middles + axes - down], axis=1
    )


def _shown(landmarks: FloatArray) -> float:
    """Return how well a face can be seen: large, and from the front."""
    left, right, nose = (landmarks[part].mean(axis=0) for part in (*EYES, slice(27, 31)))
    across = right - left
    apart = float(np.hypot(*across))
    aside = abs(float((nose - (left + right) / 2) @ across)) / apart**2
    return apart * float(np.exp(-4 * aside))


def _chosen(tracks: Sequence[Track], choice: FoundChoice) -> list[Track]:
    """Return the chosen tracks of a scene."""
    ranked = sorted(tracks, key=lambda track: -track.weight)
    if choice == "all":
        return ranked
    if choice != "largest":
        return ranked[choice - 1 : choice]
    chosen = ranked[:1]
    for track in ranked[1:]:
        # The same person once more, or somebody as near.
        alone = not any(np.intersect1d(track.frames, other.frames).size for other in chosen)
        if alone and track.side >= _MINOR * ranked[0].side:
            chosen.append(track)
    return chosen
