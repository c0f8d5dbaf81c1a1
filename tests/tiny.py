"""A base as small as it gets: random networks that draw 128 px, in place of trained ones.

In a test, the fixture `base` gives it, and `tiny_base` makes it the base that `jojo` uses. In a process of its own,
with this folder on PYTHONPATH and JOJO_BASE=tiny:

    python -c "import tiny; tiny.register(); from jojo_cli.cli import main; main()"
"""

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import nn

from jojo_cli import bases
from jojo_cli.bases import BaseEntry, Weights, mobilestylegan
from jojo_cli.bases.base import Base
from jojo_cli.bases.encoder import FeedbackLoop, octaves
from jojo_cli.bases.latents import Latents
from jojo_cli.bases.regions import REGIONS, Region, RegionFinder
from jojo_cli.bases.shortcuts import Shortcuts
from jojo_cli.device import Device
from jojo_cli.nets.dlib_recogniser import FaceRecogniser
from jojo_cli.nets.feedback_encoder import FeedbackEncoder
from jojo_cli.nets.lpips import ShiftTolerantLPIPS
from jojo_cli.nets.mobilestylegan import MobileStyleGAN
from jojo_cli.stylize.finetune import Reference
from jojo_cli.stylize.mixing import sample_code
from jojo_cli.training.curvature import measure_curvature
from jojo_cli.training.subspaces import find_subspaces

NAME = "tiny"
CHANNELS = (32, 32, 16, 16)
LEVELS = ((4, 1), (8, 1), (8, 1), (16, 1))
"""Of the face recogniser, and of the encoder's trunk."""
CPU = Device(torch.device("cpu"), torch.float32)
ENTRY = BaseEntry(
    NAME, load="tiny:load", draw=(), invert=(), encoders={"feedback": ()}, losses={"lpips": ()}, identity=()
)
"""It needs no weights."""


def register() -> None:
    """Let this process know the base `tiny`."""
    bases.BASES[NAME] = ENTRY


def load(weights: Weights | None = None, device: Device = CPU) -> Base:
    """Return the base `tiny` on `device`; it needs no weights."""
    return make_base(device=device)


def make_base(channels: Sequence[int] = CHANNELS, *, seed: int = 0, device: Device = CPU) -> Base:
    """Return a base of random networks, always the same ones for the same arguments."""
    generator, critic = make_generator(channels, seed=seed), make_critic(seed=seed)
    recogniser, encoder = make_recogniser(seed=seed), make_encoder(generator, seed=seed)
    for net in (generator, critic, recogniser, encoder):
        net.to(device.torch_device).eval().requires_grad_(False)
    sha256 = hashlib.sha256(repr((*channels, seed)).encode()).hexdigest()
    return mobilestylegan.assemble(
        NAME,
        generator,
        sha256=sha256,
        load_perceptual=lambda: critic,
        critic_sha256=lambda: sha256,
        load_recogniser=lambda: recogniser,
        load_encoder=lambda: encoder,
        load_shortcuts=lambda critic: make_shortcuts(generator, encoder, critic, device),
        load_regions=lambda: make_regions(channels, seed=seed, device=device),
        device=device,
    )


def make_generator(channels: Sequence[int] = CHANNELS, *, w_dim: int = 32, seed: int = 0) -> MobileStyleGAN:
    """Return a random generator whose pictures are about as bright as real ones, and differ from code to code.

    `channels` are those of its blocks, one an octave from 8 px up: four of them draw 128 px.
    """
    rng = torch.Generator().manual_seed(seed)
    generator = MobileStyleGAN(channels, w_dim=w_dim, mapping_layers=2)
    for key, tensor in generator.state_dict().items():  # the generator's own memory
        tensor.normal_(generator=rng)
        if key.endswith("modulation.weight"):
            tensor.mul_(0.3 / w_dim**0.5)
        elif key.endswith("modulation.bias"):
            tensor.mul_(0.1).add_(1)
        elif key.endswith(("bias", "noise")):
            tensor.mul_(0.1)
        elif key.startswith("mapping."):
            nn.init.orthogonal_(tensor, generator=rng)  # so that codes vary along every axis
        elif key.endswith("depthwise"):
            tensor.div_(3)
        elif key.endswith("weight"):
            tensor.mul_(4)  # what the small scale of the styles and the leaky ReLU take away
    with torch.no_grad():
        w = generator.mapping(torch.randn(8, w_dim, generator=rng))
        brightness = generator.synthesis(generator.w_to_w_plus(w)).std()
    generator.get_parameter(f"stages.{len(channels) + 1}.weight").detach().mul_(0.4 / brightness)
    return generator


def make_critic(*, seed: int = 0) -> ShiftTolerantLPIPS:
    """Return a random critic, with blocks as VGG16 but few channels."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return ShiftTolerantLPIPS(((8,), (8,), (16,), (16,), (16,)))


def make_regions(channels: Sequence[int] = CHANNELS, *, seed: int = 0, device: Device = CPU) -> RegionFinder:
    """Return what sees random regions in what a generator's features of 32 and 64 px say."""
    rng = torch.Generator().manual_seed(seed)
    seen = sum(channels[2:4])
    weight, iris_weight = torch.randn(len(REGIONS), seen, generator=rng), torch.randn(seen, generator=rng)
    finder = RegionFinder(weight, torch.zeros(len(REGIONS)), iris_weight, torch.zeros(()))
    return RegionFinder.from_tensors(finder.tensors(), device.torch_device)


def showing(base: Base, region: Region) -> Base:
    """Return a base in whose faces nothing is seen but one region, and irises wherever eyes may be."""
    assert base.load_regions
    bias = torch.tensor([30.0 * (name == region) for name in REGIONS])
    blind = base.load_regions()
    finder = replace(
        blind,
        weight=torch.zeros_like(blind.weight),
        bias=bias,
        iris_weight=torch.zeros_like(blind.iris_weight),
        iris_bias=torch.tensor(30.0),
    )
    return replace(base, load_regions=lambda: finder)


def make_recogniser(*, seed: int = 0) -> FaceRecogniser:
    """Return a random face recogniser, with levels as dlib's but few channels."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return FaceRecogniser(LEVELS, dimensions=16)


def make_encoder(generator: MobileStyleGAN, *, seed: int = 0) -> FeedbackEncoder:
    """Return a random encoder for a generator."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return FeedbackEncoder(octaves=len(octaves(generator)), w_dim=generator.w_dim, levels=LEVELS)


def make_shortcuts(
    generator: MobileStyleGAN, encoder: FeedbackEncoder, critic: ShiftTolerantLPIPS, device: Device
) -> Shortcuts:
    """Return those of a tiny base, roughly; where it shows the whole, there is nothing to shrink."""
    loop = FeedbackLoop(encoder, generator, Latents.measure(generator), device)
    curvature = measure_curvature(loop, critic, faces=8, directions=16)
    low_rank = critic.low_rank(find_subspaces(loop, critic, faces=4, share=0.999, multiple=1))
    return Shortcuts(curvature, low_rank.requires_grad_(False), generator.synthesis)


def poster(base: Base, *, seed: int = 0) -> Reference:
    """Return a reference for a base: a picture of flat squares, and the code of a random face."""
    rng = torch.Generator().manual_seed(seed)
    side = base.generator.resolution // 16
    squares = torch.rand(1, 3, 16, 16, generator=rng) * 2 - 1
    return Reference(squares.repeat_interleave(side, 2).repeat_interleave(side, 3), sample_code(base, seed, 0.5))
