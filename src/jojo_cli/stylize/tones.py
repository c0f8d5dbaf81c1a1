"""How light and dark are spread in a style: the black and white of an ink, the greys of a pencil.

Giving pictures the tones of another is histogram specification. Here one curve serves for all that a style draws, so
that people differ as they did, and takes dark for dark and light for light, however much of either they have.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from jojo_cli.bases.regions import REGIONS, inside, values_in
from jojo_cli.nets.gradients import looked_up, luminance
from jojo_cli.stylize.background import Background
from jojo_cli.stylize.boldness import Face
from jojo_cli.stylize.tints import alike

TONES = 17
"""How many tones a curve says something of, evenly spaced from -1 to 1, with straight lines between them."""

SHARES = np.linspace(0.05, 1, 96)
"""Of dark places, in order of their tones; and of light ones, from the other end. The rest may be of the background."""

EACH = 1000
"""As how many places of somebody each picture counts."""

ALIKE = 0.25
"""How far, in [-1,1], a colour is from the background's to stay as it is by the share exp(-1/2)."""


def tones(references: Sequence[Face], drawn: Sequence[Face], amount: float) -> Tensor | None:
    """Return what the tones of somebody become [TONES], so that they are spread as the references' are.

    An amount of 1 spreads them alike, and 0 leaves them as they are. The regions of references are those that are sure
    already. None where regions are not known, or show nobody.
    """
    wanted = [_tones_of(image, regions) for image, regions in references if regions is not None]
    own = [_tones_of(image, inside(regions)) for image, regions in drawn if regions is not None]
    if not any(map(len, wanted)) or not any(map(len, own)):
        return None
    before = np.linspace(-1, 1, TONES)
    points, values = (_dark_and_light(np.concatenate(x)) for x in (own, wanted))
    points += 1e-6 * np.arange(len(points))
    curve = np.interp(before, np.concatenate([[-1], points, [1]]), np.concatenate([[-1], values, [1]]))
    return torch.from_numpy(before + amount * (curve - before)).float()


def without_tones(tones: Tensor) -> Tensor:
    """Return tones [TONES] that change nothing."""
    return torch.linspace(-1, 1, TONES, device=tones.device)


def toned(images: Tensor, tones: Tensor, behind: Background, amount: float = 1.0, *, background: bool = True) -> Tensor:
    """Return images [N,3,T,T] of faces whose tones become what `tones` [TONES] say.

    The colour of what is `behind` them stays, and what hangs into it doesn't go past it, or stays, too, if not
    `background`. Places become darker or lighter, and keep their hue.
    """
    light = luminance(images)
    move = looked_up(tones - without_tones(tones), (light.clamp(-1, 1) + 1) * ((TONES - 1) / 2))
    to_it = luminance(behind.colour) - light  # nothing can be said of it where it is NaN
    least, most = (torch.where(way, to_it, end) for way, end in ((to_it < 0, -2.0), (to_it > 0, 2.0)))
    move = torch.lerp(move, move.clamp(least, most) * background, behind.share)
    move = amount * (1 - alike(images, behind.colour, ALIKE)) * move
    darker = (move.clamp(max=0) / (light + 1).clamp(min=1e-3)).clamp(min=-1)
    return images + (images + 1) * darker + move.clamp(min=0)


def _dark_and_light(tones: np.ndarray) -> np.ndarray:
    """Return quantiles of dark tones [96], and of light ones [96], in their order and less the ends, see `SHARES`.

    Otsu's method parts the two ("A threshold selection method from gray-level histograms", 1979).
    """
    tones = np.sort(tones)
    darker = np.arange(1, len(tones))
    lighter = len(tones) - darker
    sums = np.cumsum(tones)[:-1]
    apart = (tones.sum() - sums) / lighter - sums / darker
    dark, light = np.split(tones, [np.argmax(darker * lighter * apart**2) + 1])
    return np.concatenate([np.quantile(dark, SHARES), np.quantile(light, 1 - SHARES[::-1])])


def _tones_of(image: Tensor, regions: Tensor) -> np.ndarray:
    """Return the tones of somebody in an image [1,3,T,T]: none where there is too little."""
    somebody = regions.sum(dim=1, keepdim=True) - regions[:, [REGIONS.index("background")]]
    found = values_in(luminance(image.float()), somebody)[0].cpu().numpy()
    return np.quantile(found, np.linspace(0, 1, EACH)) if len(found) else found
