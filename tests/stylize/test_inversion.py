"""Inversion: the code of a picture, found by optimisation from pictures whose code is known."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from jojo_cli.bases.base import Base
from jojo_cli.bases.settings import InvertSettings, Space
from jojo_cli.device import Device
from jojo_cli.errors import UsageError
from jojo_cli.nets.mobilestylegan import MobileStyleGAN
from jojo_cli.stylize.invert import Inversion, invert
from jojo_cli.stylize.mixing import sample_code

SETTINGS = InvertSettings("optimize", steps=30, pull=0.001, spread=0.001)
HYBRID = replace(SETTINGS, method="hybrid")


@pytest.fixture(scope="module")
def code(base: Base) -> Tensor:
    return sample_code(base, 3, 1.0)


@pytest.fixture(scope="module")
def picture(base: Base, code: Tensor) -> Tensor:
    """Give a picture that the generator can draw."""
    return base.generator.synthesis(code)


@pytest.fixture(scope="module")
def told() -> list[tuple[int, float]]:
    """Give the list of what the search for `found` told, step by step."""
    return []


@pytest.fixture(scope="module")
def found(base: Base, picture: Tensor, told: list[tuple[int, float]]) -> Inversion:
    return invert(base, picture, SETTINGS, on_step=lambda step, loss: told.append((step, loss)))


@pytest.fixture(scope="module")
def mean(base: Base, picture: Tensor) -> Inversion:
    return invert(base, picture, InvertSettings("mean"))


def knowing(base: Base, w_plus: Tensor) -> Base:
    """Return the base with an encoder that answers with `w_plus`."""
    return replace(base, load_encoder=lambda name: lambda images: w_plus)


def differences(base: Base, inversion: Inversion) -> Tensor:
    """Return how far each code [L,D] is from the mean of all, in standard deviations."""
    whitened = base.latents.whiten(inversion.w_plus)[0]
    return whitened - whitened.mean(dim=0)


@pytest.mark.parametrize("space", ["z", "w", "w+"])
def test_a_drawn_picture_is_found_again(space: Space, base: Base, picture: Tensor, mean: Inversion) -> None:
    inversion = invert(base, picture, replace(SETTINGS, space=space))
    assert inversion.lpips < 0.5 * mean.lpips
    assert inversion.mse < 0.5 * mean.mse
    assert inversion.w_plus.shape == (1, base.generator.codes, base.generator.w_dim)
    one_code = torch.equal(inversion.w_plus, inversion.w_plus[:, :1].expand_as(inversion.w_plus))
    assert one_code == (space != "w+")


def test_figures_are_those_of_the_reconstruction(base: Base, picture: Tensor, found: Inversion) -> None:
    assert torch.equal(found.reconstruction, base.generator.synthesis(found.w_plus))
    assert found.lpips == pytest.approx(base.load_perceptual()(found.reconstruction, picture).item(), rel=1e-4)
    assert found.mse == pytest.approx((found.reconstruction - picture).square().mean().item(), rel=1e-4)


def test_reconstruction_is_drawn_as_exactly_as_a_style_is(
    base: Base, picture: Tensor, code: Tensor, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounded: list[bool] = []
    synthesis = MobileStyleGAN.synthesis

    def watch(self: MobileStyleGAN, w_plus: Tensor, **options: Any) -> Tensor:
        rounded.append(torch.backends.cudnn.allow_tf32)
        return synthesis(self, w_plus, **options)

    monkeypatch.setattr(MobileStyleGAN, "synthesis", watch)
    on_gpu = replace(base, device=Device(torch.device("cuda"), torch.float32))  # the networks stay where they are
    assert Inversion(on_gpu, picture, code).reconstruction.shape == picture.shape
    assert rounded == [False]
    assert torch.backends.cudnn.allow_tf32


def test_code_is_free_of_the_search(found: Inversion) -> None:
    assert found.w_plus.dtype == found.reconstruction.dtype == torch.float32
    assert not found.w_plus.requires_grad
    assert not found.w_plus.is_inference()  # finetuning has to differentiate what it draws from it


def test_z_starts_from_no_code(base: Base, picture: Tensor, code: Tensor) -> None:
    with pytest.raises(UsageError, match="the search for a z starts from no code") as failure:
        invert(base, picture, replace(SETTINGS, space="z"), start=code)
    assert failure.value.hint


def test_mean_code_whatever_the_picture(base: Base, mean: Inversion) -> None:
    assert torch.equal(mean.w_plus, base.generator.w_to_w_plus(base.latents.mean_w[None]))
    other = invert(base, torch.zeros(1, 3, 128, 128), InvertSettings("mean"))
    assert torch.equal(other.w_plus, mean.w_plus)
    assert other.mse != mean.mse


def test_encoders_code_is_taken_as_it_is(base: Base, code: Tensor, picture: Tensor) -> None:
    uneven = torch.cat([sample_code(base, seed, 1.0)[:, :7] for seed in (1, 2)], dim=1)
    for w_plus in (code, uneven):
        inversion = invert(knowing(base, w_plus), picture, InvertSettings("encoder"))
        assert torch.equal(inversion.w_plus, w_plus)
    one_w = invert(knowing(base, uneven), picture, InvertSettings("encoder", space="w")).w_plus
    assert torch.equal(one_w, one_w[:, :1].expand_as(one_w))


def test_encoders_code_is_truncated_where_plausible_faces_are_wanted(base: Base, code: Tensor, picture: Tensor) -> None:
    inversion = invert(knowing(base, code), picture, InvertSettings("encoder", psi=0.25))
    assert torch.allclose(inversion.w_plus - base.latents.mean_w, 0.25 * (code - base.latents.mean_w), atol=1e-5)


@pytest.mark.parametrize("space", ["w", "w+"])
def test_hybrid_begins_at_the_encoders_code(space: Space, base: Base, code: Tensor, picture: Tensor) -> None:
    settings = replace(HYBRID, space=space, steps=1, rate=1e-6)
    inversion = invert(knowing(base, code), picture, settings)
    assert torch.allclose(inversion.w_plus, code, atol=1e-3)
    assert inversion.mse < 1e-4


def test_hybrid_comes_nearer_than_the_encoder(base: Base, picture: Tensor) -> None:
    near = knowing(base, torch.lerp(sample_code(base, 3, 1.0), sample_code(base, 4, 1.0), 0.3))
    encoded, refined = invert(near, picture, InvertSettings("encoder")), invert(near, picture, HYBRID)
    assert refined.lpips < 0.7 * encoded.lpips


def test_natural_steps_come_nearer_than_as_many_of_adam(base: Base, picture: Tensor) -> None:
    near = knowing(base, torch.lerp(sample_code(base, 3, 1.0), sample_code(base, 4, 1.0), 0.3))
    adam = replace(HYBRID, steps=12)
    natural = replace(adam, natural=True, rate=0.5)
    encoded, slow, fast = (invert(near, picture, way) for way in (InvertSettings("encoder"), adam, natural))
    assert fast.lpips < 0.8 * slow.lpips < 0.8 * encoded.lpips


def test_natural_steps_begin_at_the_encoders_code(base: Base, code: Tensor, picture: Tensor) -> None:
    settings = replace(HYBRID, natural=True, steps=1, rate=1e-6)
    inversion = invert(knowing(base, code), picture, settings)
    assert torch.allclose(inversion.w_plus, code, atol=1e-3)


@pytest.mark.parametrize("natural", [False, True])
def test_pull_keeps_a_hybrid_near_the_encoders_code(natural: bool, base: Base, picture: Tensor) -> None:
    start = sample_code(base, 4, 1.0)
    settings = replace(HYBRID, natural=natural)
    free, pulled = (
        invert(knowing(base, start), picture, replace(settings, pull=pull, spread=pull)) for pull in (0.0, 10.0)
    )
    moved = [
        (base.latents.whiten(inversion.w_plus) - base.latents.whiten(start)).norm() for inversion in (free, pulled)
    ]
    assert moved[1] < 0.3 * moved[0]


def test_identity_counts_as_much_as_asked(base: Base, picture: Tensor) -> None:
    other = sample_code(base, 4, 1.0)
    recogniser = base.load_recogniser()
    gap = (recogniser(base.generator.synthesis(other)) - recogniser(picture)).square().sum().item()
    losses: list[float] = []
    for identity in (0.0, 1e4):
        settings = replace(HYBRID, steps=1, identity=identity)
        invert(knowing(base, other), picture, settings, on_step=lambda step, loss: losses.append(loss))
    assert losses[1] - losses[0] == pytest.approx(1e4 * gap, rel=0.05)  # it looks at the picture at half its size


def test_same_picture_gives_the_same_code(base: Base, picture: Tensor) -> None:
    codes = [invert(base, picture, replace(SETTINGS, steps=5)).w_plus for _ in range(2)]
    assert torch.equal(*codes)


def test_search_works_where_the_caller_wants_no_gradients(base: Base, picture: Tensor) -> None:
    settings = replace(SETTINGS, steps=3)
    with torch.no_grad():
        without = invert(base, picture, settings)
    assert torch.equal(without.w_plus, invert(base, picture, settings).w_plus)


def test_every_step_is_told(found: Inversion, told: list[tuple[int, float]]) -> None:
    assert [step for step, _ in told] == list(range(1, SETTINGS.steps + 1))
    losses = [loss for _, loss in told]
    assert sum(losses[-6:]) < 0.5 * sum(losses[:6])


def test_pixels_count_as_much_as_asked(base: Base, picture: Tensor, mean: Inversion) -> None:
    losses: list[float] = []
    for pixels in (0.0, 2.0):
        settings = replace(SETTINGS, steps=1, pixels=pixels)
        invert(base, picture, settings, on_step=lambda step, loss: losses.append(loss))
    assert losses[1] - losses[0] == pytest.approx(2 * mean.mse, rel=1e-3)


@pytest.mark.parametrize("identity", [0.0, 0.3])
def test_steps_that_draw_the_face_alone_see_all_that_is_compared(base: Base, picture: Tensor, identity: float) -> None:
    """Say that all is seen: then the face is not drawn alone."""
    settings = replace(HYBRID, natural=True, rate=0.5, steps=6, identity=identity)
    alone = invert(base, picture, settings)
    among_all = invert(base, picture, settings, seen=lambda images: images)
    start = invert(base, picture, InvertSettings("encoder"))
    moved = (alone.w_plus - start.w_plus).norm()
    assert (alone.w_plus - among_all.w_plus).norm() < 0.02 * moved


def test_base_stays_as_it_is(base: Base, picture: Tensor) -> None:
    nets = base.generator, base.load_perceptual(), base.load_recogniser().net
    before = [{key: tensor.clone() for key, tensor in net.state_dict().items()} for net in nets]
    invert(base, picture, replace(SETTINGS, steps=3))
    for net, state in zip(nets, before, strict=True):
        assert all(torch.equal(tensor, state[key]) for key, tensor in net.state_dict().items())
        assert all(parameter.grad is None and not parameter.requires_grad for parameter in net.parameters())


def test_picture_stays_as_it_is(base: Base, picture: Tensor) -> None:
    before = picture.clone()
    invert(base, picture, replace(SETTINGS, steps=3))
    assert torch.equal(picture, before)


def test_pull_keeps_a_code_near_the_mean(base: Base, picture: Tensor) -> None:
    free, pulled = (invert(base, picture, replace(SETTINGS, space="w", steps=20, pull=pull)) for pull in (0.0, 10.0))
    from_mean = [base.latents.whiten(inversion.w_plus[0, 0]).norm() for inversion in (free, pulled)]
    assert from_mean[1] < 0.5 * from_mean[0]
    assert pulled.mse > free.mse


def test_spread_keeps_the_codes_of_one_picture_together(base: Base, picture: Tensor, found: Inversion) -> None:
    together = invert(base, picture, replace(SETTINGS, spread=10.0))
    assert differences(base, together).norm() < 0.5 * differences(base, found).norm()
