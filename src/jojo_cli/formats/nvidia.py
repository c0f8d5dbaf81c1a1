"""StyleGAN2 from the pickles of NVIDIA's stylegan2-ada-pytorch, such as `ffhq.pkl`.

A pickle holds whole modules under `G`, `D` and `G_ema`, each with the source code that it was made by and would be made
by again. None of it runs here: modules are read as data, their tensors found by name, and given rosinality's names,
which have one converter to ours. The weights are the same, only some have fewer axes.
"""

import io
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from jojo_cli.errors import CheckpointError
from jojo_cli.formats.checkpoint import Rule, check_keys, translate
from jojo_cli.formats.kinds import Kind, expect
from jojo_cli.formats.pickles import Call, read
from jojo_cli.formats.rosinality import (
    CONFIG_F,
    MAPPING_LAYERS,
    SIZES,
    Checkpoint,
    discriminator_state,
    filter_rule,
    generator_state,
)

_MODULE = "torch_utils.persistence._reconstruct_persistent_obj"
_STORAGE = "torch.storage._load_from_bytes"
_TENSOR = "torch._utils._rebuild_tensor_v2"
_PARAMETER = "torch._utils._rebuild_parameter"

_DICTS = ("collections.OrderedDict", "dnnlib.EasyDict", "dnnlib.util.EasyDict")

_ALLOWED = (
    *(_MODULE, _STORAGE, _TENSOR, _PARAMETER),
    *_DICTS,
    # Of the numbers and settings beside the weights, which are left.
    *("builtins.set", "numpy.dtype", "numpy.core.multiarray.scalar", "numpy._core.multiarray.scalar"),
)

_PARTS = ("G", "D", "G_ema", "training_set_kwargs", "augment_pipe")
"""All that a pickle may hold; what is not asked for is left."""

_NETWORKS = {"g_ema": "G_ema", "d": "D"}
"""Rosinality's name of a network, and the one here."""

_FIRST_OF_ONE: Any = None  # [...] to [1,...]
_PLANE: Any = (None, None)  # [H,W] to [1,1,H,W]
_PIXEL: Any = (None, slice(None), None, None)  # [C] to [1,C,1,1]


def read_generator(files: Mapping[str, Path]) -> dict[str, Tensor]:
    """Return the state dict of `nets.stylegan2.StyleGAN2` at 1024 px, from the averaged generator.

    `files` holds one pickle, of which nothing runs.

    Raises:
        CheckpointError: the file is damaged, or holds anything but this generator and what belongs to it.
    """
    (path,) = files.values()
    return generator_state(load_checkpoint(path, parts=("g_ema",)), CONFIG_F)


def read_discriminator(files: Mapping[str, Path]) -> dict[str, Tensor]:
    """Return the state dict of `nets.discriminator.Discriminator` at 1024 px; see `read_generator`."""
    (path,) = files.values()
    return discriminator_state(load_checkpoint(path, parts=("d",)), CONFIG_F)


def load_checkpoint(path: Path, *, parts: Collection[str] = ("g_ema", "d")) -> Checkpoint:
    """Return the networks `parts` of a pickle as rosinality's checkpoints hold them; nothing in it runs.

    With `g_ema` comes `latent_avg`, the mean w [512].

    Raises:
        CheckpointError: it is another file, damaged, lacks a part, or holds what no StyleGAN2 has.
    """
    expect(path, Kind.NVIDIA)
    checkpoint: dict[str, Any] = {}
    try:
        with path.open("rb") as file:
            content = read(file, allowed=_ALLOWED, dicts=_DICTS)
        check_keys(content.keys(), needed=[_NETWORKS[part] for part in parts], idle=_PARTS, what=Kind.NVIDIA.value)
        if "g_ema" in parts:
            tensors = _tensors(content["G_ema"])
            checkpoint["g_ema"] = _renamed(tensors, _generator_rules(_side(tensors, "synthesis.")), "generator")
            checkpoint["latent_avg"] = checkpoint["g_ema"].pop("latent_avg")
        if "d" in parts:
            tensors = _tensors(content["D"])
            checkpoint["d"] = _renamed(tensors, _discriminator_rules(_side(tensors)), "discriminator")
    except CheckpointError as error:
        raise CheckpointError(f"{path.name}: {error}", hint=error.hint) from None
    except Exception as error:  # what is not where NVIDIA's code puts it fails in as many ways as it can be elsewhere
        raise CheckpointError(f"{path.name} is {Kind.NVIDIA.value}, but damaged") from error
    return checkpoint


def _tensors(network: Call) -> dict[str, Tensor]:
    """Return the parameters and buffers of a network by their dotted names."""
    found: dict[str, Tensor] = {}
    storages: dict[int, Tensor] = {}
    seen: set[int] = set()
    modules = [("", network)]
    while modules:
        prefix, module = modules.pop()
        if module.name != _MODULE or id(module) in seen:  # a module in itself has names without end
            raise CheckpointError("a module in two places, or none")
        seen.add(id(module))
        state = module.args[0]["state"]
        for key, value in {**state["_parameters"], **state["_buffers"]}.items():
            if value is not None:
                found[f"{prefix}{key}"] = _tensor(value, storages)
        modules += [(f"{prefix}{key}.", child) for key, child in state["_modules"].items() if child is not None]
    return found


