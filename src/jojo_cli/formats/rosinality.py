"""StyleGAN2 from the checkpoints of rosinality's PyTorch training code, the layout that JoJoGAN and its kin share.

A file holds state dicts under `g_ema` (the average of the generator, which is what draws), `g` and `d`: the converted
FFHQ model has some or all of them and `latent_avg`, a training snapshot the optimisers as well, a JoJoGAN style only
`g`, a StyleGAN-NADA model `g_ema`.
"""

from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from jojo_cli.errors import CheckpointError
from jojo_cli.formats.checkpoint import check_keys, load
from jojo_cli.nets.discriminator import TAPS
from jojo_cli.nets.ops import binomial
from jojo_cli.nets.stylegan2 import GAIN, published_channels

W_DIM = 512
MAPPING_LAYERS = 8

_PARTS = ("g_ema", "g", "d", "latent_avg", "g_optim", "d_optim", "args", "ada_aug_p")
"""All that a checkpoint may hold; what is not asked for is left."""

Checkpoint = Mapping[str, Any]
"""What a file holds: parts by name."""


class Size(NamedTuple):
    """Which of the published networks it is."""

    resolution: int  # side of the image, in pixels
    multiplier: int  # of the channels from 64 px up

    def __str__(self) -> str:
        """Name both, for people."""
        return f"{self.resolution} px, channel multiplier {self.multiplier}"


SIZES = tuple(Size(resolution, multiplier) for resolution in (64, 128, 256, 512, 1024) for multiplier in (1, 2))

CONFIG_F = Size(1024, 2)
"""The size of the published FFHQ model, and of everything finetuned from it."""


class _Entry(NamedTuple):
    """What stands under a key of theirs."""

    shape: tuple[int, ...]
    ours: str | None  # our key; None is left, and may be missing
    reshaped: tuple[int, ...] | None = None  # where ours differs
    factor: float = 1.0  # folded in
    constant: float | None = None  # of filters: what the taps add up to


_Entries = Callable[[Size], Iterator[tuple[str, _Entry]]]
"""Yields each of their keys, and what stands under it in a network of that size."""


def read_generator(files: Mapping[str, Path]) -> dict[str, Tensor]:
    """Return the state dict of `nets.stylegan2.StyleGAN2` at 1024 px.

    `files` holds one checkpoint, a pickle of which only tensors are read.

    Raises:
        CheckpointError: the file is damaged, or holds anything but this generator and what belongs to it.
    """
    (path,) = files.values()
    return generator_state(load_checkpoint(path), CONFIG_F)


def read_discriminator(files: Mapping[str, Path]) -> dict[str, Tensor]:
    """Return the state dict of `nets.discriminator.Discriminator` at 1024 px; see `read_generator`."""
    (path,) = files.values()
    return discriminator_state(load_checkpoint(path), CONFIG_F)


def load_checkpoint(path: Path) -> Checkpoint:
    """Return what the file holds; nothing in it runs.

    Raises:
        CheckpointError: it is damaged, or holds anything but tensors and plain values.
    """
    # Snapshots hold the options of their training. A Namespace is but a dict: unpickling one runs nothing.
    return load(path, allowed=(Namespace,))


def generator_size(checkpoint: Checkpoint) -> Size:
    """Return the size of the generator in a checkpoint; errors as `generator_state`."""
    return _identify(_part(checkpoint, "g_ema", "g"), _generator_entries, "a StyleGAN2 generator")[0]


def generator_state(checkpoint: Checkpoint, size: Size | None = None) -> dict[str, Tensor]:
    """Return the state dict of StyleGAN2, float32, from `g_ema` or else `g`; of any size, or of `size` only.

    Raises:
        CheckpointError: there is none, it has another size, or its keys or shapes are not exactly those of the size.
    """
    return _convert(_part(checkpoint, "g_ema", "g"), _generator_entries, "a StyleGAN2 generator", size)


def discriminator_size(checkpoint: Checkpoint) -> Size:
    """Return the size of the discriminator in a checkpoint; errors as `discriminator_state`."""
    return _identify(_part(checkpoint, "d"), _discriminator_entries, "a StyleGAN2 discriminator")[0]


