"""What is found to make inversion quick: nearly right, for pictures that it was not found on."""

import pytest
import tiny
import torch
import torch.nn.functional as F
from torch import Tensor

from jojo_cli.bases.encoder import FeedbackLoop
from jojo_cli.nets.mobilestylegan import MobileStyleGAN
from jojo_cli.nets.sketch import Sketch
from jojo_cli.training.faces import random_codes
from jojo_cli.training.sketch import train_sketch
from jojo_cli.training.subspaces import find_subspaces


@pytest.fixture
def loop() -> FeedbackLoop:
    loop = tiny.make_base().load_encoder(None)
    assert isinstance(loop, FeedbackLoop)
    return loop


def faces(loop: FeedbackLoop, count: int = 4, *, seed: int = 9) -> Tensor:
    return loop.generator.synthesis(loop.w_plus(random_codes(loop, count, torch.Generator().manual_seed(seed))))


def test_subspaces_hold_what_is_seen_of_other_faces(loop: FeedbackLoop) -> None:
    critic = tiny.make_critic().requires_grad_(False)
    a, b = faces(loop), faces(loop, seed=10)
    wrong, ranks = [], []
    for share in (0.5, 0.99):
        subspaces = find_subspaces(loop, critic, faces=6, share=share, multiple=1)
        wrong.append((critic.low_rank(subspaces)(a, b) / critic(a, b) - 1).abs().max())
        ranks.append(sum(len(subspace.directions) for subspace in subspaces.values()))
    assert wrong[1] < 0.05
    assert wrong[1] < 0.5 * wrong[0]
    assert ranks[0] < ranks[1]


def test_subspaces_are_the_same_again(loop: FeedbackLoop) -> None:
    critic = tiny.make_critic().requires_grad_(False)
    first, again = (find_subspaces(loop, critic, faces=2, share=0.9, seed=3) for _ in range(2))
    assert first.keys() == again.keys()
    assert all(torch.equal(first[number].directions, again[number].directions) for number in first)
    assert not critic.convolutions()[0]._forward_hooks


def test_sketch_learns_to_draw_other_faces(loop: FeedbackLoop) -> None:
    generator = loop.generator
    assert isinstance(generator, MobileStyleGAN)
    w_plus = loop.w_plus(random_codes(loop, 4, torch.Generator().manual_seed(9)))
    wanted = F.avg_pool2d(generator.synthesis(w_plus), 4)
    losses: list[float] = []
    trained = train_sketch(loop, steps=60, on_step=lambda step, loss: losses.append(loss.item()))
    before, after = (F.mse_loss(own(generator, w_plus), wanted) for own in (Sketch.of(generator), trained))
    assert after < 0.95 * before
    assert len(losses) == 60
    assert not any(parameter.requires_grad for parameter in trained.parameters())
