"""MobileStyleGAN from the OpenVINO IR that its author published: an XML graph beside a file of constants."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from jojo_cli.errors import CheckpointError

BLOCKS = 7

_CONV_NAMES = (
    (r"conv\.modulation\.(weight|bias)", r"modulation.\1"),
    (r"conv\.weight_dw", "depthwise"),
    (r"bias", "bias"),
)

_NAMED = [
    (r"m\.input\.input", "stages.0.const"),
    *((rf"m\.conv1\.{theirs}", rf"stages.0.conv1.{ours}") for theirs, ours in _CONV_NAMES),
    *(
        (rf"m\.layers\.{i}\.{conv}\.{theirs}", f"stages.{i + 1}.{conv}.{ours}")
        for i in range(BLOCKS)
        for conv in ("conv1", "conv2")
        for theirs, ours in _CONV_NAMES
    ),
    *((rf"m\.layers\.{i}\.up\.modulation\.(weight|bias)", rf"stages.{i + 1}.up.modulation.\1") for i in range(BLOCKS)),
    (
        rf"m\.layers\.{BLOCKS - 1}\.to_img\.conv\.modulation\.(weight|bias)",
        rf"stages.{BLOCKS + 1}.modulation.\1",
    ),
    (rf"m\.layers\.{BLOCKS - 1}\.to_img\.conv\.weight", f"stages.{BLOCKS + 1}.weight"),
    (rf"m\.layers\.{BLOCKS - 1}\.to_img\.bias", f"stages.{BLOCKS + 1}.bias"),
]
"""Constants that kept their names: pattern, and our key."""

_CONVS = ["stages.0.conv1", *(f"stages.{i + 1}.{conv}" for i in range(BLOCKS) for conv in ("conv1", "conv2"))]
"""The convolutions in the order of the graph, for what the exporter folded and renamed."""


def read_mobilestylegan(files: Mapping[str, Path]) -> dict[str, Tensor]:
    """Return the state dict of `nets.mobilestylegan.MobileStyleGAN` at 1024 px.

    `files` holds MappingNetwork and SynthesisNetwork, `.xml` and `.bin`.

    Raises:
        CheckpointError: a file is damaged, or holds a constant that this network does not have.
    """
    mapping = _read_constants(files["MappingNetwork.xml"], files["MappingNetwork.bin"])
    synthesis = _read_constants(files["SynthesisNetwork.xml"], files["SynthesisNetwork.bin"])
    return {**dict(_mapping_state(mapping)), **dict(_synthesis_state(synthesis))}


def _mapping_state(constants: Iterable[tuple[str, Tensor]]) -> Iterator[tuple[str, Tensor]]:
    tensors = [tensor for _, tensor in constants if tensor.numel() > 1]  # the rest are shapes and slopes
    for i, (weight, bias) in enumerate(zip(tensors[0::2], tensors[1::2], strict=True)):
        yield f"mapping.{i}.weight", weight
        yield f"mapping.{i}.bias", bias


def _synthesis_state(constants: Iterable[tuple[str, Tensor]]) -> Iterator[tuple[str, Tensor]]:
    kernels, noises = iter(_CONVS), iter(_CONVS)
    for name, tensor in constants:
        if name.startswith("m."):
            key = _rename(name)
            if key.endswith("bias"):
                tensor = tensor.flatten()
            elif key.endswith("depthwise"):  # [C,1,1,3,3]
                tensor = tensor.squeeze(1)
            elif key.endswith("weight"):
                tensor = _squeeze_kernel(tensor)
            yield key, tensor
        elif re.fullmatch(r"Mul_\d+_copy", name):  # a kernel with its demodulation folded in
            yield f"{next(kernels)}.weight", _squeeze_kernel(tensor)
        elif (
            tensor.ndim == 4 and tensor.shape[:2] == (1, 1) and tensor.numel() > 1
        ):  # a noise map with its strength folded in
            yield f"{next(noises)}.noise", tensor
        elif tensor.numel() > 4 and not _is_haar(tensor):
            raise CheckpointError(f"constant {name!r} {list(tensor.shape)} is not part of MobileStyleGAN")


def _rename(name: str) -> str:
    for pattern, ours in _NAMED:
        match = re.fullmatch(pattern, name)
        if match:
            return match.expand(ours)
    raise CheckpointError(f"constant {name!r} is not part of MobileStyleGAN")


def _squeeze_kernel(tensor: Tensor) -> Tensor:
    return tensor.flatten(1) if tensor.shape[2:] == (1, 1) else tensor


def _is_haar(tensor: Tensor) -> bool:
    return tensor.ndim == 5 and bool(torch.allclose(tensor.abs(), torch.tensor(0.5**0.5), atol=1e-6))


def _read_constants(xml: Path, binary: Path) -> Iterator[tuple[str, Tensor]]:
    """Yield name and value of the float constants of a graph, in its order."""
    data = binary.read_bytes()
    try:
        layers = ET.parse(xml).getroot().iterfind("layers/layer[@type='Const']")
    except ET.ParseError as error:
        raise CheckpointError(f"{xml.name} is not an OpenVINO graph: {error}") from None
    for layer in layers:
        const = layer.find("data")
        if const is None or const.get("element_type") != "f32":
            continue
        shape = [int(size) for size in const.get("shape", "").split(",") if size.strip()]
        offset, size = int(const.get("offset", 0)), int(const.get("size", 0))
        if offset + size > len(data) or size != 4 * int(np.prod(shape)):
            raise CheckpointError(f"{binary.name} is too short for constant {layer.get('name')!r} of {xml.name}")
        values = np.frombuffer(data, dtype="<f4", count=size // 4, offset=offset)
        yield layer.get("name", ""), torch.from_numpy(values.reshape(shape).copy())
