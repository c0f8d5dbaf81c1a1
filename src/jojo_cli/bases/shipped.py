"""The encoders that are part of jojo: weights beside this file, and the record of how they were trained."""

import json
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from jojo_cli.errors import CheckpointError

if TYPE_CHECKING:
    from torch import Tensor


def shipped_record(base: str) -> dict[str, Any]:
    """Return how the encoder of a base was trained, what it reaches, and its licence.

    Raises:
        CheckpointError: it is missing or damaged.
    """
    try:
        record: dict[str, Any] = json.loads(_read(f"{base}.encoder.json"))
    except ValueError as error:
        raise _damaged(base) from error
    return record


def shipped_weights(base: str) -> "dict[str, Tensor]":
    """Return the encoder of a base, as float32.

    Raises:
        CheckpointError: it is missing or damaged.
    """
    from safetensors.torch import load

    data = _read(f"{base}.encoder.safetensors")
    if sha256(data).hexdigest() != shipped_record(base).get("sha256"):
        raise _damaged(base)
    return {key: tensor.float() for key, tensor in load(data).items()}


def _read(name: str) -> bytes:
    try:
        return (files("jojo_cli.bases") / name).read_bytes()
    except OSError as error:
        raise _damaged(name.partition(".")[0]) from error


def _damaged(base: str) -> CheckpointError:
    return CheckpointError(
        f"the encoder of base {base!r} is missing or damaged",
        hint="it comes with jojo: reinstall it with 'pip install --force-reinstall --no-deps jojo-cli'",
    )
