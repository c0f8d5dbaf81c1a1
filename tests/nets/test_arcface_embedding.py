"""ArcFace: what must hold for any weights."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from jojo_cli.nets.arcface import ArcFace, cut_face


@pytest.fixture(scope="module")
def arcface() -> ArcFace:
    torch.manual_seed(0)
    return ArcFace(units=(1, 1, 1, 1), widths=(16, 16, 32, 32), dimensions=24).requires_grad_(False)


def pictures(side: int, count: int = 2) -> Tensor:
    return torch.rand(count, 3, side, side, generator=torch.Generator().manual_seed(0)) * 2 - 1


def test_embedding_has_unit_length(arcface: ArcFace) -> None:
    embedding = arcface(pictures(112))
    assert embedding.shape == (2, 24)
    assert torch.allclose(embedding.norm(dim=1), torch.ones(2))


def test_face_has_the_embedding_that_it_has_alone(arcface: ArcFace) -> None:
    faces = pictures(112)
    assert torch.allclose(arcface(faces)[1:], arcface(faces[1:]), atol=1e-5)
    assert (arcface(faces)[0] - arcface(faces)[1]).abs().max() > 1e-4


def test_half_precision_measures_nearly_the_same_in_float32(arcface: ArcFace) -> None:
    faces = pictures(112)
    with torch.autocast("cpu", torch.bfloat16):
        rough = arcface(faces)
    assert rough.dtype == torch.float32
    assert torch.allclose(rough.norm(dim=1), torch.ones(2))
    assert 0 < (rough - arcface(faces)).abs().max() < 0.02


def test_gradients_reach_the_face_and_nothing_around_it(arcface: ArcFace) -> None:
    images = pictures(256, count=1).requires_grad_()
    (gradient,) = torch.autograd.grad(arcface(cut_face(images))[0, 0], images)
    touched = gradient[0].abs().amax(dim=0) > 0
    rows, columns = touched.any(dim=1).nonzero(), touched.any(dim=0).nonzero()
    assert (int(rows.min()), int(rows.max())) == (35, 222)
    assert (int(columns.min()), int(columns.max())) == (32, 219)


def test_face_is_cut_as_adaptive_pooling_does() -> None:
    images = pictures(256)
    expected = F.adaptive_avg_pool2d(images[:, :, 35:223, 32:220], 112)
    assert torch.allclose(cut_face(images), expected, atol=1e-6)
