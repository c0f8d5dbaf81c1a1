"""Finetuning on the full base: what its losses add up to, several references at once, and memory that runs out."""

import weakref
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
import pytorch_msssim
import torch
import torch.nn.functional as F
from tiny import poster
from tiny_full import make_comparer
from torch import Tensor

from jojo_cli.bases.base import Base
from jojo_cli.bases.lpips_vgg import LPIPS
from jojo_cli.bases.settings import FinetuneChoice, FinetuneSettings
from jojo_cli.bases.views import View
from jojo_cli.device import AT_ONCE, Device
from jojo_cli.errors import JojoError
from jojo_cli.nets.discriminator import Discriminator
from jojo_cli.nets.ops import Features
from jojo_cli.nets.stylegan2 import StyleGAN2
from jojo_cli.stylize import finetune as finetuning
from jojo_cli.stylize.draw import changed_weights
from jojo_cli.stylize.finetune import Finetuned, Reference, finetune
from jojo_cli.stylize.losses import Targets


@pytest.fixture(scope="module")
def base(full_base: Base) -> Base:
    return full_base


@pytest.fixture(scope="module")
def reference(base: Base) -> Reference:
    return poster(base)


@pytest.fixture(scope="module")
def references(base: Base) -> list[Reference]:
    return [poster(base, seed=seed) for seed in range(5)]


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Tensor]:
    """Give the list of the pictures that are drawn from now on."""
    seen: list[Tensor] = []
    synthesis = StyleGAN2.synthesis

    def watch(self: StyleGAN2, w_plus: Tensor, **options: Any) -> Tensor:
        seen.append(synthesis(self, w_plus, **options))
        return seen[-1]

    monkeypatch.setattr(StyleGAN2, "synthesis", watch)
    return seen


def way(base: Base, loss: str = "discriminator", **changes: Any) -> FinetuneSettings:
    """Return how the base is finetuned, but for one step and on the stored noise."""
    return replace(FinetuneChoice(loss=loss).among(base.finetunings), **{"steps": 1, "fresh_noise": False, **changes})


def weights(done: Finetuned) -> Tensor:
    """Return all parameters in a row."""
    return torch.cat([parameter.flatten() for parameter in done.generator.parameters()])


def apart(a: Finetuned, b: Finetuned, settings: FinetuneSettings) -> float:
    """Return how far the parameters of two generators are apart, as a share of the way that they went at most."""
    return (weights(a) - weights(b)).abs().mean().item() / (settings.rate * settings.steps)


def test_discriminator_compares_by_its_features(base: Base, reference: Reference) -> None:
    critic = make_comparer("discriminator")
    assert isinstance(critic, Discriminator)
    expected = critic(base.generator.synthesis(reference.w_plus), reference.image)
    (loss,) = finetune(base, [reference], way(base, alpha=0.0)).losses
    assert loss == pytest.approx(expected.item(), rel=1e-4)


def test_lpips_compares_as_its_authors_package_does(base: Base, reference: Reference) -> None:
    comparer = make_comparer("lpips")
    assert isinstance(comparer, LPIPS)
    with torch.no_grad():
        expected = comparer.net(base.generator.synthesis(reference.w_plus), reference.image)
    done = finetune(base, [reference], way(base, "lpips", alpha=0.0, steps=2))
    assert done.losses[0] == pytest.approx(expected.item(), rel=1e-4)
    assert done.losses[1] < done.losses[0]


def test_identity_counts_as_much_as_asked(base: Base, reference: Reference, drawn: list[Tensor]) -> None:
    settings = way(base, fresh_noise=True)  # which the base's picture lacks
    losses = [finetune(base, [reference], replace(settings, identity=weight)).losses[0] for weight in (0.0, 2.0)]
    _, styled, plain = (base.load_recogniser()(picture) for picture in drawn)
    assert losses[1] - losses[0] == pytest.approx(2 * (1 - F.cosine_similarity(styled, plain)).item(), rel=1e-3)
    assert losses[1] > losses[0]


def test_identity_keeps_people_alike(base: Base, reference: Reference) -> None:
    recogniser = base.load_recogniser()
    plain = recogniser(base.generator.synthesis(reference.w_plus))
    alike = []
    for identity in (0.0, 10.0):
        done = finetune(base, [reference], way(base, steps=8, alpha=0.0, identity=identity))
        styled = recogniser(done.generator.synthesis(reference.w_plus))
        alike.append(F.cosine_similarity(styled, plain).item())
    assert 1 - alike[1] < 0.5 * (1 - alike[0])


