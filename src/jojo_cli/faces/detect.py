"""The faces of a picture: where they are, and their 68 landmarks, by dlib."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from jojo_cli.errors import CheckpointError, JojoError, UsageError

FaceChoice = Literal["largest", "all"] | int
"""Which faces of a picture: the largest, all, or one by its number, from 1 for the largest."""

# The detector takes 1 s for so many pixels on one core. It finds faces from 40 pixels: what gets smaller than
# that in the reduced copy of a large picture is a face in a crowd.
_DETECTION_PIXELS = 1600 * 1600


@dataclass(frozen=True, eq=False)
class Face:
    """A face in a picture.

    Attributes:
        number: its place by size, 1 is the largest.
        box: left, top, right, bottom in pixels; may leave the picture.
        landmarks: [68,2], x and y in pixels, in the order of the iBUG 300-W annotation.
    """

    number: int
    box: tuple[float, float, float, float]
    landmarks: NDArray[np.float64]


class NoFaceError(JojoError):
    """No face in a picture."""


class FaceFinder:
    """dlib's frontal face detector and landmark predictor.

    Args:
        landmarks: dlib's model of 68 landmarks.

    Raises:
        JojoError: dlib can't be imported.
        CheckpointError: the file is not such a model.
    """

    def __init__(self, landmarks: Path) -> None:
        try:
            import dlib
        except ImportError as error:
            raise JojoError(
                f"dlib can't be loaded, and faces are found with it: {error}",
                hint="install it with 'pip install dlib-bin'; --no-align, for face crops, works without",
            ) from error
        self._detector: Any = dlib.get_frontal_face_detector()
        try:
            self._predictor: Any = dlib.shape_predictor(str(landmarks))
        except RuntimeError as error:
            raise CheckpointError(
                f"landmark model {str(landmarks)!r} can't be read: {error}",
                hint="check the weights with 'jojo models verify'",
            ) from error

    def find(self, image: Image.Image) -> list[Face]:
        """Return the faces of an RGB picture, the largest first."""
        pixels, scale = _reduce(image)
        boxes, scores, _ = self._detector.run(pixels, 1, 0.0)  # upsampled once
        hits = sorted(zip(boxes, scores, strict=True), key=_size_then_score, reverse=True)
        faces = []
        for number, (box, _) in enumerate(hits, start=1):
            points = [(point.x, point.y) for point in self._predictor(pixels, box).parts()]
            # Whole numbers are the centres of pixels, in the reduced picture and in the given one.
            landmarks = (np.array(points, dtype=np.float64) + 0.5) / scale - 0.5
            corners = np.array([(box.left(), box.top()), (box.right() + 1, box.bottom() + 1)]) / scale
            (left, top), (right, bottom) = corners.tolist()
            faces.append(Face(number, (left, top, right, bottom), landmarks))
        return faces


def parse_face_choice(text: str) -> FaceChoice:
    """Return what `text` asks for: largest, all, or the number of a face.

    Raises:
        UsageError: it is none of these.
    """
    if text == "largest":
        return "largest"
    if text == "all":
        return "all"
    if text.isascii() and text.isdigit() and int(text) >= 1:
        return int(text)
    raise UsageError(f"face {text!r} is not a choice", hint="choose largest, all, or a number from 1")


def choose_faces(faces: Sequence[Face], choice: FaceChoice) -> list[Face]:
    """Return the chosen ones of `faces`, at least one.

    Args:
        faces: as `FaceFinder.find` returns them.
        choice: as `parse_face_choice` returns it.

    Raises:
        NoFaceError: the picture has no face.
        JojoError: it has not so many.
    """
    if not faces:
        raise NoFaceError("no face found", hint="face crops go into apply, invert and train with --no-align")
    if choice == "all":
        return list(faces)
    number = 1 if choice == "largest" else choice
    if number > len(faces):
        count = "1 face" if len(faces) == 1 else f"{len(faces)} faces"
        raise JojoError(f"no face {number}, the picture has {count}", hint="choose another one with --face")
    return [faces[number - 1]]


def _reduce(image: Image.Image) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Return pixels [H,W,3] that are few enough to search, and their scale in x and y."""
    ratio = min(1.0, math.sqrt(_DETECTION_PIXELS / (image.width * image.height)))
    size = (max(1, round(image.width * ratio)), max(1, round(image.height * ratio)))
    reduced = image if size == image.size else image.resize(size, Image.Resampling.BOX)
    return np.array(reduced), np.divide(size, image.size)


def _size_then_score(hit: tuple[Any, float]) -> tuple[int, float]:
    """Return a key that sorts by size, and by score where the sizes are the same.

    The detector knows sizes in steps of 1.2 only, and rounding tells faces of one step apart by a pixel.
    There the surer hit comes first, or else it may be an emblem on the suit and not the face.
    """
    box, score = hit
    return round(math.log(box.width() / 90, 1.2)), score
