"""A redrawn face, put back into its photo: the way back from the FFHQ crop."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from jojo_cli.faces.align import BROWS, JAW, FloatArray, quad_side

if TYPE_CHECKING:
    from torch import Tensor

Mask = Literal["crop", "head", "face"]
"""What of the square goes back: all but its border, the head with its hair, or the face alone."""

_GRID = 256
"""Pixels along a mask's side: its edges are soft."""

# In shares of the crop's side.
_NOTHING, _ALL = 0.025, 0.1  # so far from the border nothing of the crop shows, and all of it
_FEATHER = 0.02  # sigma of the edge of a shape
_SEAM = 0.06  # sigma of what is taken for the photo's and the drawing's colours at the seam
_FADE = 0.075  # sigma of how they fade inwards: at twice that, hardly any is left

_DETAIL = 0.03  # radius within which the edge of a head follows the photo's
_FLAT = 2e-3  # variance of brightness, 0 to 1, up to which it does not


def square() -> NDArray[np.float32]:
    """Return how much of a crop goes back into its photo [G,G], 0 to 1: all but its border."""
    middles = (np.arange(_GRID, dtype=np.float32) + 0.5) / _GRID
    to_border = np.minimum(middles, 1 - middles)
    to_border = np.minimum(to_border[:, None], to_border)
    return _smooth((to_border - _NOTHING) / (_ALL - _NOTHING))


def face_shape(landmarks: Sequence[FloatArray]) -> NDArray[np.float32]:
    """Return the same for faces: what is inside of one of them.

    Args:
        landmarks: [68,2] each, x and y in shares of the crop's side: the photo's, and the drawing's, whose face may
            have another shape.
    """
    canvas = Image.new("L", (_GRID, _GRID))
    pen = ImageDraw.Draw(canvas)
    for points in landmarks:
        pen.polygon([(_GRID * x, _GRID * y) for x, y in _outline(points)], fill=255)
    blurred = canvas.filter(ImageFilter.GaussianBlur(_FEATHER * _GRID))
    soft = _smooth(np.asarray(blurred, dtype=np.float32) / 127.5 - 1)  # all of it inside
    return np.minimum(square(), soft)


def head_shape(head: NDArray[np.float32], drawn: NDArray[np.float32], crop: Image.Image) -> NDArray[np.float32]:
    """Return the same for a head with its hair.

    Args:
        head: [K,K], how probably a place of the crop shows it, 0 to 1; its edge is found in the crop.
        drawn: [K,K], likewise in the drawing.
        crop: what the photo shows.
    """
    exact = _guided(_resized(head), _resized(np.asarray(crop.convert("L"), dtype=np.float32) / 255))
    # What is in doubt, single hairs before a wall, stays the photo's.
    return np.minimum(square(), _smooth(1.6 * np.maximum(exact, _resized(drawn)) - 0.4))


