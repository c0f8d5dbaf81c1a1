"""MobileStyleGAN (arXiv 2104.04767): StyleGAN2's mapping and a light synthesis that draws wavelet bands.

It differs from StyleGAN2 in three ways: convolutions are depthwise + pointwise, a style scales the input of a layer
only (demodulation is folded into the kernels), and an inverse Haar transform stands for upsampling.
"""

from collections.abc import Sequence
from math import ceil, floor
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.grad import conv2d_weight

from jojo_cli.nets.generator import Area, Generator, State
from jojo_cli.nets.mapping import Mapping

Place = tuple[int, int]
"""The row and the column at which a part of a picture begins, in pixels."""

CORNER: Place = (0, 0)

SLOPE = 0.2
"""Of the leaky ReLU of every layer but the last."""

CHANNELS_FFHQ = (512, 512, 512, 512, 256, 128, 64)
"""Channels of the blocks of the published network, which draws 1024 px: one block an octave, from 8 px up."""


class Upsample(nn.Module):
    """Modulation, then the inverse Haar transform: [N,C,H,W] -> [N,C/4,2H,2W]."""

    def __init__(self, channels: int, w_dim: int) -> None:
        super().__init__()
        self.modulation = nn.Linear(w_dim, channels)
        self.register_buffer("order", by_band(channels), persistent=False)
        self.order: Tensor  # [C]

    def forward(self, x: Tensor, w: Tensor) -> Tensor:
        """Return the features of twice the size for x [N,C,H,W], band by band, and w [N,D]."""
        style = self.modulation(w)[:, self.order] / 2  # the transform's half, where it costs nothing
        return butterfly(x * style[:, :, None, None])


class StyledConv(nn.Module):
    """A modulated convolution with noise, bias and leaky ReLU: 3x3 in full at 4 px, separable elsewhere.

    `bands` says that an inverse Haar transform comes next: the output is then in the order it takes.
    """

    def __init__(
        self, in_channels: int, out_channels: int, resolution: int, w_dim: int, *, separable: bool, bands: bool = False
    ) -> None:
        super().__init__()
        self.modulation = nn.Linear(w_dim, in_channels)
        if separable:
            self.depthwise = nn.Parameter(torch.randn(in_channels, 1, 3, 3) / 3)  # [I,1,3,3]
        kernel = () if separable else (3, 3)
        self.weight = nn.Parameter(torch.randn(out_channels, in_channels, *kernel))  # [O,I] or [O,I,3,3]
        self.bias = nn.Parameter(torch.zeros(out_channels))
        # A buffer, already multiplied by its strength: the same code draws the same picture.
        self.register_buffer("noise", torch.zeros(1, 1, resolution, resolution))
        self.noise: Tensor
        self.separable = separable
        self.register_buffer("order", by_band(out_channels) if bands else torch.arange(out_channels), persistent=False)
        self.order: Tensor  # [O]
        self.scale = 1 / (in_channels * 9) ** 0.5

    def forward(self, x: Tensor, w: Tensor, place: Place = CORNER) -> Tensor:
        """Return [N,O,H,W] for x [N,I,H,W], which begins at a place, and w [N,D]."""
        style = self.modulation(w) * self.scale  # [N,I]
        rows, columns = (slice(start, start + size) for start, size in zip(place, x.shape[2:], strict=True))
        noise = self.noise[0, 0, rows, columns].to(x.dtype)
        weight, bias = self.weight[self.order], self.bias[self.order]
        if self.separable:
            # A depthwise kernel commutes with the style: scale the small pointwise kernel, not the large x.
            return pointwise(Depthwise.apply(x, self.depthwise), weight, style, bias, noise=noise, slope=SLOPE)
        x = F.conv2d(x * style[:, :, None, None], weight, bias, padding=1)
        return F.leaky_relu_(x.add_(noise), SLOPE)


