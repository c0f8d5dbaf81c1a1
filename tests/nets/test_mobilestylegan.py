"""MobileStyleGAN: what must hold for any weights."""

from collections.abc import Callable

import pytest
import tiny
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import gradcheck

from jojo_cli.nets.generator import Area, State
from jojo_cli.nets.mobilestylegan import (
    CHANNELS_FFHQ,
    MobileStyleGAN,
    StyledConv,
    ToWavelets,
    Upsample,
    inverse_haar,
    pointwise,
)
from jojo_cli.nets.sketch import Sketch

UNUSED = (3, 6, 9, 12)
"""The third code of each block: the published network has them, and draws nothing from them."""

ALL = (0.0, 1.0)
"""Of the rows, or columns, of a picture."""


@pytest.fixture(scope="module")
def generator() -> MobileStyleGAN:
    return tiny.make_generator().requires_grad_(False)


def codes(generator: MobileStyleGAN, count: int = 1, *, seed: int = 0) -> Tensor:
    """Make w_plus [N,L,D] with another w for each code."""
    rng = torch.Generator().manual_seed(seed)
    z = torch.randn(count * generator.codes, generator.w_dim, generator=rng)
    w: Tensor = generator.mapping(z)
    return w.detach().reshape(count, generator.codes, -1)


def states(generator: MobileStyleGAN, w_plus: Tensor) -> list[Tensor]:
    """Return the features after each stage."""
    state: State = ()
    return [(state := stage(state, w_plus))[0] for stage in generator.stages]


def haar(image: Tensor) -> Tensor:
    """Return the bands [N,4C,H/2,W/2] of images [N,C,H,W]: LL, LH, HL and HH."""
    a, b = image[..., 0::2, 0::2], image[..., 0::2, 1::2]
    c, d = image[..., 1::2, 0::2], image[..., 1::2, 1::2]
    return torch.cat((a + b + c + d, a + b - c - d, a - b + c - d, a - b - c + d), dim=1) / 2


def test_picture_has_the_size_that_the_channels_say(generator: MobileStyleGAN) -> None:
    assert generator.resolution == 128
    assert generator.synthesis(codes(generator, 2)).shape == (2, 3, 128, 128)


def test_published_network_has_its_codes_where_they_act() -> None:
    with torch.device("meta"):
        published = MobileStyleGAN()
    octaves = (8, 16, 32, 64, 128, 256, 512)
    assert len(CHANNELS_FFHQ) == len(octaves)
    assert (published.resolution, published.codes, published.w_dim) == (1024, 23, 512)
    assert published.code_resolutions == (4, *(side for side in octaves for _ in range(3)), 512)


def test_batch_draws_what_its_codes_draw_alone(generator: MobileStyleGAN) -> None:
    w_plus = codes(generator, 3)
    images = generator.synthesis(w_plus)
    for i in range(3):
        assert torch.allclose(images[i : i + 1], generator.synthesis(w_plus[i : i + 1]), atol=1e-5)
    assert (images[0] - images[1]).abs().mean() > 0.05


def test_same_code_draws_the_same_picture(generator: MobileStyleGAN) -> None:
    w_plus = codes(generator)
    assert torch.equal(generator.synthesis(w_plus), generator.synthesis(w_plus))


@pytest.mark.parametrize("code", range(14))
def test_a_code_acts_from_its_resolution_on(generator: MobileStyleGAN, code: int) -> None:
    w_plus = codes(generator)
    changed = w_plus.clone()
    changed[:, code] += 1
    acts_from = generator.code_resolutions[code]
    for before, after in zip(states(generator, w_plus), states(generator, changed), strict=True):
        if before.shape[-1] < acts_from or code in UNUSED:
            assert torch.equal(before, after)
        elif code != generator.codes - 1:
            assert not torch.equal(before, after)
    same = torch.equal(generator.synthesis(w_plus), generator.synthesis(changed))
    assert same == (code in UNUSED)


def test_gradients_reach_the_codes_that_draw(generator: MobileStyleGAN) -> None:
    w_plus = codes(generator).requires_grad_()
    (gradient,) = torch.autograd.grad(generator.synthesis(w_plus).square().mean(), w_plus)
    sizes = gradient.abs().amax(dim=(0, 2))
    assert [i for i, size in enumerate(sizes) if size == 0] == list(UNUSED)


def test_half_size_picture_is_the_full_one_averaged(generator: MobileStyleGAN) -> None:
    w_plus = codes(generator)
    full, half = generator.synthesis(w_plus), generator.synthesis(w_plus, at_least=64)
    assert half.shape == (1, 3, 64, 64)
    assert torch.allclose(half, F.avg_pool2d(full, 2), atol=1e-5)


@pytest.mark.parametrize("at_least", [65, 128, 1024])
def test_picture_is_never_smaller_than_asked(generator: MobileStyleGAN, at_least: int) -> None:
    w_plus = codes(generator)
    assert torch.equal(generator.synthesis(w_plus, at_least=at_least), generator.synthesis(w_plus))


