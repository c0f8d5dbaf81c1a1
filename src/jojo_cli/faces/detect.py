"""The faces of a picture: where they are, and their 68 landmarks, by dlib."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from jojo_cli.errors import CheckpointError, JojoError, UsageError
from jojo_cli.faces.align import FloatArray, face_quad, quad_of_points


@dataclass(frozen=True)
class Points:
    """A face that is not found, but shown: x and y in pixels of the picture, as its EXIF turns it.

    Attributes:
        left_eye: the middle of the eye on the left of the face, as one sees it upright.
        right_eye: that of the other one.
        mouth: that of the mouth.
    """

    left_eye: tuple[float, float]
    right_eye: tuple[float, float]
    mouth: tuple[float, float]

    def __str__(self) -> str:
        return " ".join(f"{x:g},{y:g}" for x, y in (self.left_eye, self.right_eye, self.mouth))


FoundChoice = Literal["largest", "all"] | int
"""Which faces of those that are found: the largest, all, or one by its number, from 1 for the largest."""

FaceChoice = FoundChoice | Points
"""Which faces of a picture: of those that are found, or the one at some points."""

# The detector takes 1 s for so many pixels on one core. It finds faces from 40 pixels: what gets smaller than
# that in the reduced copy of a large picture is a face in a crowd.
_DETECTION_PIXELS = 1600 * 1600

_LARGE = 2 * (5 / 6) ** 4
"""The scale at which large faces are searched first: the fifth that a full search looks at, in steps of 5/6.

Faces from 83 pixels are found there, in a quarter of the time.
"""

_CROP = 512
"""Pixels along a crop's side that are enough to find landmarks."""

_FACE = (0.22, 0.30, 0.78, 0.86)
"""The box, left, top, right, bottom in shares of the side, that the detector finds in most FFHQ crops."""

# Around a face that was found before, of so many pixels.
_NEAR = 300  # those that its landmarks are read from, or more than there are
_SEARCHED = 110  # those of the copy that it is searched in
_KNOWN = -0.3
"""The detector's score from which on it is still there; 0 makes a face elsewhere."""


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
    landmarks: FloatArray


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

    def find(self, image: Image.Image, *, lying: bool = True, largest: bool = False) -> list[Face]:
        """Return the faces of an RGB picture, the largest first; lying ones, where none is upright.

        Without `lying` no others are looked for than upright ones, as crops have them. With `largest` smaller ones may
        be missing, which is faster.
        """
        pixels, scale = _reduce(image)
        for turns in (0, 1, 3, 2) if lying else (0,):
            # Quarter turns to the left.
            turned = np.rot90(pixels, turns).copy()
            hits = (self._large(turned) if largest else []) or self._search(turned)
            if hits:
                break
        hits.sort(key=_size_then_score, reverse=True)
        faces = []
        for number, (box, _) in enumerate(hits, start=1):
            # Whole numbers are the centres of pixels, in the reduced picture and in the given one.
            landmarks = _turned_back(self._predict(turned, box) + 0.5, turns, turned) / scale - 0.5
            corners = _turned_back(_corners(box), turns, turned) / scale
            (left, top), (right, bottom) = corners.min(axis=0).tolist(), corners.max(axis=0).tolist()
            faces.append(Face(number, (left, top, right, bottom), landmarks))
        return faces

    def near(self, image: Image.Image, landmarks: FloatArray) -> FloatArray | None:
        """Return the landmarks [68,2] of the face of an RGB picture that is about where one was; None where none is.

        Less than what makes a face is enough here, and only little of the picture is searched.
        """
        low, high = landmarks.min(axis=0), landmarks.max(axis=0)
        centre, size = (low + high) / 2, float(np.max(high - low))
        left, top = np.maximum(np.floor(centre - size), 0).astype(int)
        right, bottom = np.minimum(np.ceil(centre + size), image.size).astype(int)
        if min(right - left, bottom - top) < size / 2:
            return None
        region = image.crop((left, top, right, bottom))
        scale = min(1.0, _NEAR / size)
        if scale < 1:
            region = region.resize((round(region.width * scale), round(region.height * scale)), Image.Resampling.BOX)
        pixels = np.asarray(region)
        smaller = _SEARCHED / (size * scale)
        sought = region.resize((round(region.width * smaller), round(region.height * smaller)))
        boxes, _, _ = self._detector.run(np.asarray(sought), 0, _KNOWN)
        if not boxes:
            return None
        middle = (centre - (left, top)) * scale * smaller
        box = min(boxes, key=lambda box: np.hypot(*(middle - (box.center().x, box.center().y))))
        box = _rectangle(_corners(box).ravel() / smaller)
        found: FloatArray = (self._predict(pixels, box) + 0.5) / scale + np.array([left, top])
        return found - 0.5

    def landmarks(self, crop: Image.Image) -> FloatArray:
        """Return the landmarks [68,2] of the face of an FFHQ crop, x and y in shares of its side.

        The face need not be found: it is where all crops have it. So drawings have theirs, too.
        """
        pixels = np.asarray(crop.resize((_CROP, _CROP), Image.Resampling.BOX))
        return (self._predict(pixels, _rectangle(_CROP * np.array(_FACE))) + 0.5) / _CROP

    def _search(self, pixels: NDArray[np.uint8]) -> list[tuple[Any, float]]:
        """Return boxes and scores of the faces in pixels [H,W,3]."""
        boxes, scores, _ = self._detector.run(pixels, 1, 0.0)  # upsampled once
        return list(zip(boxes, scores, strict=True))

    def _large(self, pixels: NDArray[np.uint8]) -> list[tuple[Any, float]]:
        """Return the same for large faces alone."""
        height, width = pixels.shape[:2]
        size = (max(1, round(width * _LARGE)), max(1, round(height * _LARGE)))
        boxes, scores, _ = self._detector.run(np.array(Image.fromarray(pixels).resize(size)), 0, 0.0)
        return [(_rectangle(_corners(box).ravel() / _LARGE), score) for box, score in zip(boxes, scores, strict=True)]

    def _predict(self, pixels: NDArray[np.uint8], box: Any) -> FloatArray:
        return np.array([(point.x, point.y) for point in self._predictor(pixels, box).parts()], dtype=np.float64)


