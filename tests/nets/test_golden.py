"""The networks on their real weights, against what the published implementations computed from the same weights."""

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from jojo_cli.bases.base import Base
from jojo_cli.bases.loading import loaded
from jojo_cli.images import square_crop, to_tensor
from jojo_cli.nets.lpips import ShiftTolerantLPIPS
from jojo_cli.weights.manager import ModelManager

DATA = Path(__file__).parents[1] / "data"

pytestmark = [pytest.mark.real, pytest.mark.usefixtures("all_cores")]


def golden(name: str) -> dict[str, Tensor]:
    with np.load(DATA / "golden" / f"{name}.npz") as arrays:
        return {key: torch.from_numpy(arrays[key]) for key in arrays}


def test_mobilestylegan_maps_and_draws_as_published(real_base: Base) -> None:
    theirs, generator = golden("mobilestylegan-ffhq-1024"), real_base.generator
    with torch.inference_mode():
        assert (generator.mapping(theirs["z"]) - theirs["w"]).abs().max() < 1e-3
        images = generator.synthesis(generator.w_to_w_plus(theirs["w_truncated"]))
    assert (F.avg_pool2d(images, 8) - theirs["image_area_128"]).abs().max() < 1e-3
    assert (images[:, :, 448:576, 448:576] - theirs["image_crop_448_576"]).abs().max() < 1e-3


def test_shift_tolerant_lpips_measures_as_published(real_base: Base) -> None:
    theirs = golden("stlpips")
    with torch.inference_mode():
        for other, distances in (("b_shifted", "vgg_a_b"), ("c_noisy", "vgg_a_c")):
            ours = real_base.load_perceptual()(theirs["a"], theirs[other])
            assert (ours - theirs[distances]).abs().max() < 1e-4


def test_critic_has_only_channels_that_see_something(real_base: Base, real_models: ModelManager) -> None:
    whole = loaded(ShiftTolerantLPIPS(), real_models.ensure("stlpips-vgg"), real_base.device)
    narrow = real_base.load_perceptual()
    counts = [sum(layer.out_channels for layer in net.convolutions()) for net in (narrow, whole)]
    assert counts[0] < 0.75 * counts[1]
    portrait = to_tensor([square_crop(Image.open(DATA / "astronaut.png"), 256)])
    drawing = to_tensor([square_crop(Image.open(DATA.parents[1] / "demo" / "ink.png"), 256)])
    noise = torch.rand(1, 3, 256, 256, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.inference_mode():
        for other in (drawing, noise, -portrait):
            assert narrow(portrait, other).item() == pytest.approx(whole(portrait, other).item(), rel=1e-5)


def test_faces_are_described_as_dlib_does(real_base: Base) -> None:
    theirs = golden("dlib-face-recognition")
    with torch.inference_mode():
        ours = real_base.load_recogniser().net(theirs["chips"].movedim(3, 1) / 127.5 - 1)
    assert (ours - theirs["descriptors"]).abs().max() < 1e-4  # of values about 0.1


def test_shift_by_a_pixel_costs_little(real_base: Base) -> None:
    portrait = to_tensor([square_crop(Image.open(DATA / "astronaut.png"), 257)])
    here, shifted = portrait[..., :256, :256], portrait[..., 1:, 1:]
    noise = torch.randn(here.shape, generator=torch.Generator().manual_seed(0))
    noisy = here + noise * F.mse_loss(here, shifted).sqrt()  # as far from it, pixel by pixel
    with torch.inference_mode():
        assert real_base.load_perceptual()(here, shifted) < 0.1 * real_base.load_perceptual()(here, noisy)
