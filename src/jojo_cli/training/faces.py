"""Faces to learn from: codes drawn at random, and their pictures, spoilt as photos are."""

import io
from math import pi

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from jojo_cli.bases.encoder import FeedbackLoop


def random_codes(loop: FeedbackLoop, count: int, rng: torch.Generator) -> Tensor:
    """Return codes [N,O,D] of plausible faces: truncated, half of them mixed of two, most a little uneven."""
    octaves, w_dim = loop.net.octaves, loop.generator.w_dim

    def rand(*shape: int) -> Tensor:
        return torch.rand(shape, generator=rng)

    def truncated() -> Tensor:
        w = loop.generator.mapping(torch.randn(count, w_dim, generator=rng).to(loop.device.torch_device))
        return loop.latents.whiten(w).cpu() * (0.55 + 0.45 * rand(count, 1))  # [N,D]

    codes = truncated()[:, None].repeat(1, octaves, 1)
    other = truncated()[:, None].expand_as(codes)
    first = torch.randint(1, octaves, (count,), generator=rng)
    amount = (rand(count) < 0.5).float() * rand(count).clamp(0.3, 1)
    mixed = (torch.arange(octaves) >= first[:, None]).float() * amount[:, None]  # [N,O]
    codes = torch.lerp(codes, other, mixed[..., None])
    uneven = (rand(count, 1, 1) < 0.7) * rand(count, 1, 1) * 0.7
    codes = codes + torch.randn(codes.shape, generator=rng) * uneven
    return loop.latents.straighten(loop.latents.unwhiten(codes.to(loop.device.torch_device)))


def spoil(images: Tensor, rng: torch.Generator) -> Tensor:
    """Return images [N,3,H,H] in [-1,1] as cameras, crops, editors and files leave them, some partly hidden."""
    count = len(images)

    def between(low: float, high: float) -> Tensor:
        return torch.rand(count, generator=rng) * (high - low) + low

    def some(share: float) -> Tensor:
        return (torch.rand(count, generator=rng) < share).float()

    def by_image(values: Tensor) -> Tensor:
        return values[:, None, None, None]

    angle = between(-4, 4) * pi / 180 * some(0.5)
    scale = 1 + between(-0.04, 0.04) * some(0.7)
    grid = torch.zeros(count, 2, 3)
    grid[:, 0, 0] = grid[:, 1, 1] = scale * angle.cos()
    grid[:, 1, 0] = scale * angle.sin()
    grid[:, 0, 1] = -grid[:, 1, 0]
    grid[:, 0, 2], grid[:, 1, 2] = between(-0.03, 0.03), between(-0.03, 0.03)
    grid = F.affine_grid(grid, list(images.shape), align_corners=False)
    images = F.grid_sample(images, grid, mode="bilinear", padding_mode="reflection", align_corners=False)

    x = (images + 1) / 2
    x = x * (1 + by_image(some(0.5) * between(-0.2, 0.2))) + by_image(some(0.5) * between(-0.08, 0.08))
    mean = x.mean((1, 2, 3), keepdim=True)
    x = mean + (x - mean) * (1 + by_image(some(0.5) * between(-0.2, 0.25)))
    grey = x.mean(1, keepdim=True)
    x = grey + (x - grey) * (1 + by_image(some(0.5) * between(-0.4, 0.3)))
    black_and_white = by_image(some(0.05))
    x = x * (1 - black_and_white) + black_and_white * grey
    tinted = by_image(some(0.5))
    tint = torch.stack([between(-0.08, 0.08), between(-0.05, 0.05), between(-0.08, 0.08)], 1)
    x = x * (1 + tinted * tint[:, :, None, None])
    x = x.clamp(1e-4, 1) ** (1 + by_image(some(0.3) * between(-0.25, 0.3)))
    return torch.stack([_spoil_pixels(one, rng) for one in x]).clamp(0, 1) * 2 - 1


def _spoil_pixels(image: Tensor, rng: torch.Generator) -> Tensor:
    """Return an image [3,H,H] in [0,1], perhaps blurred, compressed, noisy and with a patch in front of it."""

    def chance(share: float) -> bool:
        return bool(torch.rand((), generator=rng) < share)

    side = image.shape[-1]
    if chance(0.25):
        size = int(side * (float(torch.rand((), generator=rng)) * 0.5 + 0.35))
        small = F.interpolate(image[None], size=size, mode="area")
        image = F.interpolate(small, size=side, mode="bicubic")[0].clamp(0, 1)
    if chance(0.3):
        file = io.BytesIO()
        pixels = (image.permute(1, 2, 0) * 255).byte().numpy()
        Image.fromarray(pixels).save(file, "JPEG", quality=int(torch.randint(40, 95, (), generator=rng)))
        image = torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1) / 255
    if chance(0.3):
        noise = torch.randn(image.shape, generator=rng) * 0.03
        image = image + noise * float(torch.rand((), generator=rng))
    if chance(0.15):
        color = torch.rand(3, generator=rng)
        top, left = (torch.randint(0, 9 * side // 10, (2,), generator=rng)).tolist()
        height, width = (torch.randint(side // 16, side * 90 // 256, (2,), generator=rng)).tolist()
        image[:, top : top + height, left : left + width] = color[:, None, None]
    return image
