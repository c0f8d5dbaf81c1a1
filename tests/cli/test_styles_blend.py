"""`jojo styles blend`, as a user types it."""

import json
from pathlib import Path

import numpy as np
import pytest
import style_kit
from conftest import Jojo
from face_kit import photo
from style_kit import QUICK, pixels, same

from jojo_cli.studio import Studio

fake_finder, workplace, no_work = style_kit.fake_finder, style_kit.workplace, style_kit.no_work
trained, ink = style_kit.trained, style_kit.ink
pytestmark = pytest.mark.usefixtures("workplace", "ink")


@pytest.fixture
def second(jojo: Jojo) -> str:
    """Give the name of another style, trained on other colours and for longer."""
    assert jojo("train", "chalk", photo(Path("other.png")), *QUICK, "--seed", 9, "--proportions", 0).code == 0
    return "chalk"


def drawn(jojo: Jojo, style: str) -> str:
    """Return the picture of the same random face in a style."""
    assert jojo("sample", style, "--color", 0, "-o", f"{style}-out", "--overwrite").code == 0
    return f"{style}-out/{style}-0000.png"


def test_blend_lies_between_its_styles(second: str, jojo: Jojo) -> None:
    run = jojo("styles", "blend", "ink", second, "both", "-t", "0.5", "--json")
    assert run.code == 0, run.err
    assert json.loads(run.out)["blend"]["amount"] == 0.5
    ours, mixed, theirs = (pixels(drawn(jojo, name)) for name in ("ink", "both", second))
    apart = np.abs(ours - theirs).mean()
    assert 0 < np.abs(mixed - ours).mean() < apart
    assert 0 < np.abs(mixed - theirs).mean() < apart


@pytest.mark.parametrize(("amount", "like"), [("0", "ink"), ("1", "chalk"), ("4:1", "chalk"), ("1024:1", "ink")])
def test_ends_of_a_blend_are_its_styles(amount: str, like: str, second: str, jojo: Jojo) -> None:
    assert jojo("styles", "blend", "ink", second, "both", "-t", amount).code == 0
    assert same(drawn(jojo, "both"), drawn(jojo, like))


def test_blend_is_a_style_like_others(second: str, jojo: Jojo, tmp_path: Path) -> None:
    assert jojo("styles", "blend", "ink", second, "both", "-t", "4:0,64:1").code == 0
    assert "blended of ink and chalk, 4:0.0,64:1.0 of it" in jojo("styles", "list").out
    assert "blended of  ink and chalk, 4:0.0,64:1.0 of it" in jojo("styles", "show", "both").out
    assert jojo("styles", "show", "both", "--command").out == "jojo styles blend ink chalk both -t 4:0.0,64:1.0\n"
    assert jojo("styles", "export", "both", "-o", tmp_path).code == 0
    assert jojo("styles", "import", tmp_path / "both.jojo", "--name", "again").code == 0
    assert same(drawn(jojo, "both"), drawn(jojo, "again"))
    run = jojo("train", "both", "--more", 3)
    assert run.code == 2
    assert "style 'both' was not trained from references" in run.err


def test_blend_that_would_replace_a_style(jojo: Jojo, no_work: None) -> None:
    run = jojo("styles", "blend", "ink", "ink", "ink")
    assert run.code == 1
    assert "style 'ink' exists already" in run.err


def test_styles_of_different_bases_do_not_blend(second: str, jojo: Jojo) -> None:
    file = Studio().styles.path(second) / "style.json"
    file.write_text(json.dumps(json.loads(file.read_bytes()) | {"base": "stylegan2-ffhq"}))
    run = jojo("styles", "blend", "ink", second, "both")
    assert run.code == 2
    assert "are of different bases: tiny and stylegan2-ffhq" in run.err
    assert "both" not in Studio().styles.names()
