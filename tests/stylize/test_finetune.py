"""Finetuning: a copy of the generator learns to draw as its references, and nothing else changes."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import tiny
import torch
import torch.nn.functional as F
from tiny import poster, showing
from torch import Tensor

from jojo_cli.bases.base import Base
from jojo_cli.bases.settings import FinetuneSettings
from jojo_cli.bases.views import View
from jojo_cli.device import Device
from jojo_cli.errors import JojoError
from jojo_cli.faces.proportions import ORDINARY
from jojo_cli.nets.generator import Generator
from jojo_cli.nets.gradients import steepness
from jojo_cli.nets.mobilestylegan import MobileStyleGAN
from jojo_cli.stylize.draw import changed_weights, draw
from jojo_cli.stylize.finetune import Finetuned, Reference, finetune
from jojo_cli.stylize.losses import Targets
from jojo_cli.stylize.mixing import sample_code
from jojo_cli.stylize.tones import without_tones

SETTINGS = FinetuneSettings(steps=30, rate=0.02)


def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def unreadable(base: Base) -> Reference:
    """Make a reference whose every pixel is not a number."""
    size = base.generator.resolution
    return Reference(torch.full((1, 3, size, size), torch.nan), sample_code(base, 0, 0.5))


@pytest.fixture(scope="module")
def reference(base: Base) -> Reference:
    return poster(base)


@pytest.fixture(scope="module")
def learnt(base: Base, reference: Reference) -> Finetuned:
    return finetune(base, [reference], SETTINGS)


@pytest.fixture
def drawn_codes(monkeypatch: pytest.MonkeyPatch) -> list[Tensor]:
    """Give the list of the codes that are drawn from now on."""
    seen: list[Tensor] = []
    synthesis = MobileStyleGAN.synthesis

    def watch(self: MobileStyleGAN, w_plus: Tensor, **options: Any) -> Tensor:
        seen.append(w_plus.detach().clone())
        return synthesis(self, w_plus, **options)

    monkeypatch.setattr(MobileStyleGAN, "synthesis", watch)
    return seen


def state_of(net: torch.nn.Module) -> dict[str, Tensor]:
    return {key: tensor.clone() for key, tensor in net.state_dict().items()}


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


def test_loss_falls(learnt: Finetuned) -> None:
    assert len(learnt.losses) == SETTINGS.steps
    assert sum(learnt.losses[-5:]) < 0.9 * sum(learnt.losses[:5])


def test_style_draws_other_faces_more_like_the_reference(base: Base, reference: Reference, learnt: Finetuned) -> None:
    w_plus = torch.cat([sample_code(base, seed, 0.7) for seed in range(100, 104)])
    plain, styled = (
        base.load_perceptual()(generator.synthesis(w_plus), reference.image.expand(4, -1, -1, -1))
        for generator in (base.generator, learnt.generator)
    )
    assert (styled < plain).all()


def test_only_what_has_a_rate_changes(base: Base, learnt: Finetuned) -> None:
    changed = changed_weights(base, learnt.generator).keys()
    parameters = {name for name, _ in base.generator.named_parameters()}
    still = [part for part, rate in base.rates.items() if rate == 0]
    learning = {name for name in parameters if not any(part in name for part in still)}
    assert changed == {"palette", *learning}
    assert not any("mapping." in name for name in changed)
    assert any("depthwise" in name for name in changed)


def test_base_stays_as_it_is(base: Base, reference: Reference) -> None:
    nets = base.generator, base.load_perceptual()
    before = [state_of(net) for net in nets]
    finetune(base, [reference], replace(SETTINGS, steps=3))
    for net, state in zip(nets, before, strict=True):
        assert same(state_of(net), state)
        assert all(parameter.grad is None and not parameter.requires_grad for parameter in net.parameters())


def test_style_is_done_learning(learnt: Finetuned) -> None:
    assert not any(parameter.requires_grad for parameter in learnt.generator.parameters())
    assert not learnt.generator.training


def test_same_seed_learns_the_same_and_another_one_does_not(base: Base, reference: Reference) -> None:
    first, again, other = (
        finetune(base, [reference], replace(SETTINGS, steps=4, seed=seed)).generator.state_dict() for seed in (5, 5, 6)
    )
    assert same(first, again)
    assert not same(first, other)


def test_every_step_is_told(base: Base, reference: Reference) -> None:
    told: list[tuple[int, float]] = []
    done = finetune(base, [reference], replace(SETTINGS, steps=3), on_step=lambda step, loss: told.append((step, loss)))
    assert told == list(enumerate(done.losses, start=1))


@pytest.mark.parametrize("place", [0, 1, 2])
def test_every_reference_is_visited(place: int, base: Base, reference: Reference) -> None:
    references = [reference] * 3
    references[place] = unreadable(base)
    with pytest.raises(JojoError, match="no longer a number"):
        finetune(base, references, replace(SETTINGS, steps=3))


def test_style_of_two_references_is_near_both(base: Base) -> None:
    references = [poster(base, seed=seed) for seed in (1, 2)]
    done = finetune(base, references, SETTINGS)
    for reference in references:
        plain, styled = (
            base.load_perceptual()(generator.synthesis(reference.w_plus), reference.image).item()
            for generator in (base.generator, done.generator)
        )
        assert styled < 0.95 * plain


def test_loss_that_is_no_number_stops_at_its_step(base: Base, reference: Reference) -> None:
    told: list[int] = []
    with pytest.raises(JojoError, match=r"the loss is no longer a number at step 2$") as failure:
        finetune(
            base,
            [reference, unreadable(base)],
            replace(SETTINGS, steps=6),
            on_step=lambda step, loss: told.append(step),
        )
    assert told == [1]
    assert failure.value.hint
    assert "--lr" in failure.value.hint


def test_interruption_comes_through(base: Base, reference: Reference) -> None:
    before = state_of(base.generator)

    def interrupt(step: int, loss: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        finetune(base, [reference], SETTINGS, on_step=interrupt)
    assert same(state_of(base.generator), before)


def test_alpha_0_draws_the_code_of_the_reference(base: Base, reference: Reference, drawn_codes: list[Tensor]) -> None:
    finetune(base, [reference], replace(SETTINGS, steps=3, alpha=0.0))
    assert len(drawn_codes) == 3
    assert all(torch.equal(w_plus, reference.w_plus) for w_plus in drawn_codes)


@pytest.mark.parametrize("preserve_color", [False, True])
def test_chosen_codes_vary_from_step_to_step(
    preserve_color: bool, base: Base, reference: Reference, drawn_codes: list[Tensor]
) -> None:
    base = replace(base, varied_codes=(10, 11, 13), varied_codes_preserving_color=(13,))
    finetune(base, [reference], replace(SETTINGS, steps=3, preserve_color=preserve_color))
    for code in range(base.generator.codes):
        values = [w_plus[0, code].sum().item() for w_plus in drawn_codes]
        varies = code in ((13,) if preserve_color else (10, 11, 13))
        assert len(set(values)) == (3 if varies else 1)


@pytest.mark.parametrize("strangers", [0, 1])
def test_what_the_user_lets_vary_varies(
    strangers: int, base: Base, reference: Reference, drawn_codes: list[Tensor]
) -> None:
    settings = replace(SETTINGS, steps=3, strangers=strangers, places=float(strangers), vary=(8, 64))
    finetune(base, [reference], settings)
    for code, side in enumerate(base.generator.code_resolutions):
        values = {w_plus[0, code].sum().item() for w_plus in drawn_codes}
        assert (len(values) > 1) == (side in (8, 64))


def test_widening_moves_every_code_from_step_to_step(
    base: Base, reference: Reference, drawn_codes: list[Tensor]
) -> None:
    finetune(base, [reference], replace(SETTINGS, steps=3, alpha=0.0, widen=0.5))
    for code in range(base.generator.codes):
        values = {w_plus[0, code].sum().item() for w_plus in (*drawn_codes, reference.w_plus)}
        assert len(values) == 4


def test_varied_codes_are_those_of_one_face(base: Base, reference: Reference, drawn_codes: list[Tensor]) -> None:
    finetune(base, [reference], replace(SETTINGS, steps=2))
    for w_plus in drawn_codes:
        varied = w_plus[0, list(base.varied_codes)]
        assert torch.equal(varied, varied[:1].expand_as(varied))


@pytest.mark.parametrize(("closer", "pixels"), [(1.0, 0.0), (0.0, 1.0)])
def test_each_term_adds_to_the_loss(closer: float, pixels: float) -> None:
    base = tiny.make_base((8,) * 6)  # 512 px: enough for a closer view
    settings = replace(SETTINGS, steps=1, closer=0.0, pixels=0.0)
    with_term = replace(settings, closer=closer, pixels=pixels)
    (without,), (added,) = (finetune(base, [poster(base)], chosen).losses for chosen in (settings, with_term))
    assert added > without > 0


@pytest.mark.parametrize("term", ["identity", "structure"])
def test_terms_that_keep_to_the_base_have_nothing_to_say_at_first(term: str, base: Base, reference: Reference) -> None:
    """They compare with the base's own face: the first picture is that face, and later ones are not."""
    settings = replace(SETTINGS, steps=3)
    terms: list[Any] = [{term: weight} for weight in (0.0, 9.0)]
    without, added = (finetune(base, [reference], replace(settings, **chosen)).losses for chosen in terms)
    assert added[0] == pytest.approx(without[0], rel=1e-3)
    assert added[2] > 1.001 * without[2]


