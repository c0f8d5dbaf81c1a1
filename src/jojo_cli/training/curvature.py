"""The measurement of a generator's curvature, see `jojo_cli.bases.curvature`."""

from collections.abc import Callable

import torch
from torch import Tensor

from jojo_cli.bases.curvature import Curvature
from jojo_cli.bases.encoder import FeedbackLoop, first_of_octave, octave_of_code
from jojo_cli.bases.views import face_view, whole_view
from jojo_cli.nets.lpips import ShiftTolerantLPIPS
from jojo_cli.training.faces import random_codes

PER_FACE = 5
"""Gradients that are taken of each face: the way back costs no more than the way there."""


def measure_curvature(
    loop: FeedbackLoop,
    critic: ShiftTolerantLPIPS,
    *,
    faces: int,
    directions: int,
    seed: int = 0,
    on_face: Callable[[int], None] = lambda number: None,
) -> Curvature:
    """Return the curvature over random faces, looked at as inversion does: the whole and the face in turn."""
    generator, latents = loop.generator, loop.latents
    octave, first = octave_of_code(generator), first_of_octave(generator)
    views = (whole_view(generator.resolution), face_view(generator.resolution))
    rng = torch.Generator(loop.device.torch_device).manual_seed(seed)
    gradients: list[Tensor] = []
    for number in range(faces):
        with torch.no_grad():
            code = latents.whiten(loop.w_plus(random_codes(loop, 1, rng))[:, first])
        code.requires_grad_()
        with torch.enable_grad(), loop.device.autocast():
            drawn = generator.synthesis(latents.unwhiten(code)[:, octave], at_least=views[1].scale)
            residuals = critic.residuals(critic.features(views[number % 2](drawn)))
        for again in reversed(range(PER_FACE)):
            seen = torch.stack([(x * _random_like(x, rng)).sum() for x in residuals]).sum()
            gradients += torch.autograd.grad(seen, code, retain_graph=bool(again))
        on_face(number + 1)
    return Curvature.of(torch.cat(gradients), directions)


def _random_like(x: Tensor, rng: torch.Generator) -> Tensor:
    return torch.randn(x.shape, generator=rng, device=rng.device)
