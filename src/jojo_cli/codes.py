"""The door for codes: a file that holds one w+, and says which base it belongs to."""

from pathlib import Path
from typing import TYPE_CHECKING

from jojo_cli.disk import save_file
from jojo_cli.errors import CheckpointError

if TYPE_CHECKING:
    from torch import Tensor

    from jojo_cli.bases.base import Base

SUFFIX = ".safetensors"
KEY = "w_plus"


def write_code(path: Path, w_plus: "Tensor", base: "Base", *, overwrite: bool = False) -> None:
    """Write w_plus [1,L,D], with its base in the metadata, whole or not at all.

    Raises:
        JojoError: `path` exists and `overwrite` is not set, or it can't be written.
    """
    from safetensors.torch import save

    data = save({KEY: w_plus.contiguous().cpu()}, {"base": base.name, "base_sha256": base.sha256})
    save_file(path, data, overwrite=overwrite)


def read_code(path: Path, base: "Base") -> "Tensor":
    """Return the w_plus [1,L,D] of a file, on the base's device.

    Raises:
        CheckpointError: the file is damaged, holds no code, or that of another base.
    """
    import torch
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, "pt") as file:
            metadata, keys = file.metadata() or {}, set(file.keys())
            w_plus: Tensor | None = file.get_tensor(KEY) if keys == {KEY} else None
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{str(path)!r} is not a code: {error}", hint="make one with 'jojo invert'") from error
    if w_plus is None:
        raise CheckpointError(f"{str(path)!r} holds no {KEY!r}", hint="make one with 'jojo invert'")
    of = metadata.get("base")
    if of is not None and of != base.name:
        raise CheckpointError(f"{str(path)!r} is a code of base {of!r}, not of {base.name!r}")
    expected = (1, base.generator.codes, base.generator.w_dim)
    if tuple(w_plus.shape) != expected or not w_plus.is_floating_point() or not torch.isfinite(w_plus).all():
        raise CheckpointError(
            f"{str(path)!r} holds {list(w_plus.shape)}, a code of base {base.name!r} is {list(expected)}"
        )
    return w_plus.float().to(base.device.torch_device)
