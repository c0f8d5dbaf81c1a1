"""StyleGAN2 under the names of rosinality's code: keys, shapes, and weights from a seed."""

from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from jojo_cli.formats.rosinality import Size

GOLDEN = Path(__file__).parent / "data" / "golden"

Shapes = dict[str, tuple[int, ...]]


def golden(name: str) -> dict[str, Tensor]:
    """Return the arrays of a golden file."""
    with np.load(GOLDEN / f"{name}.npz") as arrays:
        return {key: torch.from_numpy(arrays[key]) for key in arrays}


def widths(size: Size) -> dict[int, int]:
    """Return the channels at each resolution, as their code writes them down."""
    m = size.multiplier
    table = {4: 512, 8: 512, 16: 512, 32: 512, 64: 256 * m, 128: 128 * m, 256: 64 * m, 512: 32 * m, 1024: 16 * m}
    return {side: width for side, width in table.items() if side <= size.resolution}


def generator_shapes(size: Size) -> Shapes:
    """Return keys and shapes of a generator."""
    c = widths(size)
    shapes: Shapes = {"input.input": (1, 512, 4, 4), "noises.noise_0": (1, 1, 4, 4)}
    for i in range(1, 9):
        shapes |= {f"style.{i}.weight": (512, 512), f"style.{i}.bias": (512,)}

    def conv(name: str, i: int, o: int) -> None:
        shapes[f"{name}.conv.weight"] = (1, o, i, 3, 3)
        shapes[f"{name}.conv.modulation.weight"], shapes[f"{name}.conv.modulation.bias"] = (i, 512), (i,)
        shapes[f"{name}.noise.weight"], shapes[f"{name}.activate.bias"] = (1,), (o,)

    def to_rgb(name: str, i: int) -> None:
        shapes[f"{name}.conv.weight"], shapes[f"{name}.bias"] = (1, 3, i, 1, 1), (1, 3, 1, 1)
        shapes[f"{name}.conv.modulation.weight"], shapes[f"{name}.conv.modulation.bias"] = (i, 512), (i,)

    conv("conv1", 512, 512)
    to_rgb("to_rgb1", 512)
    for n, side in enumerate(list(c)[1:]):
        conv(f"convs.{2 * n}", c[side // 2], c[side])
        conv(f"convs.{2 * n + 1}", c[side], c[side])
        to_rgb(f"to_rgbs.{n}", c[side])
        shapes[f"noises.noise_{2 * n + 1}"] = shapes[f"noises.noise_{2 * n + 2}"] = (1, 1, side, side)
    return shapes


def discriminator_shapes(size: Size) -> Shapes:
    """Return keys and shapes of a discriminator up to its final layers."""
    c = list(widths(size).values())[::-1]
    shapes: Shapes = {"convs.0.0.weight": (c[0], 3, 1, 1), "convs.0.1.bias": (c[0],)}
    for k in range(1, len(c)):
        i, o = c[k - 1], c[k]
        shapes |= {f"convs.{k}.conv1.0.weight": (i, i, 3, 3), f"convs.{k}.conv1.1.bias": (i,)}
        shapes |= {f"convs.{k}.conv2.1.weight": (o, i, 3, 3), f"convs.{k}.conv2.2.bias": (o,)}
        shapes[f"convs.{k}.skip.1.weight"] = (o, i, 1, 1)
    return shapes


FINAL: Shapes = {
    "final_conv.0.weight": (512, 513, 3, 3),
    "final_conv.1.bias": (512,),
    "final_linear.0.weight": (512, 8192),
    "final_linear.0.bias": (512,),
    "final_linear.1.weight": (1, 512),
    "final_linear.1.bias": (1,),
}
"""Keys and shapes of the layers that end a discriminator."""


def filters(size: Size) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return the filters that generator and discriminator hold."""
    taps = torch.tensor([1.0, 3.0, 3.0, 1.0])
    kernel = torch.outer(taps, taps) / 64
    octaves = len(widths(size)) - 1
    generator = [(f"convs.{2 * n}.conv.blur.kernel", f"to_rgbs.{n}.upsample.kernel") for n in range(octaves)]
    discriminator = [(f"convs.{k}.conv2.0.kernel", f"convs.{k}.skip.0.kernel") for k in range(1, octaves + 1)]
    return (
        {key: kernel * 4 for keys in generator for key in keys},
        {key: kernel for keys in discriminator for key in keys},
    )


def fill(shapes: Shapes, *, seed: int) -> dict[str, Tensor]:
    """Return the weights that the golden files were computed with: drawn key by key, in sorted order."""
    rng = np.random.RandomState(seed)
    state = {}
    for key in sorted(shapes):
        values = torch.from_numpy(rng.standard_normal(shapes[key]).astype(np.float32))
        factor = 100 if key.startswith("style.") and key.endswith("weight") else 0.1 if key.endswith("bias") else 1
        state[key] = values * factor
    return state


def blank(shapes: Shapes, *, value: float = 1.0, device: str = "cpu") -> dict[str, Tensor]:
    """Return a state dict of one value that takes no memory."""
    return {key: torch.full((1,), value, device=device).expand(shape) for key, shape in shapes.items()}
