"""How far pictures are from those that they shall become, in the eyes of a comparer."""

from collections.abc import Sequence

import torch
from torch import Tensor

from jojo_cli.bases.judges import Comparer
from jojo_cli.bases.views import View
from jojo_cli.nets.lpips import Features


class Targets:
    """Pictures to reach, with the features of each view on them computed once."""

    def __init__(self, comparer: Comparer, images: Sequence[Tensor], views: Sequence[View]) -> None:
        """Look at images [1,3,R,R], one at a time: at 1024 px the features of one are up to 90 MB."""
        self.comparer = comparer
        with torch.no_grad():
            self._features = {view: [comparer.features(view(image)) for image in images] for view in views}

    def distance(self, images: Tensor, view: View, which: Sequence[int] = (0,)) -> Tensor:
        """Return the mean distance of images [N,3,R,R] to their targets (N numbers), seen through `view`."""
        features = self._features[view]
        # A single target is not copied, and serves all images.
        wanted = features[which[0]] if len(which) == 1 else _together([features[i] for i in which])
        return self.comparer.distance(self.comparer.features(view(images)), wanted).mean()


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
