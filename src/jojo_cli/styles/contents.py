"""The files of a style as bytes: how they are written, and what is checked before they are believed."""

import hashlib
import io
import warnings
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from jojo_cli.styles.errors import damaged
from jojo_cli.styles.record import StyleRecord

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

RECORD_FILE = "style.json"
WEIGHTS_FILE = "weights.safetensors"
PREVIEW_FILE = "preview.png"
LOSS_FILE = "loss.png"


def check_files(record: StyleRecord, files: Collection[str], *, source: object) -> None:
    """Check that `files` are those that a style has beside its record; only the loss curve may be missing.

    Raises:
        CheckpointError: one is missing or does not belong there.
    """
    required = {WEIGHTS_FILE, PREVIEW_FILE, *(reference.file for reference in record.references)}
    for name in sorted(required - set(files)):
        raise damaged(f"{source}: {name} is missing")
    for name in sorted(set(files) - required - {LOSS_FILE}):
        raise damaged(f"{source}: {name!r} does not belong in a style")


def verify(record: StyleRecord, files: Mapping[str, bytes], *, source: object) -> dict[str, bytes]:
    """Return `files`, the pictures encoded anew so that nothing but their pixels passes.

    Raises:
        CheckpointError: a file is missing, unknown, damaged or not the one that was recorded.
    """
    check_files(record, files, source=source)
    decode_weights(files[WEIGHTS_FILE], record.weights_sha256, source=f"{source}: {WEIGHTS_FILE}")
    pictures = {name: data for name, data in files.items() if name != WEIGHTS_FILE}
    return {WEIGHTS_FILE: files[WEIGHTS_FILE]} | {
        name: _encode_anew(data, f"{source}: {name}") for name, data in pictures.items()
    }


def encode_weights(weights: "Mapping[str, Tensor]", *, source: object) -> bytes:
    """Return `weights` as a safetensors file.

    Raises:
        CheckpointError: one is not of finite floating-point numbers.
    """
    from safetensors.torch import save

    _check_tensors(weights, source)
    # Clones, because safetensors refuses tensors that share memory.
    return save({name: tensor.detach().cpu().contiguous().clone() for name, tensor in weights.items()})


def decode_weights(data: bytes, sha256: str, *, source: object) -> "dict[str, Tensor]":
    """Return the tensors of a safetensors file, on the CPU.

    Raises:
        CheckpointError: its hash is not `sha256`, or it holds more than finite floating-point tensors.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    if hashlib.sha256(data).hexdigest() != sha256:
        raise damaged(f"{source}: not the weights that the style was saved with (the sha256 differs)")
    try:
        weights = load(data)
    except (SafetensorError, KeyError) as error:  # KeyError: a number format that torch does not have
        raise damaged(f"{source}: not a safetensors file: {error}") from error
    _check_tensors(weights, source)
    return weights


def encode_picture(image: "Image") -> bytes:
    """Return the pixels of `image` as an RGB PNG."""
    image = image.convert("RGB")
    image.info = {}
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def _encode_anew(data: bytes, source: str) -> bytes:
    from PIL import Image

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
                return encode_picture(image)
    except Exception as error:  # a damaged or hostile PNG makes Pillow raise almost anything
        raise damaged(f"{source}: not a PNG that can be read") from error


def _check_tensors(weights: "Mapping[str, Tensor]", source: object) -> None:
    import torch

    for name, tensor in weights.items():
        if tensor.dtype not in (torch.float16, torch.bfloat16, torch.float32):
            raise damaged(f"{source}: tensor {name!r} is of {tensor.dtype}, not of 16 or 32 bit floats")
        if not tensor.isfinite().all():
            raise damaged(f"{source}: tensor {name!r} holds numbers that are not finite")
