"""How the codes of a generator are distributed."""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from jojo_cli.nets.generator import Generator


def sample_w(generator: Generator, samples: int = 10_000) -> Tensor:
    """Return codes w [N,D] of random faces, always the same ones."""
    z = torch.randn(samples, generator.w_dim, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        w: Tensor = generator.mapping(z.to(next(generator.parameters()).device))
    return w


@dataclass(frozen=True)
class Latents:
    """How the codes w of a generator are distributed, as a Gaussian after undoing the last leaky ReLU.

    The P_N space of Zhu et al., "Improved StyleGAN embedding" (arXiv 2012.09036), section 3.2.
    """

    mean_w: Tensor  # [D]
    centre: Tensor  # [D], mean before the leaky ReLU
    scale: Tensor  # [], root of the mean variance before the leaky ReLU
    basis: Tensor  # [D,D], columns: principal axes over their standard deviations
    inverse: Tensor  # [D,D], of the basis

    @classmethod
    def measure(cls, generator: Generator, samples: int = 10_000) -> "Latents":
        """Return the statistics of `samples` codes, always the same ones."""
        device = next(generator.parameters()).device
        w = sample_w(generator, samples).cpu().double()
        linear = F.leaky_relu(w, 5.0)
        centre = linear.mean(dim=0)
        variances, axes = torch.linalg.eigh(torch.cov((linear - centre).T))
        # Axes that hardly vary would weigh without bound: floor them at a thousandth of the widest.
        basis = axes / variances.clamp(min=variances[-1] * 1e-3).sqrt()
        parts = (w.mean(dim=0), centre, variances.mean().sqrt(), basis, torch.linalg.inv(basis))
        return cls(*(part.float().to(device) for part in parts))

    def straighten(self, w: Tensor) -> Tensor:
        """Return w [...,D] without the bend of the last leaky ReLU, about 0 and of variance 1 on the whole."""
        return (F.leaky_relu(w, 5.0) - self.centre) / self.scale

    def bend(self, code: Tensor) -> Tensor:
        """Return the code w [...,D] of a straightened one."""
        return F.leaky_relu(code * self.scale + self.centre, 0.2)

    def whiten(self, w: Tensor) -> Tensor:
        """Return w [...,D] in P_N space, where codes drawn at random have zero mean and unit variance."""
        return (F.leaky_relu(w, 5.0) - self.centre) @ self.basis

    def unwhiten(self, p: Tensor) -> Tensor:
        """Return the code w [...,D] of p in P_N space."""
        return F.leaky_relu(p @ self.inverse + self.centre, 0.2)

    def truncate(self, w: Tensor, psi: float) -> Tensor:
        """Return w [...,D] pulled to the mean: psi 1 leaves it, 0 gives the mean (StyleGAN's truncation trick)."""
        return torch.lerp(self.mean_w, w, psi)