def test_structure_is_kept_on_a_device_that_pools_evenly_only(
    base: Base, reference: Reference, pooling_of_mps: None
) -> None:
    done = finetune(base, [reference], replace(SETTINGS, steps=1, structure=1.0))
    assert done.losses[0] > 0


def test_face_may_be_looked_at_more_than_once(base: Base, reference: Reference, drawn_codes: list[Tensor]) -> None:
    finetune(base, [reference], replace(SETTINGS, steps=5, looks=2))
    shown = [w_plus.sum().item() for w_plus in drawn_codes]
    assert shown[0] == shown[1] != shown[2] == shown[3] != shown[4]


def test_strangers_are_shown_every_few_steps(base: Base, reference: Reference, drawn_codes: list[Tensor]) -> None:
    strangers: dict[str, Any] = {"strangers": 3, "apart": 1.0, "texture": 1.0}
    finetune(base, [reference], replace(SETTINGS, steps=5, **strangers))
    own, *shown = [torch.equal(w_plus[:, 0], reference.w_plus[:, 0]) for w_plus in drawn_codes]
    assert own  # drawn once, to know what is where
    assert shown == [False, False, True, True, False, False, True]  # strangers by the base, too
    assert not torch.equal(drawn_codes[1], drawn_codes[5])


def test_only_strangers_are_held_to_the_base(base: Base, reference: Reference, drawn_codes: list[Tensor]) -> None:
    finetune(base, [reference], replace(SETTINGS, steps=5, strangers=2, texture=1.0, structure=1.0))
    faces = [w_plus.sum().item() for w_plus in drawn_codes[1:]]  # the first is the reference's own
    assert [faces.count(face) for face in dict.fromkeys(faces)] == [2, 1, 2, 1, 2]  # twice: by the base, too


