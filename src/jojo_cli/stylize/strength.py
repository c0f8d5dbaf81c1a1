"""How much of a style shows: everywhere the same, or by resolution."""

from collections.abc import Mapping

Strength = float | Mapping[int, float]
"""From 0 to 1: for all that is drawn; or, by the side in pixels, from there on up to the next, and 0 before the
first."""


def strength_at(strength: Strength, side: int) -> float:
    """Return how much of a style shows in what is drawn at `side` pixels."""
    if not isinstance(strength, Mapping):
        return strength
    return max(((since, amount) for since, amount in strength.items() if since <= side), default=(0, 0.0))[1]
