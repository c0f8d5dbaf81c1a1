"""IR-SE50: what must hold for any weights."""

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd import gradcheck

from jojo_cli.nets.irse import IRSE, Unit

WIDTHS = (16, 32, 48, 64)
UNITS = (1, 2, 1, 1)


def noise(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def randomize(unit: Unit, *, seed: int = 0) -> Unit:
    """Draw what layers initialise to 0 or 1."""
    rng = torch.Generator().manual_seed(seed)
    for tensor in (unit.affine.scale, unit.affine.shift, unit.prelu.weight):
        tensor.detach().normal_(generator=rng)
    return unit


def test_each_stage_halves_the_picture() -> None:
    body = IRSE(4, units=UNITS, widths=WIDTHS).requires_grad_(False)
    features = body(noise(2, 4, 64, 48))
    assert [tuple(x.shape) for x in features] == [(2, 16, 32, 24), (2, 32, 16, 12), (2, 48, 8, 6), (2, 64, 4, 3)]


def test_published_network_has_50_layers() -> None:
    with torch.device("meta"):
        body = IRSE()
    # Two in each unit and one in the stem; the embedding of ArcFace is the fiftieth.
    assert sum(key.endswith(("stem.0.weight", "conv1.weight", "conv2.weight")) for key in body.state_dict()) == 49


def test_picture_has_the_features_that_it_has_alone() -> None:
    body = IRSE(units=UNITS, widths=WIDTHS).requires_grad_(False)
    images = noise(2, 3, 32, 32)
    for together, alone in zip(body(images), body(images[1:]), strict=True):
        assert torch.allclose(together[1:], alone, atol=1e-5)


def test_unit_is_a_convolution_after_batch_norm_and_one_before() -> None:
    torch.manual_seed(0)
    unit = randomize(Unit(16, 32, stride=2)).requires_grad_(False)
    assert unit.shortcut is not None
    x = noise(2, 16, 9, 9)
    y = F.batch_norm(x, torch.zeros(16), torch.ones(16), unit.affine.scale, unit.affine.shift, eps=0)
    y = F.prelu(F.conv2d(y, unit.conv1.weight, padding=1), unit.prelu.weight)
    y = F.conv2d(y, unit.conv2.weight, unit.conv2.bias, stride=2, padding=1)
    weights = F.linear(F.relu(F.linear(y.mean(dim=(2, 3)), unit.se.squeeze.weight)), unit.se.excite.weight).sigmoid()
    shortcut = F.conv2d(x, unit.shortcut.weight, unit.shortcut.bias, stride=2)
    assert torch.allclose(unit(x), y * weights[:, :, None, None] + shortcut, atol=1e-5)


def test_unit_of_one_width_passes_every_second_pixel_on() -> None:
    unit = Unit(16, 16, stride=2).requires_grad_(False)
    unit.conv2.weight.zero_()
    assert unit.conv2.bias is not None
    unit.conv2.bias.zero_()
    x = noise(1, 16, 8, 6)
    assert torch.equal(unit(x), x[..., ::2, ::2])


def test_gradients_are_right() -> None:
    torch.manual_seed(0)
    unit = randomize(Unit(16, 16, stride=2)).double()
    x = noise(1, 16, 4, 4).double().requires_grad_()

    def run(x: Tensor, *norm: Tensor) -> Tensor:
        y: Tensor = unit(x)
        return y

    assert gradcheck(run, (x, unit.affine.scale, unit.affine.shift, unit.prelu.weight))


def test_network_is_the_same_while_it_trains() -> None:
    body = IRSE(units=UNITS, widths=WIDTHS).requires_grad_(False)
    image = noise(1, 3, 32, 32)
    assert torch.equal(body.train()(image)[-1], body.eval()(image)[-1])