def test_strangers_come_to_look_like_the_reference(base: Base, reference: Reference) -> None:
    """Though nothing says that they shall be the reference: no variant of its own code is ever shown."""
    settings = replace(SETTINGS, rate=0.005, strangers=1, apart=1.0, texture=1.0, places=1.0)
    done = finetune(base, [reference], settings)
    target = Targets(base.load_perceptual(), [reference.image], [View(128, 128)])
    w_plus = torch.cat([sample_code(base, seed, 0.7) for seed in range(100, 104)])
    plain, styled = (
        target.distance(net.synthesis(w_plus), View(128, 128)).item() for net in (base.generator, done.generator)
    )
    assert styled < 0.9 * plain


def test_detail_that_neither_face_nor_reference_has_counts(base: Base, reference: Reference) -> None:
    settings = replace(SETTINGS, steps=1, strangers=1, apart=1.0, texture=1.0)
    rough = base.generator.clone()
    for name, weights in rough.state_dict().items():
        if name.startswith("stages.") and name.endswith("weight"):
            weights.mul_(3)

    def counted(base: Base, start: Generator, reference: Reference = reference) -> float:
        heard, deaf = (
            finetune(base, [reference], replace(settings, excess=excess), start=start).losses[0]
            for excess in (10.0, 0.0)
        )
        return heard - deaf

    face, background = showing(base, "face"), showing(base, "background")
    assert counted(face, base.generator) == pytest.approx(0, abs=1e-3)
    assert counted(face, rough) > 0.01
    even = replace(reference, image=torch.zeros_like(reference.image))
    assert counted(face, base.generator, even) == pytest.approx(0, abs=1e-3)  # it is the person's own
    assert counted(background, base.generator, even) > 0.01


