"""Faces from frame to frame of a film: found, kept in sight, lost, and where the scene changes."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from PIL import Image

from jojo_cli.faces.align import FloatArray
from jojo_cli.faces.detect import FaceFinder

_LOOK = 0.25
"""Seconds between two searches of the whole picture: in between, faces are looked for where they were."""

_PATIENCE = 0.5
"""Seconds that a face may be out of sight and still be looked for there."""

# From one frame to the next a scene begins where so large a share of the pixels changes its colour, ...
_CUT = 0.5
# ... or a smaller one, when the picture changes by so many grey levels, and so many times more than just before.
_MILD_CUT, _CHANGE, _JUMP = 0.15, 20.0, 4.0

_SIDES = (64, 36)
"""Pixels of the small copies that are compared."""

_OVERLAP = 0.3
"""Intersection over union from which two boxes are one face's."""


class Sight(NamedTuple):
    """A face in a frame."""

    who: int  # the same in the frames of a scene through which the face could be followed
    landmarks: FloatArray  # [68,2], x and y in pixels


@dataclass
class _Known:
    landmarks: FloatArray
    seen: float  # when, in seconds


class FaceFollower:
    """Finds the faces of a film's frames, which are shown to it one after the other.

    Args:
        finder: searches the whole of some pictures, and the places of faces that are known of the others.
    """

    def __init__(self, finder: FaceFinder) -> None:
        self._finder = finder
        self._known: dict[int, _Known] = {}
        self._small: FloatArray | None = None
        self._change = 0.0  # in grey levels, as it was lately
        self._looked = -np.inf
        self._count = 0

    def see(self, picture: Image.Image, time: float) -> tuple[bool, list[Sight]]:
        """Return whether a scene begins with a frame, and the faces in it.

        Args:
            picture: the frame, in RGB.
            time: in seconds, later than that of the frame before.
        """
        begins = self._begins(np.asarray(picture.resize(_SIDES, Image.Resampling.BOX), dtype=np.float64))
        if begins:
            self._known = {}
        faces: dict[int, FloatArray] = {}
        for who, known in list(self._known.items()):
            landmarks = self._finder.near(picture, known.landmarks)
            if landmarks is not None and not any(_overlap(landmarks, other) > _OVERLAP for other in faces.values()):
                faces[who] = landmarks
            elif time - known.seen > _PATIENCE:
                del self._known[who]
        if begins or time - self._looked >= _LOOK:
            self._looked = time
            for face in self._finder.find(picture, lying=False):
                if not any(_overlap(face.landmarks, other) > _OVERLAP for other in faces.values()):
                    faces[self._who(face.landmarks)] = face.landmarks
        self._known |= {who: _Known(landmarks, time) for who, landmarks in faces.items()}
        return begins, [Sight(who, landmarks) for who, landmarks in faces.items()]

    def _begins(self, small: FloatArray) -> bool:
        """Return whether a scene begins with a frame, by its small copy [H,W,3]."""
        before, self._small = self._small, small
        if before is None:
            return True
        changed = float(np.abs(_colours(small) - _colours(before)).sum()) / 2
        change = float(np.abs(small - before).mean())
        jumps = change > max(_CHANGE, _JUMP * self._change)
        begins = changed > _CUT or (jumps and changed > _MILD_CUT)
        self._change = 0.0 if begins else 0.5 * (self._change + change)
        return begins

    def _who(self, landmarks: FloatArray) -> int:
        """Return the number of a face that was out of sight at this place, or a new one."""
        for who, known in self._known.items():
            if _overlap(landmarks, known.landmarks) > _OVERLAP:
                return who
        self._count += 1
        return self._count


def _colours(small: FloatArray) -> FloatArray:
    """Return the shares of a picture's colours [4*4*4], soft at their limits: noise hardly changes them."""
    pixels = small.reshape(-1, 3) * (3 / 255)
    low = np.floor(pixels).clip(0, 2)
    shares = np.zeros((4, 4, 4))
    for corner in np.ndindex(2, 2, 2):
        amount = np.where(corner, pixels - low, 1 - (pixels - low)).prod(axis=1)
        np.add.at(shares, tuple((low + corner).astype(int).T), amount)
    return (shares / len(pixels)).ravel()


def _overlap(a: FloatArray, b: FloatArray) -> float:
    """Return the intersection over union of the boxes around landmarks."""
    low, high = np.maximum(a.min(axis=0), b.min(axis=0)), np.minimum(a.max(axis=0), b.max(axis=0))
    shared = float(np.prod(np.maximum(high - low, 0)))
    return shared / (float(np.prod(np.ptp(a, axis=0)) + np.prod(np.ptp(b, axis=0))) - shared)
