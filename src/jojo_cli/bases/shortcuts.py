"""What makes natural gradient steps few and quick."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from jojo_cli.bases.curvature import Curvature
from jojo_cli.nets.lpips import ShiftTolerantLPIPS


@dataclass(frozen=True)
class Shortcuts:
    """What a base's codes of photos are found by in a few seconds: not quite right, and near enough."""

    curvature: Curvature
    critic: ShiftTolerantLPIPS  # of natural faces, nearly the base's
    draw_small: Callable[[Tensor], Tensor]  # nearly the images [N,3,S,S] of w_plus [N,L,D] at the `whole_view`'s size