def test_ms_ssim_counts_as_much_as_asked(base: Base, reference: Reference, drawn: list[Tensor]) -> None:
    losses = [finetune(base, [reference], way(base, ms_ssim=weight)).losses[0] for weight in (0.0, 2.0)]
    similarity = pytorch_msssim.ms_ssim(drawn[-1], reference.image, data_range=2.0)
    assert losses[1] - losses[0] == pytest.approx(2 * (1 - similarity.item()), rel=1e-3)


def test_loss_of_several_references_is_the_mean(base: Base, references: Sequence[Reference]) -> None:
    settings = way(base, alpha=0.0, identity=1.0, ms_ssim=1.0, pixels=1.0)
    alone = [finetune(base, [reference], settings).losses[0] for reference in references[:3]]
    (together,) = finetune(base, references[:3], settings).losses
    assert together == pytest.approx(sum(alone) / 3, rel=1e-4)


@pytest.mark.parametrize(
    ("batch", "looks"),
    [(None, [0, 1, 2, 0, 1, 2]), (1, [0, 1]), (2, [0, 1, 2, 0]), (7, [0, 1, 2, 0, 1, 2])],
)
def test_references_looked_at_in_two_steps(
    batch: int | None, looks: list[int], base: Base, references: Sequence[Reference], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[int] = []

    class Watched(Targets):
        def wanted(self, view: View, which: Sequence[int] = (0,)) -> Features:
            seen.extend(which)
            return super().wanted(view, which)

    monkeypatch.setattr(finetuning, "Targets", Watched)
    finetune(base, references[:3], way(base, batch=batch, steps=2))
    assert seen == looks


def test_lpips_is_not_rounded_where_the_rest_is() -> None:
    critic = make_comparer("lpips")
    assert isinstance(critic, LPIPS)
    a, b = (critic.features(x) for x in torch.rand(2, 1, 3, 64, 64, generator=torch.Generator().manual_seed(0)))
    with torch.autocast("cpu", torch.bfloat16):
        rounded = critic.distance(a, b)
    assert rounded.dtype == torch.float32
    assert torch.allclose(rounded, critic.distance(a, b), rtol=1e-5)


@pytest.mark.parametrize("fresh_noise", [False, True])
def test_style_is_the_same_however_many_are_drawn_at_once(
    fresh_noise: bool, base: Base, references: Sequence[Reference], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = way(base, steps=3, fresh_noise=fresh_noise, identity=0.5, ms_ssim=0.5, pixels=0.5)
    one_by_one = finetune(base, references, settings)
    monkeypatch.setitem(AT_ONCE, "cpu", 4)
    by_four = finetune(base, references, settings)
    assert by_four.losses == pytest.approx(one_by_one.losses, rel=1e-3)
    assert apart(one_by_one, by_four, settings) < 0.01


@pytest.mark.parametrize(
    "fails",
    [
        pytest.param(lambda count, call: count > 2, id="more than two"),
        pytest.param(lambda count, call: count > 1, id="more than one"),
        pytest.param(lambda count, call: call == 2, id="once, amid a step"),
    ],
)
def test_fewer_are_drawn_at_once_where_memory_runs_out(
    fails: Callable[[int, int], bool],
    base: Base,
    references: Sequence[Reference],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings = way(base, steps=3, fresh_noise=True)
    enough = finetune(base, references, settings)
    counts: list[int] = []
    synthesis = StyleGAN2.synthesis

    def draw(self: StyleGAN2, w_plus: Tensor, **options: Any) -> Tensor:
        counts.append(len(w_plus))
        if fails(len(w_plus), len(counts)):
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 128.00 MiB.")
        return synthesis(self, w_plus, **options)

    monkeypatch.setattr(StyleGAN2, "synthesis", draw)
    monkeypatch.setitem(AT_ONCE, "cpu", 4)
    tight = finetune(base, references, settings)
    assert counts.count(4) == 1  # it is not tried again at each step
    assert tight.losses == pytest.approx(enough.losses, rel=1e-3)
    assert apart(enough, tight, settings) < 0.01


def test_memory_is_given_back_when_what_filled_it_is_gone(
    base: Base, references: Sequence[Reference], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn: list[weakref.ref[Tensor]] = []
    left: list[bool] = []
    synthesis = StyleGAN2.synthesis

    def draw(self: StyleGAN2, w_plus: Tensor, **options: Any) -> Tensor:
        images = synthesis(self, w_plus, **options)
        drawn.append(weakref.ref(images))
        if len(w_plus) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 128.00 MiB.")
        return images

    monkeypatch.setattr(StyleGAN2, "synthesis", draw)
    monkeypatch.setattr(Device, "give_back_memory", lambda self: left.append(drawn[-1]() is not None))
    monkeypatch.setitem(AT_ONCE, "cpu", 4)
    finetune(base, references, way(base, steps=1))
    assert left == [False]


def test_no_memory_for_a_single_picture_is_an_error(
    base: Base, references: Sequence[Reference], monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: list[int] = []

    def draw(self: StyleGAN2, w_plus: Tensor, **options: Any) -> Tensor:
        counts.append(len(w_plus))
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 128.00 MiB.")

    monkeypatch.setattr(StyleGAN2, "synthesis", draw)
    monkeypatch.setitem(AT_ONCE, "cpu", 4)
    with pytest.raises(JojoError, match="has too little free memory") as failure:
        finetune(base, references, way(base))
    assert failure.value.hint
    assert counts == [4, 2, 1]


def test_fresh_noise_is_new_at_each_step_and_follows_the_seed(base: Base, reference: Reference) -> None:
    still = way(base, steps=3, alpha=0.0, rate=1e-9)  # so that nothing but the noise changes
    stored, first, again, other = (
        finetune(base, [reference], replace(still, fresh_noise=fresh, seed=seed)).losses
        for fresh, seed in ((False, 1), (True, 1), (True, 1), (True, 2))
    )
    assert stored == pytest.approx([stored[0]] * 3, rel=1e-4)
    assert first == again
    assert max(first) - min(first) > 1e-4
    assert all(abs(a - b) > 1e-6 for a, b in zip(first, other, strict=True))


@pytest.mark.parametrize("rate_by_size", [False, True])
def test_rate_is_that_of_all_tensors_or_in_units_of_their_size(
    rate_by_size: bool, base: Base, reference: Reference
) -> None:
    done = finetune(base, [reference], way(base, rate=0.01, rate_by_size=rate_by_size))
    for name in ("stages.3.conv1.weight", "stages.6.to_rgb.weight"):
        before, after = base.generator.get_parameter(name), done.generator.get_parameter(name)
        rate = 0.01 * (before.square().mean().sqrt().item() if rate_by_size else 1)
        assert (after - before).abs().max().item() == pytest.approx(rate, rel=1e-2)


def test_rate_is_that_of_each_weight_or_of_each_channel(base: Base, reference: Reference) -> None:
    def away(name: str, *, rate_by_row: bool) -> Tensor:
        done = finetune(base, [reference], way(base, rate=0.01, rate_by_size=False, rate_by_row=rate_by_row))
        return (done.generator.get_parameter(name) - base.generator.get_parameter(name)).flatten(1).abs()

    for name in ("stages.3.conv1.weight", "stages.6.to_rgb.weight"):
        each, rows = (away(name, rate_by_row=together) for together in (False, True))
        assert each.median().item() == pytest.approx(0.01, rel=1e-2)
        assert rows.square().mean(dim=1).sqrt().median().item() == pytest.approx(0.01, rel=1e-2)
        assert rows.max() > 1.5 * rows.median()


def test_rate_falls_in_the_last_steps(base: Base, reference: Reference, monkeypatch: pytest.MonkeyPatch) -> None:
    rates: list[float] = []
    step = torch.optim.Adam.step

    def watch(self: torch.optim.Adam, *args: Any) -> Any:
        rates.append(self.param_groups[0]["lr"])
        return step(self, *args)

    monkeypatch.setattr(torch.optim.Adam, "step", watch)
    for decay, shares in ((0.0, [1, 1, 1, 1]), (0.5, [1, 1, 1, 0.5]), (1.0, [1, 0.75, 0.5, 0.25])):
        rates.clear()
        finetune(base, [reference], way(base, steps=4, rate=0.01, decay=decay))
        assert rates == pytest.approx([0.01 * share for share in shares])


def test_everything_but_the_mapping_and_the_stored_noise_learns(base: Base, reference: Reference) -> None:
    changed = changed_weights(base, finetune(base, [reference], way(base, fresh_noise=True)).generator).keys()
    learning = {name for name, _ in base.generator.named_parameters() if not name.startswith("mapping.")}
    assert changed == {"palette", *learning}


def test_half_precision_learns_nearly_the_same(base: Base, references: Sequence[Reference]) -> None:
    settings = way(base, steps=2, identity=0.5, ms_ssim=0.5)
    full, half = (
        finetune(replace(base, device=Device(torch.device("cpu"), dtype)), references[:2], settings)
        for dtype in (torch.float32, torch.bfloat16)
    )
    assert half.losses != full.losses
    assert half.losses == pytest.approx(full.losses, rel=0.05)
    assert all(tensor.dtype == torch.float32 for tensor in half.generator.state_dict().values())
