"""Natural gradients: steps whose length is what the distance asks for."""

import torch
from torch import Tensor

from jojo_cli.bases.base import Base
from jojo_cli.bases.curvature import REST, Curvature
from jojo_cli.stylize.mixing import sample_code

OCTAVES, DIMENSIONS = 2, 6


def gradients(count: int) -> Tensor:
    """Return gradients [S,O,D] of features that see some directions well, and the first octave ten times as well."""
    rng = torch.Generator().manual_seed(0)
    mixed = torch.randn(OCTAVES * DIMENSIONS, OCTAVES * DIMENSIONS, generator=rng)
    rows = torch.randn(count, OCTAVES * DIMENSIONS, generator=rng) @ mixed
    return rows.view(count, OCTAVES, DIMENSIONS) * torch.tensor([10.0, 1.0])[:, None]


def test_step_is_newtons_where_all_directions_are_known() -> None:
    rows = gradients(100_000)
    curvature = Curvature.of(rows, OCTAVES * DIMENSIONS)
    unit = curvature.scale.repeat_interleave(DIMENSIONS)
    information = rows.flatten(1).T @ rows.flatten(1) / len(rows) + REST * torch.diag(unit.square())
    gradient = torch.randn(1, OCTAVES, DIMENSIONS, generator=torch.Generator().manual_seed(1))
    expected = torch.linalg.solve(2 * information, gradient.flatten())
    assert torch.allclose(curvature.natural(gradient).flatten(), expected, rtol=1e-2, atol=1e-4)


def test_strong_directions_take_short_steps_and_octaves_have_their_own_unit() -> None:
    rows = gradients(1000)
    curvature = Curvature.of(rows, 3)
    strongest = curvature.directions[0].view(1, OCTAVES, DIMENSIONS) * curvature.scale[:, None]
    weak = torch.linalg.svd(curvature.directions)[2][-1].view(1, OCTAVES, DIMENSIONS) * curvature.scale[:, None]
    lengths = [(curvature.natural(gradient) * curvature.scale[:, None]).norm().item() for gradient in (strongest, weak)]
    assert lengths[0] < 0.3 * lengths[1]
    assert 5 < curvature.scale[0] / curvature.scale[1] < 20


def test_measured_is_a_step_downhill(base: Base) -> None:
    assert base.load_shortcuts
    curvature = base.load_shortcuts().curvature
    count = len(curvature.scale)
    code = base.latents.whiten(sample_code(base, 1, 0.7))[:, :count].clone()
    assert curvature.natural(code).shape == code.shape
    assert (curvature.natural(code) * code).sum() > 0


def test_it_can_be_kept() -> None:
    curvature = Curvature.of(gradients(100), 4)
    again = Curvature.from_tensors({k: t.half() for k, t in curvature.tensors().items()}, torch.device("cpu"))
    gradient = torch.ones(1, OCTAVES, DIMENSIONS)
    assert torch.allclose(again.natural(gradient), curvature.natural(gradient), rtol=0.02, atol=1e-4)
