"""What a generator's features show at each place of a face."""

import pytest
import tiny
import torch
import torch.nn.functional as F

from jojo_cli.bases.base import Base
from jojo_cli.bases.regions import GRID, REGIONS, RegionFinder, states_of
from jojo_cli.faces import FaceFinder
from jojo_cli.faces.irises import iris_places
from jojo_cli.images import to_image
from jojo_cli.nets.generator import State
from jojo_cli.stylize.mixing import sample_code
from jojo_cli.training.regions import clusters, fit_irises, fit_regions
from jojo_cli.weights.manager import ModelManager


def test_each_place_has_a_share_of_each_region(base: Base) -> None:
    found = tiny.make_regions()(states_of(base.generator, sample_code(base, 0, 0.7)))
    assert found.shape == (len(REGIONS), GRID, GRID)
    assert found.sum(dim=0) == pytest.approx(torch.ones(GRID, GRID), abs=1e-5)
    assert found.min() >= 0


def test_regions_need_no_more_than_the_first_stages(base: Base) -> None:
    w_plus = sample_code(base, 0, 0.7)
    states: list[State] = []
    base.generator.synthesis(w_plus, states=states)
    first = states_of(base.generator, w_plus)
    assert len(first) < len(states)
    finder = tiny.make_regions()
    assert torch.equal(finder(first), finder(states))


def test_named_clusters_are_found_again() -> None:
    """Four kinds of places, a corner of a picture each, whatever the face."""
    rng = torch.Generator().manual_seed(0)
    rows, columns = (torch.arange(GRID * GRID) // GRID >= 32, torch.arange(GRID * GRID) % GRID >= 32)
    kind = 2 * rows.long() + columns
    middles = torch.eye(4, 8) * 4
    places = middles[kind] + 0.3 * torch.randn(3, GRID * GRID, 8, generator=rng)
    found = clusters(places, 4)
    numbers = [found[0, kind == k].mode().values.item() for k in range(4)]
    assert sorted(numbers) == [0, 1, 2, 3]
    weight, bias = fit_regions(places, found, {region: [int(numbers[k])] for k, region in enumerate(REGIONS)})
    seen = (places[0] @ weight.T + bias).argmax(dim=1)
    expected = torch.where((kind == 3) & (torch.arange(GRID * GRID) // GRID < 26), 2, kind)
    assert (seen == expected).float().mean() > 0.98


def test_tensors_are_all_of_it(base: Base) -> None:
    finder, states = tiny.make_regions(), states_of(base.generator, sample_code(base, 0, 0.7))
    again = RegionFinder.from_tensors(finder.tensors(), torch.device("cpu"))
    assert torch.equal(again(states), finder(states))
    assert torch.equal(again.irises(states), finder.irises(states))


def test_shares_of_places_are_found_again() -> None:
    """What one feature says alone, among eight, and where else it says it."""
    rng = torch.Generator().manual_seed(0)
    shares = torch.zeros(6, GRID, GRID)
    for face, column in enumerate((20, 22, 24, 26, 28, 30)):
        shares[face, 29:32, column : column + 3] = torch.tensor([0.4, 1.0, 0.4])
    places = 0.3 * torch.randn(6, GRID * GRID, 8, generator=rng)
    places[..., 5] += 4 * shares.flatten(1)
    weight, bias = fit_irises(places, shares.flatten(1))
    found = (places @ weight + bias).sigmoid().view_as(shares)
    assert (found - shares)[shares > 0.5].abs().mean() < 0.1
    assert found[shares == 0].mean() < 0.02


def test_irises_are_among_the_eyes(base: Base) -> None:
    finder, states = tiny.make_regions(), states_of(base.generator, sample_code(base, 0, 0.7))
    found = finder.irises(states)
    assert found.shape == (1, GRID, GRID)
    rows, columns = torch.nonzero(found[0], as_tuple=True)
    assert [x.item() for x in (rows.min(), rows.max(), columns.min(), columns.max())] == [25, 36, 14, 49]
    assert found.max() <= 1


@pytest.mark.real
def test_real_faces_are_where_their_landmarks_are(real_base: Base, real_models: ModelManager) -> None:
    assert real_base.load_regions
    find_regions, finder = real_base.load_regions(), FaceFinder(real_models.path("dlib-landmarks-68"))
    for seed in range(4):
        w_plus = sample_code(real_base, seed, 0.7)
        with torch.inference_mode():
            picture = to_image(real_base.generator.synthesis(w_plus)[0])
            states = states_of(real_base.generator, w_plus)
            background, face, hair, body = find_regions(states)
            irises = find_regions.irises(states)[0]
        landmarks = finder.landmarks(picture)
        wanted = torch.from_numpy(iris_places(picture, landmarks)).float()[None]
        wanted = F.adaptive_avg_pool2d(wanted, GRID)[0]
        assert torch.minimum(irises, wanted).sum() > 0.5 * torch.maximum(irises, wanted).sum()
        for x, y in (landmarks[27:36] * GRID).round().astype(int).tolist():  # the nose
            assert face[y, x] > 0.9
        assert background[:8, :4].mean() > 0.8
        assert body[-2:, 24:40].mean() > 0.5
        assert hair[:40].mean() > 0.03
