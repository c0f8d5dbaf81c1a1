"""Changes of size as matrices, along one axis and then the other: torch has those below not on every device."""

from functools import cache

import torch
import torch.nn.functional as F
from torch import Tensor


def resampled(x: Tensor, rows: Tensor, columns: Tensor | None = None) -> Tensor:
    """Return x [N,C,I,J] multiplied by matrices [O,I] and [P,J] (by default the same): [N,C,O,P], as exact as x is."""
    columns = rows if columns is None else columns
    with torch.autocast(x.device.type, enabled=False):
        y: Tensor = rows.to(x) @ x @ columns.to(x).T
    return y


@cache
def averages(inputs: int, outputs: int) -> Tensor:
    """Return the matrix [outputs,inputs] of adaptive average pooling, which MPS lacks where sizes don't divide."""
    with torch.inference_mode(mode=False):  # kept for later, when gradients may be asked for
        i, o = torch.arange(inputs), torch.arange(outputs)[:, None]
        inside = ((i + 1) * outputs > o * inputs) & (i * outputs < (o + 1) * inputs)
        return inside / inside.sum(dim=1, keepdim=True)


@cache
def antialiased(inputs: int, outputs: int) -> Tensor:
    """Return the matrix [outputs,inputs] of antialiased bilinear interpolation, which MPS can't differentiate."""
    with torch.inference_mode(mode=False):  # as above
        columns = torch.eye(inputs)[None, None]
        matrix = F.interpolate(columns, size=(outputs, inputs), mode="bilinear", antialias=True, align_corners=False)
        return matrix[0, 0]