def discriminator_state(checkpoint: Checkpoint, size: Size | None = None) -> dict[str, Tensor]:
    """Return the state dict of Discriminator, float32, from `d`; see `generator_state`."""
    return _convert(_part(checkpoint, "d"), _discriminator_entries, "a StyleGAN2 discriminator", size)


def _part(checkpoint: Checkpoint, *names: str) -> Mapping[str, object]:
    """Return the first of the parts `names` that the checkpoint has."""
    if {"state_dict", "opts"} <= checkpoint.keys():
        raise CheckpointError("not a checkpoint of StyleGAN2, but of an encoder (e4e, pSp or ReStyle)")
    check_keys(checkpoint.keys(), needed=(), idle=_PARTS, what="a checkpoint of StyleGAN2")
    for name in names:
        part = checkpoint.get(name)
        if isinstance(part, Mapping):
            return part
    raise CheckpointError(f"the checkpoint has no {_listed(names, ' or ')}: it has {_listed(checkpoint)}")


def _convert(theirs: Mapping[str, object], entries: _Entries, what: str, wanted: Size | None) -> dict[str, Tensor]:
    size, table = _identify(theirs, entries, what)
    if wanted is not None and size != wanted:
        raise CheckpointError(f"{what} of the wrong size: {size}, not {wanted}")
    return {
        entry.ours: value.float().reshape(entry.reshaped or entry.shape) * entry.factor
        for key, entry in table.items()
        if entry.ours and isinstance(value := theirs[key], Tensor)
    }


def _identify(theirs: Mapping[str, object], entries: _Entries, what: str) -> tuple[Size, dict[str, _Entry]]:
    """Return the size of a network and what stands under its keys, or say what keeps it from being one."""

    def faults(size: Size) -> tuple[int, int]:
        table = dict(entries(size))
        return len(table.keys() ^ theirs.keys()), len(_odd(theirs, table))

    size = min(SIZES, key=faults)
    table = dict(entries(size))
    check_keys(theirs.keys(), needed=[key for key, entry in table.items() if entry.ours], idle=table.keys(), what=what)
    if odd := _odd(theirs, table):
        raise CheckpointError(f"not {what} of {size}: {len(odd)} wrong shapes or values: {_listed(odd[:8])}")
    return size, table


def _odd(theirs: Mapping[str, object], table: Mapping[str, _Entry]) -> list[str]:
    return [key for key, entry in table.items() if key in theirs and not _fits(theirs[key], entry)]


def _fits(value: object, entry: _Entry) -> bool:
    if not isinstance(value, Tensor) or value.shape != entry.shape or not value.is_floating_point():
        return False
    # A filter is part of the network: with another one, this network would draw another picture.
    return entry.constant is None or torch.allclose(value.float(), binomial(1)[0, 0] * entry.constant, atol=1e-5)


def _listed(keys: Iterable[str], separator: str = ", ") -> str:
    return separator.join(map(repr, keys)) or "nothing"


def _generator_entries(size: Size) -> Iterator[tuple[str, _Entry]]:
    channels = published_channels(*size)
    for i in range(MAPPING_LAYERS):
        # Their mapping learns at a hundredth of the rate, and scales what it stores accordingly.
        yield f"style.{i + 1}.weight", _Entry((W_DIM, W_DIM), f"mapping.{i}.weight", factor=0.01 / W_DIM**0.5)
        yield f"style.{i + 1}.bias", _Entry((W_DIM,), f"mapping.{i}.bias", factor=0.01)
    yield "input.input", _Entry((1, channels[0], 4, 4), "stages.0.const")
    yield from _styled_conv_entries("conv1", "stages.0.conv1", channels[0], channels[0])
    yield from _to_rgb_entries("to_rgb1", "stages.0.to_rgb", channels[0])
    yield "noises.noise_0", _Entry((1, 1, 4, 4), "stages.0.conv1.noise")
    for i, (narrow, wide) in enumerate(pairwise(channels)):
        ours, side = f"stages.{i + 1}", 8 << i
        yield from _styled_conv_entries(f"convs.{2 * i}", f"{ours}.conv1", narrow, wide)
        yield from _styled_conv_entries(f"convs.{2 * i + 1}", f"{ours}.conv2", wide, wide)
        yield from _to_rgb_entries(f"to_rgbs.{i}", f"{ours}.to_rgb", wide)
        yield f"convs.{2 * i}.conv.blur.kernel", _Entry((4, 4), None, constant=4)
        yield f"to_rgbs.{i}.upsample.kernel", _Entry((4, 4), None, constant=4)
        yield f"noises.noise_{2 * i + 1}", _Entry((1, 1, side, side), f"{ours}.conv1.noise")
        yield f"noises.noise_{2 * i + 2}", _Entry((1, 1, side, side), f"{ours}.conv2.noise")


