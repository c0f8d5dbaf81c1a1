"""What gives faces the lights and darks of a style's references."""

import pytest
import torch
from torch import Tensor

from jojo_cli.nets.gradients import luminance
from jojo_cli.stylize.background import background_of
from jojo_cli.stylize.boldness import Face
from jojo_cli.stylize.tones import TONES, toned, tones, without_tones

PAPER = 0.9


def face(*, dark: float, light: float, share: float = 0.3, grey: float = 0.0) -> Face:
    """Return somebody, in part dark and in part light, some `grey` between, and paper on the right."""
    regions = torch.zeros(1, 4, 64, 64)  # background, face, hair, body
    regions[:, 1, :, :40] = 1
    regions[:, 0, :, 40:] = 1
    height = torch.linspace(0, 1, 256)[:, None].expand(256, 256)
    mixed = torch.rand(256, 256, generator=torch.Generator().manual_seed(0)) * (light - dark) * grey
    image = torch.where(height < share, dark + mixed, light - mixed)
    image[:, 160:] = PAPER
    return Face(image.expand(1, 3, 256, 256).clone(), regions)


def with_tones(face: Face, found: Tensor, amount: float = 1.0, *, background: bool = True) -> Tensor:
    assert face.regions is not None
    return toned(face.image, found, background_of(face.image, face.regions), amount, background=background)


def dark_and_light(image: Tensor) -> tuple[float, float]:
    return image[..., 10:30, 20:120].mean().item(), image[..., 220:240, 20:120].mean().item()


def test_greys_become_the_black_and_white_of_the_reference() -> None:
    ink, washed = face(dark=-0.9, light=0.8), face(dark=-0.5, light=0.5, grey=0.3)
    found = tones([ink], [washed], 1.0)
    assert found is not None
    assert found.shape == (TONES,)
    dark, light = dark_and_light(with_tones(washed, found))
    assert dark == pytest.approx(-0.9, abs=0.1)
    assert light == pytest.approx(0.8, abs=0.1)


def test_dark_stays_dark_however_much_of_it_there_is() -> None:
    """A reference with far more hair does not make skin black."""
    drawn = face(dark=-0.6, light=0.5)
    found = tones([face(dark=-0.6, light=0.5, share=0.7)], [drawn], 1.0)
    assert found is not None
    assert (with_tones(drawn, found) - drawn.image).abs().max() < 0.05


def test_amounts_say_how_far() -> None:
    pictures = [face(dark=-0.9, light=0.8)], [face(dark=-0.5, light=0.5)]
    whole, half, none = (tones(*pictures, amount) for amount in (1.0, 0.5, 0.0))
    assert whole is not None
    assert half is not None
    assert none is not None
    assert torch.allclose(none, without_tones(whole), atol=1e-6)
    assert torch.allclose(half, (whole + none) / 2, atol=1e-6)
    drawn = face(dark=-0.5, light=0.5)
    moved, halfway = (with_tones(drawn, whole, amount) - drawn.image for amount in (1.0, 0.5))
    assert torch.allclose(halfway, moved / 2, atol=1e-6)
    assert torch.equal(with_tones(drawn, whole, 0.0), drawn.image)


def test_hues_stay() -> None:
    drawn = face(dark=-0.5, light=0.5)
    red = Face(drawn.image * torch.tensor([1.0, 0.4, 0.4]).view(1, 3, 1, 1) + 0.1, drawn.regions)
    found = tones([face(dark=-0.95, light=0.3)], [red], 1.0)
    assert found is not None
    before, after = ((image[0, :, 230, 60] + 1) / 2 for image in (red.image, with_tones(red, found)))
    assert luminance(after.view(1, 3, 1, 1)) < 0.95 * luminance(before.view(1, 3, 1, 1))
    assert torch.allclose(after / after.sum(), before / before.sum(), atol=0.01)


def test_background_stays_and_nothing_goes_past_it() -> None:
    """The grey that hangs into it becomes as light as it is and no lighter; pasted into photos, it stays."""
    drawn, found = face(dark=-0.5, light=0.5), torch.linspace(-1, 1, TONES)
    found = torch.where(found > 0, torch.ones(()), found)  # all greys become white
    drawn.image[..., 100:, 200:] = 0.3  # a shadow on paper
    moved, kept = (with_tones(drawn, found, background=background) for background in (True, False))
    assert torch.allclose(moved[..., :90, 180:], drawn.image[..., :90, 180:], atol=0.02)
    assert moved[..., 120:, 220:].mean() > 0.6
    assert moved[..., 120:, 220:].max() <= PAPER + 1e-4
    assert torch.equal(kept[..., 180:], drawn.image[..., 180:])
    assert dark_and_light(moved)[1] > 0.8


def test_without_regions_or_anybody_nothing_is_said() -> None:
    drawn = face(dark=-0.5, light=0.5)
    assert tones([Face(drawn.image, None)], [drawn], 1.0) is None
    empty = drawn._replace(regions=torch.zeros(1, 4, 64, 64))
    assert tones([empty], [drawn], 1.0) is None
    even = face(dark=0.2, light=0.2)
    found = tones([even], [even], 1.0)
    assert found is not None
    assert found.isfinite().all()
