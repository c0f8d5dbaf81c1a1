"""A photo's code: the w+ from which the generator draws it."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from math import cos, pi
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from jojo_cli.bases.base import Base
from jojo_cli.bases.encoder import first_of_octave, octave_of_code
from jojo_cli.bases.latents import Latents
from jojo_cli.bases.settings import InvertSettings
from jojo_cli.bases.shortcuts import Shortcuts
from jojo_cli.bases.views import View, both, face_view, whole_view
from jojo_cli.errors import UsageError
from jojo_cli.nets.generator import NoiseMaps
from jojo_cli.stylize.losses import Targets
from jojo_cli.stylize.noise import find_noise
from jojo_cli.stylize.steps import OnStep, Visible, report

MOMENTUM = 0.8
"""Of the natural steps, Nesterov's: gradients are taken where it leads."""
SLOWING = 0.7
"""Share of the natural steps, at the end, in which their rate falls to 0."""
LONGEST = 0.12
"""Of a natural gradient, the root mean square at an octave, in standard deviations of the codes."""


@dataclass(frozen=True)
class Inversion:
    """A photo's code. How well the generator draws the photo from it is found out when somebody first asks."""

    base: Base
    image: Tensor  # [1,3,R,R] in [-1,1], the photo
    w_plus: Tensor  # [1,L,D]
    noise: NoiseMaps = field(default_factory=dict)  # in place of the generator's own, if it was asked for

    @cached_property
    def reconstruction(self) -> Tensor:
        """What the generator draws from the code: [1,3,R,R], RGB in about [-1,1]."""
        generator, device = self.base.generator, self.base.device
        with torch.inference_mode(), device.exactly(), device.enough_memory(), generator.with_noise(self.noise):
            return generator.synthesis(self.w_plus)

    @cached_property
    def lpips(self) -> float:
        """Shift-tolerant LPIPS of photo and reconstruction, at 256 px."""
        perceptual = self.base.load_perceptual()  # here: what is loaded in inference mode can't be differentiated later
        with torch.inference_mode(), self.base.device.enough_memory():
            return Targets(perceptual, [self.image], [self._view]).distance(self.reconstruction, self._view).item()

    @cached_property
    def mse(self) -> float:
        """Mean squared difference of their values in [-1,1], at 256 px."""
        with torch.inference_mode():
            return F.mse_loss(self._view(self.reconstruction), self._view(self.image)).item()

    @property
    def _view(self) -> View:
        return whole_view(self.base.generator.resolution)


def invert(
    base: Base,
    image: Tensor,
    settings: InvertSettings,
    *,
    start: Tensor | None = None,
    seen: Visible | None = None,
    on_step: OnStep = lambda step, loss: None,
) -> Inversion:
    """Return the code of an aligned image [1,3,R,R] in [-1,1].

    It starts from `start`, or else from the encoder's code, truncated to `psi`, or from the mean. Then come steps of
    optimisation (Image2StyleGAN, arXiv 1904.03189) of whitened codes (see `Latents`), by Adam or by natural gradients
    (see `Curvature`) and what else is quick (see `Shortcuts`), where a pull back to the start, or to the mean, keeps
    them plausible. The loss is LPIPS, of the whole and of the face in turn, + pixels * MSE + identity * |f|^2 +
    pull * |p|^2 + spread * |d|^2: f is the difference of the face descriptors, p how far all codes have moved together,
    d how far each has moved on its own. Noise comes last, if at all, see `find_noise`.

    Args:
        base: whose generator shall draw the image.
        image: on the base's device.
        settings: how.
        start: a code w_plus [1,L,D] to start from, of a similar picture; not for a z.
        seen: what of a picture is compared; None is all of it.
        on_step: told after every step.

    Raises:
        UsageError: noise is asked for, and the base has none; or a z, and a code to start from.
        JojoError: the loss is no longer a number, or the device has too little memory.
    """
    (inversion,) = invert_together(base, image, settings, start=start, seen=seen, on_step=on_step)
    return inversion


