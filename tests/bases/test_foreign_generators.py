"""Generators that others finetuned: what of them is a style."""

from pathlib import Path

import pytest
import torch
from foreign_kit import brighter, generator, make_base, save

from jojo_cli.bases.foreign import has_own_codes, style_weights
from jojo_cli.bases.stylegan2 import read_finetuned
from jojo_cli.errors import CheckpointError, UsageError
from jojo_cli.formats.rosinality import Size, generator_state
from jojo_cli.styles import style_name_from
from jojo_cli.stylize.draw import draw, styled_generator

BRIGHT = "stages.4.to_rgb.bias"
"""Our name of what `brighter` changes."""


@pytest.mark.parametrize("part", ["g", "g_ema"])
def test_style_is_what_differs_from_the_base(part: str, tmp_path: Path) -> None:
    base, path = make_base(), save(tmp_path / "style.pt", {part: brighter(0.5)})
    weights = style_weights(base, read_finetuned(path))
    assert list(weights) == [BRIGHT]
    code = torch.zeros(1, base.generator.codes, 512)
    assert draw(base, styled_generator(base, weights), code).mean().item() == pytest.approx(0.5, abs=1e-5)


def test_average_generator_is_taken_where_there_are_two(tmp_path: Path) -> None:
    path = save(tmp_path / "style.pt", {"g": brighter(0.2), "g_ema": brighter(0.3)})
    assert style_weights(make_base(), read_finetuned(path))[BRIGHT].eq(0.3).all()


def test_base_itself_is_no_style() -> None:
    for state in (generator(), {key: tensor.half() for key, tensor in generator().items()}):
        with pytest.raises(CheckpointError, match=r"that of stylegan2-ffhq itself: it has no style"):
            style_weights(make_base(), generator_state({"g": state}))


def test_rounding_to_half_precision_is_no_difference() -> None:
    halves = {key: tensor.half() for key, tensor in brighter().items()}
    assert list(style_weights(make_base(), generator_state({"g": halves}))) == [BRIGHT]


def test_noise_and_mapping_of_its_own_are_kept() -> None:
    noise = {"noises.noise_3": torch.ones(1, 1, 16, 16)}
    weights = style_weights(make_base(), generator_state({"g": brighter(changes=noise)}))
    assert list(weights) == ["stages.2.conv1.noise", BRIGHT]
    assert not has_own_codes(weights)
    mapping = {"style.8.weight": torch.randn(512, 512, generator=torch.Generator().manual_seed(1))}
    assert has_own_codes(style_weights(make_base(), generator_state({"g": generator(mapping)})))


@pytest.mark.parametrize("size", [Size(128, 1), Size(64, 2)], ids=str)
def test_another_size_is_refused(size: Size) -> None:
    with pytest.raises(CheckpointError, match="wrong size, stylegan2-ffhq draws 64 px"):
        style_weights(make_base(), generator_state({"g": generator(size=size)}))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("arcane_jinx", "arcane_jinx"),
        ("Spiderverse-face-500iters-8face", "spiderverse-face-500iters-8face"),
        ("My Style (1)", "my-style-1"),
        ("é", None),
        ("-._", None),
        ("CON", None),
        ("x" * 80, "x" * 64),
    ],
)
def test_name_of_a_file_becomes_that_of_a_style(text: str, name: str | None) -> None:
    if name:
        assert style_name_from(text) == name
    else:
        with pytest.raises(UsageError, match="makes no style name") as failure:
            style_name_from(text)
        assert "--name" in str(failure.value.hint)
