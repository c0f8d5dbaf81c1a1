"""The encoders from a photo to w+: what must hold for any weights."""

import pytest
import torch
from torch import Tensor

from jojo_cli.nets.published_encoders import (
    BackboneEncoder,
    Encoder4Editing,
    GradualStyleEncoder,
    InversionEncoder,
    ProgressiveBackboneEncoder,
)

PYRAMIDS = (GradualStyleEncoder, Encoder4Editing)
BACKBONES = (BackboneEncoder, ProgressiveBackboneEncoder)
PROGRESSIVE = (Encoder4Editing, ProgressiveBackboneEncoder)

Kind = type[GradualStyleEncoder] | type[BackboneEncoder]


def make(kind: Kind, codes: int = 9) -> InversionEncoder:
    """Make an encoder as small as it gets; those with equal parts get equal weights."""
    torch.manual_seed(0)
    encoder = kind(codes, units=(1, 1, 1, 1), widths=(16, 16, 16, 24), w_dim=8)
    return encoder.eval().requires_grad_(False)


def pictures(kind: Kind, count: int = 1) -> Tensor:
    channels = 6 if kind in BACKBONES else 3
    return torch.rand(count, channels, 256, 256, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.mark.parametrize("codes", [1, 5, 14, 18])
@pytest.mark.parametrize("kind", [*PYRAMIDS, *BACKBONES])
def test_every_code_gets_an_offset(kind: Kind, codes: int) -> None:
    encoder = make(kind, codes)
    assert encoder.codes == codes
    assert encoder(pictures(kind)).shape == encoder.mean_w_plus[None].shape == (1, codes, 8)


@pytest.mark.parametrize("kind", [*PYRAMIDS, *BACKBONES])
def test_photo_gets_the_offsets_that_it_gets_alone(kind: Kind) -> None:
    encoder, images = make(kind), pictures(kind, 2)
    together = encoder(images)
    assert torch.allclose(together[1:], encoder(images[1:]), atol=1e-6)
    assert (together[0] - together[1]).abs().max() > 1e-5


@pytest.mark.parametrize("kind", [*PYRAMIDS, *BACKBONES])
def test_mean_code_is_held_and_not_added(kind: Kind) -> None:
    encoder, images = make(kind), pictures(kind)
    before = encoder(images)
    encoder.mean_w_plus += 1
    assert "mean_w_plus" in encoder.state_dict()
    assert torch.equal(encoder(images), before)


@pytest.mark.parametrize("kind", [*PYRAMIDS, *BACKBONES])
def test_half_precision_gives_nearly_the_same_in_float32(kind: Kind) -> None:
    encoder, images = make(kind), pictures(kind)
    offsets = encoder(images)
    with torch.autocast("cpu", torch.bfloat16):
        rough = encoder(images)
    assert rough.dtype == torch.float32
    assert 0 < (rough - offsets).abs().max() < 0.02 * offsets.abs().max()


@pytest.mark.parametrize("kind", [*PYRAMIDS, *BACKBONES])
def test_weights_can_be_given_to_a_network_without_memory(kind: Kind) -> None:
    encoder, images = make(kind), pictures(kind)
    with torch.device("meta"):
        empty = kind(9, units=(1, 1, 1, 1), widths=(16, 16, 16, 24), w_dim=8)
    empty.load_state_dict(encoder.state_dict(), assign=True)
    assert torch.equal(empty(images), encoder(images))


@pytest.mark.parametrize(("plain", "progressive"), [PYRAMIDS, BACKBONES])
def test_e4e_adds_steps_to_one_code_where_psp_finds_each_by_itself(plain: Kind, progressive: Kind) -> None:
    images = pictures(plain)
    each, steps = make(plain)(images), make(progressive)(images)
    assert torch.equal(steps[:, 0], each[:, 0])
    assert torch.allclose(steps[:, 1:], each[:, :1] + each[:, 1:], atol=1e-6)


@pytest.mark.parametrize("stage", [0, 1, 5, 8, 18])
@pytest.mark.parametrize("kind", PROGRESSIVE)
def test_codes_after_the_stage_take_no_step(kind: Kind, stage: int) -> None:
    encoder, images = make(kind), pictures(kind)
    full, staged = encoder(images), encoder(images, stage=stage)
    assert torch.equal(staged[:, : stage + 1], full[:, : stage + 1])
    first = full[:, :1].expand_as(full)
    assert torch.equal(staged[:, stage + 1 :], first[:, stage + 1 :])


def test_codes_are_read_from_coarse_to_fine() -> None:
    encoder = make(GradualStyleEncoder, 18)
    assert isinstance(encoder, GradualStyleEncoder)
    images = pictures(GradualStyleEncoder)
    assert [x.shape[-1] for x in encoder.features(images)] == [16, 32, 64]
    before = encoder(images)
    encoder.get_parameter("laterals.0.bias").add_(1)  # of 32 px, which 64 px contain
    middle = encoder(images) != before
    before = encoder(images)
    encoder.get_parameter("laterals.1.bias").add_(1)
    fine = encoder(images) != before
    assert middle.any(dim=2)[0].tolist() == [False] * 3 + [True] * 15
    assert fine.any(dim=2)[0].tolist() == [False] * 7 + [True] * 11


def test_restyle_looks_at_the_photo_and_at_the_picture_so_far() -> None:
    encoder = make(BackboneEncoder)
    images = pictures(BackboneEncoder)
    assert not torch.equal(encoder(images), encoder(images.roll(3, dims=1)))


def test_gradients_reach_the_photo() -> None:
    encoder = make(Encoder4Editing)
    images = pictures(Encoder4Editing).requires_grad_()
    (gradient,) = torch.autograd.grad(encoder(images).square().sum(), images)
    assert gradient.abs().amax(dim=1).count_nonzero() > 60_000