def _resized(values: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    side = (_GRID, _GRID)
    how = Image.Resampling.BOX if len(values) > _GRID else Image.Resampling.BICUBIC
    resized: NDArray[np.float32] = np.asarray(Image.fromarray(values).resize(side, how)).clip(0, 1)
    return resized


def _guided(values: NDArray[np.floating[Any]], guide: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Return values [G,G] with the edges of a guide: the guided filter of He et al. (ECCV 2010)."""
    mean, mean_guide = _blur(values, _DETAIL / 2), _blur(guide, _DETAIL / 2)
    together = _blur(values * guide, _DETAIL / 2) - mean * mean_guide
    slope = together / (_blur(guide * guide, _DETAIL / 2) - mean_guide * mean_guide + _FLAT)
    offset = mean - slope * mean_guide
    found: NDArray[np.float32] = _blur(slope, _DETAIL / 2) * guide + _blur(offset, _DETAIL / 2)
    return found


def _outline(landmarks: FloatArray) -> FloatArray:
    """Return the outline [K,2] of a face: its jaw, and as much of the forehead as the nose is long, less a third."""
    brows, chin = landmarks[BROWS], landmarks[8]
    up = (landmarks[27] - chin) / np.hypot(*(landmarks[27] - chin)) * np.hypot(*(landmarks[27] - landmarks[33]))
    return np.concatenate([landmarks[JAW], (brows + 0.6 * up)[::-1]])


def _smooth(x: NDArray[np.floating[Any]]) -> NDArray[np.float32]:
    """Return 0 up to 0 and 1 from 1, with a smooth step between."""
    x = x.clip(0, 1)
    smooth: NDArray[np.float32] = (x * x * (3 - 2 * x)).astype(np.float32)
    return smooth


def blended(picture: Image.Image, crop: Image.Image, weights: NDArray[np.float32], amount: float) -> Image.Image:
    """Return a drawing with the colours of its photo where the two meet, and its own further inside.

    Only slow changes of colour are corrected: what is drawn stays.

    Args:
        picture: the drawing, square.
        crop: what the photo shows there, of the same size.
        weights: [G,G] as `square` and the shapes return them.
        amount: 0 leaves the drawing as it is, 1 takes the step off.
    """
    ring = 4 * weights * (1 - weights)
    if not amount or not ring.any():
        return picture
    small = (np.asarray(x.resize((_GRID, _GRID), Image.Resampling.BOX), dtype=np.float32) for x in (crop, picture))
    photo, drawn = small
    total = _blur(ring, _SEAM)
    step = np.stack([_blur(ring * (photo - drawn)[..., i], _SEAM) for i in range(3)], axis=-1)
    step /= np.maximum(total, 1e-3 * total.max())[..., None]
    share = amount * (2 - 2 * _blur(weights, _FADE)).clip(0, 1)
    correction = [
        Image.fromarray(share * step[..., i]).resize(picture.size, Image.Resampling.BICUBIC) for i in range(3)
    ]
    corrected = np.asarray(picture, dtype=np.float32) + np.stack([np.asarray(x) for x in correction], axis=-1)
    return Image.fromarray(corrected.round().clip(0, 255).astype(np.uint8))


def _blur(values: NDArray[np.floating[Any]], sigma: float) -> NDArray[np.float32]:
    """Return values [G,G] after a Gaussian, the border continued."""
    spread = round(3 * sigma * _GRID)
    taps = np.exp(-0.5 * (np.arange(-spread, spread + 1) / (sigma * _GRID)) ** 2)
    taps /= taps.sum()
    for _ in range(2):
        padded = np.pad(values, ((spread, spread), (0, 0)), mode="edge")
        windows = np.lib.stride_tricks.sliding_window_view(padded, len(taps), axis=0)
        values = (windows @ taps.astype(np.float32)).T
    return values


def put_back(photo: Image.Image, picture: Image.Image, quad: FloatArray, weights: NDArray[np.float32]) -> None:
    """Put a square picture in the place of a quad of a photo; where its weight is 0, the photo stays to the bit.

    A quad is a rotated square, so the way back is a similarity.

    Args:
        photo: changed in place; of the picture's mode.
        picture: what `crop_face` would have returned, redrawn.
        quad: [4,2], the corners as `face_quad` gives them; parts of it may lie outside of the photo.
        weights: [G,G] as `square` and the shapes return them.
    """
    import torch
    import torch.nn.functional as F

    box = _box(quad, weights, photo.size)
    if box is None:
        return
    side = math.ceil(quad_side(quad))
    if side < picture.width:  # one sample for a pixel would skip pixels
        picture = picture.resize((side, side), Image.Resampling.LANCZOS)
    places = _places(quad, box)
    pixels, old = (torch.from_numpy(np.array(x)).permute(2, 0, 1).float() for x in (picture, photo.crop(box)))
    new = F.grid_sample(pixels[None], places, mode="bicubic", padding_mode="border", align_corners=False)[0]
    share = F.grid_sample(torch.from_numpy(weights)[None, None], places, align_corners=False)[0]
    mixed = torch.lerp(old, new.clamp(0, 255), share).round().to(torch.uint8).permute(1, 2, 0)
    photo.paste(Image.fromarray(mixed.contiguous().numpy(), photo.mode), box[:2])


def _box(quad: FloatArray, weights: NDArray[np.float32], size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """Return left, top, right, bottom of the part of a photo in which a quad weighs anything, if it does anywhere."""
    across, down = quad[3] - quad[0], quad[1] - quad[0]
    rows, columns = np.flatnonzero(weights.any(axis=1)), np.flatnonzero(weights.any(axis=0))
    if not len(rows):
        return None
    low, high = ((columns[0] - 1) / _GRID, (rows[0] - 1) / _GRID), ((columns[-1] + 2) / _GRID, (rows[-1] + 2) / _GRID)
    corners = np.stack([quad[0] + x * across + y * down for x in (low[0], high[0]) for y in (low[1], high[1])])
    left, top = np.maximum(np.floor(corners.min(axis=0)), 0).astype(int)
    right, bottom = np.minimum(np.ceil(corners.max(axis=0) + 1), size).astype(int)
    return (int(left), int(top), int(right), int(bottom)) if left < right and top < bottom else None


def _places(quad: FloatArray, box: tuple[int, int, int, int]) -> "Tensor":
    """Return where the pixels of a part of a photo lie in a quad [1,H,W,2], from -1 to 1."""
    import torch

    left, top, right, bottom = box
    across, down = quad[3] - quad[0], quad[1] - quad[0]
    # Whole numbers are the centres of pixels, here and in the corners.
    x = torch.arange(left, right, dtype=torch.float64) - quad[0, 0]
    y = torch.arange(top, bottom, dtype=torch.float64)[:, None] - quad[0, 1]
    scale = 2 / float(across @ across)
    return torch.stack([scale * (x * along[0] + y * along[1]) - 1 for along in (across, down)], dim=-1)[None].float()
