"""Where a reference shows how a part of another face is drawn, and how far a drawing is from it."""

from collections.abc import Sequence

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from jojo_cli.bases.base import Base
from jojo_cli.bases.regions import REGIONS, RegionFinder
from jojo_cli.bases.views import View
from jojo_cli.nets.generator import State
from jojo_cli.nets.ops import Features
from jojo_cli.stylize.analogy import Analogy, Match, place_distance, texture_distance, trusted
from jojo_cli.stylize.mixing import sample_code

WHOLE = View(128, 128)

MIRRORED = torch.eye(64).view(8, 8, 64).flip(1).flatten(0, 1)
"""The places of a picture whose left is right."""


def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def pictures(*, size: int = 128, seed: int = 0) -> Tensor:
    return torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(seed)) * 2 - 1


def halves() -> Tensor:
    """Return a picture whose left half is light, and whose right half is dark."""
    return torch.where(torch.arange(128) < 64, 0.5, -0.5).expand(1, 3, 128, 128)


def seen(base: Base, images: Tensor) -> Features:
    return base.load_perceptual().features(images)


def drawn_through(base: Base, seed: int = 0) -> list[State]:
    states: list[State] = []
    base.generator.synthesis(sample_code(base, seed, 0.7), states=states)
    return states


def mirrored(states: list[State]) -> list[State]:
    return [(x.flip(3),) for (x,) in states]


@pytest.fixture
def reference() -> Tensor:
    return F.interpolate(pictures(size=16), size=128)


@pytest.fixture
def analogy(base: Base, reference: Tensor) -> Analogy:
    return Analogy(base.load_perceptual(), reference, drawn_through(base), [128])


def test_each_place_of_the_same_face_finds_itself(base: Base, analogy: Analogy) -> None:
    match = analogy.match(analogy.compare(drawn_through(base)), rng())
    places = len(match.shares)
    assert match.shares.sum(dim=1) == pytest.approx(torch.ones(places), abs=1e-4)
    assert torch.equal(match.shares.argmax(dim=1), torch.arange(places))


def test_places_are_as_alike_as_can_be_where_nothing_moved(base: Base, analogy: Analogy) -> None:
    likeness = analogy.compare(drawn_through(base))
    still, far = torch.zeros(1, 2, 64, 64), torch.full((1, 2, 64, 64), 0.5)
    assert analogy.likeness_at(likeness, still) == pytest.approx(torch.ones(1, 1, 8, 8), abs=1e-5)
    assert analogy.likeness_at(likeness, far)[..., :4, :4].max() < 0.9


def test_like_regions_are_looked_for(base: Base, reference: Tensor) -> None:
    """A place of the left half is hair, one of the right half is face: none is found on the other side."""

    class Halves(RegionFinder):
        def __call__(self, states: Sequence[State]) -> Tensor:
            left = (torch.arange(64) < 32).float().expand(64, 64)
            return torch.stack([torch.zeros(64, 64), 1 - left, left, torch.zeros(64, 64)])

    halves = Halves(torch.zeros(4, 1), torch.zeros(4), torch.zeros(1), torch.tensor(0.0))
    states = drawn_through(base)
    analogy = Analogy(base.load_perceptual(), reference, states, [128], halves)
    shares = analogy.match(analogy.compare(drawn_through(base, 1)), rng()).shares.view(8, 8, 8, 8)
    assert shares[:, :4, :, :4].sum(dim=(2, 3)).min() > 0.8
    assert shares[:, 4:, :, 4:].sum(dim=(2, 3)).min() > 0.8


def test_parts_are_found_where_they_are(base: Base, analogy: Analogy) -> None:
    """In a face that is the other way round, every part is found on the other side."""
    match = analogy.match(analogy.compare(mirrored(drawn_through(base))), rng())
    found = match.shares.argmax(dim=1).view(8, 8)
    across = torch.arange(64).view(8, 8).flip(1)
    assert (found == across).float().mean() > 0.8


def test_lots_are_drawn_by_shares(base: Base, analogy: Analogy) -> None:
    states = drawn_through(base, seed=1)
    drawn = [analogy.match(analogy.compare(states), torch.Generator().manual_seed(seed)) for seed in range(200)]
    shares = drawn[0].shares
    often = torch.stack([F.one_hot(match.chosen, len(shares)) for match in drawn]).float().mean(dim=0)
    assert (often - shares).abs().max() < 0.15
    assert torch.equal(
        analogy.match(analogy.compare(states), rng()).chosen, analogy.match(analogy.compare(states), rng()).chosen
    )


def test_reference_is_drawn_as_it_shall_be(base: Base, analogy: Analogy, reference: Tensor) -> None:
    itself = Match(torch.eye(64), torch.arange(64))
    example = analogy.example(itself, WHOLE)
    mirror = reference.flip(3)
    same, other = (
        (place_distance(seen(base, x), example).item(), texture_distance(seen(base, x), example, rng()).item())
        for x in (reference, mirror)
    )
    assert same == pytest.approx((0, 0), abs=1e-5)
    assert other[0] > 0.1  # not in place
    assert other[1] < 0.1 * texture_distance(seen(base, reference * 0.5), example, rng()).item()  # but drawn alike