class Depthwise(torch.autograd.Function):
    """The convolution of each channel of x [N,C,H,W] with a kernel of its own [C,1,3,3].

    That with the kernels turned is its gradient, in half the time that a CPU takes for autograd's.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, kernels: Tensor) -> Tensor:
        ctx.save_for_backward(x if ctx.needs_input_grad[1] else None, kernels)
        return F.conv2d(x, kernels, padding=1, groups=len(kernels))

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor | None]:
        (x, kernels), (y,) = ctx.saved_tensors, gradients
        of_x = of_kernels = None
        if ctx.needs_input_grad[0]:
            of_x = F.conv2d(y, kernels.flip(2, 3).to(y.dtype), padding=1, groups=len(kernels))
        if ctx.needs_input_grad[1]:
            shape = list(kernels.shape)
            of_kernels = conv2d_weight(x.to(y.dtype), shape, y, padding=1, groups=shape[0])  # type: ignore[no-untyped-call]
        return of_x, of_kernels


class Start(nn.Module):
    """The learned constant at 4 px and its convolution."""

    def __init__(self, channels: int, w_dim: int) -> None:
        super().__init__()
        self.const = nn.Parameter(torch.randn(1, channels, 4, 4))
        self.conv1 = StyledConv(channels, channels, 4, w_dim, separable=False, bands=True)

    def forward(self, state: State, w_plus: Tensor) -> State:
        """Return ([N,C,4,4],) from code 0 of w_plus [N,L,D]."""
        return (self.conv1(self.const.expand(len(w_plus), -1, -1, -1), w_plus[:, 0]),)


class Block(nn.Module):
    """Twice the size, then two convolutions; `first` is the place of its codes in w+, `bands` as in `StyledConv`."""

    def __init__(
        self, in_channels: int, out_channels: int, resolution: int, w_dim: int, first: int, *, bands: bool
    ) -> None:
        super().__init__()
        self.up = Upsample(in_channels, w_dim)
        self.conv1 = StyledConv(in_channels // 4, out_channels, resolution, w_dim, separable=True)
        self.conv2 = StyledConv(out_channels, out_channels, resolution, w_dim, separable=True, bands=bands)
        self.first = first

    def forward(self, state: State, w_plus: Tensor, place: Place = CORNER) -> State:
        """Return ([N,O,2H,2W],), which begins at a place, for ([N,I,H,W],) and w_plus [N,L,D]."""
        w1, w2 = w_plus[:, self.first], w_plus[:, self.first + 1]
        return (self.conv2(self.conv1(self.up(state[0], w1), w1, place), w2, place),)


class ToWavelets(nn.Module):
    """The last layer: the four Haar bands of the image, 12 channels at half its size."""

    def __init__(self, channels: int, w_dim: int) -> None:
        super().__init__()
        self.modulation = nn.Linear(w_dim, channels)
        self.weight = nn.Parameter(torch.randn(12, channels))  # [O,I]
        self.bias = nn.Parameter(torch.zeros(12))
        self.register_buffer("order", by_band(12), persistent=False)
        self.order: Tensor
        self.scale = channels**-0.5

    def forward(self, state: State, w_plus: Tensor) -> State:
        """Return ([N,12,H/2,W/2],) for ([N,C,H/2,W/2],) and the last code of w_plus [N,L,D]."""
        style = self.modulation(w_plus[:, -1]) * self.scale  # [N,C]
        return (pointwise(state[0], self.weight[self.order], style, self.bias[self.order]),)


class MobileStyleGAN(Generator):
    """MobileStyleGAN's mapping and synthesis.

    It takes 3 codes a block though two are used, as the published network does: code 0 for 4 px, 3i+1 and 3i+2 for
    block i, the last for the image.
    """

    def __init__(
        self,
        channels: Sequence[int] = CHANNELS_FFHQ,  # of the blocks; the image has 2^(blocks + 3) pixels a side
        *,
        w_dim: int = 512,
        mapping_layers: int = 8,
    ) -> None:
        octaves = [8 << i for i in range(len(channels))]
        super().__init__(
            resolution=octaves[-1] * 2,
            code_resolutions=(4, *(r for r in octaves for _ in range(3)), octaves[-1]),
            w_dim=w_dim,
        )
        self.mapping = Mapping(w_dim, mapping_layers)
        blocks = [
            Block(channels[max(i - 1, 0)], channels[i], resolution, w_dim, 3 * i + 1, bands=resolution < octaves[-1])
            for i, resolution in enumerate(octaves)
        ]
        self.stages = nn.ModuleList([Start(channels[0], w_dim), *blocks, ToWavelets(channels[-1], w_dim)])

    @property
    def last_stages(self) -> tuple[Block, ToWavelets]:
        """What draws the largest features and the image."""
        block, last = self.stages[-2:]
        assert isinstance(block, Block)
        assert isinstance(last, ToWavelets)
        return block, last

    def image(self, state: State, *, at_least: int | None = None) -> Tensor:
        """Return the image [N,3,R,R] of the last state; half of R where `at_least` allows it, for free."""
        bands = state[0]  # [N,12,R/2,R/2]
        if at_least is not None and at_least <= self.resolution // 2:
            return bands[:, :3].float() / 2  # the low band is the image at half size, times 2
        return inverse_haar(bands.float())

    def part(self, w_plus: Tensor, area: Area, *, at_least: int | None = None) -> Tensor:
        """Return images as `synthesis`, which are 0 around an area."""
        if self.displacement is not None:  # looks elsewhere
            return self.synthesis(w_plus, at_least=at_least)
        first, *blocks, last = self.stages
        state: State = first((), w_plus)
        place = CORNER
        for block, rows, columns in zip(blocks, *(self._taken(*axis) for axis in area), strict=True):
            taken = [slice(*(end - start for end in axis)) for start, axis in zip(place, (rows, columns), strict=True)]
            place = 2 * rows[0], 2 * columns[0]
            # Channels last, so that gradients are, too.
            pixels = state[0].permute(0, 2, 3, 1)[:, taken[0], taken[1]]
            state = block((pixels.permute(0, 3, 1, 2),), w_plus, place)
        image = self.image(last(state, w_plus), at_least=at_least)
        scale = image.shape[-1] // state[0].shape[-1]
        side = scale * self.resolution // 2
        (top, left), (height, width) = (scale * start for start in place), image.shape[2:]
        return F.pad(image, (left, side - left - width, top, side - top - height))

    def _taken(self, start: float, end: float) -> list[tuple[int, int]]:
        """Return the first place that each block takes of its state, and the next after the last, along an axis.

        Less would not do for a picture that is right from `start` to `end`, in shares of its side: of what a block
        draws, two places at an edge miss what two convolutions see beyond.
        """
        side = self.resolution // 2
        first, last = floor(start * side), ceil(end * side)
        taken = []
        for _ in self.stages[1:-1]:
            side //= 2
            first, last = max(0, first // 2 - 1), min(side, ceil(last / 2) + 1)
            taken.append((first, last))
        return taken[::-1]


def pointwise(
    x: Tensor, weight: Tensor, style: Tensor, bias: Tensor, *, noise: Tensor | None = None, slope: float = 1.0
) -> Tensor:
    """Return the 1x1 convolution [N,O,H,W] of x [N,I,H,W], scaled by a style [N,I], with a kernel [O,I] and a bias [O].

    Then comes noise [H,W], and a leaky ReLU of a slope from 0; 1 is none.
    """
    n, i, h, w = x.shape
    pixels = x.permute(0, 2, 3, 1).reshape(n, h * w, i)  # a view in channels_last
    y: Tensor = _Pointwise.apply(pixels, weight, style, bias, None if noise is None else noise.flatten(), slope)
    return y.reshape(n, h, w, -1).permute(0, 3, 1, 2)


class _Pointwise(torch.autograd.Function):
    """`pointwise` of pixels [N,P,I], with noise [P].

    The gradient of a style is the sum over pixels of x times that of the scaled x. Autograd would find it from that of
    the kernels, by a matrix product as large as the layer's, though while codes are found nobody asks for kernels.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, weight: Tensor, style: Tensor, bias: Tensor, noise: Tensor | None, slope: float
    ) -> Tensor:
        kernels = (weight * style[:, None]).to(x.dtype).mT  # [N,I,O]
        bias = bias.to(x.dtype)
        if x.is_cuda:
            y = torch.baddbmm(bias, x, kernels)
        else:  # a sample at a time, as in `backward`: on a CPU, bmm in bfloat16 takes four times as long
            y = x.new_empty(len(x), x.shape[1], len(weight))
            for own, kernel, out in zip(x, kernels, y, strict=True):
                torch.addmm(bias, own, kernel, out=out)
        if noise is not None:
            y.add_(noise[:, None])
        if slope != 1:
            F.leaky_relu_(y, slope)
        ctx.save_for_backward(x, weight, style, y)
        ctx.slope = slope
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor | None, ...]:
        (x, weight, style, y), (g,) = ctx.saved_tensors, gradients
        for_x, for_weight, for_style, for_bias, for_noise, _ = ctx.needs_input_grad
        if ctx.slope != 1:
            g = torch.ops.aten.leaky_relu_backward(g, y, ctx.slope, True)
        of_x = of_weight = of_style = None
        if for_x or for_style:
            unstyled = g @ weight.to(g.dtype)  # [N,P,I]
            of_style = (unstyled * x).sum(dim=1) if for_style else None
            of_x = unstyled.mul_(style[:, None]) if for_x else None
        if for_weight:
            pairs = zip(g, x, strict=True)
            of_kernels = g.mT @ x if x.is_cuda else torch.stack([own.mT @ pixels for own, pixels in pairs])
            of_weight = (of_kernels.to(weight.dtype) * style[:, None]).sum(dim=0)
        of_bias = g.sum(dim=(0, 1)) if for_bias else None
        of_noise = g.sum(dim=(0, 2)) if for_noise else None
        return of_x, of_weight, of_style, of_bias, of_noise, None


