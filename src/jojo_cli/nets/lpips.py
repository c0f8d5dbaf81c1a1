"""Shift-tolerant LPIPS (arXiv 2207.13686): a perceptual distance that a shift of one pixel hardly changes."""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from jojo_cli.nets.ops import Features

VGG16 = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
"""Channels of the convolutions of VGG16, block by block."""


class BlurPool(nn.Module):
    """Max pooling at stride 1, then a 3x3 binomial blur at stride 2: pooling without aliasing."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        taps = torch.tensor([1.0, 2.0, 1.0]) / 4
        self.register_buffer("kernel", (taps[:, None] * taps).repeat(channels, 1, 1, 1), persistent=False)
        self.kernel: Tensor  # [C,1,3,3]

    def forward(self, x: Tensor) -> Tensor:
        """Return [N,C,about H/2,about W/2] for x [N,C,H,W]."""
        x = F.pad(F.max_pool2d(x, 2, stride=1), (2, 2, 2, 2), mode="reflect")
        blurred: Tensor = _Blur.apply(x, self.kernel)
        return blurred


class _Blur(torch.autograd.Function):
    """The 3x3 binomial blur of x [N,C,H,W] at stride 2, whose gradient a CPU finds slowly in bfloat16 else."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: Tensor) -> Tensor:
        ctx.size = x.shape[-2:]
        return F.conv2d(x, kernel.to(x.dtype), stride=2, groups=x.shape[1])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        # Odd rows and columns are the middle of one kernel, even ones the ends of two.
        x = _between(_between(gradients[0].permute(0, 2, 3, 1), 1, ctx.size[0]), 2, ctx.size[1])
        return x.permute(0, 3, 1, 2), None


def _between(x: Tensor, dim: int, size: int) -> Tensor:
    """Return x, along an axis of `size` places, where each is a half at a place and a quarter at both places beside."""
    count = x.shape[dim]
    quarters = x / 4
    y = x.new_zeros(*x.shape[:dim], size, *x.shape[dim + 1 :])
    ends = y.narrow(dim, 0, 2 * count + 1).unfold(dim, 1, 2).squeeze(-1)
    ends.narrow(dim, 0, count).copy_(quarters)
    ends.narrow(dim, 1, count).add_(quarters)
    y.narrow(dim, 1, 2 * count - 1).unfold(dim, 1, 2).squeeze(-1).copy_(2 * quarters)
    return y


def unit(x: Tensor) -> Tensor:
    """Return the features [N,C,H,W] as float32 of unit length along C."""
    return F.normalize(x.float(), dim=1, eps=1e-10)


