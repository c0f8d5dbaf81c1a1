"""The colour of irises in a style."""

import torch
import torch.nn.functional as F
from torch import Tensor

from jojo_cli.bases.views import resized
from jojo_cli.faces.align import FloatArray
from jojo_cli.faces.irises import iris_places
from jojo_cli.images import to_image
from jojo_cli.nets.gradients import luminance
from jojo_cli.stylize.tints import alike

INNER = 0.8
"""How much of a reference's iris is looked at: lashes and lids are not."""

SURE = 0.6
"""The share from which on a place is looked at."""

LEAST = 20
"""Pixels of a face's irises that are enough to know their colour."""

ALIKE = 0.4
"""How far, in [-1,1], a colour is from the irises' to be moved with it by the share exp(-1/2): lights stay."""

LIGHTER = 0.5
"""The share of what is lacking that irises become lighter by: dark eyes stay darker ones."""


def iris_colour(image: Tensor, landmarks: FloatArray) -> Tensor | None:
    """Return the colour [3], RGB in [-1,1], of the irises in an image [1,3,S,S] with landmarks [68,2]; None without."""
    picture = to_image(image[0])
    places = torch.from_numpy(iris_places(picture, landmarks, size=INNER))
    return _colour(resized(image.float(), len(places))[0][:, places]) if places.sum() >= LEAST else None


def with_irises(images: Tensor, irises: Tensor, colour: Tensor, amount: float = 1.0) -> Tensor:
    """Return images [N,3,S,S] whose `irises`, shares of places [N,1,G,G], have a colour [3]."""
    shares = F.interpolate(irises, size=images.shape[-2:], mode="bilinear", align_corners=False)
    moves = torch.zeros_like(images)
    for n in range(len(images)):
        sure = images[n][:, shares[n, 0] > SURE]
        if sure.shape[1] < LEAST:  # shut
            continue
        own = _colour(sure)
        move = (colour - own)[None, :, None, None]
        move = move - (1 - LIGHTER) * luminance(move).clamp(min=0)
        moves[[n]] = shares[[n]] * alike(images[[n]], own[None, :, None, None], ALIKE) * move
    return images + amount * moves


def _colour(places: Tensor) -> Tensor:
    """Return the colour [3] of places [3,P]: as light as half of them, and of the hue of the colourful ones."""
    light = luminance(places[None, :, None])[0, 0]  # [1,P]
    hues = places - light
    weights = hues.square().sum(dim=0) + 0.001
    colour: Tensor = light.median() + (hues * weights).sum(dim=1) / weights.sum()
    return colour
