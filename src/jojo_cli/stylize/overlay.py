"""A reference laid on another face: bent so that its eyes, nose, mouth and jaw come to lie on the other's.

From the brows to the chin, where both show skin, the bent reference is a picture of how the other face shall look,
stroke by stroke. What can not be the same, a strand of hair before an eye, or lips over teeth, weighs little: teeth are
painted instead. Eyes, brows and lips count wherever the reference shows them: nothing else says how they are drawn.
"""

from collections.abc import Callable, Sequence
from math import log
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from torch import Tensor

from jojo_cli.bases.views import View, shrink
from jojo_cli.faces.align import BROWS, EYES, JAW, FloatArray
from jojo_cli.faces.proportions import GRID, areas, spread
from jojo_cli.nets.generator import moved

_SMOOTHNESS = 5e-3
"""How far landmarks give way to a smooth bend: eyes keep much of the reference's own shape."""

_MOST = 3.0
"""How many times larger or smaller something may become and still count in full."""

_OUTER_LIPS, _LIPS = slice(48, 60), slice(60, 68)
"""Of dlib's 68 landmarks, their edges."""

_OPEN = 0.03
"""The area between the lips, in squares of the distance of the eyes, from which on teeth may be seen."""

_LOW = 0.12
"""The height of brows, in distances of the eyes, up to which they are lids that were taken for brows."""

_EYES, _BROWS, _MOUTH = 0.8, 0.3, 0.4
"""The least that these count, where the reference shows them: landmarks place them, whatever else is unlike."""

_LITTLE = 0.02
"""The mean weight up to which a view is not worth a look."""


class Overlay(NamedTuple):
    """A reference, bent onto a face, and how much it says of each place."""

    image: Tensor  # [1,3,R,R]
    weights: Tensor  # [1,1,R,R], 0 to 1

    def speaks_in(self, view: View) -> bool:
        """Return whether this says anything of what is seen through a view."""
        return bool(view(self.weights).mean() > _LITTLE)

    def over(self, drawn: Tensor) -> Tensor:
        """Return what a drawing [1,3,S,S] shall become, in full where this says all of it; its own elsewhere."""
        image, weights = (shrink(x, drawn.shape[-1]) for x in self)
        return torch.lerp(drawn.detach().float(), image, weights)


def lay(
    reference: Tensor,
    face: Tensor,
    inner: Tensor,
    landmarks: FloatArray,
    other_face: Tensor,
    other_landmarks: FloatArray,
    likeness: Callable[[Tensor], Tensor],
) -> Overlay:
    """Return a reference laid on another face.

    Args:
        reference: [1,3,R,R].
        face: where the reference shows its face, and no hair before it [G,G], 0 to 1.
        inner: the same, without its borders.
        landmarks: of the reference [68,2], x and y in shares of the side.
        other_face: where the other face is [G,G], likewise.
        other_landmarks: likewise.
        likeness: returns how alike each place of the other face [1,1,K,K] is to the one that moves [1,2,G,G] lead to.
    """
    field = spread(other_landmarks, landmarks - other_landmarks, _SMOOTHNESS)
    scaling = np.abs(np.log(np.maximum(areas(field), 1e-3)))
    trust = np.exp(-3 * np.maximum(scaling - log(_MOST), 0))
    as_open = abs(_opening(other_landmarks) - _opening(landmarks)) < _OPEN
    seen = _brow_height(landmarks) > _LOW
    moves, known, placed = (
        torch.from_numpy(x.astype(np.float32)).to(reference.device)
        for x in (field, _known(other_landmarks) * trust, _placed(other_landmarks, brows=seen, lips=as_open))
    )
    face, inner = moved(torch.stack([face, inner])[None], moves[None])[0]
    alike = F.interpolate(likeness(moves[None]), size=(GRID, GRID), mode="bilinear", align_corners=False)[0, 0]
    weights = torch.maximum(inner * alike, face * placed) * other_face * known
    side = reference.shape[-1]
    weights = F.interpolate(weights[None, None], size=(side, side), mode="bilinear", align_corners=False)
    return Overlay(moved(reference, moves[None]).clamp(-1, 1), weights.clamp(0, 1))


class Teeth(NamedTuple):
    """How teeth are drawn like a reference that shows none: as an area, as painters draw them, and not as stripes."""

    light: Tensor  # [1,3,1,1], of teeth: what is light in the reference's eyes
    dark: Tensor  # [1,3,1,1], of the gap around them: what is dark in these

    @classmethod
    def like(cls, reference: Tensor, landmarks: FloatArray) -> "Teeth | None":
        """Return the teeth of a reference [1,3,R,R] with these landmarks [68,2]; None where it shows teeth itself."""
        side = reference.shape[-1]
        eyes, lips = (_within(landmarks, parts, side).to(reference.device) > 0.5 for parts in (EYES, (_LIPS,)))
        shades = reference[:, :, eyes[0, 0]]  # [1,3,N]
        if not shades.numel():
            return None  # they lie outside
        by_light = shades.mean(dim=1)[0].argsort()
        few = len(by_light) // 7 + 1
        dark, light = (shades[:, :, some].mean(dim=2)[..., None, None] for some in (by_light[:few], by_light[-few:]))
        own = reference.mean(dim=1, keepdim=True)[lips]
        shown = len(own) and own.quantile(0.8) > torch.lerp(dark.mean(), light.mean(), 0.8)
        return None if shown else cls(light, dark)


