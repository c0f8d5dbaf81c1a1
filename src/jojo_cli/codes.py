"""The door for codes: a file that holds one w+, and says which base it belongs to."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from jojo_cli.disk import save_file
from jojo_cli.errors import CheckpointError

if TYPE_CHECKING:
    from torch import Tensor

    from jojo_cli.bases.base import Base
    from jojo_cli.nets.generator import NoiseMaps

SUFFIX = ".safetensors"
KEY = "w_plus"
NOISE = "noise:"
"""What the keys of noise begin with, before the name of the map."""


def write_code(
    path: Path, w_plus: "Tensor", base: "Base", noise: "NoiseMaps | None" = None, *, overwrite: bool = False
) -> None:
    """Write w_plus [1,L,D], with its base in the metadata, and noise where there is some, whole or not at all.

    Raises:
        JojoError: `path` exists and `overwrite` is not set, or it can't be written.
    """
    from safetensors.torch import save

    known = {"base": base.name, "base_sha256": base.sha256, "base_fingerprint": json.dumps(base.fingerprint)}
    maps = {NOISE + name: tensor.contiguous().cpu() for name, tensor in (noise or {}).items()}
    data = save({KEY: w_plus.contiguous().cpu(), **maps}, known)
    save_file(path, data, overwrite=overwrite)


def read_code(path: Path, base: "Base") -> "Tensor":
    """Return the w_plus [1,L,D] of a file, on the base's device.

    Raises:
        CheckpointError: the file is damaged, holds no code, or that of another base. It says why and not which file,
            as all that a batch reports.
    """
    from safetensors import SafetensorError, safe_open

    how_to_make = "make one with 'jojo invert'"
    try:
        with safe_open(path, "pt") as file:
            metadata, keys = file.metadata() or {}, set(file.keys())
            ours = KEY in keys and all(key == KEY or key.startswith(NOISE) for key in keys)
            w_plus: Tensor | None = file.get_tensor(KEY) if ours else None
    except FileNotFoundError as error:
        raise CheckpointError("not found") from error
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"is not a code: {error}", hint=how_to_make) from error
    if w_plus is None:
        raise CheckpointError(f"is not a code: it holds no {KEY!r}", hint=how_to_make)
    of = metadata.get("base", base.name)
    if of != base.name:
        raise CheckpointError(f"is a code of base {of!r}, not of {base.name!r}", hint=how_to_make)
    if not base.made(metadata.get("base_sha256", base.sha256), _fingerprint(metadata)):
        raise CheckpointError(f"is a code of another version of base {base.name!r}", hint=how_to_make)
    expected = (1, base.generator.codes, base.generator.w_dim)
    if tuple(w_plus.shape) != expected:
        raise CheckpointError(
            f"holds {list(w_plus.shape)}, a code of base {base.name!r} is {list(expected)}", hint=how_to_make
        )
    if not w_plus.is_floating_point() or not w_plus.isfinite().all():
        raise CheckpointError("holds numbers that are not finite floats", hint=how_to_make)
    return w_plus.float().to(base.device.torch_device)


def read_noise(path: Path, base: "Base") -> "NoiseMaps":
    """Return the noise of a file that `read_code` reads, on the base's device; of most there is none.

    Raises:
        CheckpointError: it is of another generator.
    """
    from safetensors import safe_open

    with safe_open(path, "pt") as file:
        noise = {key.removeprefix(NOISE): file.get_tensor(key) for key in file.keys() if key != KEY}  # noqa: SIM118
    maps = base.generator.noise_maps
    for name, tensor in noise.items():
        if name not in maps or tensor.shape != maps[name].shape:
            raise CheckpointError(f"holds noise that base {base.name!r} has not: {name!r}")
        if not tensor.is_floating_point() or not tensor.isfinite().all():
            raise CheckpointError("holds numbers that are not finite floats")
    return {name: tensor.float().to(base.device.torch_device) for name, tensor in noise.items()}


def _fingerprint(metadata: Mapping[str, str]) -> list[float] | None:
    """Return the fingerprint of the base that a code belongs to; None where there is none, or what is none."""
    try:
        numbers = json.loads(metadata["base_fingerprint"])
        return [float(number) for number in numbers]
    except (KeyError, ValueError, TypeError):
        return None
