"""What a base is: everything of a face model that the algorithm needs to know."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from jojo_cli.bases.encoder import Encoder
from jojo_cli.bases.identity import fingerprint, is_same
from jojo_cli.bases.judges import Critic, Recogniser
from jojo_cli.bases.latents import Latents
from jojo_cli.bases.regions import RegionFinder
from jojo_cli.bases.settings import FinetuneSettings, InvertSettings
from jojo_cli.bases.shortcuts import Shortcuts
from jojo_cli.device import Device
from jojo_cli.nets.generator import Generator
from jojo_cli.nets.lpips import ShiftTolerantLPIPS


@dataclass(frozen=True)
class Base:
    """A pretrained face model: its networks, how its codes are distributed, and the numbers that go with them.

    What not every command needs is loaded when it is first asked for.
    """

    name: str
    sha256: str  # of the generator's weights
    device: Device
    generator: Generator
    latents: Latents
    load_perceptual: Callable[[], ShiftTolerantLPIPS]  # what inversion compares pictures with
    load_recogniser: Callable[[], Recogniser]
    load_encoder: Callable[[str | None], Encoder]  # by its name; None: the first
    load_shortcuts: Callable[[], Shortcuts] | None  # for natural gradients; None: nobody found any
    load_regions: Callable[[], RegionFinder] | None  # of faces; None: nobody named them
    load_critic: Callable[[str], Critic]  # by the name of the loss
    photo_inversions: tuple[InvertSettings, ...]  # one for each method, first what is done when the user says nothing
    reference_inversions: tuple[InvertSettings, ...]
    finetunings: tuple[FinetuneSettings, ...]  # one for each loss, likewise
    varied_codes: tuple[int, ...]  # that differ from face to face while a style is learned
    varied_codes_preserving_color: tuple[int, ...]
    rates: Mapping[str, float]  # share of the rate for parameters with this in their names; 0 leaves them alone
    codes_of: str  # the w that its codes are of: bases with the same one share directions
    color: float  # how far the fine codes of faces go to the reference's in a style, when the user says nothing, 0 to 1

    @cached_property
    def fingerprint(self) -> tuple[float, ...]:
        """What tells its generator from others, however its weights were rounded and converted."""
        return fingerprint(self.generator.state_dict())

    def made(self, sha256: str, fingerprint: Sequence[float] | None) -> bool:
        """Return whether what was made on a base with this hash and fingerprint belongs to this one."""
        return sha256 == self.sha256 or (fingerprint is not None and is_same(fingerprint, self.fingerprint))
