"""Codes between codes."""

import math
from collections.abc import Callable, Iterator, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

Mix = Callable[[Tensor, Tensor, float], Tensor]
"""Returns what lies a share of the way from one point to another."""


def straight(a: Tensor, b: Tensor, share: float) -> Tensor:
    """Return what lies between two points on the straight way: of w."""
    return torch.lerp(a, b, share)


def on_sphere(a: Tensor, b: Tensor, share: float) -> Tensor:
    """Return what lies between two points [1,D] on a sphere about 0 (Shoemake 1985): of z, where straight ways leave
    what random points are like."""
    angle = math.acos(max(-1.0, min(1.0, F.cosine_similarity(a, b, dim=1).item())))
    if math.sin(angle) < 1e-4:
        return torch.lerp(a, b, share)
    return (math.sin((1 - share) * angle) * a + math.sin(share * angle) * b) / math.sin(angle)


def smooth(share: float) -> float:
    """Return a share of the way, slower at both ends."""
    return share * share * (3 - 2 * share)


def between(
    stops: Sequence[Tensor], frames: int, *, loop: bool, mix: Mix = straight, easing: Callable[[float], float] = smooth
) -> Iterator[Tensor]:
    """Give points on the way along stops.

    Args:
        stops: two or more.
        frames: how many points, two or more: from the first stop to the last, or in a loop to just before the first.
        loop: go back to the first.
        mix: what lies between two.
        easing: the share of the way to the next stop, by that of the time.
    """
    path = [*stops, stops[0]] if loop else list(stops)
    legs = len(path) - 1
    for frame in range(frames):
        passed = legs * frame / (frames if loop else frames - 1)
        leg = min(int(passed), legs - 1)
        yield mix(path[leg], path[leg + 1], easing(passed - leg))
