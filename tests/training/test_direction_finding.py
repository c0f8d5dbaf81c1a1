"""Directions, found by measuring faces."""

import numpy as np
import torch
from PIL import Image

from jojo_cli.bases.regions import GRID, REGIONS
from jojo_cli.faces.proportions import ORDINARY
from jojo_cli.training.directions import effects, fit_directions, measures


def regions() -> torch.Tensor:
    """Return a head with hair down to its middle."""
    found = torch.zeros(len(REGIONS), GRID, GRID)
    found[REGIONS.index("hair"), : GRID // 2] = 1
    found[REGIONS.index("face"), GRID // 2 :] = 1
    return found


def test_direction_is_that_of_what_is_measured() -> None:
    rng = torch.Generator().manual_seed(0)
    w = torch.randn(4000, 8, generator=rng) * torch.linspace(0.9, 1.1, 8)
    truth = torch.zeros(8)
    truth[[1, 6]] = torch.tensor([1.0, -0.5])
    noise = 0.3 * torch.randn(4000, generator=rng)
    values = {"known": (w @ truth + noise).numpy(), "chance": torch.randn(4000, generator=rng).numpy()}
    fits = fit_directions(w, values)
    found = fits["known"].vector / fits["known"].vector.norm()
    assert found @ (truth / truth.norm()) > 0.9
    assert fits["known"].r2 > 0.8
    assert fits["chance"].r2 < 0.02


def test_measures_grow_with_what_they_are_called_after() -> None:
    grey = Image.new("RGB", (256, 256), (128, 128, 128))
    before = measures(ORDINARY, grey, regions())

    def after(places: slice | list[int], move: tuple[float, float]) -> dict[str, float]:
        points = ORDINARY.copy()
        points[places] += move
        return measures(points, grey, regions())

    assert after(slice(27, 36), (0.05, 0))["yaw"] > before["yaw"] + 0.1
    assert after(slice(27, 36), (0, 0.05))["pitch"] > before["pitch"] + 0.1
    assert after([48, 54], (0, -0.03))["smile"] > before["smile"]
    assert after([65, 66, 67], (0, 0.05))["mouth-open"] > before["mouth-open"] + 0.1
    assert after(slice(17, 27), (0, -0.05))["brow-height"] > before["brow-height"] + 0.1
    light = measures(ORDINARY, Image.new("RGB", (256, 256), (200, 200, 200)), regions())
    assert light["hair-light"] > before["hair-light"] + 0.2
    longer = regions().roll(GRID // 8, dims=1)
    assert measures(ORDINARY, grey, longer)["hair-length"] > before["hair-length"]


def test_effects_are_in_standard_deviations() -> None:
    before, after = {"a": np.array([1.0, 3.0])}, {"a": np.array([2.0, 4.0])}
    assert effects(before, after, {"a": np.array([0.0, 4.0])}) == {"a": 0.5}