def _styled_conv_entries(theirs: str, ours: str, i: int, o: int) -> Iterator[tuple[str, _Entry]]:
    yield f"{theirs}.conv.weight", _Entry((1, o, i, 3, 3), f"{ours}.weight", (o, i, 3, 3))
    yield from _modulation_entries(theirs, ours, i)
    yield f"{theirs}.noise.weight", _Entry((1,), f"{ours}.noise_strength")
    yield f"{theirs}.activate.bias", _Entry((o,), f"{ours}.bias")


def _to_rgb_entries(theirs: str, ours: str, i: int) -> Iterator[tuple[str, _Entry]]:
    yield f"{theirs}.conv.weight", _Entry((1, 3, i, 1, 1), f"{ours}.weight", (3, i))
    yield from _modulation_entries(theirs, ours, i)
    yield f"{theirs}.bias", _Entry((1, 3, 1, 1), f"{ours}.bias", (3,))


def _modulation_entries(theirs: str, ours: str, i: int) -> Iterator[tuple[str, _Entry]]:
    yield f"{theirs}.conv.modulation.weight", _Entry((i, W_DIM), f"{ours}.modulation.weight")
    yield f"{theirs}.conv.modulation.bias", _Entry((i,), f"{ours}.modulation.bias")


def _discriminator_entries(size: Size) -> Iterator[tuple[str, _Entry]]:
    channels = published_channels(*size)[::-1]
    yield "convs.0.0.weight", _Entry((channels[0], 3, 1, 1), "from_rgb.weight", factor=GAIN / 3**0.5)
    yield "convs.0.1.bias", _Entry((channels[0],), "from_rgb.bias", factor=GAIN)
    for k, (i, o) in enumerate(pairwise(channels), start=1):
        for key, entry in _block_entries(f"convs.{k}", f"blocks.{k - 1}", i, o):
            yield key, entry if k <= TAPS[-1] else entry._replace(ours=None)
    last = channels[-1]
    yield "final_conv.0.weight", _Entry((last, last + 1, 3, 3), None)
    yield "final_conv.1.bias", _Entry((last,), None)
    yield "final_linear.0.weight", _Entry((last, last * 16), None)
    yield "final_linear.0.bias", _Entry((last,), None)
    yield "final_linear.1.weight", _Entry((1, last), None)
    yield "final_linear.1.bias", _Entry((1,), None)


def _block_entries(theirs: str, ours: str, i: int, o: int) -> Iterator[tuple[str, _Entry]]:
    scale = 1 / (i * 9) ** 0.5
    yield f"{theirs}.conv1.0.weight", _Entry((i, i, 3, 3), f"{ours}.conv1.weight", factor=scale * GAIN)
    yield f"{theirs}.conv1.1.bias", _Entry((i,), f"{ours}.conv1.bias", factor=GAIN)
    yield f"{theirs}.conv2.0.kernel", _Entry((4, 4), None, constant=1)
    # The gain of this one cancels with the residual sum's, which leaves the skip divided by it.
    yield f"{theirs}.conv2.1.weight", _Entry((o, i, 3, 3), f"{ours}.conv2.weight", factor=scale)
    yield f"{theirs}.conv2.2.bias", _Entry((o,), f"{ours}.conv2.bias")
    yield f"{theirs}.skip.0.kernel", _Entry((4, 4), None, constant=1)
    yield f"{theirs}.skip.1.weight", _Entry((o, i, 1, 1), f"{ours}.skip.weight", factor=1 / i**0.5 / GAIN)
