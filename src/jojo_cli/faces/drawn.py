"""The landmarks of drawn faces, whose eyes are often larger than any that dlib has seen.

There it takes the iris for the eye. In a copy of the picture whose eyes are shrunk it sees them as they are: so some
are tried, and of what it says of each, mapped back, that is believed which has most skin around the eyes, and least
in them. Lids, and the crease above them, are taken for brows there: others are believed where clearly less skin lies
under them.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from jojo_cli.faces.align import BROWS, EYES, FloatArray

SIDE = 512
"""Of the copies, in pixels."""

_SHRUNK = (1.25, 1.5, 1.75, 2.0)
"""How many times smaller eyes are made."""

_GAIN = 0.05
"""How much better others must fit to be believed in place of the first."""

_SKIN = 0.4
"""The mean of what is unlike skin up to which a line lies on skin."""

_DEEPEST = 0.5
"""How far a lower lid may be moved down, in widths of the eye."""

_BROW_GAIN = 0.2
"""How much less skin must lie under other brows for these to be believed."""

_BETWEEN = 0.3
"""The least distance between the eyes, as a share of that of their middles."""

_NOT_SKIN = 0.3
"""The distance of colours in [0,1] from which on something is no skin."""

_CHEEKS = ((2, 31, 48, 4), (14, 35, 54, 12))


def landmarks_of_drawing(
    picture: Image.Image, landmarks: FloatArray, find: Callable[[Image.Image], FloatArray]
) -> FloatArray:
    """Return the landmarks [68,2] of a face that may be drawn, x and y in shares of the side.

    Args:
        picture: an FFHQ crop.
        landmarks: those that were found in it.
        find: returns those of a changed copy.
    """
    small = np.asarray(picture.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BOX))
    cheeks = [inside(landmarks[list(cheek)]) for cheek in _CHEEKS]
    if not all(cheek.any() for cheek in cheeks):
        return landmarks  # they lie outside
    unlike_skin = _unlike_colours(small / 255, [small[cheek] / 255 for cheek in cheeks])
    middles = (np.arange(SIDE) + 0.5) / SIDE
    places = np.stack(np.meshgrid(middles, middles), axis=-1)  # [S,S,2]
    tried = [landmarks]
    for times in _SHRUNK:
        columns, rows = (_seen_at(places, landmarks, times) * SIDE).astype(int).clip(0, SIDE - 1).transpose(2, 0, 1)
        found = find(Image.fromarray(small[rows, columns]))
        tried.append(_seen_at(found, landmarks, times))
    first, *others = (_fit(unlike_skin, one) for one in tried)
    best = landmarks if max(others) < first + _GAIN else tried[1 + int(np.argmax(others))]
    drawn = landmarks.copy()
    lower = _lower_lids(unlike_skin, best)
    for eye in EYES:
        drawn[eye] = best[eye] + np.outer([0, 0, 0, 0, lower, lower], _down(best[eye]))
    # What lies on the lids of a large eye is no brow, and the crease above them, in part skin, is none either.
    lids = min(best[eye, 1].min() for eye in EYES)
    above = [one for one in tried if one[BROWS, 1].mean() < lids] or [best]
    clear = [_mean_along(unlike_skin, one[BROWS]) for one in above]
    if above[0] is not landmarks or max(clear) > clear[0] + _BROW_GAIN:
        drawn[BROWS] = above[int(np.argmax(clear))][BROWS]
    return drawn


def _seen_at(places: FloatArray, landmarks: FloatArray, times: float) -> FloatArray:
    """Return what places [...,2] of a copy show of the picture, if its eyes are so many times smaller."""
    centres = [landmarks[eye].mean(axis=0) for eye in EYES]
    reach = 0.5 * np.hypot(*(centres[1] - centres[0]))
    shown = places.copy()
    for centre in centres:
        away = places - centre
        near = ((1 - np.hypot(away[..., 0], away[..., 1]) / reach) / 0.35).clip(0, 1)
        shown += (times - 1) * (near * near * (3 - 2 * near))[..., None] * away
    return shown


def _unlike_colours(pixels: FloatArray, cheeks: Sequence[FloatArray]) -> FloatArray:
    """Return how far colours [S,S,3] are from those of the cheeks, each [N,3], 1 being no skin [S,S]."""
    skin = [np.median(cheek, axis=0) for cheek in cheeks]
    away = np.min([np.linalg.norm(pixels - colour, axis=-1) for colour in skin], axis=0)
    unlike: FloatArray = np.clip(away / _NOT_SKIN, 0, 1)
    return unlike


def _fit(unlike_skin: FloatArray, landmarks: FloatArray) -> float:
    """Return how much less skin there is in the eyes than around them, -1 to 1; or -1 if these can't be eyes."""
    left, right = (landmarks[eye].mean(axis=0) for eye in EYES)
    if landmarks[42, 0] - landmarks[39, 0] < _BETWEEN * (right - left)[0]:
        return -1.0
    fits = []
    for eye in EYES:
        centre = landmarks[eye].mean(axis=0)
        within = inside(landmarks[eye])
        around = inside(centre + 1.35 * (landmarks[eye] - centre)) & ~within
        if not (within.any() and around.any()):
            return -1.0
        fits.append(unlike_skin[within].mean() - unlike_skin[around].mean())
    return float(np.mean(fits))


def _lower_lids(unlike_skin: FloatArray, landmarks: FloatArray) -> float:
    """Return how far below the lower lids skin begins, in widths of the eyes; 0 where none is near.

    In irises and in the white below them, dlib sees lids. The two eyes are looked at together: lashes, shadows and
    locks of hair are seldom the same.
    """

    def unlike(depth: float) -> float:
        lids = [np.linspace(landmarks[eye][5], landmarks[eye][4], 9) + depth * _down(landmarks[eye]) for eye in EYES]
        return _mean_along(unlike_skin, np.concatenate(lids))

    return next((above for above, depth in pairwise(np.linspace(0, _DEEPEST, 25)) if unlike(depth) < _SKIN), 0.0)


def _down(eye: FloatArray) -> FloatArray:
    """Return the way down from an eye [6,2], as long as it is wide."""
    x, y = eye[3] - eye[0]
    return np.array([-y, x])


def _mean_along(unlike_skin: FloatArray, line: FloatArray) -> float:
    """Return the mean at points [K,2]."""
    columns, rows = (line * SIDE).astype(int).clip(0, SIDE - 1).T
    return float(unlike_skin[rows, columns].mean())


def inside(outline: FloatArray) -> NDArray[np.bool_]:
    """Return where an outline [K,2], in shares of the side, encloses something [S,S]."""
    canvas = Image.new("1", (SIDE, SIDE))
    ImageDraw.Draw(canvas).polygon([(SIDE * x, SIDE * y) for x, y in outline], fill=1)
    return np.asarray(canvas)
