"""How the rate of a training goes."""

from math import cos, pi


def warmed_cosine(step: int, steps: int, *, warm: int) -> float:
    """Return the share of the rate, 0 to 1, at a step from 0: up over the `warm` first, down as half a cosine."""
    return min(1.0, (step + 1) / warm) * (0.5 + 0.5 * cos(pi * step / steps))
