"""The encoder of a base: from pictures to w+."""

from dataclasses import replace

import pytest
import tiny
import torch
from torch import Tensor

from jojo_cli.bases.base import Base
from jojo_cli.bases.encoder import FeedbackLoop
from jojo_cli.stylize.mixing import sample_code


@pytest.fixture(scope="module")
def loop(base: Base) -> FeedbackLoop:
    encoder = base.load_encoder(None)
    assert isinstance(encoder, FeedbackLoop)
    return encoder


@pytest.fixture(scope="module")
def pictures(base: Base) -> Tensor:
    with torch.no_grad():
        return torch.cat([base.generator.synthesis(sample_code(base, seed, 1.0)) for seed in (1, 2)])


def test_pictures_become_codes_of_the_base(base: Base, loop: FeedbackLoop, pictures: Tensor) -> None:
    w_plus = loop(pictures)
    assert w_plus.shape == (2, base.generator.codes, base.generator.w_dim)
    assert not w_plus.requires_grad
    assert torch.allclose(w_plus[1:], loop(pictures[1:]), atol=1e-4)
    assert (w_plus[0] - w_plus[1]).abs().max() > 1e-4


def test_codes_of_one_octave_are_the_same(base: Base, loop: FeedbackLoop, pictures: Tensor) -> None:
    w_plus = loop(pictures)[0]
    by_octave = {max(r, 8): w_plus[i] for i, r in enumerate(base.generator.code_resolutions)}
    assert len(by_octave) == loop.net.octaves == 4
    for w, resolution in zip(w_plus, base.generator.code_resolutions, strict=True):
        assert torch.equal(w, by_octave[max(resolution, 8)])


def test_every_pass_corrects_the_last(loop: FeedbackLoop, pictures: Tensor) -> None:
    codes = [replace(loop, passes=passes)(pictures) for passes in (0, 1, 2)]
    centre = loop.w_plus(loop.centre(2))
    assert torch.equal(codes[0], centre)
    assert not torch.equal(codes[1], codes[0])
    assert not torch.equal(codes[2], codes[1])


def test_larger_pictures_are_looked_at_just_the_same() -> None:
    base = tiny.make_base((8,) * 7)  # draws 1024 px
    encoder = base.load_encoder(None)
    assert isinstance(encoder, FeedbackLoop)
    with torch.no_grad():
        picture = base.generator.synthesis(sample_code(base, 0, 1.0))
        assert encoder.look(picture).shape == (1, 2, 3, 128, 128)
        assert encoder(picture).shape == (1, 23, base.generator.w_dim)
