"""The full base: StyleGAN2-FFHQ at 1024 px, read by e4e and its kin, judged by its own discriminator: JoJoGAN's."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from jojo_cli.bases import BASES, FULL_BASE
from jojo_cli.bases.base import Base
from jojo_cli.bases.encoder import Encoder
from jojo_cli.bases.judges import Critic, Recogniser
from jojo_cli.bases.latents import Latents
from jojo_cli.bases.loading import loaded, read_weights
from jojo_cli.bases.lpips_vgg import LPIPS
from jojo_cli.bases.published_encoders import OneLook, ReStyle
from jojo_cli.bases.settings import FinetuneSettings, InvertSettings
from jojo_cli.bases.varied import codes_preserving_color, fine_codes
from jojo_cli.bases.views import WHOLE, resized, whole_view
from jojo_cli.formats.rosinality import generator_state, load_checkpoint
from jojo_cli.nets.arcface import ALIGNED, ArcFace, cut_face
from jojo_cli.nets.discriminator import Discriminator
from jojo_cli.nets.lpips import ShiftTolerantLPIPS
from jojo_cli.nets.published_encoders import (
    BackboneEncoder,
    Encoder4Editing,
    GradualStyleEncoder,
    ProgressiveBackboneEncoder,
)
from jojo_cli.nets.stylegan2 import StyleGAN2, published_channels

if TYPE_CHECKING:
    from jojo_cli.bases import Weights
    from jojo_cli.device import Device

RESOLUTION = 1024

EncoderNet = GradualStyleEncoder | BackboneEncoder

ENCODERS: Mapping[str, type[EncoderNet]] = {
    "e4e": Encoder4Editing,
    "psp": GradualStyleEncoder,
    "restyle-e4e": ProgressiveBackboneEncoder,
    "restyle-psp": BackboneEncoder,
}


def read_finetuned(path: Path) -> Mapping[str, Tensor]:
    """Return the state dict of the generator that JoJoGAN, StyleGAN-NADA, MTG or the like keep in a checkpoint.

    It may be of any size; nothing in the file runs.

    Raises:
        CheckpointError: the file is damaged, has no generator, or one with other keys and shapes than StyleGAN2's.
    """
    return generator_state(load_checkpoint(path))


def load(weights: "Weights", device: "Device") -> Base:
    """Return the base `stylegan2-ffhq`, its networks on `device` in evaluation mode."""
    entry = BASES[FULL_BASE]
    (generator_id,) = entry.draw
    (perceptual_id,) = entry.invert
    (recogniser_id,) = entry.identity

    def load_encoder(name: str) -> EncoderNet:
        (id,) = entry.encoders[name]
        with torch.device("meta"):
            net = ENCODERS[name]()
        return loaded(net, weights.ensure(id), device)

    def load_comparer(loss: str) -> Discriminator | LPIPS:
        (id,) = entry.losses[loss]
        if loss == "discriminator":
            return loaded(Discriminator(published_channels(RESOLUTION)[::-1]), weights.ensure(id), device)
        lpips = LPIPS(read_weights(weights.ensure(id)))
        return loaded(lpips, lpips.state_dict(), device)

    return assemble(
        FULL_BASE,
        loaded(StyleGAN2(published_channels(RESOLUTION)), weights.ensure(generator_id), device),
        sha256=weights.sha256(generator_id),
        load_perceptual=lambda: loaded(ShiftTolerantLPIPS(), weights.ensure(perceptual_id), device),
        load_recogniser=lambda: loaded(ArcFace(), weights.ensure(recogniser_id), device),
        load_encoder=load_encoder,
        load_comparer=load_comparer,
        critic_sha256=lambda loss: weights.sha256(*entry.losses[loss]),
        device=device,
    )


def assemble(
    name: str,
    generator: StyleGAN2,
    *,
    sha256: str,
    load_perceptual: Callable[[], ShiftTolerantLPIPS],
    load_recogniser: Callable[[], ArcFace],
    load_encoder: Callable[[str], EncoderNet],
    load_comparer: Callable[[str], Discriminator | LPIPS],
    critic_sha256: Callable[[str], str],
    device: "Device",
) -> Base:
    """Return the base made of a generator and of what loads the rest, of any size from 64 px up."""
    best = next(iter(ENCODERS))

    @cache
    def encoder(name: str | None) -> Encoder:
        net = load_encoder(name or best)
        return ReStyle(net, generator) if isinstance(net, BackboneEncoder) else OneLook(net)

    @cache
    def critic(loss: str) -> Critic:
        comparer = load_comparer(loss)
        # Discriminators see every pixel; LPIPS sees what it was trained on.
        whole = whole_view(generator.resolution).size
        return Critic(comparer, whole if isinstance(comparer, LPIPS) else generator.resolution, critic_sha256(loss))

    # As released: constant rate, all references at each step, fresh noise.
    released = FinetuneSettings(
        loss="discriminator",
        steps=300,
        batch=None,
        rate=0.002,
        rate_by_size=False,
        decay=0.0,
        fresh_noise=True,
        closer=0.0,
        pixels=0.0,
    )
    inversions = (
        InvertSettings("encoder", encoder=best),
        InvertSettings("hybrid", encoder=best, steps=60, pull=0.003, spread=0.015, identity=0.1),
        InvertSettings("optimize", steps=80, pull=0.035, spread=0.35),
        InvertSettings("mean"),
    )
    return Base(
        name=name,
        sha256=sha256,
        device=device,
        generator=generator,
        latents=Latents.measure(generator),
        load_perceptual=cache(load_perceptual),
        load_recogniser=cache(lambda: Recogniser(load_recogniser(), _face, WHOLE, same=0.5)),
        load_encoder=encoder,
        load_shortcuts=None,
        load_regions=None,
        load_critic=critic,
        photo_inversions=inversions,
        reference_inversions=inversions,
        finetunings=(released, replace(released, loss="lpips", steps=500)),
        varied_codes=fine_codes(generator),
        varied_codes_preserving_color=codes_preserving_color(generator),
        rates={"mapping.": 0.0},
        codes_of=name,
        color=0.0,  # as released
    )


def _face(images: Tensor) -> Tensor:
    return cut_face(resized(images, ALIGNED))
