"""A photo's code: the w+ from which the generator draws it."""

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, isfinite, pi

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from jojo_cli.bases.base import Base, Latents
from jojo_cli.bases.settings import InvertSettings, Space
from jojo_cli.errors import JojoError
from jojo_cli.stylize.losses import Target, face_view, whole_view

OnStep = Callable[[int, float], None]
"""Told how many steps are done, and the loss of the last one."""


@dataclass(frozen=True)
class Inversion:
    """A code, and how well the generator draws the photo from it."""

    w_plus: Tensor  # [1,L,D]
    reconstruction: Tensor  # [1,3,R,R], RGB in about [-1,1]
    lpips: float  # shift-tolerant, at 256 px
    mse: float  # of values in [-1,1], at 256 px


def invert(
    base: Base,
    image: Tensor,
    settings: InvertSettings,
    *,
    start: Tensor | None = None,
    on_step: OnStep = lambda step, loss: None,
) -> Inversion:
    """Return the code of an aligned image [1,3,R,R] in [-1,1].

    Optimisation (Image2StyleGAN, arXiv 1904.03189) of whitened codes (see `Latents`), where a pull to the mean keeps
    them plausible. The loss is LPIPS, of the whole and of the face in turn, + pixels * MSE + pull * |p|^2 +
    spread * |d|^2, for one p that all codes share and a d for each.

    Args:
        base: whose generator shall draw the image.
        image: on the base's device.
        settings: how.
        start: w_plus [1,L,D] to start from, an encoder's say; else the mean code. The space z has no use for it.
        on_step: told after every step.

    Raises:
        JojoError: the loss is no longer a number.
    """
    if settings.method == "mean":
        return _inversion(base, image, base.generator.w_to_w_plus(base.latents.mean_w[None]))
    code = _code(base, settings.space, start)
    optimizer = torch.optim.Adam(code.parameters(), lr=settings.rate, betas=(0.9, 0.99))
    # In turn, at no cost a step: what makes the person is small in the whole picture.
    views = (whole_view(base.generator.resolution), face_view(base.generator.resolution))
    target = Target(base.critic, image, views)
    with torch.enable_grad():
        for step in range(settings.steps):
            optimizer.param_groups[0]["lr"] = settings.rate * _ramps(step, settings.steps)
            view = views[step % 2]
            with base.device.autocast():
                drawn = base.generator.synthesis(code(), at_least=views[1].scale)
                loss = target.lpips(drawn, view)
            loss = loss + settings.pixels * F.mse_loss(views[0](drawn), views[0](image))
            loss = loss + settings.pull * code.distance() + settings.spread * code.spread()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            if not isfinite(loss.item()):
                raise JojoError(
                    f"the inversion diverged at step {step + 1}", hint="try another picture or --method mean"
                )
            on_step(step + 1, loss.item())
    return _inversion(base, image, code().detach())


class _SharedCode(nn.Module):
    """w+ as one whitened code, and in the space w+ a difference from it for each place."""

    def __init__(self, latents: Latents, start: Tensor, *, differ: bool) -> None:
        super().__init__()
        self.latents = latents
        whitened = latents.whiten(start)  # [1,L,D]
        self.shared = nn.Parameter(whitened.mean(dim=1, keepdim=True))  # [1,1,D]
        self.differences = nn.Parameter(
            whitened - self.shared.detach() if differ else torch.zeros_like(whitened), requires_grad=differ
        )  # [1,L,D]

    def forward(self) -> Tensor:
        return self.latents.unwhiten(self.shared + self.differences)  # [1,L,D]

    def distance(self) -> Tensor:
        return (self.shared + self.differences.mean(dim=1, keepdim=True)).square().mean()

    def spread(self) -> Tensor:
        return self.differences.square().mean()


class _LatentZ(nn.Module):
    """w+ as the image of a z."""

    def __init__(self, base: Base) -> None:
        super().__init__()
        self.base = base
        # Not zero, which has no direction to normalise: the mapping sees only where z points to.
        z = torch.randn(1, base.generator.w_dim, generator=torch.Generator().manual_seed(0))
        self.z = nn.Parameter(z.to(base.device.torch_device))

    def forward(self) -> Tensor:
        return self.base.generator.w_to_w_plus(self.base.generator.mapping(self.z))

    def distance(self) -> Tensor:
        return self.z.square().mean()

    def spread(self) -> Tensor:
        return self.z.new_zeros(())


def _code(base: Base, space: Space, start: Tensor | None) -> _SharedCode | _LatentZ:
    if space == "z":
        return _LatentZ(base)
    if start is None:
        start = base.generator.w_to_w_plus(base.latents.mean_w[None])
    return _SharedCode(base.latents, start, differ=space == "w+")


def _inversion(base: Base, image: Tensor, w_plus: Tensor) -> Inversion:
    view = whole_view(base.generator.resolution)
    with torch.inference_mode():
        drawn = base.generator.synthesis(w_plus)
        lpips = Target(base.critic, image, [view]).lpips(drawn, view)
        mse = F.mse_loss(view(drawn), view(image))
    return Inversion(w_plus.clone(), drawn, lpips.item(), mse.item())


def _ramps(step: int, steps: int) -> float:
    """Return the share of the rate: up over the first 5 %, down as a cosine over the last 25 % (StyleGAN2's)."""
    up = (step + 1) / (0.05 * steps)
    down = 0.5 - 0.5 * cos(pi * min(1.0, (steps - step) / (0.25 * steps)))
    return min(1.0, up, down)
