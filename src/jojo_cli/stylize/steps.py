"""What searches for codes and noise share."""

from collections.abc import Callable
from math import isfinite

from torch import Tensor

from jojo_cli.errors import JojoError

OnStep = Callable[[int, float], None]
"""Told how many steps are done, and the loss of the last one."""

Visible = Callable[[Tensor], Tensor]
"""Returns what is looked at of images [N,3,S,S] of any size: all that a hole, or a small size, leaves."""


def report(loss: Tensor, step: int, on_step: OnStep) -> None:
    """Tell the loss of a step, which is counted from 0.

    Raises:
        JojoError: it is no number any more.
    """
    if not isfinite(loss.item()):
        raise JojoError(f"the inversion diverged at step {step + 1}", hint="try another picture or --method encoder")
    on_step(step + 1, loss.item())
