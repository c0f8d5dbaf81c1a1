"""StyleGAN2 (arXiv 1912.04958): the generator that JoJoGAN was published on, at any power of two from 8 px up.

The learning rate is equalised as in training (arXiv 1710.10196, section 4.1): parameters of the synthesis are stored
at unit variance, and scaled where they are used. Folded in, the scales would leave the picture as it is, but make each
step of Adam up to 70 times larger: finetuning would not be JoJoGAN's. The mapping is never finetuned: its are folded.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from jojo_cli.nets.generator import Generator, State
from jojo_cli.nets.mapping import Mapping
from jojo_cli.nets.ops import Blur, Upsample

Noise = Sequence[torch.Generator]
"""What draws the fresh noise of each image."""

GAIN = 2**0.5
"""What follows each leaky ReLU, to keep the variance."""


def published_channels(resolution: int, multiplier: int = 2) -> tuple[int, ...]:
    """Return the channels of the published networks that draw `resolution` px: one an octave, from 4 px up.

    `multiplier` is 2 for FFHQ at 1024 px (config F), 1 for the light variants.
    """
    octaves = (4 << i for i in range(resolution.bit_length() - 2))
    return tuple(min(512, 16384 * multiplier // octave) for octave in octaves)


class Modulation(nn.Linear):
    """The layer that turns a code into a style: a scale for each channel."""

    def reset_parameters(self) -> None:
        """Set parameters as training starts: styles are 1 on average."""
        nn.init.normal_(self.weight)
        nn.init.ones_(self.bias)

    def forward(self, w: Tensor) -> Tensor:
        """Return the style [N,C] for w [N,D]."""
        return F.linear(w.to(self.weight.dtype) * self.in_features**-0.5, self.weight, self.bias)


class StyledConv(nn.Module):
    """A modulated 3x3 convolution with noise, bias and leaky ReLU; `up` doubles the size as well.

    Styles scale the kernel (equations 1 and 3): the features, 128 MB at 1024 px, are neither scaled nor kept twice.
    """

    def __init__(self, in_channels: int, out_channels: int, resolution: int, w_dim: int, *, up: bool = False) -> None:
        super().__init__()
        self.modulation = Modulation(w_dim, in_channels)
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, 3, 3))
        self.bias = nn.Parameter(torch.zeros(out_channels))
        self.noise_strength = nn.Parameter(torch.zeros(1))
        self.register_buffer("noise", torch.randn(1, 1, resolution, resolution))
        self.noise: Tensor
        self.blur = Blur(out_channels, padding=1, gain=4.0) if up else None
        self.scale = 1 / (in_channels * 9) ** 0.5

    def forward(self, x: Tensor, w: Tensor, noise: Noise | None = None) -> Tensor:
        """Return [N,O,H,W], or [N,O,2H,2W] if up, for x [N,I,H,W] and w [N,D]; `noise` draws fresh noise."""
        # In full precision: few numbers, and everything is multiplied by them.
        with torch.autocast(x.device.type, enabled=False):
            style = self.modulation(w) * self.scale  # [N,I]
            energy = F.linear(style.square(), self.weight.square().sum(dim=(2, 3)))
            demodulation = energy.add(1e-8).rsqrt() * GAIN  # [N,O]
            kernels = self.weight * style[:, None, :, None, None] * demodulation[:, :, None, None, None]  # [N,O,I,3,3]
        x = convolved(x, kernels, up=self.blur is not None)
        if self.blur:
            x = self.blur(x)
        # In place from here: no gradient needs these values, and at 1024 px each copy is 128 MB.
        x.add_((self._draw(x, noise) * (self.noise_strength * GAIN)).to(x.dtype))
        x.add_((self.bias * GAIN).to(x.dtype)[:, None, None])
        return F.leaky_relu_(x, 0.2)

    def _draw(self, x: Tensor, noise: Noise | None) -> Tensor:
        if noise is None:
            return self.noise
        shape = (1, 1, *x.shape[-2:])
        return torch.cat([torch.randn(shape, generator=rng, device=rng.device) for rng in noise]).to(x.device)


def convolved(x: Tensor, kernels: Tensor, *, up: bool = False) -> Tensor:
    """Return the 3x3 convolution [N,O,H,W] of x [N,I,H,W] with a kernel of its own for each sample [N,O,I,3,3].

    With `up` it is transposed and strided, and gives [N,O,2H+1,2W+1].
    """
    images = []
    # One by one, and no view of a batch: what follows works in place, which on a view costs autograd two copies.
    for own, kernel in zip(torch.split(x, 1), kernels, strict=True):
        if up:
            images.append(F.conv_transpose2d(own, kernel.transpose(0, 1), stride=2))
        else:
            images.append(F.conv2d(own, kernel, padding=1))
    return images[0] if len(images) == 1 else torch.cat(images)


class ToRGB(nn.Module):
    """The picture at one octave: a modulated 1x1 convolution to red, green and blue, added to the picture so far."""

    def __init__(self, channels: int, w_dim: int) -> None:
        super().__init__()
        self.modulation = Modulation(w_dim, channels)
        self.weight = nn.Parameter(torch.randn(3, channels))  # [O,I]
        self.bias = nn.Parameter(torch.zeros(3))
        self.upsample = Upsample(3)
        self.scale = channels**-0.5

    def forward(self, x: Tensor, w: Tensor, smaller: Tensor | None = None) -> Tensor:
        """Return [N,3,H,W] for x [N,C,H,W], w [N,D] and the `smaller` picture [N,3,H/2,W/2], at least in float32."""
        with torch.autocast(x.device.type, enabled=False):
            style = self.modulation(w) * self.scale  # [N,C]
            upsampled = None if smaller is None else self.upsample(smaller)
        rgb = F.conv2d(x * style.to(x.dtype)[:, :, None, None], self.weight[:, :, None, None])
        rgb = rgb + self.bias[:, None, None]
        return rgb if upsampled is None else rgb + upsampled


class Start(nn.Module):
    """The learned constant at 4 px, its convolution, and the first picture."""

    def __init__(self, channels: int, w_dim: int) -> None:
        super().__init__()
        self.const = nn.Parameter(torch.randn(1, channels, 4, 4))
        self.conv1 = StyledConv(channels, channels, 4, w_dim)
        self.to_rgb = ToRGB(channels, w_dim)

    def forward(self, state: State, w_plus: Tensor, noise: Noise | None = None) -> State:
        """Return features [N,C,4,4] and picture [N,3,4,4] from codes 0 and 1 of w_plus [N,L,D]."""
        x = self.conv1(self.const.expand(len(w_plus), -1, -1, -1), w_plus[:, 0], noise)
        return x, self.to_rgb(x, w_plus[:, 1])


class Block(nn.Module):
    """Twice the size, two convolutions, and what they add to the picture; `first` is the place of its codes in w+."""

    def __init__(self, in_channels: int, out_channels: int, resolution: int, w_dim: int, first: int) -> None:
        super().__init__()
        self.conv1 = StyledConv(in_channels, out_channels, resolution, w_dim, up=True)
        self.conv2 = StyledConv(out_channels, out_channels, resolution, w_dim)
        self.to_rgb = ToRGB(out_channels, w_dim)
        self.first = first

    def forward(self, state: State, w_plus: Tensor, noise: Noise | None = None) -> State:
        """Return features [N,O,2H,2W] and picture [N,3,2H,2W] for those of half the size and w_plus [N,L,D]."""
        x, rgb = state
        x = self.conv1(x, w_plus[:, self.first], noise)
        x = self.conv2(x, w_plus[:, self.first + 1], noise)
        return x, self.to_rgb(x, w_plus[:, self.first + 2], rgb)


class StyleGAN2(Generator):
    """StyleGAN2's mapping and synthesis.

    Code 0 acts at 4 px, 2i-1 and 2i on the two convolutions of octave i. The picture of each octave takes the first
    code of the next, and the last picture the last code.
    """

    def __init__(
        self,
        channels: Sequence[int] = published_channels(1024),  # one an octave, from 4 px up to the side of the image
        *,
        w_dim: int = 512,
        mapping_layers: int = 8,
    ) -> None:
        octaves = [4 << i for i in range(len(channels))]
        super().__init__(
            resolution=octaves[-1],
            code_resolutions=(4, *(r for r in octaves[1:] for _ in range(2)), octaves[-1]),
            w_dim=w_dim,
        )
        self.mapping = Mapping(w_dim, mapping_layers)
        blocks = [
            Block(channels[i - 1], channels[i], octaves[i], w_dim, first=2 * i - 1) for i in range(1, len(channels))
        ]
        self.stages = nn.ModuleList([Start(channels[0], w_dim), *blocks])

    def image(self, state: State, *, at_least: int | None = None) -> Tensor:
        """Return the image [N,3,R,R] of the last state, always in full: the octave below lacks what the last adds."""
        return state[1].float()

    def run_stage(self, stage: nn.Module, state: State, w_plus: Tensor, noise: Noise | None) -> State:
        """Return the state after a stage; with fresh `noise`, as while JoJoGAN finetunes."""
        after: State = stage(state, w_plus, noise)
        return after