def test_mapping_sees_only_where_z_points(generator: MobileStyleGAN) -> None:
    z = torch.randn(4, generator.w_dim, generator=torch.Generator().manual_seed(0))
    w = generator.mapping(z)
    assert w.shape == z.shape
    assert torch.allclose(generator.mapping(z * 7), w, atol=1e-5)
    assert torch.allclose(generator.mapping(z[2:3]), w[2:3], atol=1e-6)
    assert (generator.mapping(-z) - w).abs().mean() > 0.1


def test_w_stands_for_every_code(generator: MobileStyleGAN) -> None:
    w = codes(generator, 2)[:, 0]
    w_plus = generator.w_to_w_plus(w)
    assert w_plus.shape == (2, 14, generator.w_dim)
    assert all(torch.equal(w_plus[:, i], w) for i in range(14))


def test_half_precision_draws_nearly_the_same_in_float32(generator: MobileStyleGAN) -> None:
    w_plus = codes(generator)
    with torch.autocast("cpu", torch.bfloat16):
        rough = generator.synthesis(w_plus)
    image = generator.synthesis(w_plus)
    assert rough.dtype == torch.float32
    assert 0 < (rough - image).abs().mean() < 0.05 * image.abs().mean()


def test_copy_shares_nothing(generator: MobileStyleGAN) -> None:
    w_plus = codes(generator)
    before = generator.synthesis(w_plus)
    copy = generator.clone()
    assert torch.equal(copy.synthesis(w_plus), before)
    for tensor in copy.state_dict().values():
        tensor.zero_()
    assert torch.equal(generator.synthesis(w_plus), before)


def test_blend_goes_from_one_generator_to_the_other(generator: MobileStyleGAN) -> None:
    other, w_plus = tiny.make_generator(seed=1).requires_grad_(False), codes(generator)
    ends = generator.synthesis(w_plus), other.synthesis(w_plus)
    none, half, all_ = (
        generator.blended_synthesis(other, w_plus, [amount] * len(generator.stages)) for amount in (0.0, 0.5, 1.0)
    )
    assert torch.equal(none, ends[0])
    assert torch.equal(all_, ends[1])
    apart = (ends[0] - ends[1]).square().mean()
    assert (half - ends[0]).square().mean() < apart
    assert (half - ends[1]).square().mean() < apart
    assert torch.allclose(
        generator.blended_synthesis(generator, w_plus, [0.5] * len(generator.stages)), ends[0], atol=1e-6
    )


def test_inverse_haar_inverts_a_haar_transform() -> None:
    image = torch.randn(2, 5, 12, 8, generator=torch.Generator().manual_seed(0))
    assert torch.allclose(inverse_haar(haar(image)), image, atol=1e-6)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_pointwise_is_a_convolution_with_a_style_for_each_sample(layout: torch.memory_format) -> None:
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(3, 4, 6, 5, generator=rng).to(memory_format=layout)
    weight, style = torch.randn(7, 4, generator=rng), torch.randn(3, 4, generator=rng)
    bias, noise = torch.randn(7, generator=rng), torch.randn(6, 5, generator=rng)
    expected = F.conv2d(x * style[:, :, None, None], weight[:, :, None, None], bias)
    assert torch.allclose(pointwise(x, weight, style, bias), expected, atol=1e-5)
    activated = F.leaky_relu(expected + noise, 0.3)
    assert torch.allclose(pointwise(x, weight, style, bias, noise=noise, slope=0.3), activated, atol=1e-5)


@pytest.mark.parametrize("slope", [1.0, 0.3])
def test_gradients_of_pointwise_are_right(slope: float) -> None:
    rng = torch.Generator().manual_seed(0)
    inputs = [torch.randn(s, generator=rng).double() for s in ((2, 4, 3, 5), (6, 4), (2, 4), (6,), (3, 5))]

    def run(x: Tensor, weight: Tensor, style: Tensor, bias: Tensor, noise: Tensor) -> Tensor:
        return pointwise(x, weight, style, bias, noise=noise, slope=slope)

    for wanted in ((0, 1, 2, 3, 4), (0,), (1,), (2,)):  # each alone, too: what nobody asks for isn't computed
        assert gradcheck(run, [x.clone().requires_grad_(i in wanted) for i, x in enumerate(inputs)])


