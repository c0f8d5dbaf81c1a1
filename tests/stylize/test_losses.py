"""Views on a picture, and the distance to a target seen through them."""

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from jojo_cli.bases.base import Base
from jojo_cli.bases.views import FACE, VIEW, WHOLE, View, closer_views, face_view, shrink, whole_view
from jojo_cli.nets.generator import Area
from jojo_cli.nets.lpips import ShiftTolerantLPIPS
from jojo_cli.stylize.losses import Targets, combs, structure_distance, weave


def pictures(count: int = 1, *, size: int = 128, seed: int = 0) -> Tensor:
    return torch.rand(count, 3, size, size, generator=torch.Generator().manual_seed(seed)) * 2 - 1


@pytest.mark.parametrize("size", [32, 64, 128])
def test_window_is_cut_from_the_averaged_picture(size: int) -> None:
    images = pictures(2, size=size)
    window = View(scale=32, size=16, top=4, left=8)(images)
    small = F.avg_pool2d(images, size // 32)
    assert torch.allclose(window, small[..., 4:20, 8:24], atol=1e-6)


def test_window_reaches_the_last_pixel() -> None:
    images = pictures(size=64)
    assert torch.equal(View(scale=64, size=16, top=48, left=48)(images), images[..., 48:, 48:])


@pytest.mark.parametrize(("resolution", "seen"), [(1024, VIEW), (512, VIEW), (VIEW, VIEW), (128, 128)])
def test_whole_view_shows_all_at_the_size_of_lpips(resolution: int, seen: int) -> None:
    view = whole_view(resolution)
    assert view == View(scale=seen, size=seen)
    assert view(torch.zeros(1, 3, resolution, resolution)).shape == (1, 3, seen, seen)


@pytest.mark.parametrize("area", [WHOLE, FACE])
@pytest.mark.parametrize("scale", [512, 1024])
def test_closer_views_cover_an_area_to_its_corners(scale: int, area: Area) -> None:
    views = closer_views(1024, scale, area)
    assert len(set(views)) == len(views)
    seen = torch.zeros(scale, scale)
    for view in views:
        assert (view.scale, view.size) == (scale, VIEW)
        window = seen[view.top : view.top + view.size, view.left : view.left + view.size]
        assert window.shape == (VIEW, VIEW)
        window += 1
    rows, columns = (slice(round(start * scale), round(end * scale)) for start, end in area)
    assert seen[rows, columns].min() >= 1
    assert seen.sum() == seen[rows, columns].sum()


@pytest.mark.parametrize(("resolution", "scale"), [(128, 512), (256, 512), (512, 1024), (1024, 256)])
def test_small_picture_has_no_closer_views(resolution: int, scale: int) -> None:
    assert closer_views(resolution, scale, WHOLE) == []


@pytest.mark.parametrize("resolution", [1024, 512, 128])
def test_face_view_is_the_middle_of_the_picture_at_a_larger_scale(resolution: int) -> None:
    view, whole = face_view(resolution), whole_view(resolution)
    assert view.scale / view.size == 2 * whole.scale / whole.size
    assert view.left == view.scale - view.left - view.size  # as far from the left as from the right
    assert 0.1 < view.top / view.scale < 0.5 < (view.top + view.size) / view.scale < 0.9
    assert view(torch.zeros(1, 3, resolution, resolution)).shape == (1, 3, view.size, view.size)


def test_shrinking_averages() -> None:
    images = pictures(2, size=64)
    assert torch.allclose(shrink(images, 16), F.avg_pool2d(images, 4), atol=1e-6)
    assert torch.equal(shrink(images, 64), images)


def test_distance_to_a_target_is_that_of_the_critic(base: Base) -> None:
    picture, others = pictures(), pictures(2, seed=1)
    views = [View(scale=128, size=128), View(scale=64, size=32, top=16, left=32)]
    target = Targets(base.load_perceptual(), [picture], views)
    for view in views:
        expected = base.load_perceptual()(view(others), view(picture).expand(2, -1, -1, -1)).mean()
        assert target.distance(others, view).item() == pytest.approx(expected.item(), rel=1e-4)
        assert target.distance(picture, view).item() == 0


def test_features_of_a_target_are_computed_once(base: Base, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []
    features = ShiftTolerantLPIPS.features

    def count(self: ShiftTolerantLPIPS, images: Tensor) -> tuple[Tensor, ...]:
        asked.append(images.requires_grad)
        return features(self, images)

    monkeypatch.setattr(ShiftTolerantLPIPS, "features", count)
    view = View(scale=128, size=128)
    target = Targets(base.load_perceptual(), [pictures()], [view, View(scale=128, size=64)])
    assert len(asked) == 2
    drawn = pictures(seed=1).requires_grad_()
    for _ in range(3):
        target.distance(drawn, view)
    assert asked == [False, False, True, True, True]


def test_gradient_reaches_what_is_drawn_and_not_the_target(base: Base) -> None:
    picture, drawn = pictures().requires_grad_(), pictures(seed=1).requires_grad_()
    view = View(scale=128, size=128)
    loss = Targets(base.load_perceptual(), [picture], [view]).distance(drawn, view)
    of_drawn, of_target = torch.autograd.grad(loss, (drawn, picture), allow_unused=True)
    assert of_drawn.abs().max() > 0
    assert of_target is None


def structure(base: Base, a: Tensor, b: Tensor) -> float:
    critic = base.load_perceptual()
    return structure_distance(critic.features(a), critic.features(b), a.shape[-1]).item()


def test_structure_is_what_is_where_and_not_in_which_colour(base: Base) -> None:
    areas = F.interpolate(pictures(size=4), size=128)
    darker, moved = areas * 0.8, areas.roll(32, dims=3)
    assert structure(base, areas, areas) == pytest.approx(0, abs=1e-5)
    assert structure(base, areas, darker) < 0.5 * structure(base, areas, moved)


@pytest.mark.parametrize("size", [512, 1024])
@pytest.mark.parametrize("period", [32, 16, 8, 4])
@pytest.mark.parametrize("axis", [2, 3])
def test_weave_is_what_repeats_with_the_grid(size: int, period: int, axis: int) -> None:
    """Stripes of any of the generator's octaves, a little stronger than a grain; others are taken for drawn."""
    grain = pictures(size=size) * 0.2

    def striped(period: float) -> Tensor:
        wave = torch.arange(size) * (1024 / size) / period
        wave = (2 * torch.pi * (wave + 0.1)).sin()
        return grain + 0.2 * (wave[:, None] if axis == 2 else wave)

    assert weave(striped(period)) > 0.4
    assert weave(striped(period * 1.25)) < 0.12


def test_weave_leaves_light_and_drawing_alone() -> None:
    light = torch.linspace(-1, 1, 512).expand(1, 3, 512, 512)
    assert weave(light) < 0.02
    assert weave(torch.zeros(1, 3, 512, 512)) == 0
    assert 0.04 < weave(pictures(size=512)) < 0.08  # one of sixteen


def brows(period: float, *, size: int, axis: int) -> Tensor:
    """Return noise with a dark stroke, 200 px long and 30 px wide at 1024, that has teeth with a period."""
    scale = size / 1024
    teeth = (2 * torch.pi * (torch.arange(size) / scale / period + 0.1)).sin() * 0.4
    image = pictures(size=size) * 0.05
    rows, columns = (slice(round(start * scale), round(end * scale)) for start, end in ((400, 430), (300, 500)))
    image[..., rows, columns] = teeth[columns] - 0.5
    return image.mT if axis == 2 else image


@pytest.mark.parametrize("size", [512, 1024])
@pytest.mark.parametrize("period", [16, 8])
@pytest.mark.parametrize("axis", [2, 3])
def test_combs_are_what_repeats_in_a_short_row(size: int, period: int, axis: int) -> None:
    plain = combs(brows(1e9, size=size, axis=axis))
    assert combs(brows(period, size=size, axis=axis)) > 1.5 * plain
    assert combs(brows(period * 1.25, size=size, axis=axis)) < 1.1 * plain


def test_combs_leave_light_lines_and_drawing_alone() -> None:
    light = torch.linspace(-1, 1, 512).expand(1, 3, 512, 512)
    lines = torch.zeros(1, 3, 512, 512)
    lines[..., 100, :] = 1
    assert combs(light) < 0.001
    assert combs(lines) < 0.001
    assert combs(torch.zeros(1, 3, 512, 512)) == 0
    assert combs(pictures(size=512)) < 0.03
