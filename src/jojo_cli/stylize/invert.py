"""A photo's code: the w+ from which the generator draws it."""

from collections.abc import Callable
from dataclasses import dataclass
from math import cos, isfinite, pi

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from jojo_cli.bases.base import Base
from jojo_cli.bases.latents import Latents
from jojo_cli.bases.settings import InvertSettings
from jojo_cli.bases.views import face_view, whole_view
from jojo_cli.errors import JojoError
from jojo_cli.stylize.losses import Targets

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
    on_step: OnStep = lambda step, loss: None,
) -> Inversion:
    """Return the code of an aligned image [1,3,R,R] in [-1,1].

    It starts from the encoder's code or from the mean. Then come steps of optimisation (Image2StyleGAN, arXiv
    1904.03189) of whitened codes (see `Latents`), where a pull back to the encoder's code, or to the mean, keeps them
    plausible. The loss is LPIPS, of the whole and of the face in turn, + pixels * MSE + identity * |f|^2 +
    pull * |p|^2 + spread * |d|^2: f is the difference of the face descriptors, p how far all codes have moved
    together, d how far each has moved on its own.

    Args:
        base: whose generator shall draw the image.
        image: on the base's device.
        settings: how.
        on_step: told after every step.

    Raises:
        JojoError: the loss is no longer a number, or the device has too little memory.
    """
    with base.device.enough_memory():
        w_plus = _start(base, image, settings)
        if settings.steps:
            w_plus = _optimize(base, image, w_plus, settings, on_step)
        return _inversion(base, image, w_plus)


def _start(base: Base, image: Tensor, settings: InvertSettings) -> Tensor:
    if settings.method not in ("encoder", "hybrid"):
        return base.generator.w_to_w_plus(base.latents.mean_w[None])
    w_plus = base.load_encoder(settings.encoder)(image)
    if settings.space == "w":
        return base.generator.w_to_w_plus(base.latents.unwhiten(base.latents.whiten(w_plus).mean(dim=1)))
    return w_plus


def _optimize(base: Base, image: Tensor, start: Tensor, settings: InvertSettings, on_step: OnStep) -> Tensor:
    code = _code(base, settings, start)
    optimizer = torch.optim.Adam(code.parameters(), lr=settings.rate, betas=(0.9, 0.99))
    # In turn, at no cost a step: what makes the person is small in the whole picture.
    views = (whole_view(base.generator.resolution), face_view(base.generator.resolution))
    target = Targets(base.load_perceptual(), [image], views)
    strangeness = _strangeness(base, image) if settings.identity else None
    with torch.enable_grad():
        for step in range(settings.steps):
            optimizer.param_groups[0]["lr"] = settings.rate * _ramps(step, settings.steps)
            view = views[step % 2]
            with base.device.autocast():
                drawn = base.generator.synthesis(code(), at_least=views[1].scale)
                loss = target.distance(drawn, view)
            if strangeness:
                loss = loss + settings.identity * strangeness(drawn)
            loss = loss + settings.pixels * F.mse_loss(views[0](drawn), views[0](image))
            loss = loss + settings.pull * code.distance() + settings.spread * code.spread()
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            if not isfinite(loss.item()):
                raise JojoError(
                    f"the inversion diverged at step {step + 1}", hint="try another picture or --method encoder"
                )
            on_step(step + 1, loss.item())
    w_plus: Tensor = code()
    return w_plus.detach()


def _strangeness(base: Base, image: Tensor) -> Callable[[Tensor], Tensor]:
    """Return the squared distance of a picture's face descriptor to that of `image`, as a function."""
    recogniser = base.load_recogniser()
    with torch.no_grad():
        person = recogniser(image)
    return lambda drawn: (recogniser(drawn) - person).square().sum()


class _MovedCode(nn.Module):
    """w+ as whitened codes that move away from an origin: all together, and in the space w+ each on its own."""

    def __init__(self, latents: Latents, origin: Tensor, moved: Tensor, *, differ: bool) -> None:
        super().__init__()
        self.latents = latents
        self.origin = origin  # [1,L,D]
        self.together = nn.Parameter(moved)  # [1,1,D]
        self.apart = nn.Parameter(torch.zeros_like(origin), requires_grad=differ)  # [1,L,D]

    def forward(self) -> Tensor:
        return self.latents.unwhiten(self.origin + self.together + self.apart)  # [1,L,D]

    def distance(self) -> Tensor:
        return (self.together + self.apart.mean(dim=1, keepdim=True)).square().mean()

    def spread(self) -> Tensor:
        return self.apart.square().mean()


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


def _code(base: Base, settings: InvertSettings, start: Tensor) -> _MovedCode | _LatentZ:
    if settings.space == "z":
        return _LatentZ(base)
    start = base.latents.whiten(start)  # [1,L,D]
    if settings.method == "hybrid":
        return _MovedCode(base.latents, start, torch.zeros_like(start[:, :1]), differ=settings.space == "w+")
    # What optimisation starts from is not where it is pulled to: the mean w is no likely code, the centre is.
    return _MovedCode(base.latents, torch.zeros_like(start), start[:, :1].clone(), differ=settings.space == "w+")


def _inversion(base: Base, image: Tensor, w_plus: Tensor) -> Inversion:
    view = whole_view(base.generator.resolution)
    perceptual = base.load_perceptual()  # here: what is loaded in inference mode can't be differentiated later
    with torch.inference_mode():
        drawn = base.generator.synthesis(w_plus)
        lpips = Targets(perceptual, [image], [view]).distance(drawn, view)
        mse = F.mse_loss(view(drawn), view(image))
    return Inversion(w_plus.clone(), drawn, lpips.item(), mse.item())


def _ramps(step: int, steps: int) -> float:
    """Return the share of the rate: up over the first 5 %, down as a cosine over the last 25 % (StyleGAN2's)."""
    up = (step + 1) / (0.05 * steps)
    down = 0.5 - 0.5 * cos(pi * min(1.0, (steps - step) / (0.25 * steps)))
    return min(1.0, up, down)
