"""Generators that other programs finetuned from a base, as they publish them: whole.

A style keeps what differs from the base. Mapping and noise do not, as a rule: finetuning leaves them.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from jojo_cli.bases.base import Base
from jojo_cli.errors import CheckpointError


def style_weights(base: Base, finetuned: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of a finetuned generator that differ from its base's, by more than rounding.

    Raises:
        CheckpointError: none does, or the generator has another size than the base's.
    """
    ours = base.generator.state_dict()
    shapes, wanted = ({key: list(tensor.shape) for key, tensor in state.items()} for state in (finetuned, ours))
    if shapes != wanted:
        raise CheckpointError(
            f"a generator of the wrong size, {base.name} draws {base.generator.resolution} px",
            hint=f"only what was finetuned from {base.name} can be a style",
        )
    changed = {key: tensor for key, tensor in finetuned.items() if not _same(tensor, ours[key].cpu())}
    if not changed:
        raise CheckpointError(f"the generator is that of {base.name} itself: it has no style")
    return changed


def has_own_codes(changed: Mapping[str, Tensor]) -> bool:
    """Return whether the mapping is among the changed weights: codes then mean something else to the generator."""
    return any(key.startswith("mapping.") for key in changed)


def _same(a: Tensor, b: Tensor) -> bool:
    # To half precision: copies of one network were rounded in different ways, and finetuning moves more.
    return torch.allclose(a, b, rtol=1e-3, atol=1e-7)