class _Distance(torch.autograd.Function):
    """How far features x [N,C,H,W] are from y, as many or one, once all are of unit length, weighted [C]: [N].

    In float32 whatever the features' precision: the differences are small beside the values. The gradient of x, the
    only one there is, is found at once, strip by strip of a picture that stay in a processor's cache.
    """

    STRIP = 1 << 17  # numbers

    @staticmethod
    def forward(ctx: Any, x: Tensor, y: Tensor, weights: Tensor) -> Tensor:
        n, c, h, w = x.shape
        strip = h * w if x.is_cuda else max(1, _Distance.STRIP // c)
        places, others = (features.permute(0, 2, 3, 1).reshape(-1, h * w, c) for features in (x, y))
        slopes = torch.empty_like(places) if ctx.needs_input_grad[0] else None
        far = torch.zeros(n, device=x.device)
        for start in range(0, h * w, strip):
            part = slice(start, start + strip)
            unit_x, length = _unit(places[:, part])
            difference = unit_x - _unit(others[:, part])[0]
            weighted = difference * weights
            far += difference.mul_(weighted).sum(dim=(1, 2))
            if slopes is not None:
                along = (unit_x * weighted).sum(dim=2, keepdim=True)
                slopes[:, part] = (weighted - unit_x * along) * (2 / (h * w * length))
        if slopes is not None:
            ctx.save_for_backward(slopes.reshape(n, h, w, c).permute(0, 3, 1, 2))
        return far / (h * w)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (slopes,) = ctx.saved_tensors
        return slopes * gradients[0].to(slopes.dtype)[:, None, None, None], None, None


def _unit(places: Tensor) -> tuple[Tensor, Tensor]:
    """Return features [N,P,C] as float32 of unit length along C, and the lengths [N,P,1] that they had."""
    values = places.float()
    length = values.norm(dim=2, keepdim=True).clamp(min=1e-10)
    return values / length, length


@dataclass(frozen=True)
class Subspace:
    """Where the outputs of a convolution lie for some pictures, nearly."""

    mean: Tensor  # [C]
    directions: Tensor  # [K,C], orthonormal

    @classmethod
    def of(cls, mean: Tensor, covariance: Tensor, share: float, multiple: int) -> "Subspace":
        """Return the principal one of outputs [C], [C,C] that holds a share of their variance.

        Its dimensions are a `multiple`, if there are as many.
        """
        variances, axes = torch.linalg.eigh(covariance)
        variances, axes = variances.flip(0), axes.flip(1)
        enough = int((variances.cumsum(0) < share * variances.sum()).sum()) + 1
        return cls(mean, axes[:, : -(-enough // multiple) * multiple].T.contiguous())

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> dict[int, "Subspace"]:
        """Return those of convolutions, by their number, that `tensors` made tensors of."""
        numbers = {int(key.partition(".")[0]) for key in tensors}
        return {number: cls(tensors[f"{number}.mean"], tensors[f"{number}.directions"]) for number in sorted(numbers)}

    @staticmethod
    def tensors(subspaces: Mapping[int, "Subspace"]) -> dict[str, Tensor]:
        """Return what those of convolutions, by their number, consist of, by name."""
        return {f"{number}.{name}": tensor for number, own in subspaces.items() for name, tensor in vars(own).items()}

    def spares(self, layer: nn.Conv2d) -> bool:
        """Return whether it makes a convolution cheaper, by more than moving its outputs costs."""
        rank, outputs = self.directions.shape
        taps = layer.weight[0].numel()
        return rank * (taps + outputs) < 0.75 * outputs * taps

    def through(self, layer: nn.Conv2d) -> nn.Sequential:
        """Return a convolution whose outputs are those of `layer`, brought into this space."""
        mean, directions = (tensor.to(layer.weight) for tensor in (self.mean, self.directions))
        rank, outputs = directions.shape
        assert layer.bias is not None
        inner = nn.Conv2d(layer.in_channels, rank, 3, padding=1, bias=False)
        outer = nn.Conv2d(rank, outputs, 1)
        inner.weight = nn.Parameter(torch.einsum("kc,cihw->kihw", directions, layer.weight))
        outer.weight = nn.Parameter(directions.T[..., None, None])
        outer.bias = nn.Parameter(mean + (layer.bias - mean) @ directions.T @ directions)
        return nn.Sequential(inner, outer)


class ShiftTolerantLPIPS(nn.Module):
    """LPIPS on an anti-aliased VGG16, split in two so that the features of a fixed target are computed once."""

    shift: Tensor
    scale: Tensor

    def __init__(self, channels: Sequence[Sequence[int]] = VGG16) -> None:
        super().__init__()
        self.register_buffer("shift", torch.tensor([-0.030, -0.088, -0.188])[:, None, None], persistent=False)
        self.register_buffer("scale", torch.tensor([0.458, 0.448, 0.450])[:, None, None], persistent=False)
        self.blocks = nn.ModuleList()
        width = 3
        for block in channels:
            layers: list[nn.Module] = [BlurPool(width)] if self.blocks else []
            for out in block:
                layers += [nn.Conv2d(width, out, 3, padding=1), nn.ReLU(inplace=True)]
                width = out
            self.blocks.append(nn.Sequential(*layers))
        self.heads = nn.ParameterList([torch.rand(block[-1]) / block[-1] for block in channels])

    def convolutions(self) -> list[nn.Conv2d]:
        """Return all convolutions, in order."""
        return [layer for layer in self.blocks.modules() if isinstance(layer, nn.Conv2d)]

    def narrowed(self, channels: Sequence[Sequence[int]]) -> Self:
        """Return this network with the given channels of each convolution only.

        Where those left out are 0 for a picture, it says the same of it as this one.
        """
        state = {}
        inputs: Sequence[int] = range(3)
        names = [name for name, layer in self.named_modules() if isinstance(layer, nn.Conv2d)]
        for name, layer, kept in zip(names, self.convolutions(), channels, strict=True):
            state[f"{name}.weight"] = layer.weight[kept][:, inputs]
            assert layer.bias is not None
            state[f"{name}.bias"] = layer.bias[kept]
            inputs = kept
        rest = iter(channels)
        per_block = [[next(rest) for layer in block.modules() if isinstance(layer, nn.Conv2d)] for block in self.blocks]
        for number, (head, kept) in enumerate(zip(self.heads, (block[-1] for block in per_block), strict=True)):
            state[f"heads.{number}"] = head[kept]
        net = type(self)([[len(kept) for kept in block] for block in per_block])
        net.load_state_dict(state)
        return net

    def low_rank(self, subspaces: Mapping[int, Subspace]) -> Self:
        """Return this network with convolutions, by their number, that draw in subspaces only.

        Where those of a picture lie there, it says the same of it, in less time. The response reconstruction of Zhang
        et al., "Accelerating very deep convolutional networks" (arXiv 1505.06798), without its account of the ReLU.
        """
        net = copy.deepcopy(self)
        blocks = [block for block in net.blocks if isinstance(block, nn.Sequential)]
        places = [(block, n) for block in blocks for n, layer in enumerate(block) if isinstance(layer, nn.Conv2d)]
        layers = net.convolutions()
        for number, subspace in subspaces.items():
            block, place = places[number]
            block[place] = subspace.through(layers[number])
        return net

    def features(self, images: Tensor) -> Features:
        """Return the features to compare of images [N,3,H,W] in [-1,1], at least 32 px a side."""
        x = (images - self.shift) / self.scale
        features = []
        for block in self.blocks:
            x = block(x)
            features.append(x)
        return tuple(features)

    def residuals(self, features: Features) -> Features:
        """Return features, float32, scaled so that the distance of two pictures is the squared one of theirs."""
        return tuple(
            unit(x) * (head / x[0, 0].numel()).sqrt()[:, None, None]
            for x, head in zip(features, self.heads, strict=True)
        )

    def distance(self, a: Features, b: Features) -> Tensor:
        """Return the distances [N] between two sets of features; 0 is the same picture. Only `a` has a gradient."""
        blocks = zip(a, b, self.heads, strict=True)
        return torch.stack([_Distance.apply(x, y.detach(), head) for x, y, head in blocks]).sum(dim=0)  # [N]

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        """Return the distances [N] between images a and b [N,3,H,W] in [-1,1]."""
        return self.distance(self.features(a), self.features(b))
