"""How far pictures are from those that they shall become, in the eyes of a comparer."""

from collections.abc import Iterable, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from jojo_cli.bases.judges import Comparer
from jojo_cli.bases.views import View
from jojo_cli.nets.ops import Features
from jojo_cli.nets.resampling import averages, resampled


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
    rows, columns = (averages(side, 16) for side in features.shape[-2:])
    x = resampled(features.float(), rows, columns).flatten(2)  # [N,C,256]
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
    details = _without_light(images, tiles)
    windows = details.reshape(*images.shape[:2], *2 * (tiles // side, side, images.shape[-1] // tiles))
    common = windows.mean(dim=(3, 6)).square().mean(dim=(1, 3, 5))  # [N,8,8]
    # Not to be learnt: a share falls when anything is drawn.
    everything = windows.detach().square().mean(dim=(1, 3, 4, 6, 7))
    share: Tensor = common / (everything + 1e-4)
    return share.mean()


def combs(images: Tensor) -> Tensor:
    """Return how much of images [N,3,S,S] in [-1,1] repeats along short rows and columns: 0.01 in photos, 1 is all.

    What is learnt at every place of an octave's grid may show only where something is dark or bright enough: lashes,
    brows and lips get the teeth of a comb, and hair is crimped. The windows of `weave` are too large for that, so
    tiles of a 64th of S, which must be a multiple of 64, are compared with their three neighbours in a row; and those
    of a 32nd, which catch hair, a quarter as much.
    """
    grey = images.mean(dim=1, keepdim=True)
    return (4 * _repeated(grey, 64) + _repeated(grey, 32)) / 5


def _repeated(images: Tensor, tiles: int) -> Tensor:
    """Return how alike tiles, so many a side, are to their neighbours in rows and columns of four, 0 to 1.

    The mean of their products, over that of their squares, both without the lines along a row, which are the same in
    all of its tiles.
    """
    side, tile = 4, images.shape[-1] // tiles
    details = _without_light(images, tiles)
    shares = []
    for along in (details, details.mT):
        rows = along.reshape(*images.shape[:2], tiles, tile, tiles // side, side, tile)  # [N,C,T,Y,T/4,4,X]
        rows = rows - rows.mean(dim=6, keepdim=True)
        squares = rows.square().mean(dim=(1, 3, 5, 6))  # [N,T,T/4]
        products = (side * rows.mean(dim=5).square().mean(dim=(1, 3, 5)) - squares) / (side - 1)
        # Not to be learnt, as in `weave`; and what is fainter than a few grey levels is no comb.
        shares.append(products.clamp(min=0) / (squares.detach() + 1e-3))
    return torch.stack(shares).mean()


def _without_light(images: Tensor, tiles: int) -> Tensor:
    """Return images [N,C,S,S] without slow changes of light, between the means of so many tiles a side."""
    tile = images.shape[-1] // tiles
    return images - F.interpolate(F.avg_pool2d(images, tile), scale_factor=tile, mode="bilinear")


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
