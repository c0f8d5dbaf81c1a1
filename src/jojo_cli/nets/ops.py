"""The binomial filter that StyleGAN2 (arXiv 1912.04958) puts around every change of size, so that nothing aliases."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Features = tuple[Tensor, ...]
"""What a network says of pictures, a layer each [N,C,H,W]."""


def binomial(channels: int) -> Tensor:
    """Return a kernel [C,1,4,4] for every channel apart: [1,3,3,1] along both axes, adding up to 1."""
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0]) / 8
    return (taps[:, None] * taps).repeat(channels, 1, 1, 1)


class Blur(nn.Module):
    """The filter alone, on x padded with zeros; it multiplies by `gain`, and keeps every `stride`-th pixel."""

    def __init__(self, channels: int, *, padding: int, stride: int = 1, gain: float = 1.0) -> None:
        super().__init__()
        self.register_buffer("kernel", binomial(channels) * gain, persistent=False)
        self.kernel: Tensor  # [C,1,4,4]
        self.padding = padding
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        """Return [N,C,(H+2P-4)/S+1,(W+2P-4)/S+1] for x [N,C,H,W]."""
        return F.conv2d(x, self.kernel, stride=self.stride, padding=self.padding, groups=x.shape[1])


class Upsample(nn.Module):
    """Twice the size: zeros between the pixels, then the filter."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("kernel", binomial(channels) * 4, persistent=False)  # three of four pixels were zeros
        self.kernel: Tensor  # [C,1,4,4]

    def forward(self, x: Tensor) -> Tensor:
        """Return [N,C,2H,2W] for x [N,C,H,W]."""
        return F.conv_transpose2d(x, self.kernel, stride=2, padding=1, groups=x.shape[1])
