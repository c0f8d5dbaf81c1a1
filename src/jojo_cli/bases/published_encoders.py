"""The published encoders of StyleGAN2: a photo's w+, at one look or in passes."""

from dataclasses import dataclass

import torch
from torch import Tensor

from jojo_cli.bases.views import resized
from jojo_cli.nets.generator import Generator
from jojo_cli.nets.published_encoders import RESOLUTION, BackboneEncoder, GradualStyleEncoder


@dataclass(frozen=True)
class OneLook:
    """e4e and pSp: offsets from the mean code, read off the picture."""

    net: GradualStyleEncoder

    def __call__(self, images: Tensor) -> Tensor:
        """Return w_plus [N,L,D] of aligned images [N,3,R,R], RGB in [-1,1]."""
        with torch.no_grad():
            offsets: Tensor = self.net(resized(images, RESOLUTION))
            return self.net.mean_w_plus + offsets


@dataclass(frozen=True)
class ReStyle:
    """ReStyle (arXiv 2104.02699): every pass corrects the codes by what the generator draws from them."""

    net: BackboneEncoder
    generator: Generator
    passes: int = 5

    def __call__(self, images: Tensor) -> Tensor:
        """Return w_plus [N,L,D] of aligned images [N,3,R,R], RGB in [-1,1]."""
        with torch.no_grad():
            wanted = resized(images, RESOLUTION)
            w_plus = self.net.mean_w_plus.expand(len(images), -1, -1)
            for _ in range(self.passes):
                drawn = resized(self.generator.synthesis(w_plus, at_least=RESOLUTION), RESOLUTION)
                w_plus = w_plus + self.net(torch.cat((wanted, drawn), dim=1))
            return w_plus
