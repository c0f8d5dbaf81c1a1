"""The search for the spaces that a critic's convolutions draw faces in, see `jojo_cli.nets.lpips.Subspace`."""

from functools import partial

import torch
from torch import Tensor, nn

from jojo_cli.bases.encoder import FeedbackLoop
from jojo_cli.bases.views import face_view, whole_view
from jojo_cli.nets.lpips import ShiftTolerantLPIPS, Subspace
from jojo_cli.training.faces import random_codes, spoilt, varied

PLACES = 1 << 14
"""Of a picture's, no more than about so many are counted: neighbours are alike."""


def find_subspaces(
    loop: FeedbackLoop,
    critic: ShiftTolerantLPIPS,
    *,
    faces: int,
    share: float,
    multiple: int = 16,
    seed: int = 0,
) -> dict[int, Subspace]:
    """Return subspaces that hold a share of the variance of outputs, by the number of each convolution they spare time.

    Faces are drawn at random, changed and spoilt as photos are, and looked at as inversion does. Dimensions are a
    `multiple` of what processors are fast at.
    """
    layers = critic.convolutions()
    moments = [_Moments(layer) for layer in layers]
    hooks = [layer.register_forward_hook(partial(_count, own)) for layer, own in zip(layers, moments, strict=True)]
    rng = torch.Generator(loop.device.torch_device).manual_seed(seed)
    views = whole_view(loop.generator.resolution), face_view(loop.generator.resolution)
    with torch.inference_mode():
        for _ in range(faces):
            w_plus = loop.w_plus(random_codes(loop, 1, rng))
            image = spoilt(varied(loop.generator.synthesis(w_plus, at_least=views[1].scale), rng), rng)
            for view in views:
                critic.features(view(image))
    for hook in hooks:
        hook.remove()
    found = {number: own.subspace(share, multiple) for number, own in enumerate(moments)}
    return {number: subspace for number, subspace in found.items() if subspace.spares(layers[number])}


class _Moments:
    """Sums of a convolution's outputs, and of their products."""

    def __init__(self, layer: nn.Conv2d) -> None:
        self.count = 0
        self.sum = torch.zeros(layer.out_channels, dtype=torch.float64, device=layer.weight.device)
        self.products = torch.zeros(2 * self.sum.shape, dtype=torch.float64, device=layer.weight.device)

    def subspace(self, share: float, multiple: int) -> Subspace:
        mean = self.sum / self.count
        return Subspace.of(mean, self.products / self.count - mean[:, None] * mean, share, multiple)


def _count(moments: _Moments, layer: nn.Module, inputs: object, outputs: Tensor) -> None:
    values = outputs.permute(0, 2, 3, 1).flatten(0, 2)
    values = values[:: max(1, len(values) // PLACES)].double()
    moments.count += len(values)
    moments.sum += values.sum(dim=0)
    moments.products += values.T @ values
