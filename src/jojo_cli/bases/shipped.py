"""Parts of a base that come with jojo (encoder, curvature, regions and others): tensors, and how they were made."""

import json
from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from jojo_cli.errors import CheckpointError

if TYPE_CHECKING:
    from torch import Tensor


Part = Literal["encoder", "curvature", "subspaces", "sketch", "regions", "directions"]

ROW_SCALES = ".row_scales"
"""What follows the name of a tensor that is kept in bytes: its rows are so many times as large."""


def shipped_record(base: str, part: Part) -> dict[str, Any]:
    """Return how a part of a base was made, what it reaches, and its licence.

    Raises:
        CheckpointError: it is missing or damaged.
    """
    try:
        record: dict[str, Any] = json.loads(_read(base, part, "json"))
    except ValueError as error:
        raise _damaged(base, part) from error
    return record


def shipped_weights(base: str, part: Part) -> "dict[str, Tensor]":
    """Return the tensors of a part of a base, as float32.

    Raises:
        CheckpointError: it is missing or damaged.
    """
    from safetensors.torch import load

    data = _read(base, part, "safetensors")
    if sha256(data).hexdigest() != shipped_record(base, part).get("sha256"):
        raise _damaged(base, part)
    tensors = {key: tensor.float() for key, tensor in load(data).items()}
    scales = {key: tensors.pop(key + ROW_SCALES) for key in list(tensors) if key + ROW_SCALES in tensors}
    return {key: tensor * scales[key] if key in scales else tensor for key, tensor in tensors.items()}


def write_shipped(
    base: str, part: Part, tensors: "Mapping[str, Tensor]", record: Mapping[str, Any], *, in_bytes: bool = False
) -> None:
    """Write a part of a base where the others find it, in half precision.

    `in_bytes` keeps large tensors of two and more axes as whole numbers to 127, and a scale for each row: half as
    large, and good enough for the weights of a network.
    """
    import torch
    from safetensors.torch import save

    kept = {key: tensor.half() for key, tensor in tensors.items()}
    if in_bytes:
        for key, tensor in tensors.items():
            if tensor.dim() > 1 and tensor.numel() >= 1 << 12:
                scales = tensor.abs().amax(dim=tuple(range(1, tensor.dim())), keepdim=True).clamp(min=1e-12) / 127
                kept[key] = (tensor / scales).round().to(torch.int8)
                kept[key + ROW_SCALES] = scales.float()
    data = save({key: tensor.contiguous().cpu() for key, tensor in kept.items()})
    document = {"sha256": sha256(data).hexdigest(), **record}
    for ending, content in (("safetensors", data), ("json", (json.dumps(document, indent=2) + "\n").encode())):
        Path(str(_file(base, part, ending))).write_bytes(content)


def _file(base: str, part: Part, ending: str) -> Traversable:
    return files("jojo_cli.bases") / f"{base}.{part}.{ending}"


def _read(base: str, part: Part, ending: str) -> bytes:
    try:
        return _file(base, part, ending).read_bytes()
    except OSError as error:
        raise _damaged(base, part) from error


def _damaged(base: str, part: Part) -> CheckpointError:
    return CheckpointError(
        f"the {part} of base {base!r} is missing or damaged",
        hint="it comes with jojo: reinstall it with 'pip install --force-reinstall --no-deps jojo-cli'",
    )
