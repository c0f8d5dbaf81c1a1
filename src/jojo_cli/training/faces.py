"""Faces to learn from: codes drawn at random, and their pictures, changed as photos differ from them and spoilt.

Everything is drawn by a generator of random numbers on the device of what it is drawn for.
"""

from math import pi, prod

import torch
import torch.nn.functional as F
from torch import Tensor

from jojo_cli.bases.encoder import FeedbackLoop

# JPEG's own tables at quality 50 (ITU-T T.81, annex K), of brightness and of colour.
BRIGHTNESS = (
    (16, 11, 10, 16, 24, 40, 51, 61),
    (12, 12, 14, 19, 26, 58, 60, 55),
    (14, 13, 16, 24, 40, 57, 69, 56),
    (14, 17, 22, 29, 51, 87, 80, 62),
    (18, 22, 37, 56, 68, 109, 103, 77),
    (24, 35, 55, 64, 81, 104, 113, 92),
    (49, 64, 78, 87, 103, 121, 120, 101),
    (72, 92, 95, 98, 112, 100, 103, 99),
)
COLOUR = (
    (17, 18, 24, 47, 99, 99, 99, 99),
    (18, 21, 26, 66, 99, 99, 99, 99),
    (24, 26, 56, 99, 99, 99, 99, 99),
    (47, 66, 99, 99, 99, 99, 99, 99),
    *((99,) * 8,) * 4,
)
TO_YCC = ((0.299, 0.587, 0.114), (-0.1687, -0.3313, 0.5), (0.5, -0.4187, -0.0813))
"""Brightness and two colour differences of RGB (JFIF)."""


def random_codes(loop: FeedbackLoop, count: int, rng: torch.Generator) -> Tensor:
    """Return codes [N,O,D] of faces, nearly as far from the mean and as uneven as those refinement finds for photos."""
    octaves, w_dim = loop.net.octaves, loop.generator.w_dim

    def rand(*shape: int) -> Tensor:
        return torch.rand(shape, generator=rng, device=rng.device)

    def randn(*shape: int) -> Tensor:
        return torch.randn(shape, generator=rng, device=rng.device)

    def whitened(*shape: int) -> Tensor:
        return loop.latents.whiten(loop.generator.mapping(randn(prod(shape), w_dim))).view(*shape, w_dim)

    shared = whitened(count, 1) * (0.6 + 0.65 * rand(count, 1, 1))
    others = whitened(count, octaves) * (0.2 + 0.8 * rand(count, octaves, 1)) * (rand(count, 1, 1) < 0.7)
    uneven = randn(count, octaves, w_dim) * rand(count, 1, 1) * (rand(count, 1, 1) < 0.8)
    return loop.latents.straighten(loop.latents.unwhiten(shared + others + uneven))


def drawn_astray(loop: FeedbackLoop, codes: Tensor, rng: torch.Generator) -> Tensor:
    """Return the images [N,3,S,S] of codes [N,O,D], half of them such that no code for each octave draws them quite.

    Of photos, too, the base draws no more than something near them.
    """
    w_plus = loop.w_plus(codes)
    amount = torch.rand((len(codes), 1, 1), generator=rng, device=rng.device)
    noise = torch.randn(w_plus.shape, generator=rng, device=rng.device)
    astray = loop.latents.whiten(w_plus) + noise * (amount - 0.5).clamp(min=0) * 1.2
    return loop.synthesis(loop.latents.unwhiten(astray))


def varied(images: Tensor, rng: torch.Generator) -> Tensor:
    """Return images [N,3,H,H] in [-1,1] as cameras, crops, lamps and editors leave them, in [-1,1].

    What changes is part of the picture: an encoder shall find it, as far as the base can draw it.
    """
    draw = _Draw(len(images), rng)
    images = _warped(images, draw)
    behind = draw.some(0.2) * draw.behind(images.shape[-1])
    images = torch.lerp(images, images.roll(1, dims=0).flip(-2), behind)

    x = (images + 1) / 2
    x = x * (1 + draw.some(0.5) * draw.between(-0.2, 0.2)) + draw.some(0.5) * draw.between(-0.08, 0.08)
    mean = x.mean((1, 2, 3), keepdim=True)
    x = mean + (x - mean) * (1 + draw.some(0.5) * draw.between(-0.25, 0.3))
    grey = x.mean(1, keepdim=True)
    x = grey + (x - grey) * (1 + draw.some(0.5) * draw.between(-0.5, 0.4))
    x = torch.lerp(x, grey, draw.some(0.05))
    tint = torch.cat((draw.between(-0.08, 0.08), draw.between(-0.05, 0.05), draw.between(-0.08, 0.08)), dim=1)
    x = x * (1 + draw.some(0.5) * tint)
    x = x * (1 + draw.some(0.4) * draw.between(0, 0.5) * draw.ramp(images.shape[-1]))
    x = x.clamp(1e-4, 1) ** (1 + draw.some(0.4) * draw.between(-0.35, 0.4))
    return x.clamp(0, 1) * 2 - 1


