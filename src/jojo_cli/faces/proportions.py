"""The proportions of a face, and how to give them to another one.

FFHQ crops have the eyes and the mouth of everybody at about one place. So what sets a drawn face apart from ordinary
ones, large eyes or a small chin, is a displacement of the whole picture, and the same one does for every face.
"""

import numpy as np
from numpy.typing import NDArray

from jojo_cli.faces.align import FloatArray

GRID = 64
"""Places of a displacement, along each side of the picture."""

# fmt: off
ORDINARY: FloatArray = np.array([
    (0.2187, 0.4860), (0.2207, 0.5595), (0.2279, 0.6327), (0.2427, 0.7049), (0.2713, 0.7713), (0.3160, 0.8280),
    (0.3719, 0.8743), (0.4325, 0.9114), (0.5000, 0.9228), (0.5675, 0.9114), (0.6281, 0.8743), (0.6840, 0.8280),
    (0.7287, 0.7713), (0.7573, 0.7049), (0.7721, 0.6327), (0.7793, 0.5595), (0.7813, 0.4860), (0.2761, 0.4294),
    (0.3100, 0.3959), (0.3593, 0.3845), (0.4108, 0.3904), (0.4586, 0.4096), (0.5414, 0.4096), (0.5892, 0.3904),
    (0.6407, 0.3845), (0.6900, 0.3959), (0.7239, 0.4294), (0.5000, 0.4671), (0.5000, 0.5123), (0.5000, 0.5569),
    (0.5000, 0.6033), (0.4425, 0.6402), (0.4704, 0.6497), (0.5000, 0.6579), (0.5296, 0.6497), (0.5575, 0.6402),
    (0.3325, 0.4773), (0.3624, 0.4605), (0.3973, 0.4606), (0.4288, 0.4829), (0.3956, 0.4884), (0.3608, 0.4881),
    (0.5712, 0.4829), (0.6027, 0.4606), (0.6376, 0.4605), (0.6675, 0.4773), (0.6392, 0.4881), (0.6044, 0.4884),
    (0.3905, 0.7304), (0.4308, 0.7127), (0.4717, 0.7029), (0.5000, 0.7097), (0.5283, 0.7029), (0.5692, 0.7127),
    (0.6095, 0.7304), (0.5702, 0.7693), (0.5306, 0.7867), (0.5000, 0.7901), (0.4694, 0.7867), (0.4298, 0.7693),
    (0.4074, 0.7322), (0.4714, 0.7260), (0.5000, 0.7289), (0.5286, 0.7260), (0.5926, 0.7322), (0.5291, 0.7509),
    (0.5000, 0.7542), (0.4709, 0.7509),
])
# fmt: on
"""The landmarks [68,2] of ordinary faces, x and y in shares of the crop's side: the means over random faces of
MobileStyleGAN-FFHQ and their mirror images, by `benchmarks/ordinary_face.py`."""

MIRRORED = np.r_[
    16:-1:-1, 26:16:-1, 27:31, 35:30:-1, 45:41:-1, 47, 46, 39:35:-1, 41, 40, 54:47:-1, 59:54:-1, 64:59:-1, 67:64:-1
]
"""The number of each landmark in the mirror image of a face."""

_ANCHORS = 8
"""Points along each side of the picture that stay where they are."""

_SMOOTHNESS = 1e-3
"""How much of a landmark's place gives way to a smooth displacement; 0 reaches it."""

_MOST = 4.0
"""How many times larger or smaller anything may become: a picture must not fold."""


def displacement(landmarks: FloatArray, amount: float) -> NDArray[np.float32]:
    """Return where a picture of any face has to be looked at to give it the proportions of one.

    Args:
        landmarks: [68,2], x and y in shares of the FFHQ crop's side. The face may look to a side: it is averaged with
            its mirror image.
        amount: how far to go from ordinary proportions, 0 to 1; less far where the picture would fold.

    Returns:
        [2,G,G], how far to the right and down from the middle of each place, in shares of the side.
    """
    apart = amount * (symmetric(landmarks) - ORDINARY)
    while True:
        field = spread(ORDINARY + apart, -apart, _SMOOTHNESS)
        if _scaling(field) <= _MOST:
            return field.astype(np.float32)
        apart = 0.8 * apart


def symmetric(landmarks: FloatArray) -> FloatArray:
    """Return the mean of landmarks [68,2], in shares of the side, and their mirror image."""
    mirrored = np.stack([1 - landmarks[:, 0], landmarks[:, 1]], axis=1)[MIRRORED]
    mean: FloatArray = (landmarks + mirrored) / 2
    return mean


def spread(points: FloatArray, moves: FloatArray, smoothness: float) -> FloatArray:
    """Return moves of points [K,2] spread over the picture [2,G,G], by a thin-plate spline; its border stays.

    `smoothness` says how far the moves give way to a smooth field, from 0.
    """
    axis = np.linspace(0, 1, _ANCHORS)
    border = np.array([(x, y) for x in axis for y in axis if {x, y} & {0.0, 1.0}])
    points = np.concatenate([points, border])
    count = len(points)
    system = np.zeros((count + 3, count + 3))
    system[:count, :count] = _plate(points, points) + smoothness * np.eye(count)
    system[:count, count:] = np.c_[np.ones(count), points]
    system[count:, :count] = system[:count, count:].T
    weights = np.linalg.solve(system, np.concatenate([moves, np.zeros((len(border) + 3, 2))]))
    middles = (np.arange(GRID) + 0.5) / GRID
    places = np.stack(np.meshgrid(middles, middles), axis=-1).reshape(-1, 2)
    values = _plate(places, points) @ weights[:count] + np.c_[np.ones(len(places)), places] @ weights[count:]
    field: FloatArray = values.T.reshape(2, GRID, GRID)
    return field


def _plate(a: FloatArray, b: FloatArray) -> FloatArray:
    """Return r^2 log r of the distances [A,B] between points."""
    square = np.sum((a[:, None] - b[None]) ** 2, axis=2)
    bent: FloatArray = 0.5 * square * np.log(np.maximum(square, 1e-18))
    return bent


def areas(field: FloatArray) -> FloatArray:
    """Return how many times larger the area is that each place of a displacement [2,G,G] looks at; below 0 it folds."""
    (x_down, x_right), (y_down, y_right) = (np.gradient(moves, 1 / GRID) for moves in field)
    larger: FloatArray = (1 + x_right) * (1 + y_down) - x_down * y_right
    return larger


def _scaling(field: FloatArray) -> float:
    """Return how many times larger or smaller anything becomes at most; infinite where the picture folds."""
    larger = areas(field)
    (_, x_right), (y_down, _) = (np.gradient(moves, 1 / GRID) for moves in field)
    least = min(larger.min(), 1 + x_right.min(), 1 + y_down.min())
    return float(max(larger.max(), 1 / least)) if least > 0 else float("inf")
