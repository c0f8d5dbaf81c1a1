"""IR-SE50: the residual network of ArcFace (arXiv 1801.07698) with squeeze and excitation (arXiv 1709.01507).

In evaluation mode only: BatchNorm is folded into the convolution before it. Where a zero-padded convolution comes
after it, a scale and a shift remain: padding stays zero.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

UNITS = (3, 4, 14, 3)
"""Residual units in each stage of the published network."""

WIDTHS = (64, 128, 256, 512)
"""Channels of each stage of the published network."""


class Affine(nn.Module):
    """A scale and a shift for each channel: BatchNorm that no longer learns."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(channels))
        self.shift = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        """Return [N,C,H,W] for x [N,C,H,W]."""
        return x * self.scale[:, None, None] + self.shift[:, None, None]


class SqueezeExcite(nn.Module):
    """Weigh the channels by what their means say; `reduction` is how much narrower the layer between is."""

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels, channels // reduction, bias=False)
        self.excite = nn.Linear(channels // reduction, channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return [N,C,H,W] for x [N,C,H,W]."""
        weights: Tensor = self.excite(self.squeeze(x.mean(dim=(2, 3))).relu()).sigmoid()  # [N,C]
        return x * weights[:, :, None, None]


class Unit(nn.Module):
    """A residual unit: two convolutions, the second with the stride, and squeeze and excitation."""

    def __init__(self, in_channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.affine = Affine(in_channels)
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
        self.prelu = nn.PReLU(out_channels)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, stride, padding=1)
        self.se = SqueezeExcite(out_channels)
        self.shortcut = nn.Conv2d(in_channels, out_channels, 1, stride) if in_channels != out_channels else None
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Return [N,O,H/stride,W/stride] for x [N,I,H,W]."""
        residual: Tensor = self.se(self.conv2(self.prelu(self.conv1(self.affine(x)))))
        shortcut = self.shortcut(x) if self.shortcut else x[..., :: self.stride, :: self.stride]
        return residual + shortcut


class IRSE(nn.Module):
    """The stem and the stages of IR-SE50; every stage halves the picture."""

    def __init__(self, in_channels: int = 3, *, units: Sequence[int] = UNITS, widths: Sequence[int] = WIDTHS) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(in_channels, widths[0], 3, padding=1), nn.PReLU(widths[0]))
        self.stages = nn.ModuleList()
        width = widths[0]
        for count, out in zip(units, widths, strict=True):
            rest = (Unit(out, out, stride=1) for _ in range(count - 1))
            self.stages.append(nn.Sequential(Unit(width, out, stride=2), *rest))
            width = out

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return the features after each stage [N,C,H,W], halved in size each time, of images [N,I,R,R] in [-1,1]."""
        x = self.stem(images)
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        return tuple(features)
