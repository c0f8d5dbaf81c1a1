"""What a code can't say of a picture, put into the generator's noise (Image2StyleGAN++, arXiv 1911.11544)."""

import torch
import torch.nn.functional as F
from torch import Tensor

from jojo_cli.bases.base import Base
from jojo_cli.bases.views import face_view, whole_view
from jojo_cli.nets.generator import NoiseMaps
from jojo_cli.stylize.losses import Targets
from jojo_cli.stylize.steps import OnStep, Visible, report

RATE = 0.1
"""Of Adam, in standard deviations of each map."""

PIXELS = 5.0
"""Weight of the mean squared error beside LPIPS."""


def find_noise(
    base: Base, image: Tensor, w_plus: Tensor, steps: int, *, seen: Visible | None = None, on_step: OnStep
) -> NoiseMaps:
    """Return the noise maps with which a code draws an image more exactly, as they are best found: after the code.

    Args:
        base: whose generator draws.
        image: [1,3,R,R] in [-1,1], on the base's device.
        w_plus: the code [1,L,D] of the image; it stays as it is.
        steps: of optimisation.
        seen: what of a picture is compared; None is all of it.
        on_step: told after every step.

    Raises:
        JojoError: the loss is no longer a number.
    """
    seen = seen or (lambda images: images)
    generator = base.generator
    resolution = generator.resolution
    image = seen(image)
    views = (whole_view(resolution), face_view(resolution))
    target = Targets(base.load_perceptual(), [image], views)
    stored = generator.noise_maps
    changes = {name: torch.zeros_like(noise, requires_grad=True) for name, noise in stored.items()}
    optimizer = torch.optim.Adam(changes.values(), lr=RATE, betas=(0.9, 0.99))

    def changed() -> NoiseMaps:
        return {name: noise + noise.std(correction=0) * changes[name] for name, noise in stored.items()}

    with torch.enable_grad():
        for step in range(steps):
            with generator.with_noise(changed()), base.device.autocast():
                drawn = seen(generator.synthesis(w_plus))
                loss = target.distance(drawn, views[step % 2])
            loss = loss + PIXELS * F.mse_loss(drawn, image)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            report(loss, step, on_step)
    return {name: noise.detach() for name, noise in changed().items()}
