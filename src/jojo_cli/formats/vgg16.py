"""VGG16 as torchvision published it (`vgg16-397923af.pth`): its convolutions, which LPIPS looks through."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from jojo_cli.formats.checkpoint import Rule, load, translate

_CHANNELS = {
    0: 64,
    2: 64,
    5: 128,
    7: 128,
    10: 256,
    12: 256,
    14: 256,
    17: 512,
    19: 512,
    21: 512,
    24: 512,
    26: 512,
    28: 512,
}
"""Layer: channels that its convolution gives. Numbers also count ReLUs and pools."""


def read_vgg16(files: Mapping[str, Path]) -> dict[str, Tensor]:
    """Return the state dict of `torchvision.models.vgg16().features`: `0.weight`, `0.bias`, `2.weight` and so on.

    `files` holds one file, a pickle: its hash must have been checked before.

    Raises:
        CheckpointError: the file is damaged, or lacks a key, or holds one that this network does not have.
    """
    [path] = files.values()
    return vgg16_state(load(path))


def vgg16_state(theirs: Mapping[str, Any]) -> dict[str, Tensor]:
    """Return the state dict of the convolutions for one of the whole network; errors as `read_vgg16`."""
    classifier = tuple(f"classifier.{layer}.{name}" for layer in (0, 3, 6) for name in ("weight", "bias"))
    rules, width = [Rule((), (), idle=classifier)], 3
    for layer, channels in _CHANNELS.items():
        for name, shape in (("weight", (channels, width, 3, 3)), ("bias", (channels,))):
            rules.append(Rule((f"features.{layer}.{name}",), (f"{layer}.{name}",), shape=shape))
        width = channels
    return translate(rules, theirs, what="torchvision's VGG16")
