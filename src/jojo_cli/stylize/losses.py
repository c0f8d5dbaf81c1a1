"""How far pictures are from those that they shall become, in the eyes of a comparer."""

from collections.abc import Iterable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from jojo_cli.bases.judges import Comparer
from jojo_cli.bases.views import View
from jojo_cli.nets.lpips import Features


class Targets:
    """Pictures to reach, with the features of each view on them computed once."""

    def __init__(self, comparer: Comparer, images: Sequence[Tensor], views: Iterable[View]) -> None:
        """Look at images [1,3,R,R], one at a time: at 1024 px the features of one are up to 90 MB."""
        self.comparer = comparer
        with torch.no_grad():
            self._features = {view: [comparer.features(view(image)) for image in images] for view in views}

    def wanted(self, view: View, which: Sequence[int] = (0,)) -> Features:
        """Return the features of targets [N,C,H,W], as `view` shows them; a single one serves any number of images."""
        targets = self._features[view]
        return targets[which[0]] if len(which) == 1 else _together([targets[i] for i in which])

    def distance(self, images: Tensor, view: View, which: Sequence[int] = (0,)) -> Tensor:
        """Return the mean distance of images [N,3,R,R] to their targets (N numbers), seen through `view`."""
        return self.comparer.distance(self.comparer.features(view(images)), self.wanted(view, which)).mean()


def structure_distance(a: Features, b: Features, side: int) -> Tensor:
    """Return how differently two pictures [N] of `side` pixels are composed, whatever they are drawn with; 0 is alike.

    A picture's places are compared with one another, by the cosines of their centred features; the distance is the mean
    absolute difference of these cosines, added up over the layers at about a quarter and an eighth of the side. The
    self-similarity of Kolkin et al., "Style transfer by relaxed optimal transport and self-similarity" (arXiv
    1904.12785), which Ojha et al. (arXiv 2104.06820) and later one-shot methods follow.
    """
    layers = [pair for pair in zip(a, b, strict=True) if 3 <= side / pair[0].shape[-1] <= 9]
    return torch.stack([(_likeness(x) - _likeness(y)).abs().mean() for x, y in layers]).sum()


def _likeness(features: Tensor) -> Tensor:
    """Return how alike each two of 16 x 16 places are, -1 to 1 [N,256,256]; features are [N,C,H,W]."""
    x = F.adaptive_avg_pool2d(features.float(), 16).flatten(2)  # [N,C,256]
    x = F.normalize(x - x.mean(dim=2, keepdim=True), dim=1)
    return x.transpose(1, 2) @ x


def weave(images: Tensor) -> Tensor:
    """Return how much of images [N,3,S,S] in [-1,1] repeats with the generator's grid: 0.06 in photos, 1 is all.

    A generator draws octave by octave, and what it learns from one picture likes to be the same at every place of an
    octave's grid: stripes, bricks or a weave with a period of 2 to 32 px at 1024, all of which repeat with a tile of a
    32nd of S, which must be a multiple of 32. So the mean of 4 x 4 tiles, where anything else cancels out, is compared
    with all that they hold, in every such window. Slow changes of light are taken off before, and a window with no more
    than a grey level of it all counts little.
    """
    tiles, side = 32, 4  # in the picture, in a window
    tile = images.shape[-1] // tiles
    light = F.pad(images, (tile // 2,) * 4, mode="reflect")
    light = F.avg_pool2d(F.avg_pool2d(light, (tile + 1, 1), stride=1), (1, tile + 1), stride=1)
    windows = (images - light).reshape(*images.shape[:2], *2 * (tiles // side, side, tile))
    common = windows.mean(dim=(3, 6)).square().mean(dim=(1, 3, 5))  # [N,8,8]
    # Not to be learnt: a share falls when anything is drawn.
    everything = windows.detach().square().mean(dim=(1, 3, 4, 6, 7))
    share: Tensor = common / (everything + 1e-4)
    return share.mean()


def ms_ssim(a: Tensor, b: Tensor) -> Tensor:
    """Return the mean MS-SSIM, 1 for the same picture, of images a and b [N,3,S,S] in [-1,1], at least 32 px a side.

    Wang et al., "Multiscale structural similarity for image quality assessment" (2003). Below 161 px the window is
    smaller than its 11 px: it must fit into the smallest of the five scales.
    """
    import pytorch_msssim

    window = min(11, (a.shape[-1] - 1) // 16 | 1)
    similarity: Tensor = pytorch_msssim.ms_ssim(a, b, data_range=2.0, win_size=window)
    return similarity


def _together(features: Sequence[Features]) -> Features:
    return tuple(torch.cat(layer) for layer in zip(*features, strict=True))