def test_strangers_take_the_colours_of_the_reference(base: Base, reference: Reference) -> None:
    red = replace(reference, image=torch.tensor([0.8, -0.6, -0.6])[None, :, None, None].expand(1, 3, 128, 128))
    settings = replace(SETTINGS, strangers=1, apart=1.0, texture=1.0)
    w_plus = torch.cat([sample_code(base, seed, 0.7) for seed in range(100, 104)])
    without, taken = (
        (finetune(base, [red], replace(settings, shades=shades)).generator.synthesis(w_plus) - red.image).abs().mean()
        for shades in (0.0, 10.0)
    )
    assert taken < 0.9 * without


def test_fine_codes_of_strangers_are_nearer_to_the_reference(
    base: Base, reference: Reference, drawn_codes: list[Tensor]
) -> None:
    settings = [replace(SETTINGS, steps=1, strangers=1, texture=1.0, color=color) for color in (0.0, 0.5, 1.0)]
    palettes = [finetune(base, [reference], chosen).generator.palette for chosen in settings]
    assert all(palette is not None and torch.equal(palette, reference.w_plus) for palette in palettes)
    fine = list(base.varied_codes)
    coarse = [code for code in range(base.generator.codes) if code not in fine]
    shown = [drawn_codes[i] - reference.w_plus for i in (1, 4, 7)]
    far, near, none = (code[:, fine].norm().item() for code in shown)
    assert near == pytest.approx(far / 2, rel=1e-3)
    assert none == 0
    assert all(torch.equal(code[:, coarse], shown[0][:, coarse]) for code in shown)


def test_style_that_keeps_colours_has_none_to_give(base: Base, reference: Reference, drawn_codes: list[Tensor]) -> None:
    settings = replace(SETTINGS, steps=1, strangers=1, texture=1.0, preserve_color=True)
    done = [finetune(base, [reference], replace(settings, color=color)) for color in (0.0, 1.0)]
    assert [style.generator.palette for style in done] == [None, None]
    assert torch.equal(drawn_codes[1], drawn_codes[4])


def test_alpha_says_how_strange_strangers_are(base: Base, reference: Reference, drawn_codes: list[Tensor]) -> None:
    for alpha in (0.3, 1.0):
        finetune(base, [reference], replace(SETTINGS, steps=1, strangers=1, texture=1.0, alpha=alpha))
    near, far = ((drawn_codes[i] - reference.w_plus).norm().item() for i in (1, 4))
    assert near == pytest.approx(0.3 * far, rel=1e-3)