def with_teeth(overlay: Overlay, teeth: Teeth, natural: Tensor, landmarks: FloatArray) -> Overlay:
    """Return an overlay that says how another face's teeth are drawn, where it has some.

    Args:
        overlay: the reference, laid on the other face.
        teeth: those of the reference.
        natural: the other face [1,3,S,S], which says what is a tooth.
        landmarks: of the other face [68,2].
    """
    if _opening(landmarks) < _OPEN:
        return overlay
    side = overlay.image.shape[-1]
    mouth, face = (_within(landmarks, (part,), side).to(natural.device) for part in (_LIPS, JAW))
    if not ((mouth > 0.5).any() and (face > 0.5).any()):
        return overlay  # they lie outside
    bright = F.interpolate(natural.float().mean(dim=1, keepdim=True), size=(side, side), mode="bilinear")
    bright = F.avg_pool2d(bright, 13, stride=1, padding=6)  # no gaps between teeth
    black, usual = bright[face > 0.5].quantile(bright.new_tensor([0.02, 0.6]))
    white = torch.maximum(usual, bright[mouth > 0.5].quantile(0.9))
    shown = (((bright - black) / (white - black).clamp(min=0.1) - 0.45) / 0.3).clamp(0, 1)
    painted = torch.lerp(teeth.dark, teeth.light, shown)
    return Overlay(torch.lerp(overlay.image, painted, mouth), torch.maximum(overlay.weights, mouth))


def _opening(landmarks: FloatArray) -> float:
    """Return the area between the lips, in squares of the distance of the eyes."""
    x, y = landmarks[_LIPS].T
    area = abs(float((x * np.roll(y, -1) - y * np.roll(x, -1)).sum())) / 2
    return area / _apart(landmarks) ** 2


def _placed(landmarks: FloatArray, *, brows: bool, lips: bool) -> NDArray[np.float32]:
    """Return how much eyes, brows and lips count at least [G,G]."""
    apart = _apart(landmarks)
    parts = [(_EYES, [_grown(landmarks[eye], 0.2 * apart) for eye in EYES])]
    if brows:
        up = np.array([0, 0.1 * apart])
        parts.append((_BROWS, [np.concatenate([brow - up, brow[::-1] + up]) for brow in np.split(landmarks[BROWS], 2)]))
    if lips:
        parts.append((_MOUTH, [_grown(landmarks[_OUTER_LIPS], 0.12 * apart)]))
    least: NDArray[np.float32] = np.max([amount * _on_grid(outlines) for amount, outlines in parts], axis=0)
    return least


def _brow_height(landmarks: FloatArray) -> float:
    """Return how far brows are above the middle of upper lids, in distances of the eyes."""
    lids = np.concatenate([landmarks[eye][1:3] for eye in EYES])
    return float(lids[:, 1].mean() - landmarks[BROWS, 1].mean()) / _apart(landmarks)


def _apart(landmarks: FloatArray) -> float:
    """Return the distance of the eyes."""
    left, right = (landmarks[eye].mean(axis=0) for eye in EYES)
    return float(np.linalg.norm(right - left))


def _grown(outline: FloatArray, by: float) -> FloatArray:
    """Return an outline [K,2] whose points are farther from its middle."""
    away = outline - outline.mean(axis=0)
    grown: FloatArray = outline + by * away / np.linalg.norm(away, axis=1, keepdims=True).clip(1e-6)
    return grown


def _known(landmarks: FloatArray) -> NDArray[np.float32]:
    """Return where a face has landmarks around it [G,G], 0 to 1: from the brows to the jaw."""
    brows, eyes = landmarks[BROWS], (landmarks[36] + landmarks[45]) / 2
    above = brows + 0.25 * (brows.mean(axis=0) - eyes)
    return _on_grid([np.concatenate([landmarks[JAW], above[::-1]])])


def _within(landmarks: FloatArray, parts: Sequence[slice], side: int) -> Tensor:
    """Return where parts of landmarks [68,2] enclose something [1,1,S,S], 0 to 1."""
    return torch.from_numpy(_shape([landmarks[part] for part in parts], side, side / 256))[None, None]


def _on_grid(outlines: Sequence[FloatArray]) -> NDArray[np.float32]:
    """Return where outlines [K,2] enclose something [G,G], 0 to 1."""
    shares: NDArray[np.float32] = _shape(outlines, 4 * GRID, 4).reshape(GRID, 4, GRID, 4).mean(axis=(1, 3))
    return shares


def _shape(outlines: Sequence[FloatArray], side: int, soft: float) -> NDArray[np.float32]:
    """Return where some outlines [K,2], in shares of the side, enclose something [S,S], 0 to 1; `soft` in pixels."""
    canvas = Image.new("L", (side, side))
    for outline in outlines:
        ImageDraw.Draw(canvas).polygon([(side * x, side * y) for x, y in outline], fill=255)
    return np.asarray(canvas.filter(ImageFilter.GaussianBlur(soft)), dtype=np.float32) / np.float32(255)
