"""The FFHQ crop: from the landmarks of a face to the square picture that the bases know.

The geometry is the one that the FFHQ dataset was made with (Karras et al. 2019, appendix A of "A Style-Based
Generator Architecture for Generative Adversarial Networks"), so the eyes and the mouth land where a generator
trained on it draws them.
"""

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter, ImageStat

FloatArray = NDArray[np.float64]

JAW, BROWS, EYES = slice(0, 17), slice(17, 27), (slice(36, 42), slice(42, 48))
"""Of dlib's 68 landmarks; from left to right, as one sees them."""

_MOUTH_CORNERS = [48, 54]

# In parts of the crop's side.
_CONTEXT = 0.1  # real pixels kept around the quad, for the filters to read
_PAD = 0.3  # mirrored pixels added, or more, on all sides once the quad leaves the picture
_BLUR = 0.02  # Gaussian sigma in what was mirrored


def face_quad(landmarks: FloatArray) -> FloatArray:
    """Return the square that FFHQ would cut for a face.

    Args:
        landmarks: [68,2], x and y in pixels, in dlib's order.

    Returns:
        [4,2], x and y in pixels: top left, bottom left, bottom right, top right corner of the face upright.
    """
    left_eye, right_eye, mouth = (landmarks[part].mean(axis=0) for part in (*EYES, _MOUTH_CORNERS))
    return quad_of_points(left_eye, right_eye, mouth)


def quad_of_points(left_eye: FloatArray, right_eye: FloatArray, mouth: FloatArray) -> FloatArray:
    """Return the same for a face by the middles [2] of its eyes and its mouth, left as one sees it."""
    eyes = (left_eye + right_eye) / 2
    across = right_eye - left_eye
    down = mouth - eyes

    # The eyes and the mouth both vote for the tilt of the head: `down`, a quarter turn back, points across.
    direction = across + np.array([down[1], -down[0]])
    half = direction / np.hypot(*direction) * max(2.0 * np.hypot(*across), 1.8 * np.hypot(*down))
    below = np.array([-half[1], half[0]])
    centre = eyes + 0.1 * down
    return np.stack([centre - half - below, centre - half + below, centre + half + below, centre + half - below])


def crop_face(image: Image.Image, quad: FloatArray, *, size: int = 1024) -> Image.Image:
    """Return the `quad` of a picture as an upright square.

    Where the quad leaves the picture, the picture is mirrored and fades to a blur and to its median colour.

    Args:
        image: RGB.
        quad: [4,2], the corners as `face_quad` gives them.
        size: side of the result in pixels.
    """
    # The centre of pixel (0, 0) is the point (0.5, 0.5): from here on corners are points, not pixels.
    image, quad = _cut_region(image, quad + 0.5, max_side=1.5 * size)
    side = quad_side(quad)
    image, quad = _mirror_borders(image, quad, side)
    # One sample for a pixel skips pixels when it shrinks: draw larger, then average.
    oversampling = max(1, math.ceil(side / size))
    drawn = image.transform(
        (size * oversampling, size * oversampling),
        Image.Transform.QUAD,
        tuple(quad.flatten()),
        Image.Resampling.BICUBIC,
    )
    return drawn.resize((size, size), Image.Resampling.LANCZOS)


def _cut_region(image: Image.Image, quad: FloatArray, *, max_side: float) -> tuple[Image.Image, FloatArray]:
    """Return the part of the picture around the quad, shrunk until the quad's side is at most `max_side`."""
    side = quad_side(quad)
    context = max(round(side * _CONTEXT), 3)
    left, top = np.maximum(np.floor(quad.min(axis=0)).astype(int) - context, 0)
    right, bottom = np.minimum(np.ceil(quad.max(axis=0)).astype(int) + context, image.size)
    width, height = right - left, bottom - top
    scale = min(1.0, max_side / side)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    region = image.resize(size, Image.Resampling.LANCZOS, box=(left, top, right, bottom))
    return region, (quad - np.array((left, top))) * (size[0] / width, size[1] / height)


def _mirror_borders(image: Image.Image, quad: FloatArray, side: float) -> tuple[Image.Image, FloatArray]:
    """Return the picture, continued by its mirror image where the quad reaches the border, and the quad."""
    low = np.ceil(side * _CONTEXT - quad.min(axis=0)).astype(int)
    high = np.ceil(quad.max(axis=0) + side * _CONTEXT - image.size).astype(int)
    if max(*low, *high) <= side * _CONTEXT - 4:
        return image, quad
    at_least = round(side * _PAD)
    left, top = np.maximum(low, at_least)
    right, bottom = np.maximum(high, at_least)
    pixels = np.pad(np.asarray(image), ((top, bottom), (left, right), (0, 0)), mode="reflect")
    mirrored = Image.fromarray(pixels)

    across = _depth(pixels.shape[1], left, right)[None, :]
    down = _depth(pixels.shape[0], top, bottom)[:, None]
    softened = Image.composite(_blur(mirrored, side * _BLUR), mirrored, _mask(3 * across + 1, 3 * down + 1))
    colour = tuple(ImageStat.Stat(softened).median)
    faded = Image.composite(Image.new("RGB", softened.size, colour), softened, _mask(across, down))
    return faded, quad + np.array((left, top))


def _blur(image: Image.Image, sigma: float) -> Image.Image:
    """Return the picture after a Gaussian; a strong one does not need all the pixels."""
    step = max(1, int(sigma / 6))
    blurred = image.reduce(step).filter(ImageFilter.GaussianBlur(sigma / step))
    return blurred.resize(image.size, Image.Resampling.BILINEAR)


def _depth(length: int, before: int, after: int) -> NDArray[np.float32]:
    """Return 1 at both ends of an axis, 0 where its mirrored parts end, less than 0 between them."""
    position = np.arange(length, dtype=np.float32)
    return 1 - np.minimum(position / before, (length - 1 - position) / after)


def _mask(across: NDArray[np.float32], down: NDArray[np.float32]) -> Image.Image:
    rows, columns = ((weights.clip(0, 1) * 255).round().astype(np.uint8) for weights in (down, across))
    return Image.fromarray(np.maximum(rows, columns))  # [H,W]


def quad_side(quad: FloatArray) -> float:
    """Return the side of a square by its corners [4,2], in pixels."""
    return float(np.hypot(*(quad[1] - quad[0])))
