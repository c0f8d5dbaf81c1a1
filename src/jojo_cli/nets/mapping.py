"""StyleGAN2's mapping network (arXiv 1912.04958), which the light network takes over as it is."""

import torch.nn.functional as F
from torch import Tensor, nn


class Mapping(nn.Sequential):
    """StyleGAN2's mapping network, with learning-rate multipliers and gains folded into the weights."""

    def __init__(self, w_dim: int = 512, layers: int = 8) -> None:
        super().__init__(*(nn.Linear(w_dim, w_dim) for _ in range(layers)))

    def forward(self, z: Tensor) -> Tensor:
        """Return w [N,D] for z [N,D]."""
        x = z * z.square().mean(dim=1, keepdim=True).add(1e-8).rsqrt()
        for linear in self:
            x = F.leaky_relu(linear(x), 0.2) * 2**0.5
        return x  # [N,D]