def invert_together(
    base: Base,
    images: Tensor,
    settings: InvertSettings,
    *,
    start: Tensor | None = None,
    seen: Visible | None = None,
    on_step: OnStep = lambda step, loss: None,
) -> list[Inversion]:
    """Return the codes of several images [N,3,R,R], as `invert` finds that of each, up to rounding.

    A GPU needs little longer for some than for one. `start` is [N,L,D]; `on_step` is told the mean loss.
    """
    if settings.noise and not base.generator.noise_maps:
        raise UsageError(f"base {base.name!r} draws without noise", hint="leave out --noise")
    if start is not None and settings.space == "z":
        raise UsageError("the search for a z starts from no code", hint="leave it out, or choose the space w or w+")
    with base.device.enough_memory():
        w_plus = _start(base, images, settings) if start is None else start
        if settings.steps:
            descend = _descend_naturally if settings.natural else _descend
            distance = _Distance(base, images, settings, seen)
            w_plus = descend(base, w_plus, settings, distance, on_step)
        w_plus = w_plus.clone()  # what inference mode made can't be differentiated
        found = [Inversion(base, image, code) for image, code in zip(_singly(images), _singly(w_plus), strict=True)]
        return [_with_noise(one, settings, seen, on_step) for one in found] if settings.noise else found


def _with_noise(inversion: Inversion, settings: InvertSettings, seen: Visible | None, on_step: OnStep) -> Inversion:
    noise = find_noise(
        inversion.base,
        inversion.image,
        inversion.w_plus,
        settings.noise,
        seen=seen,
        on_step=lambda step, loss: on_step(settings.steps + step, loss),
    )
    return replace(inversion, noise=noise)


def _singly(batch: Tensor) -> list[Tensor]:
    """Return each of a batch [N,...] as a batch of its own."""
    return [one[None] for one in batch]


def _start(base: Base, images: Tensor, settings: InvertSettings) -> Tensor:
    if settings.method not in ("encoder", "hybrid"):
        return base.generator.w_to_w_plus(base.latents.mean_w.expand(len(images), -1))
    w_plus = base.latents.truncate(base.load_encoder(settings.encoder)(images), settings.psi)
    if settings.space == "w":
        return base.generator.w_to_w_plus(base.latents.unwhiten(base.latents.whiten(w_plus).mean(dim=1)))
    return w_plus


class _Turn(NamedTuple):
    """What a step looks at."""

    draw: Callable[[Tensor], Tensor]  # w_plus [N,L,D] -> images
    view: View  # for the critic
    pixels: View


class _Distance:
    """How far what is drawn is from pictures, step by step."""

    def __init__(self, base: Base, images: Tensor, settings: InvertSettings, seen: Visible | None) -> None:
        self.base, self.settings, self.seen = base, settings, seen or (lambda images: images)
        self.images = self.seen(images)
        whole, face = whole_view(base.generator.resolution), face_view(base.generator.resolution)
        draw = partial(base.generator.synthesis, at_least=face.scale)
        # In turn, at no cost a step: what makes the person is small in the whole picture.
        if settings.natural:
            shortcuts = _shortcuts(base)
            critic = shortcuts.critic
            if not seen:  # where only a blur of a picture is seen, what is around an area leaks into it
                area = both(face.area, base.load_recogniser().area) if settings.identity else face.area
                draw = partial(base.generator.part, area=area, at_least=face.scale)
            self.turns = _Turn(shortcuts.draw_small, whole, whole), _Turn(draw, face, face)
        else:
            critic = base.load_perceptual()
            self.turns = _Turn(draw, whole, whole), _Turn(draw, face, whole)
        self.target = Targets(critic, _singly(self.images), (whole, face))
        self.strangeness = _strangeness(base, self.images) if settings.identity else None

    def __call__(self, w_plus: Tensor, step: int) -> Tensor:
        """Return the loss of w_plus [N,L,D] at a step, added up."""
        count, turn = len(w_plus), self.turns[step % 2]
        with self.base.device.autocast():
            drawn = self.seen(turn.draw(w_plus))
            loss = count * self.target.distance(drawn, turn.view, range(count))
        loss = loss + self.settings.pixels * count * F.mse_loss(turn.pixels(drawn), turn.pixels(self.images))
        if self.strangeness:
            loss = loss + self.settings.identity * self.strangeness(drawn)
        return loss


def _shortcuts(base: Base) -> Shortcuts:
    assert base.load_shortcuts
    return base.load_shortcuts()


def _descend(base: Base, start: Tensor, settings: InvertSettings, distance: _Distance, on_step: OnStep) -> Tensor:
    """Return w_plus [N,L,D] after steps of Adam."""
    code = _code(base, settings, start)
    optimizer = torch.optim.Adam(code.parameters(), lr=settings.rate, betas=(0.9, 0.99))
    with torch.enable_grad():
        for step in range(settings.steps):
            optimizer.param_groups[0]["lr"] = settings.rate * _ramps(step, settings.steps)
            loss = distance(code(), step)
            loss = loss + len(start) * (settings.pull * code.distance() + settings.spread * code.spread())
            optimizer.zero_grad(set_to_none=True)
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            report(loss / len(start), step, on_step)
    w_plus: Tensor = code()
    return w_plus.detach()


