"""Shift-tolerant LPIPS from the checkpoint that its authors published."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor

from jojo_cli.formats.checkpoint import Rule, load, translate

_FIRST_LAYER = (0, 6, 12, 20, 28)
"""Number of the first convolution of each block in their numbering, which also counts ReLUs and pools."""


def read_vgg(files: Mapping[str, Path]) -> dict[str, Tensor]:
    """Return the state dict of `nets.lpips.ShiftTolerantLPIPS`.

    `files` holds `vgg_shift_tolerant.pth`, a pickle of which only tensors are read.

    Raises:
        CheckpointError: the file is damaged, lacks a key of this network, or holds one that it does not have.
    """
    return translate(_rules(), load(files["vgg_shift_tolerant.pth"]), what="shift-tolerant LPIPS (VGG)")


def _rules() -> list[Rule]:
    # The net rebuilds binomial taps, and has these constants of its own.
    taps = [f"net.slice{block + 1}.{first - 1}.filt" for block, first in enumerate(_FIRST_LAYER) if block]
    rules = [Rule((), (), idle=(*taps, "scaling_layer.shift", "scaling_layer.scale"))]
    for block, first in enumerate(_FIRST_LAYER):
        rules.append(Rule((f"lin{block}.model.1.weight",), (f"heads.{block}",), _flat))
        for conv in range(2 if block < 2 else 3):
            theirs, ours = f"net.slice{block + 1}.{first + 2 * conv}", f"blocks.{block}.{2 * conv + (block > 0)}"
            rules += [Rule((f"{theirs}.{name}",), (f"{ours}.{name}",)) for name in ("weight", "bias")]
    return rules


def _flat(head: Tensor) -> tuple[Tensor]:
    return (head.flatten(),)
