"""What `config.toml` says counts where neither an option nor the environment says otherwise."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import face_kit
import pytest
from conftest import Jojo
from face_kit import photo
from typer.main import get_command

from jojo_cli import cli
from jojo_cli.cli.options import complete_base, complete_device, complete_encoder

fake_finder = face_kit.fake_finder


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, jojo_home: Path, fake_finder: None) -> None:
    """Work in an empty folder, with a home."""
    path = tmp_path / "work"
    path.mkdir()
    monkeypatch.chdir(path)
    jojo_home.mkdir()
    photo(Path("me.png"))


def test_option_goes_before_the_file(jojo: Jojo, jojo_home: Path) -> None:
    (jojo_home / "config.toml").write_text('format = "webp"')
    assert jojo("align", "me.png").out == "me.aligned.webp\n"
    assert jojo("align", "me.png", "--format", "jpg").out == "me.aligned.jpg\n"
    (jojo_home / "config.toml").unlink()
    assert jojo("align", "me.png").out == "me.aligned.png\n"


def test_environment_goes_before_the_file(jojo: Jojo, jojo_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (jojo_home / "config.toml").write_text('device = "warp"\nbase = "hut"')
    assert "device: cpu" in jojo("env").out  # JOJO_DEVICE says so in the tests
    monkeypatch.delenv("JOJO_DEVICE")
    assert "device 'warp' is unknown" in jojo("env").out
    monkeypatch.setenv("JOJO_DEVICE", "cpu")
    assert "error: base 'hut' not found" in jojo("train", "ink", "me.png").err
    assert "error: weight 'hut' not found" in jojo("models", "pull").err
    monkeypatch.setenv("JOJO_BASE", "house")
    assert "error: base 'house' not found" in jojo("train", "ink", "me.png").err


def test_file_reaches_every_command_that_has_the_option(jojo: Jojo, jojo_home: Path) -> None:
    (jojo_home / "config.toml").write_text('device = "warp"\nbase = "hut"\nformat = "webp"')
    helps = {command: jojo(*command, "--help").out for command in commands(get_command(cli.app))}
    for option, value in (("--device", "warp"), ("--base", "hut"), ("--format", "webp")):
        having = [command for command, text in helps.items() if f" {option} " in text]
        told = [command for command, text in helps.items() if f"[default: {value}]" in text]
        # What a checkpoint was finetuned from is not what to start from; of weights, bases are an argument.
        apart = [("styles", "import"), ("models", "pull")] if option == "--base" else []
        assert {*having} ^ {*told} == {*apart}
        assert len(having) > 1


def commands(group: Any, *above: str) -> Iterator[tuple[str, ...]]:
    """Yield the words of each command that does something."""
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, *above, name)
        else:
            yield (*above, name)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("base = 5", "'base' must be text"),
        ('bass = "x"', "'bass' is unknown"),
        ("base", "is no TOML"),
        ('format = "tiff"', "'tiff'"),
    ],
)
def test_file_that_makes_no_sense_is_wrong_usage(text: str, problem: str, jojo: Jojo, jojo_home: Path) -> None:
    (jojo_home / "config.toml").write_text(text)
    run = jojo("align", "me.png")
    assert run.code == 2
    assert problem in run.out + run.err


def test_completion_knows_bases_encoders_and_devices() -> None:
    assert complete_base("mobile") == ["mobilestylegan-ffhq"]
    assert complete_encoder("restyle") == ["restyle-e4e", "restyle-psp"]
    assert complete_device("c") == ["cpu", "cuda"]
