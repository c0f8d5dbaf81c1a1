"""Inversion on the full base: what each of its encoders looks at, and the search from there."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
import tiny_full
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from jojo_cli.bases.base import Base
from jojo_cli.bases.settings import InvertChoice, InvertSettings, Method
from jojo_cli.nets.published_encoders import Encoder4Editing
from jojo_cli.stylize.invert import Inversion, invert
from jojo_cli.stylize.mixing import sample_code

ONE_LOOK, PASSES = ("e4e", "psp"), ("restyle-e4e", "restyle-psp")


@pytest.fixture(scope="module")
def base(full_base: Base) -> Base:
    return full_base


@pytest.fixture(scope="module")
def picture(base: Base) -> Tensor:
    """Give a picture that the generator can draw."""
    return base.generator.synthesis(sample_code(base, 3, 1.0))


@contextmanager
def looks(net: nn.Module) -> Iterator[list[Tensor]]:
    """Give the list of what a network is shown until the block ends."""
    seen: list[Tensor] = []
    hook = net.register_forward_pre_hook(lambda module, inputs: seen.append(inputs[0]))
    yield seen
    hook.remove()


def way(base: Base, method: Method, steps: int = 0) -> InvertSettings:
    """Return how the base inverts by a method, in fewer steps."""
    return replace(InvertChoice(method).among(base.photo_inversions), steps=steps)


def encoded(base: Base, picture: Tensor, name: str) -> Inversion:
    return invert(base, picture, InvertSettings("encoder", encoder=name))


@pytest.mark.parametrize("name", ONE_LOOK)
def test_one_look_finds_the_offsets_from_the_mean_code(name: str, base: Base, picture: Tensor) -> None:
    net = tiny_full.make_encoder(name)
    with looks(net) as seen:
        w_plus = encoded(base, picture, name).w_plus
    assert w_plus.shape == (1, base.generator.codes, base.generator.w_dim)
    assert len(seen) == 1
    assert torch.equal(seen[0], picture)
    assert torch.allclose(w_plus, net.mean_w_plus + net(picture), atol=1e-5)


@pytest.mark.parametrize("name", PASSES)
def test_every_pass_of_restyle_looks_at_what_was_drawn_so_far(name: str, base: Base, picture: Tensor) -> None:
    net = tiny_full.make_encoder(name)
    with looks(net) as seen:
        found = encoded(base, picture, name).w_plus
    assert len(seen) == 5
    w_plus = net.mean_w_plus[None]
    for images in seen:
        assert torch.equal(images[:, :3], picture)
        assert torch.allclose(images[:, 3:], base.generator.synthesis(w_plus), atol=1e-3)
        w_plus = w_plus + net(images)
    assert found.shape == (1, base.generator.codes, base.generator.w_dim)
    assert torch.allclose(found, w_plus, atol=1e-3)


def test_e4e_is_what_reads_pictures_when_nobody_chooses(base: Base, picture: Tensor) -> None:
    (first, *_) = base.photo_inversions
    assert (first.method, first.encoder) == ("encoder", "e4e")
    assert isinstance(tiny_full.make_encoder("e4e"), Encoder4Editing)
    assert torch.equal(invert(base, picture, first).w_plus, base.load_encoder(None)(picture))


@pytest.mark.parametrize("name", [*ONE_LOOK, *PASSES])
def test_picture_is_read_the_same_alone_and_among_others_and_at_any_size(
    name: str, base: Base, picture: Tensor
) -> None:
    encoder, other = base.load_encoder(name), base.generator.synthesis(sample_code(base, 4, 1.0))
    alone = encoder(picture)
    assert torch.allclose(encoder(torch.cat([other, picture]))[1:], alone, atol=1e-3)
    larger = F.interpolate(picture, scale_factor=4.0, mode="nearest")
    assert torch.allclose(encoder(larger), alone, atol=1e-3)
    assert (encoder(other) - alone).abs().max() > 1e-3


def test_hybrid_goes_on_from_the_encoder_and_minds_who_it_is(base: Base, picture: Tensor) -> None:
    settings = way(base, "hybrid", steps=1)
    start = encoded(base, picture, "e4e")
    recogniser = base.load_recogniser()
    gap = (recogniser(start.reconstruction) - recogniser(picture)).square().sum().item()
    losses: list[float] = []
    for identity in (0.0, 100.0):
        chosen = replace(settings, rate=1e-6, identity=identity)
        near = invert(base, picture, chosen, on_step=lambda step, loss: losses.append(loss))
        assert torch.allclose(near.w_plus, start.w_plus, atol=1e-3)
    assert settings.identity > 0
    assert losses[1] - losses[0] == pytest.approx(100 * gap, rel=1e-3)


@pytest.mark.parametrize("method", ["hybrid", "optimize"])
def test_search_comes_nearer_to_the_picture(method: Method, base: Base, picture: Tensor) -> None:
    start = encoded(base, picture, "e4e") if method == "hybrid" else invert(base, picture, way(base, "mean"))
    found = invert(base, picture, way(base, method, steps=15))
    assert found.lpips < 0.8 * start.lpips
    assert found.w_plus.shape == start.w_plus.shape


def test_mean_code_is_that_of_the_generator(base: Base, picture: Tensor) -> None:
    w_plus = invert(base, picture, way(base, "mean")).w_plus
    assert torch.equal(w_plus, base.generator.w_to_w_plus(base.latents.mean_w[None]))


@pytest.mark.parametrize("first", ["encoder", "mean"])
def test_search_works_after_an_inversion_without_one(first: Method, picture: Tensor) -> None:
    base = tiny_full.load()  # that has loaded nothing yet
    invert(base, picture, way(base, first))
    invert(base, picture, way(base, "hybrid", steps=1))
