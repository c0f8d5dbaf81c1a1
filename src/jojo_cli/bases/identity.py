"""Whether two copies of a network are one network, though they were converted or rounded in different ways."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

TENSORS = 8
"""How many of the largest tensors are looked at."""

TOLERANCE = 0.02
"""Rounding to half precision moves a number by less than 0.001; those of two trainings differ by about 1."""


def fingerprint(state: Mapping[str, Tensor]) -> tuple[float, ...]:
    """Return numbers, about normally distributed, that tell a network from others: a projection of each tensor."""
    largest = sorted(state, key=lambda key: (-state[key].numel(), key))[:TENSORS]
    numbers = []
    for key in largest:
        values = state[key].detach().flatten().cpu().double()  # there: MPS has no float64
        wave = torch.cos(torch.arange(len(values), dtype=torch.float64) * 2.399963)  # of no period
        length = values.norm().clamp(min=1e-12)  # a network may have tensors of zeros
        numbers.append(round((values @ wave / (length * 0.5**0.5)).item(), 4))
    return tuple(numbers)


def is_same(a: Sequence[float], b: Sequence[float]) -> bool:
    """Return whether two fingerprints are of one network."""
    return len(a) == len(b) and all(abs(x - y) < TOLERANCE for x, y in zip(a, b, strict=True))
