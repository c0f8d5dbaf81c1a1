"""What gives faces that a style draws the gradients of its references."""

import torch
import torch.nn.functional as F
from torch import Tensor

from jojo_cli.nets.gradients import steepness, steepnesses, with_gains
from jojo_cli.stylize.boldness import GRAIN, Face, gains, with_own_gains


def picture(seed: int, contrast: float, grain: float = 0.0) -> Tensor:
    """Return shapes [1,3,256,256] with contours, of some contrast, and with noise."""
    rng = torch.Generator().manual_seed(seed)
    shapes = F.interpolate(torch.randn(1, 1, 12, 12, generator=rng), size=256, mode="bicubic", align_corners=False)
    noise = grain * torch.randn(1, 1, 256, 256, generator=rng)
    return (contrast * torch.tanh(8 * shapes) + noise).expand(1, 3, 256, 256)


def face(image: Tensor, regions: Tensor | None = None) -> Face:
    return Face(image, regions)


def in_halves() -> Tensor:
    """Return regions: hair above, background below, nothing else [1,4,64,64]."""
    above = (torch.arange(64) < 32).float()[:, None].expand(64, 64)
    none = torch.zeros(64, 64)
    return torch.stack([1 - above, none, above, none])[None]


def halves(above: Tensor, below: Tensor) -> Tensor:
    return torch.cat([above[..., :128, :], below[..., 128:, :]], dim=2)


def test_faces_become_as_bold_as_the_reference() -> None:
    wanted, faces = picture(0, 0.8), [picture(seed, 0.35) for seed in (1, 2, 3)]
    found = gains([face(wanted)], [face(image) for image in faces], 1.0)
    assert found.shape == (1, len(steepnesses()))
    away, after = (
        [abs(steepness(image).mean() / steepness(wanted).mean() - 1) for image in images]
        for images in (faces, [with_gains(image, found)[0] for image in faces])
    )
    assert max(after) < 0.5 * min(away)


def test_areas_become_as_even_as_the_reference() -> None:
    found = gains([face(picture(0, 0.6))], [face(picture(1, 0.6, grain=0.01))], 1.0)
    area = 0.01 * torch.randn(1, 3, 256, 256, generator=torch.Generator().manual_seed(9))
    assert with_gains(area, found)[0].std() < 0.5 * area.std()


def test_grain_is_not_made_a_line() -> None:
    found = gains([face(picture(0, 0.6, grain=0.02))], [face(picture(1, 0.6, grain=0.001))], 1.0)
    assert found[:, steepnesses() < GRAIN].max() <= 1


def test_amount_says_how_far() -> None:
    pictures = [face(picture(0, 0.8))], [face(picture(1, 0.4))]
    none, half, whole = (gains(*pictures, amount) for amount in (0.0, 0.5, 1.0))
    assert torch.equal(none, torch.ones_like(none))
    assert torch.allclose(half, (1 + whole) / 2)
    assert whole.max() > 1.3


def test_even_picture_says_nothing_wild() -> None:
    even = face(torch.zeros(1, 3, 64, 64), in_halves())
    found = gains([even], [even], 1.0)
    assert found.isfinite().all()
    assert found.min() >= 0


def test_references_count_alike() -> None:
    one, drawn = face(picture(0, 0.8)), [face(picture(1, 0.4))]
    assert torch.allclose(gains([one] * 3, drawn, 1.0), gains([one], drawn, 1.0), atol=1e-4)


def test_hair_and_background_have_gains_of_their_own() -> None:
    """Bold hair makes hair bolder, and faint hair fainter; an even wall makes walls even."""
    drawn = [face(halves(picture(1, 0.4), picture(2, 0.4)), in_halves())]
    even = torch.zeros(1, 3, 256, 256)
    bold, faint = (
        gains([face(halves(picture(3, contrast), even), in_halves())], drawn, 1.0) for contrast in (0.8, 0.1)
    )
    assert bold.shape == (3, len(steepnesses()))
    (image, regions), *_ = drawn
    assert regions is not None
    changed, softer = (steepness(with_gains(image, found, with_own_gains(regions))[0]) for found in (bold, faint))
    before = steepness(image)
    hair, wall = slice(0, 120), slice(160, 256)
    assert changed[..., hair, :].mean() > 1.2 * before[..., hair, :].mean()
    assert softer[..., hair, :].mean() < 0.6 * before[..., hair, :].mean()
    assert changed[..., wall, :].mean() < 0.55 * before[..., wall, :].mean()


def test_wall_gets_no_bolder_and_its_boldest_part_not_bolder_than_the_reference() -> None:
    reference = face(halves(picture(0, 0.4), picture(1, 0.3)), in_halves())
    drawn = face(halves(picture(2, 0.4), picture(3, 0.2)), in_halves())
    wall = gains([reference], [drawn], 1.0)[2]
    assert wall.max() <= 1
    becomes = wall * steepnesses()
    assert becomes[-1] < 0.5 * steepnesses()[-1]


def test_reference_without_hair_says_nothing_of_hair() -> None:
    bald = in_halves() * torch.tensor([1.0, 0.0, 0.0, 0.0]).view(1, 4, 1, 1)
    found = gains([face(picture(0, 0.8), bald)], [face(picture(1, 0.4), in_halves())], 1.0)
    assert torch.equal(found[1], torch.ones_like(found[1]))
    assert found[0].max() > 1.3
