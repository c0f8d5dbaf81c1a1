"""What a generator's features show at each place of a face: background, skin, hair, what is below the head; irises."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from jojo_cli.nets.generator import COARSE, Generator, State

Region = Literal["background", "face", "hair", "body"]
"""Ears belong to the face, hats to hair, the neck to the body."""

REGIONS: tuple[Region, ...] = ("background", "face", "hair", "body")

GRID = COARSE
"""Places along each side of a picture."""

EYES = (slice(25, 37), slice(14, 50))
"""Rows and columns of places in which FFHQ crops have irises, and some more."""

BORDER = 2
"""Places along the border of a region that are not surely of it."""

ENOUGH = 0.01
"""The share of a picture that a region has to take, to say how it is drawn."""


def inside(regions: Tensor) -> Tensor:
    """Return regions [N,K,G,G] less their borders."""
    return -F.max_pool2d(-regions, 2 * BORDER + 1, stride=1, padding=BORDER)


def values_in(values: Tensor, share: Tensor) -> Tensor:
    """Return values [1,C,S,S] where places are surely of a region [C,P], which has a `share` of each [1,1,G,G].

    None, P being 0, where it takes too little of the picture.
    """
    sure = F.interpolate(share, size=values.shape[-2:], mode="bilinear", align_corners=False)[0, 0] > 0.5
    return values[0][:, sure] if sure.float().mean() > ENOUGH else values.new_empty(values.shape[1], 0)


def described(states: Sequence[State]) -> Tensor:
    """Return what the features of one face say of its places [G*G,C]: `states` are what it is drawn through."""
    layers = [next(x for x, *_ in states if x.shape[-1] == side) for side in (GRID // 2, GRID)]
    at_one_size = [F.interpolate(x.float(), size=(GRID, GRID), mode="bilinear", align_corners=False) for x in layers]
    return torch.cat(at_one_size, dim=1)[0].flatten(1).T


def states_of(generator: Generator, w_plus: Tensor) -> list[State]:
    """Return what a generator draws the face of w_plus [1,L,D] through, as far as regions are found in it."""
    state: State = ()
    states: list[State] = []
    for stage in generator.stages:
        state = generator.run_stage(stage, state, w_plus, None)
        states.append(state)
        if state[0].shape[-1] >= GRID:
            break
    return states


@dataclass(frozen=True)
class RegionFinder:
    """Linear classifiers of places, as Zhang et al. read labels from a generator ("DatasetGAN", arXiv 2104.06490)."""

    weight: Tensor  # [4,C]
    bias: Tensor  # [4]
    iris_weight: Tensor  # [C]
    iris_bias: Tensor  # []

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor], device: torch.device) -> "RegionFinder":
        """Return the one that `tensors` are of."""
        return cls(**{name: tensor.float().to(device) for name, tensor in tensors.items()})

    def tensors(self) -> dict[str, Tensor]:
        """Return what it consists of, by name."""
        return dict(vars(self))

    def __call__(self, states: Sequence[State]) -> Tensor:
        """Return how probable each region is at each place of one face [4,G,G], from what it is drawn through."""
        with torch.autocast(self.weight.device.type, enabled=False):
            scores = described(states) @ self.weight.T + self.bias
        return scores.softmax(dim=1).T.reshape(len(REGIONS), GRID, GRID)

    def irises(self, states: Sequence[State]) -> Tensor:
        """Return how much of each place is iris [1,G,G], from the same."""
        with torch.autocast(self.weight.device.type, enabled=False):
            scores = described(states) @ self.iris_weight + self.iris_bias
        found = scores.sigmoid().view(1, GRID, GRID)
        among_eyes = torch.zeros_like(found)
        among_eyes[:, *EYES] = found[:, *EYES]
        return among_eyes
