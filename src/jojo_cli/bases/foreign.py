"""Generators that JoJoGAN, StyleGAN-NADA, MTG and others finetuned from a base, as they publish them: whole.

A style keeps what differs from the base. Mapping and noise do not, as a rule: finetuning leaves them.
"""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from jojo_cli.bases.base import Base
from jojo_cli.errors import CheckpointError
from jojo_cli.formats.rosinality import SIZES, Size, generator_state, load_checkpoint
from jojo_cli.nets.stylegan2 import published_channels

State = Mapping[str, Tensor]


def read_generator(path: Path) -> State:
    """Return the state dict of the generator in a checkpoint, of any size; nothing in the file runs.

    Raises:
        CheckpointError: the file is damaged, has no generator, or one with other keys and shapes than StyleGAN2's.
    """
    return generator_state(load_checkpoint(path))


def style_weights(base: Base, generator: State) -> dict[str, Tensor]:
    """Return the tensors of a finetuned StyleGAN2 that differ from its base's, by more than rounding.

    Raises:
        CheckpointError: none does, or the generator has another size than the base's.
    """
    ours = base.generator.state_dict()
    if _size(generator) != _size(ours):
        raise CheckpointError(
            f"a StyleGAN2 generator of the wrong size: {_size(generator)}, not {_size(ours)}",
            hint=f"only what was finetuned from {base.name} can be a style",
        )
    changed = {key: tensor for key, tensor in generator.items() if not _same(tensor, ours[key].cpu())}
    if not changed:
        raise CheckpointError(f"the generator is that of {base.name} itself: it has no style")
    return changed


def has_own_codes(changed: State) -> bool:
    """Return whether the mapping is among the changed weights: codes then mean something else to the generator."""
    return any(key.startswith("mapping.") for key in changed)


def _size(generator: State) -> Size:
    channels = tuple(t.shape[1] for key, t in generator.items() if key.endswith("to_rgb.weight"))
    return next(size for size in SIZES if published_channels(*size) == channels)


def _same(a: Tensor, b: Tensor) -> bool:
    # To half precision: copies of one network were rounded in different ways, and finetuning moves more.
    return torch.allclose(a, b, rtol=1e-3, atol=1e-7)
