"""Teach a generator to draw a family of faces as one picture: step 3 of JoJoGAN (arXiv 2112.11641)."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import isfinite

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from jojo_cli.bases.base import Base
from jojo_cli.bases.settings import FinetuneSettings
from jojo_cli.bases.views import closer_views, shrink, whole_view
from jojo_cli.errors import JojoError
from jojo_cli.nets.generator import Generator
from jojo_cli.stylize.losses import Target
from jojo_cli.stylize.mixing import mix_codes, random_w

OnStep = Callable[[int, float], None]
"""Told how many steps are done, and the loss of the last one."""


@dataclass(frozen=True)
class Reference:
    """A picture to learn from, and its code."""

    image: Tensor  # [1,3,R,R], RGB in [-1,1]
    w_plus: Tensor  # [1,L,D]


@dataclass(frozen=True)
class Finetuned:
    """A generator that draws in the style of its references."""

    generator: Generator
    losses: tuple[float, ...]  # one a step


def finetune(
    base: Base,
    references: Sequence[Reference],
    settings: FinetuneSettings,
    *,
    on_step: OnStep = lambda step, loss: None,
) -> Finetuned:
    """Return a copy of the base's generator that draws codes around each reference's as that reference.

    Each step takes the next reference, mixes its code with a random one (eq. 2), and brings what the generator draws
    from it nearer to the picture in the eyes of the critic: as a whole, and in one closer view drawn at random.

    Args:
        base: not changed.
        references: at least one.
        settings: how.
        on_step: told after every step.

    Raises:
        JojoError: the loss is no longer a number.
    """
    rng = torch.Generator().manual_seed(settings.seed)
    generator = base.generator.clone()
    optimizer = torch.optim.Adam(_groups(generator, base, settings.rate), betas=(0.0, 0.99))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(1.0, (1 - step / settings.steps) / 0.3))
    whole = whole_view(generator.resolution)
    closer = closer_views(generator.resolution, settings.closer_scale, per_side=3)
    targets = [Target(base.critic, reference.image, [whole, *closer]) for reference in references]
    codes = base.varied_codes_preserving_color if settings.preserve_color else base.varied_codes
    losses = []
    for step in range(settings.steps):
        which = step % len(references)
        target, w_plus = targets[which], references[which].w_plus
        w_plus = mix_codes(w_plus, random_w(base, rng), range(generator.codes), settings.widen)
        w_plus = mix_codes(w_plus, random_w(base, rng), codes, settings.alpha)
        with base.device.autocast():
            drawn = generator.synthesis(w_plus, at_least=settings.closer_scale)
            loss = target.lpips(drawn, whole)
            if closer:
                view = closer[int(torch.randint(len(closer), (), generator=rng))]
                loss = loss + settings.closer * target.lpips(drawn, view)
        loss = loss + settings.pixels * F.l1_loss(drawn, shrink(target.image, drawn.shape[-1]))
        losses.append(loss.item())
        if not isfinite(losses[-1]):
            raise JojoError(f"the loss is no longer a number at step {step + 1}", hint="try a lower --lr")
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        schedule.step()
        on_step(step + 1, losses[-1])
    return Finetuned(generator.requires_grad_(False), tuple(losses))


def _groups(generator: nn.Module, base: Base, rate: float) -> Iterator[dict[str, object]]:
    """Yield what Adam may change, each tensor at a rate that follows its own size: they differ by orders here."""
    for name, parameter in generator.named_parameters():
        if not any(part in name for part in base.frozen):
            parameter.requires_grad_(True)
            rms = parameter.detach().square().mean().sqrt().item()
            yield {"params": [parameter], "lr": rate * max(rms, 1e-3)}
