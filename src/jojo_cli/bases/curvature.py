"""How strongly what a generator draws depends on its codes, as a critic sees it."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

REST = 0.25
"""How strong the directions count that are not among the strongest: more is more cautious."""


@dataclass(frozen=True)
class Curvature:
    """The Fisher information of a critic's features along whitened octave codes [O,D], on average over faces.

    The mean of the products of gradients (see `of`): within each octave in units of its own, and of these the strongest
    directions. It says which changes of a code are seen at once, and which hardly at all.
    """

    scale: Tensor  # [O], root mean square of gradients at each octave
    directions: Tensor  # [K,O*D], orthonormal
    strengths: Tensor  # [K], mean squares of gradients along the directions, in units of the scale

    @classmethod
    def of(cls, gradients: Tensor, directions: int) -> "Curvature":
        """Return that of S gradients [S,O,D] of features weighted at random, with no more `directions` than S."""
        scale = gradients.square().mean(dim=(0, 2)).sqrt()
        _, singular, axes = torch.linalg.svd((gradients / scale[:, None]).flatten(1), full_matrices=False)
        return cls(scale, axes[:directions], singular[:directions].square() / len(gradients))

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor], device: torch.device) -> "Curvature":
        """Return the one that `tensors` are of."""
        return cls(**{name: tensor.float().to(device) for name, tensor in tensors.items()})

    def tensors(self) -> dict[str, Tensor]:
        """Return what it consists of, by name."""
        return dict(vars(self))

    def natural(self, gradient: Tensor) -> Tensor:
        """Return the steps [N,O,D] uphill whose lengths are what a distance that bends like this asks for.

        The natural gradient of Amari, "Natural gradient works efficiently in learning" (1998), and Newton's step for a
        sum of squares: `gradient` [N,O,D] by the inverse of twice the information.
        """
        scaled = (gradient / self.scale[:, None]).flatten(1)
        along = (scaled @ self.directions.T) * (1 / (self.strengths + REST) - 1 / REST)
        step = scaled / REST + along @ self.directions
        return step.view_as(gradient) / self.scale[:, None] / 2
