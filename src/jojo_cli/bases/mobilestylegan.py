"""The embedded base: MobileStyleGAN-FFHQ at 1024 px, judged by shift-tolerant LPIPS."""

from typing import TYPE_CHECKING

import torch
from safetensors.torch import load_file

from jojo_cli.bases.base import Base
from jojo_cli.bases.encoder import FeedbackLoop, octaves
from jojo_cli.bases.latents import Latents
from jojo_cli.bases.settings import FinetuneSettings, InvertSettings
from jojo_cli.bases.shipped import shipped_weights
from jojo_cli.nets.encoders import FeedbackEncoder
from jojo_cli.nets.lpips import ShiftTolerantLPIPS
from jojo_cli.nets.mobilestylegan import MobileStyleGAN
from jojo_cli.nets.recogniser import FaceRecogniser

if TYPE_CHECKING:
    from jojo_cli.bases import Weights
    from jojo_cli.device import Device


NAME = "mobilestylegan-ffhq"
CRITIC = "stlpips-vgg"
RECOGNISER = "dlib-face-recognition"


def load(weights: "Weights", device: "Device", *, with_encoder: bool = True) -> Base:
    """Return the base `mobilestylegan-ffhq`, its networks on `device` in evaluation mode.

    Without the encoder that comes with jojo, it has one that knows nothing: to train it.
    """
    weights.pull((NAME, CRITIC, RECOGNISER))
    generator, critic, recogniser = MobileStyleGAN(), ShiftTolerantLPIPS(), FaceRecogniser()
    encoder = FeedbackEncoder(octaves=len(octaves(generator)))
    generator.load_state_dict(load_file(weights.ensure(NAME)))
    critic.load_state_dict(load_file(weights.ensure(CRITIC)))
    recogniser.load_state_dict(load_file(weights.ensure(RECOGNISER)))
    if with_encoder:
        encoder.load_state_dict(shipped_weights(NAME))
    for net in (generator, critic, recogniser, encoder):
        # channels_last: the pointwise convolutions are matrix products on it, and VGG runs 1.5 times as fast.
        net.to(device.torch_device).to(memory_format=torch.channels_last)
        net.eval().requires_grad_(False)
    return assemble(
        NAME,
        generator,
        critic,
        recogniser,
        encoder,
        device=device,
        sha256=weights.sha256(NAME),
        critic_sha256=weights.sha256(CRITIC),
    )


def assemble(
    name: str,
    generator: MobileStyleGAN,
    critic: ShiftTolerantLPIPS,
    recogniser: FaceRecogniser,
    encoder: FeedbackEncoder,
    *,
    device: "Device",
    sha256: str,
    critic_sha256: str,
) -> Base:
    """Return the base made of these networks, of any size."""
    resolutions = generator.code_resolutions
    last = generator.codes - 1
    latents = Latents.measure(generator)
    return Base(
        name=name,
        sha256=sha256,
        critic_sha256=critic_sha256,
        device=device,
        generator=generator,
        critic=critic,
        recogniser=recogniser,
        latents=latents,
        encoder=FeedbackLoop(encoder, generator, latents, device),
        photo_inversions=(
            InvertSettings("hybrid", steps=60, pull=0.003, spread=0.015, identity=0.1),
            InvertSettings("optimize", steps=80, pull=0.035, spread=0.35),
            InvertSettings("encoder"),
            InvertSettings("mean"),
        ),
        # A natural face of about the reference's pose and hair: finetuning adds the rest.
        reference_inversions=(
            InvertSettings("optimize", space="w", steps=60, pull=0.07),
            InvertSettings("hybrid", space="w", steps=30, pull=0.07),
            InvertSettings("encoder"),
            InvertSettings("mean"),
        ),
        finetune=FinetuneSettings(widen=0.2),
        varied_codes=tuple(i for i, r in enumerate(resolutions) if r >= 64),
        # The released JoJoGAN's 9, 11, 15, 16, 17: the first code of the 128 and 256 px blocks, and all of the last.
        varied_codes_preserving_color=tuple(
            i for i, r in enumerate(resolutions) if (r in (128, 256) and i % 3 == 1) or r == resolutions[last]
        ),
        # Depthwise kernels mix places: taught on one picture they draw its grid and blotches on every face.
        frozen=("mapping.", "modulation.", "depthwise"),
    )