def by_band(channels: int) -> Tensor:
    """Return the order [C] that puts channels band by band.

    The published kernels write all low bands first, then (LH, HL, HH) channel by channel: strided to read, and slow.
    """
    quarter = channels // 4
    high = torch.arange(quarter, channels).reshape(quarter, 3)
    return torch.cat((torch.arange(quarter), high.T.flatten()))


def inverse_haar(x: Tensor) -> Tensor:
    """Return [N,C/4,2H,2W] for x [N,C,H,W], whose channels are C/4 each of LL, LH, HL and HH."""
    return butterfly(x / 2)


def butterfly(x: Tensor) -> Tensor:
    """Return twice the inverse Haar transform [N,C/4,2H,2W] of x [N,C,H,W], in channels_last."""
    y: Tensor = _Butterfly.apply(x.permute(0, 2, 3, 1))
    n, h, _, w, _, c = y.shape
    return y.reshape(n, 2 * h, 2 * w, c).permute(0, 3, 1, 2)


class _Butterfly(torch.autograd.Function):
    """Four bands to the four pixels that they draw, each written once; the same sums lead the gradients back."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        n, h, w, c = x.shape
        y = x.new_empty(n, h, 2, w, 2, c // 4)
        _sum(x.chunk(4, dim=3), (y[:, :, 0, :, 0], y[:, :, 0, :, 1], y[:, :, 1, :, 0], y[:, :, 1, :, 1]))
        return y

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (y,) = gradients
        n, h, _, w, _, c = y.shape
        x = y.new_empty(n, h, w, 4 * c)
        _sum((y[:, :, 0, :, 0], y[:, :, 0, :, 1], y[:, :, 1, :, 0], y[:, :, 1, :, 1]), x.chunk(4, dim=3))
        return x


def _sum(inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> None:
    """Write the products of four inputs with the Hadamard matrix, which is its own transpose, to the outputs."""
    a, b, c, d = inputs
    plus, minus, total, difference = a + b, a - b, c + d, c - d
    torch.add(plus, total, out=outputs[0])
    torch.sub(plus, total, out=outputs[1])
    torch.add(minus, difference, out=outputs[2])
    torch.sub(minus, difference, out=outputs[3])
