"""Shift-tolerant LPIPS from the checkpoint that its authors published."""

import re
from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from jojo_cli.errors import CheckpointError
from jojo_cli.formats.checkpoint import load

_FIRST_LAYER = (0, 6, 12, 20, 28)
"""Number of the first convolution of each block in their numbering, which also counts ReLUs and pools."""

_RULES: list[tuple[str, str | None]] = [
    *(
        (
            rf"net\.slice{block + 1}\.{first + 2 * conv}\.(weight|bias)",
            rf"blocks.{block}.{2 * conv + (block > 0)}.\1",
        )
        for block, first in enumerate(_FIRST_LAYER)
        for conv in range(2 if block < 2 else 3)
    ),
    *((rf"lin{block}\.model\.1\.weight", f"heads.{block}") for block in range(5)),
    (r"net\.slice\d\.\d+\.filt", None),  # binomial taps, rebuilt by the net
    (r"scaling_layer\.(shift|scale)", None),  # constants of the net
]
"""Their key as a pattern, our key; None is known and dropped."""


def read_vgg(files: Mapping[str, Path]) -> dict[str, Tensor]:
    """Return the state dict of `nets.lpips.ShiftTolerantLPIPS`.

    `files` holds `vgg_shift_tolerant.pth`, a pickle: its hash must have been checked before.

    Raises:
        CheckpointError: the file is damaged or holds a key that this network does not have.
    """
    ours = {}
    for key, tensor in load(files["vgg_shift_tolerant.pth"]).items():
        name = _rename(key)
        if name is not None:
            ours[name] = tensor.flatten() if name.startswith("heads") else tensor
    return ours


def _rename(key: str) -> str | None:
    for pattern, ours in _RULES:
        match = re.fullmatch(pattern, key)
        if match:
            return match.expand(ours) if ours else None
    raise CheckpointError(f"key {key!r} is not part of shift-tolerant LPIPS (VGG)")
