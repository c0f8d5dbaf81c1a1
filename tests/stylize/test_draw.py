"""Pictures in a style, what a style has to keep, and what is refused in its place."""

from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from tiny import showing
from torch import Tensor

from jojo_cli.bases.base import Base
from jojo_cli.bases.regions import REGIONS, states_of
from jojo_cli.errors import CheckpointError
from jojo_cli.nets.generator import Generator
from jojo_cli.nets.gradients import steepness
from jojo_cli.stylize.draw import changed_weights, draw, generator_between, shown, styled_generator
from jojo_cli.stylize.mixing import mix_codes, sample_code
from jojo_cli.stylize.strokes import strokes

CHANGED = ("stages.2.conv1.weight", "stages.3.conv2.bias", "stages.5.weight")


@pytest.fixture
def w_plus(base: Base) -> Tensor:
    return sample_code(base, 1, 0.7)


@pytest.fixture
def styled(base: Base) -> Generator:
    """Give a generator that differs from the base's in a few tensors."""
    generator = base.generator.clone()
    for key in CHANGED:
        generator.get_parameter(key).mul_(1.3).add_(0.02)
    return generator


def apart(a: Tensor, b: Tensor) -> float:
    return (a - b).square().mean().item()


def test_strength_goes_from_the_base_to_the_style(base: Base, styled: Generator, w_plus: Tensor) -> None:
    plain, full = base.generator.synthesis(w_plus), styled.synthesis(w_plus)
    images = [draw(base, styled, w_plus, strength=strength) for strength in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert torch.equal(images[0], plain)
    assert torch.equal(images[-1], full)
    from_base = [apart(image, plain) for image in images]
    from_style = [apart(image, full) for image in images]
    assert from_base == sorted(from_base)
    assert from_style == sorted(from_style, reverse=True)
    assert len(set(from_base)) == 5


def test_whole_style_is_the_default(base: Base, styled: Generator, w_plus: Tensor) -> None:
    assert torch.equal(draw(base, styled, w_plus), draw(base, styled, w_plus, strength=1))


def test_proportions_move_what_is_drawn(base: Base, w_plus: Tensor) -> None:
    """Looked at a quarter of the side farther to the right, everything comes to lie that far to the left."""
    weights = {"displacement": torch.tensor([0.25, 0.0]).view(1, 2, 1, 1).repeat(1, 1, 64, 64)}
    styled = styled_generator(base, weights)
    plain = draw(base, base.generator, w_plus)
    assert torch.allclose(draw(base, styled, w_plus)[..., :90], plain[..., 32:122], atol=1e-3)
    assert torch.allclose(draw(base, styled, w_plus, strength=0.5)[..., :90], plain[..., 16:106], atol=1e-3)
    assert torch.equal(draw(base, styled, w_plus, strength=0), plain)
    assert changed_weights(base, styled).keys() == weights.keys()


def test_colour_moves_fine_codes_to_those_of_the_reference(base: Base, styled: Generator, w_plus: Tensor) -> None:
    other = sample_code(base, 2, 0.7)
    taken = mix_codes(w_plus, other, base.varied_codes, 1.0)
    suited = mix_codes(w_plus, other, base.varied_codes, base.color)
    plain, expected, default = (draw(base, styled, code) for code in (w_plus, taken, suited))
    colored = styled_generator(base, {**changed_weights(base, styled), "palette": other})
    assert torch.equal(draw(base, colored, w_plus, color=0), plain)
    assert torch.equal(draw(base, colored, w_plus, color=1), expected)
    assert torch.equal(draw(base, colored, w_plus), default)
    assert torch.equal(draw(base, styled, w_plus, color=1), plain)  # keeps none


def test_less_of_a_style_takes_less_of_its_colours(base: Base, w_plus: Tensor) -> None:
    colored = styled_generator(base, {"palette": sample_code(base, 2, 0.7)})
    plain, slightly, half, full = (draw(base, colored, w_plus, strength=strength) for strength in (0.0, 0.25, 0.5, 1.0))
    assert torch.equal(plain, base.generator.synthesis(w_plus))
    assert 0 < apart(slightly, plain) < apart(half, plain) < apart(full, plain)


@pytest.mark.parametrize("strength", [0.0, 0.4, 1.0])
def test_same_code_draws_the_same_picture(strength: float, base: Base, styled: Generator, w_plus: Tensor) -> None:
    images = [draw(base, styled, w_plus, strength=strength) for _ in range(2)]
    assert torch.equal(images[0], images[1])
    assert images[0].shape == (1, 3, 128, 128)
    assert images[0].dtype == torch.float32
    assert not images[0].requires_grad


def test_style_keeps_what_differs_and_only_that(base: Base, styled: Generator) -> None:
    kept = changed_weights(base, styled)
    assert sorted(kept) == sorted(CHANGED)
    assert all(torch.equal(tensor, styled.state_dict()[key]) for key, tensor in kept.items())
    assert changed_weights(base, base.generator.clone()) == {}


@pytest.mark.parametrize("strength", [0.3, 1.0])
def test_kept_weights_draw_the_identical_picture(
    strength: float, base: Base, styled: Generator, w_plus: Tensor
) -> None:
    again = styled_generator(base, changed_weights(base, styled))
    assert torch.equal(draw(base, again, w_plus, strength=strength), draw(base, styled, w_plus, strength=strength))


def test_style_shares_nothing_with_its_base(base: Base, styled: Generator, w_plus: Tensor) -> None:
    before = base.generator.synthesis(w_plus)
    weights = changed_weights(base, styled)
    generator = styled_generator(base, weights)
    for tensor in generator.state_dict().values():
        tensor.zero_()
    assert torch.equal(base.generator.synthesis(w_plus), before)
    assert all(tensor.abs().max() > 0 for tensor in weights.values())


def test_style_without_weights_is_its_base(base: Base, w_plus: Tensor) -> None:
    assert torch.equal(draw(base, styled_generator(base, {}), w_plus), base.generator.synthesis(w_plus))


def test_weights_of_another_base_are_refused_by_name(base: Base) -> None:
    weights = {
        "stages.2.conv1.weight": torch.ones(3, 3),  # has another shape here
        "stages.3.conv2.bias": base.generator.state_dict()["stages.3.conv2.bias"],
        "stages.9.conv1.weight": torch.ones(32, 8),
        "synthesis.input": torch.ones(1),
        "palette": torch.ones(1, 18, 512),
        "gains": torch.ones(7),
    }
    with pytest.raises(CheckpointError, match="base 'tiny'") as failure:
        styled_generator(base, weights)
    message = str(failure.value)
    assert all((key in message) == (key != "stages.3.conv2.bias") for key in weights)


def test_gradients_are_as_steep_as_the_style_says(base: Base, w_plus: Tensor) -> None:
    weights = {"gains": torch.full((3, 25), 2.0)}
    styled = styled_generator(base, weights)
    plain = draw(base, base.generator, w_plus)
    whole, half = (draw(base, styled, w_plus, strength=strength) for strength in (1.0, 0.5))
    coarse = draw(base, styled, w_plus, strength={4: 1.0, 32: 0.0})
    assert steepness(whole).mean() > steepness(half).mean() > 1.1 * steepness(plain).mean()
    assert torch.allclose(coarse, plain, atol=1e-5)  # they are the finest that there is
    assert torch.equal(draw(base, styled, w_plus, strength=0), plain)
    assert changed_weights(base, styled).keys() == weights.keys()


def test_regions_of_a_face_have_gains_of_their_own(base: Base, w_plus: Tensor) -> None:
    """Where the base sees hair, gradients go; proportions that a style gives move hair along."""
    gains = torch.ones(3, 25)
    gains[1] = 0
    moves = torch.tensor([0.25, 0.0]).view(1, 2, 1, 1).repeat(1, 1, 64, 64)
    for more in ({}, {"displacement": moves}):
        styled = styled_generator(base, {"gains": gains, **more})
        seen = shown(base, styled, states_of(styled, w_plus))
        assert seen
        hair = seen[0][:, [REGIONS.index("hair")]]
        sure, never = (F.interpolate(x, size=128) > 0.9 for x in (hair, 1 - hair))
        assert sure.any()
        assert never.any()
        drawn = steepness(draw(base, styled, w_plus))
        plain = steepness(draw(base, styled_generator(base, more), w_plus))
        assert drawn[sure].mean() < 0.5 * plain[sure].mean()
        assert drawn[never].mean() > 0.8 * plain[never].mean()


def test_gains_without_regions_are_of_everything(base: Base, w_plus: Tensor) -> None:
    everywhere, blind = torch.full((1, 25), 2.0), replace(base, load_regions=None)
    drawn = draw(base, styled_generator(base, {"gains": everywhere}), w_plus)
    assert steepness(drawn).mean() > 1.1 * steepness(draw(base, base.generator, w_plus)).mean()
    assert torch.equal(draw(blind, styled_generator(blind, {"gains": everywhere.repeat(3, 1)}), w_plus), drawn)


def test_gains_fade_where_one_of_two_styles_has_some(base: Base, w_plus: Tensor) -> None:
    bold, plain = styled_generator(base, {"gains": torch.full((3, 25), 2.0)}), base.generator
    for pair, amount in (((bold, plain), 0.25), ((plain, bold), 0.75)):
        between = generator_between(*pair, amount)
        assert between.gains is not None
        assert torch.allclose(between.gains, torch.full((3, 25), 1.75))
    assert torch.allclose(draw(base, generator_between(plain, bold, 1.0), w_plus), draw(base, bold, w_plus), atol=1e-5)
    fine = generator_between(plain, bold, {64: 1.0}).gains
    assert fine is not None
    assert torch.equal(fine, torch.full((3, 25), 2.0))


def test_regions_have_the_tints_of_the_style(base: Base, w_plus: Tensor) -> None:
    """A part of them at half strength, less with less of the style's colours, and none where nobody sees regions."""
    base = replace(showing(base, "face"), color=0.4)
    styled = styled_generator(base, {"tints": torch.tensor([[[0.0] * 4] * 3, [[0.5, 0.0, -0.5, 0.0]] * 3])})
    plain = draw(base, base.generator, w_plus)
    whole, half, milder, none = (
        draw(base, styled, w_plus, strength=strength, color=color)
        for strength, color in ((1.0, 0.4), (0.5, 0.4), (1.0, 0.2), (1.0, 0.0))
    )
    redder, bluer = ((whole - plain).mean(dim=(0, 2, 3))[channel] for channel in (0, 2))
    assert redder > 0.01
    assert bluer < -0.01
    assert torch.allclose(half - plain, (whole - plain) / 2, atol=1e-5)
    assert torch.allclose(milder, half, atol=1e-5)
    assert torch.equal(none, plain)
    assert torch.equal(draw(base, styled, w_plus), whole)
    assert torch.equal(draw(base, styled, w_plus, strength={4: 1.0, 32: 0.0}), plain)  # they go with the finest
    blind = replace(base, load_regions=None)
    assert torch.equal(draw(blind, styled, w_plus), plain)


def test_irises_have_the_colour_of_the_style(base: Base, w_plus: Tensor) -> None:
    """Half of the way at half strength, less with less of the style's colours, and none where nobody sees them."""
    base = replace(showing(base, "face"), color=0.4)
    styled = styled_generator(base, {"irises": torch.tensor([0.2, -0.8, 0.9])})
    plain = draw(base, base.generator, w_plus)
    whole, half, milder, none = (
        draw(base, styled, w_plus, strength=strength, color=color)
        for strength, color in ((1.0, 0.4), (0.5, 0.4), (1.0, 0.2), (1.0, 0.0))
    )
    eyes = (..., slice(54, 70), slice(32, 96))
    assert ((whole - plain)[eyes].mean(dim=(0, 2, 3)) * torch.tensor([1.0, -1.0, 1.0])).min() > 0.01
    assert (whole - plain)[..., :40, :].abs().max() == 0
    assert torch.allclose(half - plain, (whole - plain) / 2, atol=1e-5)
    assert torch.allclose(milder, half, atol=1e-5)
    assert torch.equal(none, plain)
    blind = replace(base, load_regions=None)
    assert torch.equal(draw(blind, styled, w_plus), plain)


@pytest.mark.parametrize(("part", "shape"), [("tints", (2, 3, 4)), ("irises", (3,))])
def test_colours_are_kept_between_two_styles_that_have_some(part: str, shape: tuple[int, ...], base: Base) -> None:
    first, second = (styled_generator(base, {part: torch.full(shape, value)}) for value in (0.0, 0.4))
    between = generator_between(first, second, 0.25)
    assert torch.allclose(getattr(between, part), torch.full(shape, 0.1))
    assert getattr(generator_between(first, base.generator, 0.25), part) is None


def test_what_is_drawn_is_smoothed_along_its_strokes(base: Base, w_plus: Tensor) -> None:
    """They fade with the strength, and where one of two styles has none."""
    base = showing(base, "hair")
    styled = styled_generator(base, {"strokes": strokes(1.0)})
    plain = draw(base, base.generator, w_plus)
    whole, half = (draw(base, styled, w_plus, strength=strength) for strength in (1.0, 0.5))
    assert steepness(whole).mean() < 0.9 * steepness(plain).mean()
    assert torch.allclose(half - plain, (whole - plain) / 2, atol=1e-5)
    assert torch.equal(draw(base, styled, w_plus, strength=0), plain)
    quarter = generator_between(base.generator, styled, 0.25)
    assert torch.allclose(draw(base, quarter, w_plus) - plain, (whole - plain) / 4, atol=1e-5)
    skin = draw(showing(base, "face"), styled, w_plus)
    assert not torch.allclose(skin, plain, atol=0.01)
    assert not torch.allclose(skin, whole, atol=0.01)


def test_style_that_smoothed_hair_alone_still_does(base: Base, w_plus: Tensor) -> None:
    styled = styled_generator(base, {"strands": torch.ones(1)})
    plain = draw(base, base.generator, w_plus)
    assert steepness(draw(showing(base, "hair"), styled, w_plus)).mean() < 0.9 * steepness(plain).mean()
    assert torch.equal(draw(showing(base, "face"), styled, w_plus), plain)


@pytest.mark.parametrize("wrong", [float("nan"), -1.0, 1e9])
@pytest.mark.parametrize("column", [0, 1, 2])
def test_strokes_that_make_no_sense_are_refused(base: Base, wrong: float, column: int) -> None:
    weights = {"strokes": strokes(1.0)}
    weights["strokes"][0, column] = wrong
    with pytest.raises(CheckpointError, match="strokes"):
        styled_generator(base, weights)


def test_tones_become_those_of_the_style(base: Base, w_plus: Tensor) -> None:
    """By the strength, with the finest, and where one of two styles has some; but not where nobody sees regions."""
    base = showing(base, "face")
    curve = torch.linspace(-1, 1, 17)
    styled = styled_generator(base, {"tones": (curve - 0.5).clamp(min=-1)})
    plain = draw(base, base.generator, w_plus)
    whole, half = (draw(base, styled, w_plus, strength=strength) for strength in (1.0, 0.5))
    assert whole.mean() < plain.mean() - 0.1
    assert torch.allclose(half - plain, (whole - plain) / 2, atol=1e-5)
    quarter = generator_between(base.generator, styled, 0.25)
    assert torch.allclose(draw(base, quarter, w_plus) - plain, (whole - plain) / 4, atol=1e-5)
    assert torch.equal(draw(base, styled, w_plus, strength={4: 1.0, 32: 0.0}), plain)
    blind = replace(base, load_regions=None)
    assert torch.equal(draw(blind, styled, w_plus), plain)


def test_generator_between_two_styles(base: Base, styled: Generator, w_plus: Tensor) -> None:
    """At its ends it is one of them; by resolution, it has coarse stages of the one and fine ones of the other."""
    moves = torch.full((1, 2, 64, 64), 0.1)
    palette = base.generator.w_to_w_plus(base.latents.mean_w[None]).clone()
    first = styled_generator(base, {**changed_weights(base, styled), "displacement": moves, "palette": palette})
    second = styled_generator(
        base, {"stages.0.const": base.generator.get_parameter("stages.0.const") * 2, "palette": 0 * palette}
    )
    ends = [draw(base, generator, w_plus) for generator in (first, second)]
    between = {amount: generator_between(first, second, amount) for amount in (0.0, 0.25, 1.0)}
    assert torch.allclose(draw(base, between[0.0], w_plus), ends[0], atol=1e-5)
    assert torch.allclose(draw(base, between[1.0], w_plus), ends[1], atol=1e-5)
    quarter = between[0.25]
    assert quarter.displacement is not None
    assert quarter.palette is not None
    assert torch.allclose(quarter.displacement, 0.75 * moves)
    assert torch.allclose(quarter.palette, 0.75 * palette)
    mixed, ours, theirs = (one.state_dict() for one in (generator_between(first, second, {32: 1}), first, second))
    for key in base.generator.state_dict():
        coarse = not key.startswith("stages.") or int(key.split(".")[1]) < 3  # 4, 8, 16 px
        assert torch.equal(mixed[key], (ours if coarse else theirs)[key])
    assert torch.equal(mixed["displacement"], moves)