def _tensor(value: Call, storages: dict[int, Tensor]) -> Tensor:
    """Return a tensor, a view of its storage; those decoded before are in `storages`."""
    if value.name == _PARAMETER:
        value = value.args[0]
    storage, offset, size, stride = value.args[:4]
    if value.name != _TENSOR or storage.name != _STORAGE:
        raise CheckpointError("a tensor is none")
    if id(storage) not in storages:
        storages[id(storage)] = _flat(*storage.args)
    return storages[id(storage)].as_strided(size, stride, offset)


def _flat(content: bytes) -> Tensor:
    """Return the values [N] of a storage, which is a file of torch within the pickle."""
    storage = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    return torch.tensor([], dtype=storage.dtype).set_(storage)


def _renamed(theirs: Mapping[str, Tensor], rules: Iterator[Rule], what: str) -> dict[str, Tensor]:
    """Return the tensors of a network under rosinality's names; its filters, which are constants, are checked only."""
    return translate(list(rules), theirs, what=f"a {what} of StyleGAN2", kernels=None, wrong="other filters")


def _side(theirs: Mapping[str, Tensor], prefix: str = "") -> int:
    """Return the side of the largest block, of those that a network can have."""
    sides = {size.resolution for size in SIZES}
    return max((side for side in sides if f"{prefix}b{side}.conv1.weight" in theirs), default=min(sides))


def _rule(theirs: str, name: str, index: Any = ...) -> Rule:
    """Return the rule for rosinality's name, and the index that gives theirs the axes of rosinality's."""
    return Rule((theirs,), (name,), lambda x: (x[index],))


def _generator_rules(resolution: int) -> Iterator[Rule]:
    for i in range(MAPPING_LAYERS):
        yield _rule(f"mapping.fc{i}.weight", f"style.{i + 1}.weight")
        yield _rule(f"mapping.fc{i}.bias", f"style.{i + 1}.bias")
    yield _rule("mapping.w_avg", "latent_avg")
    yield _rule("synthesis.b4.const", "input.input", _FIRST_OF_ONE)
    yield from _styled_conv_rules("synthesis.b4.conv1", "conv1", "noises.noise_0")
    yield from _to_rgb_rules("synthesis.b4", "to_rgb1")
    for i in range(resolution.bit_length() - 3):
        block = f"synthesis.b{8 << i}"
        yield from _styled_conv_rules(f"{block}.conv0", f"convs.{2 * i}", f"noises.noise_{2 * i + 1}")
        yield from _styled_conv_rules(f"{block}.conv1", f"convs.{2 * i + 1}", f"noises.noise_{2 * i + 2}")
        yield from _to_rgb_rules(block, f"to_rgbs.{i}")


def _styled_conv_rules(theirs: str, name: str, noise: str) -> Iterator[Rule]:
    yield _rule(f"{theirs}.weight", f"{name}.conv.weight", _FIRST_OF_ONE)
    yield _rule(f"{theirs}.bias", f"{name}.activate.bias")
    yield from _modulation_rules(theirs, name)
    yield _rule(f"{theirs}.noise_strength", f"{name}.noise.weight", _FIRST_OF_ONE)
    yield _rule(f"{theirs}.noise_const", noise, _PLANE)
    yield filter_rule(f"{theirs}.resample_filter")


def _to_rgb_rules(block: str, name: str) -> Iterator[Rule]:
    yield _rule(f"{block}.torgb.weight", f"{name}.conv.weight", _FIRST_OF_ONE)
    yield _rule(f"{block}.torgb.bias", f"{name}.bias", _PIXEL)
    yield from _modulation_rules(f"{block}.torgb", name)
    yield filter_rule(f"{block}.resample_filter")


def _modulation_rules(theirs: str, name: str) -> Iterator[Rule]:
    yield _rule(f"{theirs}.affine.weight", f"{name}.conv.modulation.weight")
    yield _rule(f"{theirs}.affine.bias", f"{name}.conv.modulation.bias")


def _discriminator_rules(resolution: int) -> Iterator[Rule]:
    yield from _conv_rules(f"b{resolution}.fromrgb", "convs.0.0.weight", "convs.0.1.bias")
    for k in range(1, resolution.bit_length() - 2):
        block, name = f"b{2 * resolution >> k}", f"convs.{k}"
        yield from _conv_rules(f"{block}.conv0", f"{name}.conv1.0.weight", f"{name}.conv1.1.bias")
        yield from _conv_rules(f"{block}.conv1", f"{name}.conv2.1.weight", f"{name}.conv2.2.bias")
        yield from _conv_rules(f"{block}.skip", f"{name}.skip.1.weight")
        yield filter_rule(f"{block}.resample_filter")
    yield from _conv_rules("b4.conv", "final_conv.0.weight", "final_conv.1.bias")
    for i, theirs in enumerate(("b4.fc", "b4.out")):
        yield _rule(f"{theirs}.weight", f"final_linear.{i}.weight")
        yield _rule(f"{theirs}.bias", f"final_linear.{i}.bias")


def _conv_rules(theirs: str, weight: str, bias: str | None = None) -> Iterator[Rule]:
    yield _rule(f"{theirs}.weight", weight)
    if bias:
        yield _rule(f"{theirs}.bias", bias)
    yield filter_rule(f"{theirs}.resample_filter")
