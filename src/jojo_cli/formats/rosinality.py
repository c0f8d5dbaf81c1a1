"""StyleGAN2 from the checkpoints of rosinality's PyTorch training code, the layout that JoJoGAN and its kin share.

A file holds state dicts under `g_ema` (the average of the generator, which is what draws), `g` and `d`: the converted
FFHQ model has some or all of them and `latent_avg`, a training snapshot the optimisers as well, a JoJoGAN style only
`g`, a StyleGAN-NADA model `g_ema`.
"""

from argparse import Namespace
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

from torch import Tensor

from jojo_cli.errors import CheckpointError
from jojo_cli.formats.checkpoint import Rule, check_keys, load, misfits, translate, unchanged
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


_Rules = Callable[[Size], Iterator[Rule]]
"""Yields the rules for a network of that size."""


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
    return _identify(_part(checkpoint, "g_ema", "g"), _generator_rules, "a StyleGAN2 generator")[0]


def generator_state(checkpoint: Checkpoint, size: Size | None = None) -> dict[str, Tensor]:
    """Return the state dict of StyleGAN2, float32, from `g_ema` or else `g`; of any size, or of `size` only.

    Raises:
        CheckpointError: there is none, it has another size, or its keys or shapes are not exactly those of the size.
    """
    return _convert(_part(checkpoint, "g_ema", "g"), _generator_rules, "a StyleGAN2 generator", size)


def discriminator_size(checkpoint: Checkpoint) -> Size:
    """Return the size of the discriminator in a checkpoint; errors as `discriminator_state`."""
    return _identify(_part(checkpoint, "d"), _discriminator_rules, "a StyleGAN2 discriminator")[0]


def discriminator_state(checkpoint: Checkpoint, size: Size | None = None) -> dict[str, Tensor]:
    """Return the state dict of Discriminator, float32, from `d`; see `generator_state`."""
    return _convert(_part(checkpoint, "d"), _discriminator_rules, "a StyleGAN2 discriminator", size)


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


def _convert(theirs: Mapping[str, object], rules_of: _Rules, what: str, wanted: Size | None) -> dict[str, Tensor]:
    size, rules = _identify(theirs, rules_of, what)
    if wanted is not None and size != wanted:
        raise CheckpointError(f"{what} of the wrong size: {size}, not {wanted}")
    return translate(rules, theirs, what=what, kernels=None)


def _identify(theirs: Mapping[str, object], rules_of: _Rules, what: str) -> tuple[Size, list[Rule]]:
    """Return the size of a network and its rules, or say what keeps it from being one."""

    def faults(size: Size) -> tuple[int, int]:
        rules = list(rules_of(size))
        keys = {key for rule in rules for key in rule.theirs + rule.idle}
        return len(keys ^ theirs.keys()), len(misfits(rules, theirs))

    size = min(SIZES, key=faults)
    rules = list(rules_of(size))
    needed = [key for rule in rules for key in rule.theirs]
    check_keys(theirs.keys(), needed=needed, idle=[key for rule in rules for key in rule.idle], what=what)
    if odd := misfits(rules, theirs):
        raise CheckpointError(f"not {what} of {size}: {len(odd)} wrong shapes or values: {_listed(odd[:8])}")
    return size, rules


def _listed(keys: Iterable[str], separator: str = ", ") -> str:
    return separator.join(map(repr, keys)) or "nothing"


def filter_rule(*theirs: str, total: float = 1.0) -> Rule:
    """Return the rule for filters whose taps add up to `total`, and which may be missing."""
    # A filter is part of the network: with another one, this network would draw another picture.
    return Rule((), (), idle=theirs, shape=(4, 4), constant=binomial(1)[0, 0] * total)


def _rule(theirs: str, shape: tuple[int, ...], ours: str, reshaped: Sequence[int] = (), factor: float = 1.0) -> Rule:
    """Return the rule for a tensor of that shape, in ours `reshaped` where that differs, and times `factor`."""
    return Rule((theirs,), (ours,), lambda x: (x.float().reshape(reshaped or shape) * factor,), shape=shape)


