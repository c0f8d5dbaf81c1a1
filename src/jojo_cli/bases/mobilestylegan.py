"""The embedded base: MobileStyleGAN-FFHQ at 1024 px, judged by shift-tolerant LPIPS."""

from collections.abc import Callable
from functools import cache, partial
from typing import TYPE_CHECKING

from jojo_cli.bases.base import Base
from jojo_cli.bases.critic_channels import without_dead_channels
from jojo_cli.bases.curvature import Curvature
from jojo_cli.bases.encoder import Encoder, FeedbackLoop, octaves
from jojo_cli.bases.judges import Critic, Recogniser
from jojo_cli.bases.latents import Latents
from jojo_cli.bases.loading import loaded
from jojo_cli.bases.regions import RegionFinder
from jojo_cli.bases.settings import STYLEGAN2_FFHQ, FinetuneSettings, InvertSettings
from jojo_cli.bases.shipped import shipped_weights
from jojo_cli.bases.shortcuts import Shortcuts
from jojo_cli.bases.varied import codes_preserving_color, fine_codes
from jojo_cli.bases.views import CHIP, face_chip, whole_view
from jojo_cli.nets.dlib_recogniser import FaceRecogniser
from jojo_cli.nets.feedback_encoder import FeedbackEncoder
from jojo_cli.nets.lpips import ShiftTolerantLPIPS, Subspace
from jojo_cli.nets.mobilestylegan import MobileStyleGAN
from jojo_cli.nets.sketch import Sketch

if TYPE_CHECKING:
    from jojo_cli.bases import Weights
    from jojo_cli.device import Device


NAME = "mobilestylegan-ffhq"
CRITIC = "stlpips-vgg"
RECOGNISER = "dlib-face-recognition"


def load(weights: "Weights", device: "Device") -> Base:
    """Return the base `mobilestylegan-ffhq`, its networks on `device` in evaluation mode."""
    generator = loaded(MobileStyleGAN(), weights.ensure(NAME), device)
    return assemble(
        NAME,
        generator,
        sha256=weights.sha256(NAME),
        load_perceptual=lambda: load_critic(weights, device),
        critic_sha256=lambda: weights.sha256(CRITIC),
        load_recogniser=lambda: loaded(FaceRecogniser(), weights.ensure(RECOGNISER), device),
        load_encoder=lambda: loaded(new_encoder(generator), shipped_weights(NAME, "encoder"), device),
        load_shortcuts=lambda critic: load_shortcuts(generator, critic, device),
        load_regions=lambda: RegionFinder.from_tensors(shipped_weights(NAME, "regions"), device.torch_device),
        device=device,
    )


def load_critic(weights: "Weights", device: "Device") -> ShiftTolerantLPIPS:
    """Return shift-tolerant LPIPS without its dead channels."""
    whole = loaded(ShiftTolerantLPIPS(), weights.ensure(CRITIC), device)
    narrow = without_dead_channels(whole)
    return loaded(narrow, narrow.state_dict(), device)


def load_shortcuts(generator: MobileStyleGAN, critic: ShiftTolerantLPIPS, device: "Device") -> Shortcuts:
    """Return the shortcuts that come with jojo for this generator, judged by this critic."""
    weights = shipped_weights(NAME, "sketch")
    sketch = loaded(Sketch(*weights["weight1"].T.shape), weights, device)
    low_rank = critic.low_rank(Subspace.from_tensors(shipped_weights(NAME, "subspaces")))
    return Shortcuts(
        Curvature.from_tensors(shipped_weights(NAME, "curvature"), device.torch_device),
        loaded(low_rank, low_rank.state_dict(), device),
        partial(sketch, generator),
    )


def new_encoder(generator: MobileStyleGAN) -> FeedbackEncoder:
    """Return an encoder for this generator that knows nothing yet."""
    return FeedbackEncoder(octaves=len(octaves(generator)))


def assemble(
    name: str,
    generator: MobileStyleGAN,
    *,
    sha256: str,
    load_perceptual: Callable[[], ShiftTolerantLPIPS],
    critic_sha256: Callable[[], str],
    load_recogniser: Callable[[], FaceRecogniser],
    load_encoder: Callable[[], FeedbackEncoder],
    load_shortcuts: Callable[[ShiftTolerantLPIPS], Shortcuts],
    load_regions: Callable[[], RegionFinder] | None = None,
    device: "Device",
) -> Base:
    """Return the base made of a generator and of what loads the rest, of any size."""
    latents = Latents.measure(generator)
    load_perceptual = cache(load_perceptual)

    @cache
    def encoder(name: str | None) -> Encoder:
        return FeedbackLoop(load_encoder(), generator, latents, device)

    def critic(loss: str) -> Critic:
        return Critic(load_perceptual(), whole_view(generator.resolution).size, critic_sha256())

    return Base(
        name=name,
        sha256=sha256,
        device=device,
        generator=generator,
        latents=latents,
        load_perceptual=load_perceptual,
        load_recogniser=cache(lambda: Recogniser(load_recogniser(), face_chip, CHIP, same=0.93)),
        load_encoder=encoder,
        load_shortcuts=cache(lambda: load_shortcuts(load_perceptual())),
        load_regions=cache(load_regions) if load_regions else None,
        load_critic=critic,
        photo_inversions=(
            InvertSettings("hybrid", natural=True, steps=40, rate=1.0, pull=0.003, spread=0.015, identity=0.25),
            InvertSettings("hybrid", space="w", steps=60, pull=0.003, spread=0.015, identity=0.1),
            InvertSettings("optimize", steps=80, pull=0.035, spread=0.35),
            InvertSettings("encoder"),
            InvertSettings("mean"),
        ),
        # A natural face of about the reference's pose and hair: finetuning adds the rest.
        reference_inversions=(
            InvertSettings("hybrid", psi=0.4, steps=15, rate=0.07, pull=0.15, spread=0.8, pixels=0.0, identity=0.3),
            InvertSettings("optimize", space="w", steps=60, pull=0.07),
            InvertSettings("encoder"),
            InvertSettings("mean"),
        ),
        finetunings=(
            FinetuneSettings(
                steps=78,
                looks=2,
                rate=0.005,
                rate_by_row=True,
                decay=0.6,
                widen=0.3,
                proportions=0.3,
                tints=True,
                strokes=1.0,
                boldness=1.0,
                strangers=1,
                color=0.5,
                texture=3.0,
                places=1.0,
                overlay=3.0,
                overlay_pixels=3.0,
                structure=1.35,
                weave=1.2,
                combs=6.0,
                shades=4.0,
                excess=8.0,
            ),
        ),
        varied_codes=fine_codes(generator),
        varied_codes_preserving_color=codes_preserving_color(generator),
        # Up to 16 px, faces are made and not drawn: pose, expression, what is where. At 32 px, in part: taught fast,
        # mouths go crooked.
        # Depthwise kernels mix places: taught fast on one picture, they draw its grid and blotches on every face.
        # What a modulation adds, all codes share; what it multiplies, only those near the reference do.
        rates={
            **dict.fromkeys(("mapping.", "stages.0.", "stages.1.", "stages.2."), 0.0),
            "stages.3.": 0.3,
            "depthwise": 0.3,
            "modulation.weight": 0.3,
            "modulation.bias": 2.0,
        },
        codes_of=STYLEGAN2_FFHQ if name == NAME else name,  # it was distilled with that mapping
        color=0.25,
    )
