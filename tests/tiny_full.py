"""The full base as small as it gets: random networks that draw 256 px, which its discriminator needs.

In a test, the fixture `full_base` gives it, and `register` lets `jojo` know it as the base `tiny-full`.
"""

import hashlib
from collections.abc import Sequence
from functools import cache

import pytest
import tiny
import torch
from torch import Tensor, nn

from jojo_cli import bases
from jojo_cli.bases import BaseEntry, Weights, stylegan2
from jojo_cli.bases.base import Base
from jojo_cli.bases.lpips_vgg import LPIPS
from jojo_cli.device import Device
from jojo_cli.nets.arcface import ArcFace
from jojo_cli.nets.discriminator import Discriminator
from jojo_cli.nets.lpips import VGG16
from jojo_cli.nets.stylegan2 import StyleGAN2

NAME = "tiny-full"
CHANNELS = (16, 16, 16, 16, 16, 8, 8)
"""Of the generator, and the other way round of the discriminator."""
W_DIM = 32
UNITS, WIDTHS = (1, 1, 1, 1), (16, 16, 16, W_DIM)
"""Of the IR-SE50 in encoders and face recogniser."""
ENTRY = BaseEntry(
    NAME,
    load="tiny_full:load",
    draw=(),
    invert=(),
    encoders=dict.fromkeys(stylegan2.ENCODERS, ()),
    losses={"discriminator": (), "lpips": ()},
    identity=(),
)
"""It needs no weights."""


def register(patch: pytest.MonkeyPatch) -> None:
    """Let `jojo` know the base `tiny-full`, in float32."""
    patch.setitem(bases.BASES, NAME, ENTRY)
    # Which precision is faster is measured, and on a busy machine may change from run to run.
    patch.setattr("jojo_cli.device._bf16_pays", lambda: False)


def load(weights: Weights | None = None, device: Device = tiny.CPU) -> Base:
    """Return the base `tiny-full`; it needs no weights."""
    return make_base(device=device)


def make_base(channels: Sequence[int] = CHANNELS, *, device: Device = tiny.CPU) -> Base:
    """Return a base of random networks, always the same ones, that stay on the CPU."""
    return stylegan2.assemble(
        NAME,
        make_generator(tuple(channels)),
        sha256=sha256("generator"),
        load_perceptual=lambda: tiny.make_critic().eval().requires_grad_(False),
        load_recogniser=lambda: make_recogniser(),
        load_encoder=lambda name: make_encoder(name),
        load_comparer=lambda loss: make_comparer(loss, tuple(channels)),
        critic_sha256=sha256,
        device=device,
    )


def sha256(name: str) -> str:
    """Return a hash for the weights of a network."""
    return hashlib.sha256(f"{NAME} {name}".encode()).hexdigest()


@cache
def make_generator(channels: tuple[int, ...] = CHANNELS) -> StyleGAN2:
    """Return a random generator whose pictures are about as bright as real ones, and differ from code to code.

    `channels` are one an octave, from 4 px up.
    """
    rng = torch.Generator().manual_seed(0)
    generator = StyleGAN2(channels, w_dim=W_DIM, mapping_layers=2).eval().requires_grad_(False)
    for key, tensor in generator.state_dict().items():  # the generator's own memory
        if key.startswith("mapping.") and key.endswith("weight"):
            nn.init.orthogonal_(tensor, generator=rng)  # so that codes vary along every axis
            continue
        tensor.normal_(generator=rng)
        if key.endswith("modulation.bias"):
            tensor.mul_(0.1).add_(1)
        elif key.endswith(("bias", "noise_strength")):
            tensor.mul_(0.1)
    w = generator.mapping(torch.randn(2, W_DIM, generator=rng))
    brightness = generator.synthesis(generator.w_to_w_plus(w)).std()
    for key, parameter in generator.named_parameters():
        if ".to_rgb." in key and "modulation" not in key:
            parameter.mul_(0.4 / brightness)
    return generator


@cache
def make_encoder(name: str) -> stylegan2.EncoderNet:
    """Return a random encoder for the generator."""
    rng = torch.Generator().manual_seed(1)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        net = stylegan2.ENCODERS[name](make_generator().codes, units=UNITS, widths=WIDTHS, w_dim=W_DIM)
    net.mean_w_plus.normal_(generator=rng).mul_(0.3)
    return net.eval().requires_grad_(False)


@cache
def make_recogniser() -> ArcFace:
    """Return a random face recogniser."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        return ArcFace(units=UNITS, widths=WIDTHS, dimensions=16).eval().requires_grad_(False)


@cache
def make_comparer(loss: str, channels: tuple[int, ...] = CHANNELS) -> Discriminator | LPIPS:
    """Return a random discriminator of few channels, or LPIPS on a random trunk."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        net = Discriminator(channels[::-1]) if loss == "discriminator" else LPIPS(vgg16_trunk())
    return net.eval().requires_grad_(False)


def vgg16_trunk() -> dict[str, Tensor]:
    """Return random convolutions of VGG16, by their names in torchvision."""
    state: dict[str, Tensor] = {}
    width, number = 3, 0
    for block in VGG16:
        for out in block:
            conv = nn.Conv2d(width, out, 3)
            nn.init.kaiming_normal_(conv.weight, nonlinearity="relu")
            state |= {f"{number}.{key}": tensor for key, tensor in conv.state_dict().items()}
            width, number = out, number + 2  # a ReLU follows
        number += 1  # and pooling
    return state