def _generator_rules(size: Size) -> Iterator[Rule]:
    channels = published_channels(*size)
    for i in range(MAPPING_LAYERS):
        # Their mapping learns at a hundredth of the rate, and scales what it stores accordingly.
        yield _rule(f"style.{i + 1}.weight", (W_DIM, W_DIM), f"mapping.{i}.weight", factor=0.01 / W_DIM**0.5)
        yield _rule(f"style.{i + 1}.bias", (W_DIM,), f"mapping.{i}.bias", factor=0.01)
    yield _rule("input.input", (1, channels[0], 4, 4), "stages.0.const")
    yield from _styled_conv_rules("conv1", "stages.0.conv1", channels[0], channels[0])
    yield from _to_rgb_rules("to_rgb1", "stages.0.to_rgb", channels[0])
    yield _rule("noises.noise_0", (1, 1, 4, 4), "stages.0.conv1.noise")
    for i, (narrow, wide) in enumerate(pairwise(channels)):
        ours, side = f"stages.{i + 1}", 8 << i
        yield from _styled_conv_rules(f"convs.{2 * i}", f"{ours}.conv1", narrow, wide)
        yield from _styled_conv_rules(f"convs.{2 * i + 1}", f"{ours}.conv2", wide, wide)
        yield from _to_rgb_rules(f"to_rgbs.{i}", f"{ours}.to_rgb", wide)
        yield filter_rule(f"convs.{2 * i}.conv.blur.kernel", f"to_rgbs.{i}.upsample.kernel", total=4)
        yield _rule(f"noises.noise_{2 * i + 1}", (1, 1, side, side), f"{ours}.conv1.noise")
        yield _rule(f"noises.noise_{2 * i + 2}", (1, 1, side, side), f"{ours}.conv2.noise")


def _styled_conv_rules(theirs: str, ours: str, i: int, o: int) -> Iterator[Rule]:
    yield _rule(f"{theirs}.conv.weight", (1, o, i, 3, 3), f"{ours}.weight", (o, i, 3, 3))
    yield from _modulation_rules(theirs, ours, i)
    yield _rule(f"{theirs}.noise.weight", (1,), f"{ours}.noise_strength")
    yield _rule(f"{theirs}.activate.bias", (o,), f"{ours}.bias")


def _to_rgb_rules(theirs: str, ours: str, i: int) -> Iterator[Rule]:
    yield _rule(f"{theirs}.conv.weight", (1, 3, i, 1, 1), f"{ours}.weight", (3, i))
    yield from _modulation_rules(theirs, ours, i)
    yield _rule(f"{theirs}.bias", (1, 3, 1, 1), f"{ours}.bias", (3,))


def _modulation_rules(theirs: str, ours: str, i: int) -> Iterator[Rule]:
    yield _rule(f"{theirs}.conv.modulation.weight", (i, W_DIM), f"{ours}.modulation.weight")
    yield _rule(f"{theirs}.conv.modulation.bias", (i,), f"{ours}.modulation.bias")


def _discriminator_rules(size: Size) -> Iterator[Rule]:
    channels = published_channels(*size)[::-1]
    yield _rule("convs.0.0.weight", (channels[0], 3, 1, 1), "from_rgb.weight", factor=GAIN / 3**0.5)
    yield _rule("convs.0.1.bias", (channels[0],), "from_rgb.bias", factor=GAIN)
    for k, (i, o) in enumerate(pairwise(channels), start=1):
        for rule in _block_rules(f"convs.{k}", f"blocks.{k - 1}", i, o):
            dropped = replace(rule, theirs=(), ours=(), make=unchanged, idle=rule.theirs + rule.idle)
            yield rule if k <= TAPS[-1] else dropped
    last = channels[-1]
    yield Rule((), (), idle=("final_conv.0.weight",), shape=(last, last + 1, 3, 3))
    yield Rule((), (), idle=("final_linear.0.weight",), shape=(last, last * 16))
    yield Rule((), (), idle=("final_conv.1.bias", "final_linear.0.bias"), shape=(last,))
    yield Rule((), (), idle=("final_linear.1.weight",), shape=(1, last))
    yield Rule((), (), idle=("final_linear.1.bias",), shape=(1,))


def _block_rules(theirs: str, ours: str, i: int, o: int) -> Iterator[Rule]:
    scale = 1 / (i * 9) ** 0.5
    yield _rule(f"{theirs}.conv1.0.weight", (i, i, 3, 3), f"{ours}.conv1.weight", factor=scale * GAIN)
    yield _rule(f"{theirs}.conv1.1.bias", (i,), f"{ours}.conv1.bias", factor=GAIN)
    yield filter_rule(f"{theirs}.conv2.0.kernel", f"{theirs}.skip.0.kernel")
    # The gain of this one cancels with the residual sum's, which leaves the skip divided by it.
    yield _rule(f"{theirs}.conv2.1.weight", (o, i, 3, 3), f"{ours}.conv2.weight", factor=scale)
    yield _rule(f"{theirs}.conv2.2.bias", (o,), f"{ours}.conv2.bias")
    yield _rule(f"{theirs}.skip.1.weight", (o, i, 1, 1), f"{ours}.skip.weight", factor=1 / i**0.5 / GAIN)