def _rectangle(box: FloatArray) -> Any:
    """Return left, top, right, bottom [4] as dlib wants them."""
    from dlib import rectangle

    return rectangle(*box.round().astype(int).tolist())


def _corners(box: Any) -> FloatArray:
    """Return the upper left and the lower right corner [2,2] of a box of dlib's."""
    return np.array([(box.left(), box.top()), (box.right() + 1, box.bottom() + 1)], dtype=np.float64)


def needs_finder(choice: FaceChoice | None) -> bool:
    """Return whether faces have to be found for a choice; None is a crop."""
    return choice is not None and not isinstance(choice, Points)


def find_quads(
    image: Image.Image, choice: FaceChoice, finder: FaceFinder | None
) -> list[tuple[int | None, FloatArray]]:
    """Return the squares [4,2] that FFHQ would cut for the chosen faces of an RGB picture, with their numbers.

    Points need no finder, and have no number.

    Raises:
        NoFaceError: the picture has no face.
        JojoError: it has not so many.
    """
    if isinstance(choice, Points):
        points = (np.array(point) for point in (choice.left_eye, choice.right_eye, choice.mouth))
        return [(None, quad_of_points(*points))]
    assert finder
    faces = finder.find(image, largest=choice in ("largest", 1))
    return [(face.number, face_quad(face.landmarks)) for face in choose_faces(faces, choice)]


def parse_points(text: str) -> Points:
    """Return the points that `text` names: x and y of the left eye, the right eye and the mouth.

    Raises:
        UsageError: it holds no such numbers, or no face has its eyes and its mouth there.
    """
    hint = "give x,y of the left eye, the right eye and the mouth in pixels: --points '412,388 596,390 503,602'"
    numbers = [float(number) for number in re.findall(r"[-+]?[0-9]*\.?[0-9]+", text)]
    if len(numbers) != 6 or re.sub(r"[-+0-9.,;:\s]", "", text):
        raise UsageError(f"points {text!r} are not three pairs of numbers", hint=hint)
    left, right, mouth = zip(numbers[::2], numbers[1::2], strict=True)
    across, down = np.subtract(right, left), np.subtract(mouth, np.add(left, right) / 2)
    # Upright, lying or upside down: seen from the eyes, the mouth is to the right of the way from the left one.
    if across[0] * down[1] - across[1] * down[0] <= 0.2 * float(across @ across):
        raise UsageError(f"no face has its eyes and its mouth at {text!r}", hint=hint)
    return Points(left, right, mouth)


def parse_face_choice(text: str) -> FoundChoice:
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


def choose_faces(faces: Sequence[Face], choice: FoundChoice) -> list[Face]:
    """Return the chosen ones of `faces`, at least one.

    Args:
        faces: as `FaceFinder.find` returns them.
        choice: as `parse_face_choice` returns it.

    Raises:
        NoFaceError: the picture has no face.
        JojoError: it has not so many.
    """
    if not faces:
        hint = "show where it is with --points; face crops go into apply, invert and train with --no-align"
        raise NoFaceError("no face found", hint=hint)
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


def _turned_back(points: FloatArray, turns: int, turned: NDArray[np.uint8]) -> FloatArray:
    """Return where points [N,2] of a picture are that was turned `turns` quarters to the left."""
    height, width = turned.shape[:2]
    for _ in range(turns):
        points = np.stack([height - points[:, 1], points[:, 0]], axis=1)
        height, width = width, height
    return points


def _size_then_score(hit: tuple[Any, float]) -> tuple[int, float]:
    """Return a key that sorts by size, and by score where the sizes are the same.

    The detector knows sizes in steps of 1.2 only, and rounding tells faces of one step apart by a pixel.
    There the surer hit comes first, or else it may be an emblem on the suit and not the face.
    """
    box, score = hit
    return round(math.log(box.width() / 90, 1.2)), score
