"""Detail that neither a face nor its reference has: what training on one picture leaves where nothing shall be.

Backgrounds get the folds of a cloth, skin a canvas and hair a crimp, as the distribution of all that a view shows does
not say where it belongs. So the contrast of each place is held, octave by octave, to what the face as the base draws it
has there, and the places of the reference that show the same.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

FAINT = 0.004
"""A contrast in [-1,1], half a grey level: nobody sees less."""

WIDEST = 4
"""Places that the coarsest octave spans."""


class Limit(NamedTuple):
    """How much contrast the places of a face may have, and where it matters."""

    contrasts: Tensor  # [1,B,G,G], see `contrasts`
    counts: Tensor  # [1,1,G,G], 0 to 1

    def excess(self, images: Tensor) -> Tensor:
        """Return how far the contrasts of one picture [1,3,S,S] are beyond, on average; 0 is nowhere.

        A picture that is smaller than those that the limit is from is not held to anything in the finest octaves.
        """
        own = contrasts(images, self.contrasts.shape[-1])
        beyond = (own - self.contrasts[:, -own.shape[1] :]).clamp(min=0)
        return (self.counts * beyond).mean()


def contrasts(images: Tensor, grid: int) -> Tensor:
    """Return the contrasts of images [N,3,S,S] at G x G places [N,B,G,G], octave by octave, from the finest on.

    A contrast is the root mean square difference of 2 x 2 pixels to their mean, in pictures that are halved from octave
    to octave.
    """
    found = []
    while images.shape[-1] > grid // WIDEST:
        halved = F.avg_pool2d(images, 2)
        squares = (images - F.interpolate(halved, scale_factor=2.0)).square().mean(dim=1, keepdim=True)
        side = squares.shape[-1]
        if side >= grid:
            squares = F.avg_pool2d(squares, side // grid)
        else:
            squares = F.interpolate(squares, scale_factor=float(grid // side))
        found.append((squares + FAINT**2).sqrt())
        images = halved
    return torch.cat(found, dim=1)
