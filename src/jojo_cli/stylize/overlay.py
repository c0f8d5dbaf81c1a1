"""A reference laid on another face: bent so that its eyes, nose, mouth and jaw come to lie on the other's.

From the brows to the chin, where both show skin, the bent reference is a picture of how the other face shall look,
stroke by stroke. What can not be the same, a strand of hair before an eye, or lips over teeth, weighs little.
"""

from collections.abc import Callable
from math import log
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter
from torch import Tensor

from jojo_cli.bases.regions import REGIONS
from jojo_cli.bases.views import View, shrink
from jojo_cli.faces.align import FloatArray
from jojo_cli.faces.proportions import GRID, areas, spread
from jojo_cli.nets.generator import moved

_SMOOTHNESS = 5e-3
"""How far landmarks give way to a smooth bend: eyes keep much of the reference's own shape."""

_MOST = 3.0
"""How many times larger or smaller something may become and still count in full."""


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
    regions: Tensor,
    landmarks: FloatArray,
    other_regions: Tensor,
    other_landmarks: FloatArray,
    likeness: Callable[[Tensor], Tensor],
) -> Overlay:
    """Return a reference laid on another face.

    Args:
        reference: [1,3,R,R].
        regions: how probable each region is at each place of the reference [K,G,G].
        landmarks: of the reference [68,2], x and y in shares of the side.
        other_regions: those of the other face.
        other_landmarks: likewise.
        likeness: returns how alike each place of the other face [1,1,K,K] is to the one that moves [1,2,G,G] lead to.
    """
    field = spread(other_landmarks, landmarks - other_landmarks, _SMOOTHNESS)
    scaling = np.abs(np.log(np.maximum(areas(field), 1e-3)))
    trust = np.exp(-3 * np.maximum(scaling - log(_MOST), 0))
    moves, sure = (torch.from_numpy(x.astype(np.float32)).to(reference.device)[None] for x in (field, trust[None]))
    face = REGIONS.index("face")
    shared = moved(regions[None, face : face + 1], moves) * other_regions[face]
    known = torch.from_numpy(_known(other_landmarks)).to(reference.device)
    alike = F.interpolate(likeness(moves), size=(GRID, GRID), mode="bilinear", align_corners=False)
    weights = shared * known * sure * alike
    side = reference.shape[-1]
    weights = F.interpolate(weights, size=(side, side), mode="bilinear", align_corners=False)
    return Overlay(moved(reference, moves).clamp(-1, 1), weights.clamp(0, 1))


def _known(landmarks: FloatArray) -> NDArray[np.float32]:
    """Return where a face has landmarks around it [G,G], 0 to 1: from the brows to the jaw."""
    brows, eyes = landmarks[17:27], (landmarks[36] + landmarks[45]) / 2
    above = brows + 0.25 * (brows.mean(axis=0) - eyes)
    outline = np.concatenate([landmarks[:17], above[::-1]])
    finer = 4
    canvas = Image.new("L", (finer * GRID, finer * GRID))
    ImageDraw.Draw(canvas).polygon([(finer * GRID * x, finer * GRID * y) for x, y in outline], fill=255)
    soft = canvas.filter(ImageFilter.GaussianBlur(finer)).resize((GRID, GRID), Image.Resampling.BOX)
    return np.asarray(soft, dtype=np.float32) / np.float32(255)
