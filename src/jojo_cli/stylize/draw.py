"""Pictures from codes, in a style or without."""

from collections.abc import Mapping

import torch
from torch import Tensor

from jojo_cli.bases.base import Base
from jojo_cli.errors import CheckpointError
from jojo_cli.faces.proportions import GRID
from jojo_cli.nets.generator import Generator
from jojo_cli.stylize.mixing import mix_codes


def changed_weights(base: Base, styled: Generator) -> dict[str, Tensor]:
    """Return the tensors of a finetuned generator that differ from its base's: what a style has to keep."""
    originals = base.generator.state_dict()
    return {
        key: t.cpu()
        for key, t in styled.state_dict().items()
        if key not in originals or not torch.equal(t, originals[key])
    }


def styled_generator(base: Base, weights: Mapping[str, Tensor]) -> Generator:
    """Return the base's generator with the tensors of a style in place of its own.

    Raises:
        CheckpointError: a tensor is not part of this generator, or has another shape.
    """
    generator = base.generator.clone()
    own = {"displacement": (1, 2, GRID, GRID), "palette": (1, generator.codes, generator.w_dim)}
    for key in own.keys() & weights.keys():
        setattr(generator, key, torch.zeros(own[key], device=base.device.torch_device))
    state = generator.state_dict()
    odd = sorted(key for key, t in weights.items() if key not in state or state[key].shape != t.shape)
    if odd:
        raise CheckpointError(f"the style's weights do not fit base {base.name!r}: {', '.join(odd)}")
    generator.load_state_dict({**state, **weights})
    return generator


def draw(
    base: Base,
    styled: Generator,
    w_plus: Tensor,
    *,
    strength: float = 1.0,
    color: float | None = None,
    at_least: int | None = None,
) -> Tensor:
    """Return the images float32 [N,3,R,R], RGB in about [-1,1], of w_plus [N,L,D] in a style.

    `strength` 0 draws the base's picture, 1 the style's, and between them every feature map is blended. `color` says
    how far fine codes go to those of the style's reference, if the style keeps them: from 0, not at all, to 1; None is
    what suits the base. So faces take its palette, and coarse codes keep the person. `at_least` is that of
    `Generator.image`. Commands draw one code at a time, so that the same code gives the same picture to the bit.

    Raises:
        JojoError: the device has too little memory.
    """
    with torch.inference_mode(), base.device.exactly(), base.device.enough_memory():
        if styled.palette is not None:
            amount = strength * (base.color if color is None else color)
            w_plus = mix_codes(w_plus, styled.palette, base.varied_codes, amount)
        if strength == 0:
            return base.generator.synthesis(w_plus, at_least=at_least)
        if strength == 1:
            return styled.synthesis(w_plus, at_least=at_least)
        return base.generator.blended_synthesis(styled, w_plus, strength, at_least=at_least)
