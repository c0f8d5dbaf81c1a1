"""The list of bases, and how one is put together."""

from collections.abc import Iterable
from pathlib import Path

import pytest
import tiny
import tiny_full

from jojo_cli.bases import BASES, load_base
from jojo_cli.bases.base import Base
from jojo_cli.bases.encoder import FeedbackLoop
from jojo_cli.errors import JojoError
from jojo_cli.nets.mobilestylegan import CHANNELS_FFHQ


class NoWeights:
    """Weights that nobody may ask for."""

    def pull(self, ids: Iterable[str]) -> None:
        raise AssertionError(f"{ids} were asked for")

    def ensure(self, id: str) -> Path:
        raise AssertionError(f"{id} was asked for")

    def sha256(self, id: str) -> str:
        raise AssertionError(f"{id} was asked for")


def test_unknown_base_is_refused_with_the_known_ones(tiny_base: str) -> None:
    with pytest.raises(JojoError, match="base 'stylegan9' not found") as failure:
        load_base("stylegan9", NoWeights(), device=tiny.CPU)
    assert failure.value.hint
    assert all(name in failure.value.hint for name in BASES)
    assert tiny_base in failure.value.hint


def test_base_is_found_by_its_name(tiny_base: str) -> None:
    base = load_base(tiny_base, NoWeights(), device=tiny.CPU)
    assert base.name == tiny_base
    assert base.device == tiny.CPU


@pytest.mark.real
def test_embedded_base_says_what_it_was_made_from(real_base: Base) -> None:
    assert real_base.name == "mobilestylegan-ffhq"
    assert real_base.generator.resolution == 1024
    assert len(real_base.sha256) == len(real_base.load_critic("lpips").sha256) == 64
    assert real_base.sha256 != real_base.load_critic("lpips").sha256


def test_networks_of_a_base_are_fixed(base: Base) -> None:
    encoder = base.load_encoder(None)
    assert isinstance(encoder, FeedbackLoop)
    for net in (base.generator, base.load_perceptual(), base.load_recogniser().net, encoder.net):
        assert not net.training
        assert not any(parameter.requires_grad for parameter in net.parameters())


def test_1024_px_base_varies_the_codes_that_draw_from_64_px_up() -> None:
    base = tiny.make_base((8,) * len(CHANNELS_FFHQ))
    assert base.generator.resolution == 1024
    assert base.varied_codes == tuple(range(10, 23))
    preserving = base.varied_codes_preserving_color
    assert set(preserving) < set(base.varied_codes)
    assert preserving == tuple(sorted(preserving))
    resolutions = [base.generator.code_resolutions[code] for code in preserving]
    assert min(resolutions) == 128
    assert resolutions.count(512) == 4  # the finest octave varies as a whole


@pytest.mark.parametrize("blocks", [1, 4, 6])
def test_smaller_base_varies_codes_of_its_own(blocks: int) -> None:
    base = tiny.make_base((8,) * blocks)
    for codes in (base.varied_codes, base.varied_codes_preserving_color):
        assert all(0 <= code < base.generator.codes for code in codes)
    assert len(base.varied_codes) == 3 * max(0, blocks - 3) + (blocks > 3)


def test_rates_are_those_of_parameters(base: Base) -> None:
    names = [name for name, _ in base.generator.named_parameters()]
    for part in base.rates:
        assert any(part in name for name in names)


def test_full_base_varies_the_codes_that_jojogan_does() -> None:
    base = tiny_full.make_base((4,) * 9)
    assert base.generator.resolution == 1024
    assert base.varied_codes == tuple(range(7, 18))
    assert base.varied_codes_preserving_color == (9, 11, 15, 16, 17)


def test_discriminator_sees_every_pixel_and_lpips_what_it_was_trained_on() -> None:
    base = tiny_full.make_base((*tiny_full.CHANNELS, 8))
    assert base.generator.resolution == base.load_critic("discriminator").side == 512
    assert base.load_critic("lpips").side == 256