def test_what_is_wanted_moves_with_the_parts(base: Base, analogy: Analogy, reference: Tensor) -> None:
    """A face whose parts are the other way round shall become the reference the other way round."""
    places = torch.arange(64).view(8, 8).flip(1).flatten()
    example = analogy.example(Match(torch.eye(64)[places], places), WHOLE)
    at_place, in_place = (place_distance(seen(base, x), example).item() for x in (reference, reference.flip(3)))
    assert in_place < 0.5 * at_place


def test_window_wants_what_the_whole_wants_there(base: Base, reference: Tensor) -> None:
    analogy = Analogy(base.load_perceptual(), reference, drawn_through(base), [64, 128])
    match = analogy.match(analogy.compare(drawn_through(base, seed=1)), rng())
    whole, window = (analogy.example(match, view) for view in (WHOLE, View(128, 64, top=32, left=64)))
    for all_of_it, part in zip(whole.means, window.means, strict=True):
        assert torch.allclose(part, all_of_it[:, 2:6, 4:8], atol=1e-5)


def test_places_shall_have_the_colours_of_their_like(base: Base) -> None:
    reference = halves()
    analogy = Analogy(base.load_perceptual(), reference, drawn_through(base), [128])
    shades = analogy.shades_of(Match(MIRRORED, torch.arange(64)))
    assert shades.distance(reference.flip(3)) == pytest.approx(0, abs=1e-6)
    assert shades.distance(reference) == pytest.approx(1)
    assert shades.distance(reference.flip(3) + 0.25) == pytest.approx(0.25)
    assert shades._replace(counts=shades.counts * 0.5).distance(reference) == pytest.approx(0.5)


def test_places_whose_likes_differ_may_have_any_colour(base: Base) -> None:
    analogy = Analogy(base.load_perceptual(), halves(), drawn_through(base), [128])
    shades = analogy.shades_of(Match((torch.eye(64) + MIRRORED) / 2, torch.arange(64)))
    assert shades.distance(pictures()) < 1e-3


def test_texture_sees_how_it_is_drawn(base: Base, analogy: Analogy, reference: Tensor) -> None:
    example = analogy.example(Match(torch.eye(64), torch.arange(64)), WHOLE)
    softer = F.interpolate(pictures(size=16), size=128, mode="bilinear")
    paler = reference * 0.5
    moved = reference.roll((32, 48), dims=(2, 3))
    distances = [texture_distance(seen(base, x), example, rng()).item() for x in (moved, softer, paler)]
    assert distances[0] < 0.5 * min(distances[1:])


def test_background_is_only_what_looks_like_it() -> None:
    """A lock of hair that the natural face does not have is none, and borders of regions count little."""
    background, hair = REGIONS.index("background"), REGIONS.index("hair")
    regions = torch.zeros(4, 64, 64)
    regions[background, :, :40], regions[hair, :, 40:] = 1, 1
    image = torch.full((1, 3, 256, 256), -0.8)  # dark hair
    image[0, :, :, :160] = torch.tensor([-0.2, 0.6, 0.6])[:, None, None]
    image[0, :, 40:80, 60:160] = -0.8  # the lock
    sure = trusted(regions.clone(), image)
    assert (sure[background, 24:, :36] > 0.9).all()
    assert (sure[background, 12:18, 17:36] < 0.1).all()
    assert (sure[:, :, 39:41] == 0).all()
    assert torch.equal(sure[hair, :, 44:62], regions[hair, :, 44:62])


def test_hair_is_not_what_looks_like_the_background() -> None:
    """A reference may wear its hair shorter than its natural face; in a line drawing, hair may be as white as paper."""
    background, hair = REGIONS.index("background"), REGIONS.index("hair")
    regions = torch.zeros(4, 64, 64)
    regions[background, :, :24], regions[hair, :, 24:] = 1, 1
    image = torch.tensor([-0.2, 0.6, 0.6])[:, None, None].repeat(1, 1, 256, 256)
    white = trusted(regions.clone(), image)
    assert (white[hair, :, 28:60] == 1).all()
    image[0, :, :160, 96:] = -0.8  # dark, and short
    sure = trusted(regions.clone(), image)
    assert (sure[hair, :38, 28:60] == 1).all()
    assert (sure[hair, 42:, 28:60] == 0).all()
    assert (sure[background, 4:60, 4:20] == 1).all()


def test_background_of_several_colours_is_all_of_them() -> None:
    background = REGIONS.index("background")
    regions = torch.zeros(4, 64, 64)
    regions[background, :, :40], regions[REGIONS.index("hair"), :, 40:] = 1, 1
    image = torch.full((1, 3, 256, 256), -0.8)
    image[0, :, ::32, :160] = 0
    rays = torch.tensor([[0.9, 0.6, -0.8], [0.9, 0.2, -0.8]])
    for row in range(256):
        image[0, :, row, :160] = rays[row // 16 % 2][:, None]
    assert (trusted(regions, image)[background, :, 4:36] > 0.5).all()