def test_proportions_of_the_reference_become_part_of_the_style(base: Base, reference: Reference) -> None:
    face = ORDINARY.copy()
    face[36:48] += 0.5 * (face[36:48] - ORDINARY[36:48].mean(axis=0))
    known = replace(reference, landmarks=face)
    settings = replace(SETTINGS, steps=1)
    moved, slightly, still, unknown = (
        finetune(base, [shown], replace(settings, proportions=amount)).generator
        for shown, amount in ((known, 0.6), (known, 0.2), (known, 0.0), (reference, 0.6))
    )
    assert moved.displacement is not None
    assert slightly.displacement is not None
    assert slightly.displacement.abs().max() < 0.5 * moved.displacement.abs().max()
    assert still.displacement is None
    assert unknown.displacement is None
    assert "displacement" in changed_weights(base, moved)


def test_boldness_of_the_reference_becomes_part_of_the_style(base: Base, reference: Reference) -> None:
    settings = replace(SETTINGS, steps=1)
    reference = replace(reference, image=0.4 * draw(base, base.generator, reference.w_plus))
    bold, half, plain = (
        finetune(base, [reference], replace(settings, boldness=amount)).generator for amount in (1.0, 0.5, 0.0)
    )
    assert bold.gains is not None
    assert half.gains is not None
    assert plain.gains is None
    assert torch.allclose(half.gains - 1, 0.5 * (bold.gains - 1))

    def steep(generator: Generator) -> float:
        return float(np.mean([steepness(draw(base, generator, sample_code(base, i, 0.7))).mean() for i in range(6)]))

    wanted, as_learnt = steepness(reference.image).mean().item(), steep(plain)
    assert abs(steep(bold) - wanted) < 0.5 * abs(as_learnt - wanted)
    again = finetune(base, [reference], replace(settings, boldness=1.0), start=bold).generator
    assert abs(steep(again) - wanted) < 0.5 * abs(as_learnt - wanted)  # steeper once, not twice


def test_tones_of_the_reference_become_part_of_the_style(base: Base, reference: Reference) -> None:
    base, settings = showing(base, "face"), replace(SETTINGS, steps=1)
    halves = torch.where(torch.arange(reference.image.shape[-1]) < 40, -0.9, 0.9).expand_as(reference.image)
    reference = replace(reference, image=halves.clone())
    bold, half, plain = (
        finetune(base, [reference], replace(settings, boldness=amount)).generator for amount in (1.0, 0.5, 0.0)
    )
    assert bold.tones is not None
    assert half.tones is not None
    assert plain.tones is None
    assert "tones" in changed_weights(base, bold)

    same = without_tones(bold.tones)
    assert (bold.tones - same).abs().max() > 0.3
    assert (half.tones - same).abs().max() < 0.8 * (bold.tones - same).abs().max()
    again = finetune(base, [reference], replace(settings, boldness=1.0), start=bold).generator
    assert again.tones is not None
    assert (again.tones - bold.tones).abs().mean() < 0.5 * (bold.tones - same).abs().mean()  # moved once, not twice


def test_tints_of_the_reference_become_part_of_the_style(base: Base, reference: Reference) -> None:
    base, settings = showing(base, "face"), replace(SETTINGS, steps=1, tints=True, strokes=0.5)
    reference = replace(reference, image=torch.full_like(reference.image, 0.25))
    done = finetune(base, [reference], settings).generator
    assert done.tints is not None
    assert torch.allclose(done.tints[1, 0], torch.tensor([0.25, 0.25, 0.25, 0.0]))
    assert "tints" in changed_weights(base, done)
    again = finetune(base, [reference], settings, start=done).generator
    assert again.tints is not None
    assert torch.allclose(again.tints, done.tints, atol=0.05)  # moved once, not twice
    own = finetune(base, [reference], replace(settings, preserve_color=True)).generator
    assert own.tints is None
    for net in (done, own):
        assert net.strokes is not None
        assert torch.equal(net.strokes[:, 0], torch.full((2,), 0.5))


