"""Encoders from a photo to w+: pSp (arXiv 2008.00951), e4e (arXiv 2102.02766) and ReStyle (arXiv 2104.02699).

Each has a head for every code, on the features of an IR-SE50, and gives offsets from the mean code, which it holds as
`mean_w_plus` but does not add. No tensor is outside the state dict: a network made on the meta device can be loaded
with `assign=True`.
"""

from collections.abc import Sequence
from itertools import islice

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from jojo_cli.nets.irse import IRSE, UNITS, WIDTHS

RESOLUTION = 256
"""Side of the pictures that every encoder takes, in pixels."""

MIDDLE, FINE = 3, 7
"""The first code that a pyramid reads from its features at 32 px, and at 64 px."""


class Head(nn.Module):
    """Strided convolutions from features of 2^convs pixels a side to one code."""

    def __init__(self, in_channels: int, w_dim: int, convs: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for i in range(convs):
            layers += [nn.Conv2d(w_dim if i else in_channels, w_dim, 3, stride=2, padding=1), nn.LeakyReLU(0.01)]
        self.convs = nn.Sequential(*layers)
        self.linear = nn.Linear(w_dim, w_dim)

    def forward(self, x: Tensor) -> Tensor:
        """Return float32 [N,D] for x [N,C,2^convs,2^convs]."""
        code: Tensor = self.linear(self.convs(x).flatten(1))
        return code.float()


class InversionEncoder(nn.Module):
    """What the encoders share: the body, the heads and the mean code.

    `levels` says which features the head of each code reads: 0 at 16 px, and each next one at twice the size.
    """

    def __init__(
        self, in_channels: int, levels: Sequence[int], *, units: Sequence[int], widths: Sequence[int], w_dim: int
    ) -> None:
        super().__init__()
        self.levels = tuple(levels)
        self.body = IRSE(in_channels, units=units, widths=widths)
        self.heads = nn.ModuleList([Head(widths[-1], w_dim, convs=4 + level) for level in levels])
        self.register_buffer("mean_w_plus", torch.zeros(len(levels), w_dim))
        self.mean_w_plus: Tensor  # [L,D]

    @property
    def codes(self) -> int:
        """Codes in w+ (L)."""
        return len(self.levels)

    def features(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return the features of each level [N,C,16,16], [N,C,32,32], ... of images [N,I,256,256]."""
        raise NotImplementedError

    def head_outputs(self, images: Tensor, heads: int | None = None) -> Tensor:
        """Return what the first `heads` heads, or all, make of images [N,I,256,256]: [N,heads,D]."""
        features = self.features(images)
        pairs = islice(zip(self.heads, self.levels, strict=True), heads)
        return torch.stack([head(features[level]) for head, level in pairs], dim=1)

    def sum_to_first(self, images: Tensor, stage: int | None) -> Tensor:
        """Return offsets [N,L,D]: the first head's for every code, and added to it the own of codes 1 to `stage`."""
        first, own = self.head_outputs(images, None if stage is None else stage + 1).tensor_split([1], dim=1)
        return first + F.pad(own, (0, 0, 1, self.codes - 1 - own.shape[1]))  # [N,L,D]


class GradualStyleEncoder(InversionEncoder):
    """The encoder of pSp: coarse, middle and fine codes are read from a feature pyramid."""

    def __init__(
        self, codes: int = 18, *, units: Sequence[int] = UNITS, widths: Sequence[int] = WIDTHS, w_dim: int = 512
    ) -> None:
        levels = [(code >= MIDDLE) + (code >= FINE) for code in range(codes)]
        super().__init__(3, levels, units=units, widths=widths, w_dim=w_dim)
        self.laterals = nn.ModuleList([nn.Conv2d(width, widths[-1], 1) for width in (widths[-2], widths[-3])])

    def features(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return the pyramid [N,C,16,16], [N,C,32,32], [N,C,64,64] of images [N,3,256,256]."""
        *_, fine, middle, coarse = self.body(images)
        levels = [coarse]
        for lateral, x in zip(self.laterals, (middle, fine), strict=True):
            larger = F.interpolate(levels[-1], size=x.shape[-2:], mode="bilinear", align_corners=True)
            levels.append(larger + lateral(x))
        return tuple(levels)

    def forward(self, images: Tensor) -> Tensor:
        """Return the offsets from the mean code, float32 [N,L,D], of images [N,3,256,256], RGB in [-1,1]."""
        return self.head_outputs(images)


class Encoder4Editing(GradualStyleEncoder):
    """The encoder of e4e: one code for all, and small steps away from it."""

    def forward(self, images: Tensor, *, stage: int | None = None) -> Tensor:
        """Return the offsets from the mean code, float32 [N,L,D], of images [N,3,256,256], RGB in [-1,1].

        With a `stage`, the codes after this one take no step: 0 gives the same offset for all, a code in W.
        """
        return self.sum_to_first(images, stage)


class BackboneEncoder(InversionEncoder):
    """The encoder of ReStyle on pSp, which looks at a photo and at what the codes found so far draw.

    A pass adds its offsets to the codes of the pass before; the first starts from the mean code. Five passes are usual.
    """

    def __init__(
        self, codes: int = 18, *, units: Sequence[int] = UNITS, widths: Sequence[int] = WIDTHS, w_dim: int = 512
    ) -> None:
        super().__init__(6, [0] * codes, units=units, widths=widths, w_dim=w_dim)

    def features(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return the features ([N,C,16,16],) of images [N,6,256,256]."""
        return (self.body(images)[-1],)

    def forward(self, images: Tensor) -> Tensor:
        """Return the offsets from the codes so far, float32 [N,L,D].

        `images` [N,6,256,256], in [-1,1], are the RGB of the photo and then of the picture so far.
        """
        return self.head_outputs(images)


class ProgressiveBackboneEncoder(BackboneEncoder):
    """The encoder of ReStyle on e4e: each pass finds one step for all codes, and small steps away from it."""

    def forward(self, images: Tensor, *, stage: int | None = None) -> Tensor:
        """Return the offsets from the codes so far, float32 [N,L,D]; see `BackboneEncoder` and `Encoder4Editing`."""
        return self.sum_to_first(images, stage)
