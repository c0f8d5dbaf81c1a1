"""Parts of a base that come with jojo (encoder, curvature, regions of faces): tensors, and how they were made."""

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


Part = Literal["encoder", "curvature", "regions", "directions"]


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
    return {key: tensor.float() for key, tensor in load(data).items()}


def write_shipped(base: str, part: Part, tensors: "Mapping[str, Tensor]", record: Mapping[str, Any]) -> None:
    """Write a part of a base where the others find it, its tensors in half precision."""
    from safetensors.torch import save

    data = save({key: tensor.half().contiguous().cpu() for key, tensor in tensors.items()})
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
