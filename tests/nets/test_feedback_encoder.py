"""The feedback encoder: what must hold for any weights."""

import pytest
import tiny
import torch
from torch import Tensor

from jojo_cli.nets.feedback_encoder import FeedbackEncoder

OCTAVES, W_DIM = 3, 16


@pytest.fixture(scope="module")
def encoder() -> FeedbackEncoder:
    torch.manual_seed(0)
    return FeedbackEncoder(octaves=OCTAVES, w_dim=W_DIM, levels=tiny.LEVELS).requires_grad_(False)


def views(count: int, *, seed: int) -> Tensor:
    shape = (count, FeedbackEncoder.VIEWS, 3, 64, 64)
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def test_every_octave_has_a_correction_of_its_own(encoder: FeedbackEncoder) -> None:
    change = encoder(views(2, seed=0), views(2, seed=1), torch.zeros(2, OCTAVES, W_DIM))
    assert change.shape == (2, OCTAVES, W_DIM)
    assert (change[:, 0] - change[:, 1]).abs().max() > 1e-4


def test_pictures_of_a_batch_do_not_mix(encoder: FeedbackEncoder) -> None:
    inputs = views(3, seed=0), views(3, seed=1), torch.randn(3, OCTAVES, W_DIM)
    one_by_one = [encoder(*(part[i : i + 1] for part in inputs)) for i in range(3)]
    assert torch.allclose(encoder(*inputs), torch.cat(one_by_one), atol=1e-5)


@pytest.mark.parametrize("which", [0, 1, 2])
def test_picture_drawing_and_code_all_count(which: int, encoder: FeedbackEncoder) -> None:
    inputs = [views(1, seed=0), views(1, seed=1), torch.zeros(1, OCTAVES, W_DIM)]
    others = list(inputs)
    others[which] = others[which] + 0.5
    assert (encoder(*inputs) - encoder(*others)).abs().max() > 1e-4


def test_starts_from_what_a_recogniser_sees() -> None:
    recogniser = tiny.make_recogniser(seed=1).requires_grad_(False)
    encoder = FeedbackEncoder(octaves=OCTAVES, w_dim=W_DIM, levels=tiny.LEVELS).requires_grad_(False)
    encoder.start_from(recogniser)
    pictures = views(1, seed=0)[:, 0]
    for drawn in (torch.zeros_like(pictures), pictures):  # what was drawn is not looked at yet
        seen = encoder.trunk.features(torch.cat((pictures, drawn), dim=1))
        for ours, theirs in zip(seen, recogniser.features(pictures), strict=True):
            assert torch.allclose(ours, theirs, atol=1e-5)