def spoilt(images: Tensor, rng: torch.Generator) -> Tensor:
    """Return images [N,3,H,H] in [-1,1] blurred, compressed, noisy or with a patch in front of them; many as they are.

    An encoder shall look through it.
    """
    draw = _Draw(len(images), rng)
    side = images.shape[-1]
    x = (images + 1) / 2
    size = int(side * float(draw.between(0.35, 0.85)[0]))
    small = F.interpolate(x, size=size, mode="area")
    blurred = F.interpolate(small, size=side, mode="bicubic", align_corners=False).clamp(0, 1)
    x = torch.lerp(x, blurred, draw.some(0.25))
    x = torch.lerp(x, compressed(x, draw.between(40, 95)), draw.some(0.3))
    noise = torch.randn(x.shape, generator=rng, device=rng.device)
    x = x + noise * 0.03 * draw.some(0.3) * draw.between(0, 1)
    color = torch.cat([draw.between(0, 1) for _ in range(3)], dim=1)
    x = torch.lerp(x, color.expand_as(x), draw.some(0.15) * draw.patch(side))
    return x.clamp(0, 1) * 2 - 1


class _Draw:
    """Random numbers and places, one for each picture of a batch: [N,1,1,1], or [N,1,H,H]."""

    def __init__(self, count: int, rng: torch.Generator) -> None:
        self.count, self.rng = count, rng

    def between(self, low: float, high: float) -> Tensor:
        return torch.rand((self.count, 1, 1, 1), generator=self.rng, device=self.rng.device) * (high - low) + low

    def some(self, share: float) -> Tensor:
        return (self.between(0, 1) < share).float()

    def ramp(self, side: int) -> Tensor:
        """Return planes from about -1 to 1 in some direction."""
        angle = self.between(-pi, pi)
        rows, columns = self._places(side)
        return rows * angle.sin() + columns * angle.cos()

    def behind(self, side: int) -> Tensor:
        """Return 0 within an oval about the head of an FFHQ crop, 1 in the corners."""
        rows, columns = self._places(side)
        distance = ((rows - 0.1) / self.between(0.85, 1.05)).square() + (columns / self.between(0.65, 0.8)).square()
        return ((distance - 1) * 4 + 0.5).clamp(0, 1)

    def patch(self, side: int) -> Tensor:
        """Return 1 within a rectangle, up to a third of the side long, 0 elsewhere."""
        rows, columns = self._places(side)
        inside = (rows - self.between(-1, 1)).abs() < self.between(0.06, 0.35)
        return (inside & ((columns - self.between(-1, 1)).abs() < self.between(0.06, 0.35))).float()

    def _places(self, side: int) -> tuple[Tensor, Tensor]:
        at = torch.linspace(-1, 1, side, device=self.rng.device)
        return at[:, None], at


def _warped(images: Tensor, draw: _Draw) -> Tensor:
    """Return images [N,3,H,H] turned, scaled and moved a little, and bent as no code bends a face."""
    angle = draw.between(-4, 4) * pi / 180 * draw.some(0.5)
    scale = 1 + draw.between(-0.04, 0.04) * draw.some(0.7)
    cos, sin = scale * angle.cos(), scale * angle.sin()
    rows = (torch.cat((cos, -sin, draw.between(-0.03, 0.03)), 3), torch.cat((sin, cos, draw.between(-0.03, 0.03)), 3))
    grid = F.affine_grid(torch.cat(rows, dim=2)[:, 0], list(images.shape), align_corners=False)  # [N,H,H,2]
    bends = torch.randn((draw.count, 2, 6, 6), generator=draw.rng, device=draw.rng.device)
    bends = bends * draw.some(0.6) * draw.between(0, 0.035)
    bends = F.interpolate(bends, size=images.shape[-1], mode="bicubic", align_corners=False)
    grid = grid + bends.permute(0, 2, 3, 1)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)


def compressed(images: Tensor, quality: Tensor) -> Tensor:
    """Return images [N,3,H,W] in [0,1], sides multiples of 8, as JPEG of a quality [N,1,1,1] leaves them."""
    n, _, h, w = images.shape
    at = torch.arange(8, device=images.device)
    dct = ((2 * at + 1) * at[:, None] * pi / 16).cos() * torch.where(at == 0, 0.5**0.5, 1.0)[:, None] / 2  # [8,8]
    to_ycc = images.new_tensor(TO_YCC)
    tables = images.new_tensor((BRIGHTNESS, COLOUR, COLOUR))[:, None, :, None]  # [3,1,8,1,8]
    share = torch.where(quality < 50, 50 / quality, 2 - quality / 50)[..., None, None]
    step = (tables * share).round().clamp(min=1) / 255
    planes = torch.einsum("dc,nchw->ndhw", to_ycc, images - 128 / 255).reshape(n, 3, h // 8, 8, w // 8, 8)
    waves = torch.einsum("ur,vs,ncirjs->nciujv", dct, dct, planes)
    waves = (waves / step).round() * step
    planes = torch.einsum("ur,vs,nciujv->ncirjs", dct, dct, waves).reshape(n, 3, h, w)
    return torch.einsum("cd,ndhw->nchw", to_ycc.inverse(), planes).add(128 / 255).clamp(0, 1)
