"""Where the irises of a face are, by its landmarks and by what is dark in its eyes."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from jojo_cli.faces.align import EYES, FloatArray
from jojo_cli.faces.drawn import SIDE, inside

# In widths of the eye.
_RADIUS = 0.215
_REACH = 0.25  # about how far irises look to the side

_OPEN = 0.06
"""The least area of an eye that is open, in squares of its width."""


def iris_places(picture: Image.Image, landmarks: FloatArray, *, size: float = 1.0) -> NDArray[np.bool_]:
    """Return where the irises of a face are [512,512]; nowhere where an eye is shut.

    Args:
        picture: an FFHQ crop.
        landmarks: those of its face [68,2], x and y in shares of the side.
        size: how large a part of each is asked for, in irises.
    """
    grey = np.asarray(picture.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)).astype(np.float64)
    rows, columns = np.indices(grey.shape) + 0.5
    places = np.zeros(grey.shape, dtype=np.bool_)
    for eye in (landmarks[part] for part in EYES):
        opened, width = inside(eye), SIDE * float(np.hypot(*(eye[3] - eye[0])))
        if opened.sum() < _OPEN * width**2:
            return np.zeros_like(places)
        dark, light = np.percentile(grey[opened], (5, 90))
        middle = SIDE * eye[:, 0].mean()
        weights = opened * (dark + (light - dark) / 2 - grey).clip(min=0)
        weights *= np.exp(-((columns - middle) ** 2) / (2 * (_REACH * width) ** 2))
        if not weights.any():
            return np.zeros_like(places)
        x, y = ((weights * at).sum() / weights.sum() for at in (columns, rows))
        places |= opened & (np.hypot(columns - x, rows - y) < size * _RADIUS * width)
    return places
