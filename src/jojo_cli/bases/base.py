"""What a base is: everything of a face model that the algorithm needs to know."""

from dataclasses import dataclass

from jojo_cli.bases.encoder import Encoder
from jojo_cli.bases.latents import Latents
from jojo_cli.bases.settings import FinetuneSettings, InvertSettings
from jojo_cli.device import Device
from jojo_cli.nets.generator import Generator
from jojo_cli.nets.lpips import ShiftTolerantLPIPS
from jojo_cli.nets.recogniser import FaceRecogniser


@dataclass(frozen=True)
class Base:
    """A pretrained face model: its networks, how its codes are distributed, and the numbers that go with them."""

    name: str
    sha256: str  # of the generator's weights
    critic_sha256: str
    device: Device
    generator: Generator
    critic: ShiftTolerantLPIPS
    recogniser: FaceRecogniser
    latents: Latents
    encoder: Encoder
    photo_inversions: tuple[InvertSettings, ...]  # one for each method, first what is done when the user says nothing
    reference_inversions: tuple[InvertSettings, ...]
    finetune: FinetuneSettings
    varied_codes: tuple[int, ...]  # that differ from face to face while a style is learned
    varied_codes_preserving_color: tuple[int, ...]
    frozen: tuple[str, ...]  # parts of parameter names that finetuning leaves alone