def test_gradients_of_the_inverse_haar_transform_are_those_of_its_sums() -> None:
    x = torch.randn(2, 8, 3, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(inverse_haar, x)


@pytest.mark.parametrize("separable", [True, False])
def test_styled_conv_is_what_the_paper_says(separable: bool) -> None:
    torch.manual_seed(0)
    conv = StyledConv(4, 6, 8, 5, separable=separable).requires_grad_(False)
    conv.noise.normal_()
    conv.bias.normal_()
    x, w = torch.randn(2, 4, 8, 8), torch.randn(2, 5)
    y = x * conv.modulation(w)[:, :, None, None] / (4 * 9) ** 0.5
    if separable:
        y = F.conv2d(F.conv2d(y, conv.depthwise, padding=1, groups=4), conv.weight[:, :, None, None])
    else:
        y = F.conv2d(y, conv.weight, padding=1)
    expected = F.leaky_relu(y + conv.noise + conv.bias[:, None, None], 0.2)
    assert torch.allclose(conv(x, w), expected, atol=1e-5)


@pytest.mark.parametrize(
    "make",
    [
        lambda: StyledConv(4, 3, 4, 5, separable=True),
        lambda: StyledConv(4, 3, 4, 5, separable=False),
        lambda: Upsample(4, 5),
    ],
)
def test_gradients_are_right(make: Callable[[], nn.Module]) -> None:
    torch.manual_seed(0)
    layer = make().double()
    x = torch.randn(2, 4, 4, 4, dtype=torch.double, requires_grad=True)
    w = torch.randn(2, 5, dtype=torch.double, requires_grad=True)

    def run(x: Tensor, w: Tensor, *parameters: Tensor) -> Tensor:
        y: Tensor = layer(x, w)
        return y

    assert gradcheck(run, (x, w, *layer.parameters()))


def test_last_layer_has_the_right_gradients() -> None:
    torch.manual_seed(0)
    layer = ToWavelets(4, 5).double()
    x = torch.randn(2, 4, 4, 4, dtype=torch.double, requires_grad=True)
    w_plus = torch.randn(2, 3, 5, dtype=torch.double, requires_grad=True)

    def run(x: Tensor, w_plus: Tensor, *parameters: Tensor) -> Tensor:
        (bands,) = layer((x,), w_plus)
        assert isinstance(bands, Tensor)
        return bands

    assert gradcheck(run, (x, w_plus, *layer.parameters()))


@pytest.mark.parametrize("at_least", [None, 32])
@pytest.mark.parametrize(
    "within", [((0.3, 0.7), (0.2, 0.8)), ((0.0, 0.33), (0.61, 1.0)), ((0.51, 0.52), ALL), (ALL, (0.4, 1.0))]
)
def test_part_of_a_picture_is_that_of_the_whole(generator: MobileStyleGAN, within: Area, at_least: int | None) -> None:
    w_plus = codes(generator, 2)
    whole = generator.synthesis(w_plus, at_least=at_least)
    part = generator.part(w_plus, within, at_least=at_least)
    assert part.shape == whole.shape
    rows, columns = (slice(*(round(share * whole.shape[-1]) for share in axis)) for axis in within)
    assert torch.allclose(part[..., rows, columns], whole[..., rows, columns], atol=1e-5)


def test_part_of_a_picture_has_the_noise_of_its_place(generator: MobileStyleGAN) -> None:
    w_plus = codes(generator)
    rng = torch.Generator().manual_seed(0)
    noise = {name: torch.randn(old.shape, generator=rng) for name, old in generator.noise_maps.items()}
    with generator.with_noise(noise):
        whole, part = generator.synthesis(w_plus), generator.part(w_plus, ((0.0, 0.5), (0.5, 1.0)))
    assert torch.allclose(part[..., :64, 64:], whole[..., :64, 64:], atol=1e-5)


def test_part_costs_less_than_the_whole(generator: MobileStyleGAN) -> None:
    places: list[int] = []
    block, _ = generator.last_stages
    hook = block.register_forward_hook(lambda layer, inputs, state: places.append(state[0][0, 0].numel()))
    for within in ((ALL, ALL), ((0.3, 0.7), (0.3, 0.7))):
        generator.part(codes(generator), within)
    hook.remove()
    assert places[1] < 0.4 * places[0]


def test_sketch_is_the_shrunk_picture_where_that_is_linear() -> None:
    generator = tiny.make_generator().requires_grad_(False)
    w_plus = codes(generator, 2).double()
    block, _ = generator.double().last_stages
    block.conv1.bias.add_(100)  # no leaky ReLU sees a number below 0
    block.conv2.weight.abs_()
    block.conv2.modulation.bias.add_(10)
    block.conv2.depthwise[:] = torch.eye(3)[1, :, None] * torch.eye(3)[1]  # nor does a place see its neighbours
    for layer in (block.conv1, block.conv2):
        layer.noise.zero_()
    sketched, wanted = (
        image[..., 1:-1, 1:-1]  # at the border of the picture, one place of two sees zeros
        for image in (Sketch.of(generator)(generator, w_plus), F.avg_pool2d(generator.synthesis(w_plus), 4))
    )
    details = wanted - wanted.mean(dim=(2, 3), keepdim=True)
    assert (sketched - wanted).abs().max() < 1e-3 * details.std()
