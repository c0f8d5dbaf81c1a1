"""Pictures from codes, in a style or without."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack

import torch
from torch import Tensor

from jojo_cli.bases.base import Base
from jojo_cli.errors import CheckpointError
from jojo_cli.faces.proportions import GRID
from jojo_cli.nets.generator import Generator, NoiseMaps, State, moved
from jojo_cli.nets.gradients import STEEPNESSES
from jojo_cli.stylize.boldness import WITH_GAINS
from jojo_cli.stylize.finish import FINISHES, finished
from jojo_cli.stylize.mixing import mix_codes
from jojo_cli.stylize.strength import Strength, strength_at
from jojo_cli.stylize.strokes import COLUMNS, are_strokes, strokes_of_strands, without_strokes
from jojo_cli.stylize.tints import TINTED
from jojo_cli.stylize.tones import TONES, without_tones

COLOURS = ("tints", "irises")
"""Parts of a style that are colours: one that lies between two styles has them where both do."""


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
    if "strands" in weights and weights["strands"].shape == (1,):  # an older jojo's
        weights = {**weights, "strokes": strokes_of_strands(weights["strands"])}
        del weights["strands"]
    own = {
        "displacement": (1, 2, GRID, GRID),
        "palette": (1, generator.codes, generator.w_dim),
        "tints": (2, len(TINTED), 4),
        "irises": (3,),
        "strokes": (2, COLUMNS),
        "tones": (TONES,),
        "gains": (1 + len(WITH_GAINS), STEEPNESSES),
    }
    if "gains" in weights and weights["gains"].shape[:1] == (1,):  # learnt where nothing was known of regions
        own["gains"] = (1, STEEPNESSES)
    for key in own.keys() & weights.keys():
        setattr(generator, key, torch.zeros(own[key], device=base.device.torch_device))
    state = generator.state_dict()
    odd = sorted(key for key, t in weights.items() if key not in state or state[key].shape != t.shape)
    if not odd and "strokes" in weights and not are_strokes(weights["strokes"].cpu()):
        odd = ["strokes"]
    if odd:
        raise CheckpointError(f"the style's weights do not fit base {base.name!r}: {', '.join(odd)}")
    generator.load_state_dict({**state, **weights})
    return generator


def generator_between(first: Generator, second: Generator, amount: Strength) -> Generator:
    """Return a generator whose weights lie between those of two styles of one base: 0 is the first, 1 the second.

    By resolution, it has the coarse stages of the one and the fine ones of the other: Wang et al., "Deep network
    interpolation" (arXiv 1811.10515); Pinkney and Adler, "Resolution dependent GAN interpolation" (arXiv 2010.05334).
    The proportions, strokes, gains and tones of one that has some fade; codes and colours of references are kept where
    both have them.
    """
    between = first.clone()
    others = second.state_dict()
    for name, nothing in (
        ("displacement", torch.zeros_like),
        ("strokes", without_strokes),
        ("gains", torch.ones_like),
        ("tones", without_tones),
    ):
        if name in others and getattr(between, name) is None:
            setattr(between, name, nothing(others[name]))
        elif getattr(between, name) is not None:
            others.setdefault(name, nothing(getattr(between, name)))
    sides = {f"stages.{stage}.": side for stage, side in enumerate(between.stage_resolutions)}
    coarsest, finest = (strength_at(amount, between.stage_resolutions[end]) for end in (0, -1))
    for name in ("palette", *COLOURS):
        setattr(between, name, None)
    for name, tensor in between.state_dict().items():  # the generator's own memory
        other_share = finest if name in ("strokes", "gains", "tones") else coarsest
        share = next((strength_at(amount, side) for part, side in sides.items() if name.startswith(part)), other_share)
        tensor.lerp_(others[name], share)
    if first.palette is not None and second.palette is not None:
        amounts = [strength_at(amount, side) for side in between.code_resolutions]
        between.palette = mix_codes(first.palette, second.palette, range(between.codes), amounts)
    for name in COLOURS:
        one, other = getattr(first, name), getattr(second, name)
        if one is not None and other is not None:
            setattr(between, name, one.lerp(other, finest))
    return between


def draw(
    base: Base,
    styled: Generator,
    w_plus: Tensor,
    *,
    strength: Strength = 1.0,
    color: float | None = None,
    noise: NoiseMaps | None = None,
    at_least: int | None = None,
    background: bool = True,
) -> Tensor:
    """Return the images float32 [N,3,R,R], RGB in about [-1,1], of w_plus [N,L,D] in a style.

    `strength` 0 draws the base's picture, 1 the style's, and between them every feature map is blended. `color` says
    how far, at full strength, fine codes go to those of the style's reference, if the style keeps them: from 0, not at
    all, to 1; None is what suits the base, and with less, faces also keep more of their own tints. So faces take its
    palette, and coarse codes keep the person. `noise` takes the place of the generator's own. `at_least` is that of
    `Generator.image`. `background` is whether what is behind a face gets a tint of the style, too. Commands draw one
    code at a time, so that the same code gives the same picture to the bit.

    Raises:
        JojoError: the device has too little memory.
    """
    with ExitStack() as stack:
        for context in (torch.inference_mode(), base.device.exactly(), base.device.enough_memory()):
            stack.enter_context(context)
        for generator in (base.generator, styled):
            stack.enter_context(generator.with_noise(noise or {}))
        color = base.color if color is None else color
        if styled.palette is not None:
            sides = styled.code_resolutions
            amounts = [color * strength_at(strength, sides[code]) for code in base.varied_codes]
            w_plus = mix_codes(w_plus, styled.palette, base.varied_codes, amounts)
        amounts = [strength_at(strength, side) for side in styled.stage_resolutions]
        if not any(amounts):
            return base.generator.synthesis(w_plus, at_least=at_least)
        states: list[State] | None = [] if any(getattr(styled, part) is not None for part in FINISHES) else None
        if set(amounts) == {1}:
            images = styled.synthesis(w_plus, at_least=at_least, states=states)
        else:
            images = base.generator.blended_synthesis(styled, w_plus, amounts, at_least=at_least, states=states)
        if states is None or not amounts[-1]:
            return images
        tint = min(color / base.color, 1.0) if base.color else 1.0
        regions, irises = shown(base, styled, states, amounts[0]) or (None, None)
        return finished(images, styled, regions, amounts[-1], irises=irises, tint=tint, background=background)


def shown(base: Base, styled: Generator, states: Sequence[State], amount: float = 1.0) -> tuple[Tensor, Tensor] | None:
    """Return how probable each region is at each place of faces [N,4,G,G], and how much of it is iris [N,1,G,G].

    It is what the features say that they are drawn through, whose meaning finetuning hardly changes; None where nobody
    can read them. `amount` is that of the proportions that the style gives.
    """
    if not base.load_regions:
        return None
    find = base.load_regions()
    each = [[tuple(x[[i]] for x in state) for state in states] for i in range(len(states[0][0]))]
    seen = torch.stack([torch.cat([find(one), find.irises(one)]) for one in each])
    if styled.displacement is not None:
        seen = moved(seen, amount * styled.displacement)
    return seen[:, :-1], seen[:, -1:]