def _descend_naturally(
    base: Base, start: Tensor, settings: InvertSettings, distance: _Distance, on_step: OnStep
) -> Tensor:
    """Return w_plus [N,L,D] after natural gradient steps of its octaves' codes."""
    curvature = _shortcuts(base).curvature
    octave = octave_of_code(base.generator)
    origin = base.latents.whiten(start[:, first_of_octave(base.generator)])  # [N,O,D]
    code, velocity = origin, torch.zeros_like(origin)
    for step in range(settings.steps):
        ahead = (code + MOMENTUM * velocity).detach().requires_grad_()
        with torch.enable_grad():
            moved = ahead - origin
            together = moved.mean(dim=1, keepdim=True)
            loss = distance(base.latents.unwhiten(ahead)[:, octave], step)
            apart = moved - together
            loss = loss + len(start) * (
                settings.pull * together.square().mean() + settings.spread * apart.square().mean()
            )
            (gradient,) = torch.autograd.grad(loss, ahead)
        change = curvature.natural(gradient)
        # This face may bend more than faces do on average.
        change *= (LONGEST / change.square().mean(dim=2, keepdim=True).sqrt()).clamp(max=1)
        share = min(1.0, (settings.steps - step) / (SLOWING * settings.steps))
        velocity = MOMENTUM * velocity - share * settings.rate * change
        code = code + velocity
        report(loss / len(start), step, on_step)
    return base.latents.unwhiten(code)[:, octave]


def _strangeness(base: Base, images: Tensor) -> Callable[[Tensor], Tensor]:
    """Return the squared distances of pictures' face descriptors to those of `images`, added up, as a function."""
    recogniser = base.load_recogniser()
    with torch.no_grad():
        people = recogniser(images)
    return lambda drawn: (recogniser(drawn) - people).square().sum()


class _MovedCode(nn.Module):
    """w+ as whitened codes that move away from an origin: all together, and in the space w+ each on its own."""

    def __init__(self, latents: Latents, origin: Tensor, moved: Tensor, *, differ: bool) -> None:
        super().__init__()
        self.latents = latents
        self.origin = origin  # [N,L,D]
        self.together = nn.Parameter(moved)  # [N,1,D]
        self.apart = nn.Parameter(torch.zeros_like(origin), requires_grad=differ)  # [N,L,D]

    def forward(self) -> Tensor:
        return self.latents.unwhiten(self.origin + self.together + self.apart)  # [N,L,D]

    def distance(self) -> Tensor:
        return (self.together + self.apart.mean(dim=1, keepdim=True)).square().mean()

    def spread(self) -> Tensor:
        return self.apart.square().mean()


class _LatentZ(nn.Module):
    """w+ as the images of N z."""

    def __init__(self, base: Base, count: int) -> None:
        super().__init__()
        self.base = base
        # Not zero, which has no direction to normalise: the mapping sees only where z points to.
        z = torch.randn(1, base.generator.w_dim, generator=torch.Generator().manual_seed(0))
        self.z = nn.Parameter(z.to(base.device.torch_device).repeat(count, 1))

    def forward(self) -> Tensor:
        return self.base.generator.w_to_w_plus(self.base.generator.mapping(self.z))

    def distance(self) -> Tensor:
        return self.z.square().mean()

    def spread(self) -> Tensor:
        return self.z.new_zeros(())


def _code(base: Base, settings: InvertSettings, start: Tensor) -> _MovedCode | _LatentZ:
    if settings.space == "z":
        return _LatentZ(base, len(start))
    start = base.latents.whiten(start)  # [N,L,D]
    if settings.method == "hybrid":
        return _MovedCode(base.latents, start, torch.zeros_like(start[:, :1]), differ=settings.space == "w+")
    # What optimisation starts from is not where it is pulled to: the mean w is no likely code, the centre is.
    return _MovedCode(base.latents, torch.zeros_like(start), start[:, :1].clone(), differ=settings.space == "w+")


def _ramps(step: int, steps: int) -> float:
    """Return the share of the rate: up over the first 5 %, down as a cosine over the last 25 % (StyleGAN2's)."""
    up = (step + 1) / (0.05 * steps)
    down = 0.5 - 0.5 * cos(pi * min(1.0, (steps - step) / (0.25 * steps)))
    return min(1.0, up, down)