def test_the_colour_of_irises_becomes_part_of_the_style(base: Base, reference: Reference) -> None:
    """Where landmarks are known, and colours are taken."""
    base, settings = showing(base, "face"), replace(SETTINGS, steps=1, tints=True)
    colour = torch.tensor([-0.2, -0.4, 0.3])
    image = torch.full_like(reference.image, 0.8)
    side = image.shape[-1]
    for eye in (ORDINARY[36:42], ORDINARY[42:48]):
        x, y = (side * eye.mean(axis=0)).astype(int).tolist()
        image[0, :, y - 4 : y + 4, x - 4 : x + 4] = colour[:, None, None]
    unknown = replace(reference, image=image)
    known = replace(unknown, landmarks=ORDINARY)
    done = finetune(base, [known], settings).generator
    assert done.irises is not None
    assert torch.allclose(done.irises, colour, atol=0.15)
    assert "irises" in changed_weights(base, done)
    assert finetune(base, [unknown], settings).generator.irises is None
    assert finetune(base, [known], replace(settings, preserve_color=True)).generator.irises is None
    assert finetune(base, [known], replace(settings, tints=False, strokes=0.5)).generator.irises is None


def test_same_seed_shows_the_same_strangers(base: Base, reference: Reference) -> None:
    settings = replace(SETTINGS, steps=3, strangers=1, texture=1.0, places=1.0, structure=1.0)
    first, again = (finetune(base, [reference], settings).losses for _ in range(2))
    assert first == again


def test_small_picture_is_not_looked_at_closer(base: Base, reference: Reference) -> None:
    once, twice = (
        finetune(base, [reference], replace(SETTINGS, steps=1, closer=weight)).losses for weight in (0.0, 1.0)
    )
    assert once == twice


def test_half_precision_learns_nearly_the_same(base: Base, reference: Reference, learnt: Finetuned) -> None:
    half = replace(base, device=Device(torch.device("cpu"), torch.bfloat16))
    done = finetune(half, [reference], replace(SETTINGS, steps=4))
    assert done.losses != learnt.losses[:4]
    assert done.losses == pytest.approx(learnt.losses[:4], rel=0.05)
    assert all(tensor.dtype == torch.float32 for tensor in done.generator.state_dict().values())


def test_reference_stays_as_it_is(base: Base) -> None:
    reference = poster(base)
    before = reference.image.clone(), reference.w_plus.clone()
    finetune(base, [reference], replace(SETTINGS, steps=2))
    assert torch.equal(reference.image, before[0])
    assert torch.equal(reference.w_plus, before[1])


def test_colours_of_strangers_are_kept_when_asked_for(base: Base, reference: Reference) -> None:
    """They come nearer to the reference in grey, and hardly change their colours."""
    settings = replace(SETTINGS, rate=0.005, strangers=1, apart=1.0, texture=1.0, places=1.0)
    w_plus = torch.cat([sample_code(base, seed, 0.7) for seed in range(100, 104)])
    plain = base.generator.synthesis(w_plus)

    def colours(images: Tensor) -> Tensor:
        return images - images.mean(dim=1, keepdim=True)

    taken, kept = (
        (colours(done.generator.synthesis(w_plus)) - colours(plain)).abs().mean()
        for done in (finetune(base, [reference], replace(settings, preserve_color=keep)) for keep in (False, True))
    )
    assert kept < 0.6 * taken


def test_reference_is_laid_on_strangers_where_their_landmarks_are_known(base: Base, reference: Reference) -> None:
    known = replace(reference, landmarks=ORDINARY)
    all_face = showing(base, "face")
    settings = replace(SETTINGS, strangers=1, apart=1.0, overlay=4.0, overlay_pixels=4.0)
    codes = torch.cat([sample_code(base, seed, 0.7) for seed in range(100, 104)])
    wanted = reference.image[..., 70:110, 40:88]

    def away(net: Generator) -> float:
        return F.l1_loss(net.synthesis(codes)[..., 70:110, 40:88], wanted.expand(4, -1, -1, -1)).item()

    taught = finetune(all_face, [known], settings, find_landmarks=lambda crop: ORDINARY)
    assert away(taught.generator) < 0.9 * away(base.generator)
    for references, find in (([reference], lambda crop: ORDINARY), ([known], None)):
        other = finetune(all_face, references, replace(settings, steps=2), find_landmarks=find)
        assert other.losses[0] < taught.losses[0]
