"""The training of a generator's sketch, see `jojo_cli.nets.sketch.Sketch`."""

from collections.abc import Callable

import torch
from torch import Tensor

from jojo_cli.bases.encoder import FeedbackLoop
from jojo_cli.bases.views import shrink
from jojo_cli.nets.mobilestylegan import MobileStyleGAN
from jojo_cli.nets.sketch import Sketch
from jojo_cli.training.faces import random_codes
from jojo_cli.training.rates import warmed_cosine

RATE = 0.004
"""Adam's, in units of each tensor's root mean square."""


def train_sketch(
    loop: FeedbackLoop,
    *,
    steps: int,
    seed: int = 0,
    on_step: Callable[[int, Tensor], None] = lambda step, loss: None,
) -> Sketch:
    """Return a sketch that learnt, from what follows from the kernels, to draw random faces as its generator does.

    The loss is the mean squared difference of pictures, and of their slopes, which a critic sees more of.
    """
    generator = loop.generator
    assert isinstance(generator, MobileStyleGAN)
    sketch = Sketch.of(generator)
    sizes = [tensor.detach().square().mean().sqrt().item() + 1e-3 for tensor in sketch.parameters()]
    groups = [{"params": [tensor]} for tensor in sketch.parameters()]
    optimizer = torch.optim.Adam(groups, betas=(0.9, 0.98))
    rng = torch.Generator(loop.device.torch_device).manual_seed(seed)
    for step in range(steps):
        share = warmed_cosine(step, steps, warm=50)
        for group, size in zip(optimizer.param_groups, sizes, strict=True):
            group["lr"] = RATE * size * share
        with torch.no_grad(), loop.device.autocast():
            w_plus = loop.w_plus(random_codes(loop, 1, rng))
            side = generator.resolution // 4
            wanted = shrink(generator.synthesis(w_plus, at_least=side), side)
        with torch.enable_grad(), loop.device.autocast():
            wrong = sketch(generator, w_plus) - wanted
        loss = wrong.square().mean() + (wrong.diff(dim=2).square().mean() + wrong.diff(dim=3).square().mean()) / 2
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        on_step(step + 1, loss.detach())
    return sketch.requires_grad_(False)
