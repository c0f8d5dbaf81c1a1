"""StyleGAN2: what must hold for any weights."""

from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.autograd import gradcheck

from jojo_cli.nets.generator import State
from jojo_cli.nets.stylegan2 import StyledConv, StyleGAN2, ToRGB, published_channels


@pytest.fixture(scope="module")
def generator() -> StyleGAN2:
    return make_generator().requires_grad_(False)


def make_generator(*, seed: int = 0) -> StyleGAN2:
    """Return a small random generator that draws 64 px, noise and all."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        generator = StyleGAN2((16, 16, 12, 8, 8), w_dim=16, mapping_layers=2)
        for key, parameter in generator.named_parameters():
            if key.endswith((".bias", "noise_strength")) and "modulation" not in key:
                nn.init.normal_(parameter, std=0.1)
            elif key.startswith("mapping."):
                nn.init.orthogonal_(parameter)  # so that codes vary along every axis
    return generator


def codes(generator: StyleGAN2, count: int = 1, *, seed: int = 0) -> Tensor:
    """Make w_plus [N,L,D] with another w for each code."""
    rng = torch.Generator().manual_seed(seed)
    z = torch.randn(count * generator.codes, generator.w_dim, generator=rng)
    w: Tensor = generator.mapping(z)
    return w.detach().reshape(count, generator.codes, -1)


def states(generator: StyleGAN2, w_plus: Tensor) -> list[State]:
    """Return features and picture after each stage."""
    state: State = ()
    return [state := stage(state, w_plus) for stage in generator.stages]


def filtered(x: Tensor) -> Tensor:
    """Return x [N,C,H+3,W+3] filtered with [1,3,3,1] / 4 along both axes, [N,C,H,W], as sums of shifted copies."""
    for axis in (2, 3):
        size = x.shape[axis] - 3
        x = sum((x.narrow(axis, i, size) * tap for i, tap in enumerate((0.25, 0.75, 0.75, 0.25))), torch.zeros(()))
    return x


def with_zeros_between(x: Tensor) -> Tensor:
    """Return [N,C,2H,2W] for x [N,C,H,W]: each pixel with zeros to its right and below."""
    n, c, h, w = x.shape
    wide = x.new_zeros(n, c, 2 * h, 2 * w)
    wide[..., ::2, ::2] = x
    return wide


def test_picture_has_the_size_that_the_channels_say(generator: StyleGAN2) -> None:
    assert generator.resolution == 64
    assert generator.synthesis(codes(generator, 2)).shape == (2, 3, 64, 64)


@pytest.mark.parametrize(
    ("resolution", "multiplier", "channels"),
    [
        (1024, 2, (512, 512, 512, 512, 512, 256, 128, 64, 32)),
        (1024, 1, (512, 512, 512, 512, 256, 128, 64, 32, 16)),
        (256, 2, (512, 512, 512, 512, 512, 256, 128)),
        (64, 1, (512, 512, 512, 512, 256)),
    ],
)
def test_published_networks_have_their_channels(resolution: int, multiplier: int, channels: tuple[int, ...]) -> None:
    assert published_channels(resolution, multiplier) == channels


def test_published_network_has_its_codes_where_they_act() -> None:
    with torch.device("meta"):
        published = StyleGAN2()
    octaves = (8, 16, 32, 64, 128, 256, 512, 1024)
    assert (published.resolution, published.codes, published.w_dim) == (1024, 18, 512)
    assert published.code_resolutions == (4, *(side for side in octaves for _ in range(2)), 1024)


def test_batch_draws_what_its_codes_draw_alone(generator: StyleGAN2) -> None:
    w_plus = codes(generator, 3)
    images = generator.synthesis(w_plus)
    for i in range(3):
        assert torch.allclose(images[i : i + 1], generator.synthesis(w_plus[i : i + 1]), atol=1e-5)
    assert (images[0] - images[1]).abs().mean() > 0.05


def test_same_code_draws_the_same_picture(generator: StyleGAN2) -> None:
    w_plus = codes(generator)
    assert torch.equal(generator.synthesis(w_plus), generator.synthesis(w_plus))


def test_fresh_noise_follows_its_seed(generator: StyleGAN2) -> None:
    w_plus = codes(generator)
    stored = generator.synthesis(w_plus)
    first, other = (generator.synthesis(w_plus, noise=[torch.Generator().manual_seed(seed)]) for seed in (1, 2))
    for picture in (other, stored):
        assert (first - picture).abs().mean() > 1e-3
    both = generator.synthesis(w_plus.expand(2, -1, -1), noise=[torch.Generator().manual_seed(seed) for seed in (2, 1)])
    assert torch.allclose(both, torch.cat([other, first]), atol=1e-5)  # whatever its neighbours in the batch


def test_noise_of_no_strength_draws_nothing() -> None:
    generator = make_generator().requires_grad_(False)
    for key, parameter in generator.named_parameters():
        if key.endswith("noise_strength"):
            parameter.zero_()
    w_plus = codes(generator)
    fresh = generator.synthesis(w_plus, noise=[torch.Generator().manual_seed(0)])
    assert torch.equal(fresh, generator.synthesis(w_plus))


@pytest.mark.parametrize("code", range(10))
def test_a_code_acts_from_its_resolution_on(generator: StyleGAN2, code: int) -> None:
    w_plus = codes(generator)
    changed = w_plus.clone()
    changed[:, code] += 1
    acts_from = generator.code_resolutions[code]
    last = generator.codes - 1
    for before, after in zip(states(generator, w_plus), states(generator, changed), strict=True):
        same = torch.equal(before[0], after[0])
        assert same == (before[0].shape[-1] < acts_from or code == last)
    assert not torch.equal(generator.synthesis(w_plus), generator.synthesis(changed))


def test_the_picture_of_an_octave_takes_the_first_code_of_the_next(generator: StyleGAN2) -> None:
    w_plus = codes(generator)
    for octave in range(4):
        changed = w_plus.clone()
        changed[:, 2 * octave + 1] += 1
        (x, rgb), (changed_x, changed_rgb) = states(generator, w_plus)[octave], states(generator, changed)[octave]
        assert torch.equal(x, changed_x)
        assert not torch.equal(rgb, changed_rgb)


def test_gradients_reach_every_code_and_parameter() -> None:
    generator = make_generator()
    w_plus = codes(generator).requires_grad_()
    generator.synthesis(w_plus).square().mean().backward()  # type: ignore[no-untyped-call]
    assert w_plus.grad is not None
    assert (w_plus.grad.abs().amax(dim=2) > 0).all()
    for key, parameter in generator.named_parameters():
        assert (parameter.grad is None) == key.startswith("mapping."), key
        assert parameter.grad is None or parameter.grad.abs().amax() > 0, key


@pytest.mark.parametrize("at_least", [1, 32, 64, 1024])
def test_picture_is_always_whole(generator: StyleGAN2, at_least: int) -> None:
    w_plus = codes(generator)
    assert torch.equal(generator.synthesis(w_plus, at_least=at_least), generator.synthesis(w_plus))


def test_memory_format_does_not_change_the_picture(generator: StyleGAN2) -> None:
    w_plus = codes(generator, 2)
    other = generator.clone()
    for parameter in other.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
    assert torch.allclose(other.synthesis(w_plus), generator.synthesis(w_plus), atol=1e-5)


def test_half_precision_draws_nearly_the_same_in_float32(generator: StyleGAN2) -> None:
    w_plus = codes(generator, 2)
    with torch.autocast("cpu", torch.bfloat16):
        rough = generator.synthesis(w_plus)
    image = generator.synthesis(w_plus)
    assert rough.dtype == torch.float32
    assert 0 < (rough - image).abs().mean() < 0.01 * image.abs().mean()


def test_styles_keep_full_precision_in_half_precision(generator: StyleGAN2) -> None:
    conv = generator.stages[1].conv1
    assert isinstance(conv, StyledConv)
    x, w = torch.zeros(1, 16, 4, 4), codes(generator)[:, 0]
    x[0, 0, 1, 1] = 1  # what comes out is one style, its demodulation and one tap at each pixel: three roundings
    exact = conv(x, w)
    with torch.autocast("cpu", torch.bfloat16):
        rough = conv(x, w)
    assert rough.dtype == torch.bfloat16
    assert (rough - exact).abs().max() < 0.02 * exact.abs().max()


def test_copy_shares_nothing(generator: StyleGAN2) -> None:
    w_plus = codes(generator)
    before = generator.synthesis(w_plus)
    copy = generator.clone()
    assert torch.equal(copy.synthesis(w_plus), before)
    for tensor in copy.state_dict().values():
        tensor.zero_()
    assert torch.equal(generator.synthesis(w_plus), before)


def test_blend_goes_from_one_generator_to_the_other(generator: StyleGAN2) -> None:
    other, w_plus = make_generator(seed=1).requires_grad_(False), codes(generator)
    ends = generator.synthesis(w_plus), other.synthesis(w_plus)
    none, half, all_ = (
        generator.blended_synthesis(other, w_plus, [amount] * len(generator.stages)) for amount in (0.0, 0.5, 1.0)
    )
    assert torch.equal(none, ends[0])
    assert torch.equal(all_, ends[1])
    apart = (ends[0] - ends[1]).square().mean()
    assert (half - ends[0]).square().mean() < apart
    assert (half - ends[1]).square().mean() < apart


def test_parameters_have_unit_variance_and_so_has_what_they_draw() -> None:
    torch.manual_seed(0)
    generator = StyleGAN2((64,), w_dim=64, mapping_layers=1).requires_grad_(False)
    for key, parameter in generator.named_parameters():
        if parameter.numel() > 1000 and not key.startswith("mapping."):
            assert 0.9 < parameter.std() < 1.1, key
    x, rgb = generator.stages[0]((), torch.randn(16, generator.codes, 64))
    assert 0.7 < x.std() < 1.4
    assert 0.7 < rgb.std() < 2.8  # styles have a mean of 1 and a variance of 1


@pytest.mark.parametrize("up", [False, True])
def test_styled_conv_is_what_the_paper_says(up: bool) -> None:
    torch.manual_seed(0)
    conv = StyledConv(4, 6, 16 if up else 8, 5, up=up).requires_grad_(False)
    conv.bias.normal_()
    conv.noise_strength.fill_(0.3)
    x, w = torch.randn(2, 4, 8, 8), torch.randn(2, 5)
    style = w @ conv.modulation.weight.T / 5**0.5 + conv.modulation.bias
    kernels = conv.weight / (4 * 9) ** 0.5 * style[:, None, :, None, None]  # [N,O,I,3,3], equation 1
    kernels = kernels / kernels.square().sum(dim=(2, 3, 4), keepdim=True).add(1e-8).sqrt()  # equation 3
    if up:
        # A convolution turns the kernel round, where F.conv2d correlates.
        y = [
            F.conv2d(F.pad(with_zeros_between(a[None]), (3, 3, 3, 3)), kernel.flip(2, 3))
            for a, kernel in zip(x, kernels, strict=True)
        ]
        y = [filtered(a)[..., :16, :16] for a in y]
    else:
        y = [F.conv2d(a[None], kernel, padding=1) for a, kernel in zip(x, kernels, strict=True)]
    expected = F.leaky_relu(torch.cat(y) + 0.3 * conv.noise + conv.bias[:, None, None], 0.2) * 2**0.5
    assert torch.allclose(conv(x, w), expected, atol=1e-5)


def test_to_rgb_adds_to_the_smaller_picture() -> None:
    torch.manual_seed(0)
    layer = ToRGB(4, 5).requires_grad_(False)
    layer.bias.normal_()
    x, w, smaller = torch.randn(2, 4, 8, 8), torch.randn(2, 5), torch.randn(2, 3, 4, 4)
    style = w @ layer.modulation.weight.T / 5**0.5 + layer.modulation.bias
    rgb = torch.einsum("nihw,oi,ni->nohw", x, layer.weight / 4**0.5, style) + layer.bias[:, None, None]
    assert torch.allclose(layer(x, w), rgb, atol=1e-5)
    larger = filtered(F.pad(with_zeros_between(smaller), (2, 1, 2, 1)))
    assert torch.allclose(layer(x, w, smaller), rgb + larger, atol=1e-5)


@pytest.mark.parametrize(
    "make", [lambda: StyledConv(4, 3, 4, 5), lambda: StyledConv(4, 3, 8, 5, up=True), lambda: ToRGB(4, 5)]
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
