"""ArcFace (arXiv 1801.07698): who somebody is, as a direction in 512 dimensions."""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

from jojo_cli.nets.irse import IRSE, UNITS, WIDTHS
from jojo_cli.nets.resampling import averages, resampled

RESOLUTION = 112
"""Side of the pictures that ArcFace takes, in pixels."""

ALIGNED = 256
"""Side of the aligned pictures that faces are cut out of, in pixels."""

TOP, LEFT, SIDE = 35, 32, 188
"""The face in a picture that is aligned as FFHQ is: where the authors of pSp cut it out."""


class ArcFace(nn.Module):
    """IR-SE50 and one linear layer; the smaller the angle between two embeddings, the more alike the faces."""

    def __init__(self, *, units: Sequence[int] = UNITS, widths: Sequence[int] = WIDTHS, dimensions: int = 512) -> None:
        super().__init__()
        self.body = IRSE(units=units, widths=widths)
        side = RESOLUTION // 2 ** len(units)
        self.linear = nn.Linear(widths[-1] * side * side, dimensions)

    def forward(self, faces: Tensor) -> Tensor:
        """Return the embeddings [N,512], float32 of unit length, of faces [N,3,112,112], RGB in [-1,1]."""
        x = self.linear(self.body(faces)[-1].flatten(1))
        return F.normalize(x.float())  # [N,512]


def cut_face(images: Tensor) -> Tensor:
    """Return the faces [N,3,112,112] for `ArcFace` in FFHQ-aligned images [N,3,256,256]."""
    face = images[..., TOP : TOP + SIDE, LEFT : LEFT + SIDE]
    return resampled(face, averages(SIDE, RESOLUTION))
