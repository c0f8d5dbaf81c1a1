"""StyleGAN2's discriminator (arXiv 1912.04958) as a critic: JoJoGAN compares features, so only those are computed."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from jojo_cli.nets.ops import Blur, Features

TAPS = (1, 3, 4, 5)
"""The layers whose output JoJoGAN compares: 0 is the convolution from RGB, i the i-th block."""


class Block(nn.Module):
    """A residual block that halves the size."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, in_channels, 3, padding=1)
        self.blur = Blur(in_channels, padding=2)
        self.conv2 = nn.Conv2d(in_channels, out_channels, 3, stride=2)
        self.shrink = Blur(in_channels, padding=1, stride=2)
        self.skip = nn.Conv2d(in_channels, out_channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """Return [N,O,H/2,W/2] for x [N,I,H,W]."""
        skip: Tensor = self.skip(self.shrink(x))
        x = F.leaky_relu_(self.conv1(x), 0.2)
        return F.leaky_relu_(self.conv2(self.blur(x)), 0.2) + skip


class Discriminator(nn.Module):
    """The layers of the discriminator up to the last that JoJoGAN compares.

    It is never trained here. So every constant factor is folded into the kernels: the equalised learning rate, the
    gain of the leaky ReLU (which commutes with it) and the half power of the residual sum.
    """

    def __init__(self, channels: Sequence[int]) -> None:
        """Make the network for `channels`, one an octave from the side of the image down to 4 px."""
        super().__init__()
        self.resolution = 2 << len(channels)  # side of the images, in pixels
        self.from_rgb = nn.Conv2d(3, channels[0], 1)
        blocks = min(len(channels) - 1, TAPS[-1])
        self.blocks = nn.ModuleList(Block(channels[i], channels[i + 1]) for i in range(blocks))

    def features(self, images: Tensor) -> Features:
        """Return the features to compare of images [N,3,R,R] in [-1,1], R being `resolution`."""
        x = F.leaky_relu_(self.from_rgb(images), 0.2)
        features = []
        for i, block in enumerate(self.blocks, start=1):
            x = block(x)
            if i in TAPS:
                features.append(x)
        return tuple(features)

    def distance(self, a: Features, b: Features) -> Tensor:
        """Return the distances [N] between two sets of features: L1, averaged over each layer, then over layers."""
        per_layer = [(x.float() - y.float()).abs().mean(dim=(1, 2, 3)) for x, y in zip(a, b, strict=True)]
        return torch.stack(per_layer).mean(dim=0)  # [N]

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Return the distances [N] between images a and b [N,3,R,R] in [-1,1]."""
        return self.distance(self.features(a), self.features(b))
