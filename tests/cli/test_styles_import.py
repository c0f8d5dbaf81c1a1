"""`jojo styles import` of what other programs made."""

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

import foreign_kit
import pytest
import torch
from conftest import Jojo
from foreign_kit import Payload, brighter, generator, save
from style_kit import pixels

from jojo_cli.formats.rosinality import Size
from jojo_cli.studio import Studio
from jojo_cli.weights.storage import sha256_of

full_base = foreign_kit.full_base
pytestmark = pytest.mark.usefixtures("full_base")


@pytest.fixture
def ink(tmp_path: Path) -> Path:
    """Give a style as JoJoGAN saves it."""
    return save(tmp_path / "ink.pt")


def test_checkpoint_becomes_a_style(jojo: Jojo, ink: Path) -> None:
    run = jojo("styles", "import", ink, "--device", "cpu", "--json")
    style = Studio().styles.load("ink")
    origin = {"file": "ink.pt", "sha256": sha256_of(ink), "url": None}
    assert run.code == 0
    assert json.loads(run.out) == {
        "name": "ink",
        "base": "stylegan2-ffhq",
        "references": [],
        "origin": origin,
        "blend": None,
        "steps": None,
        "created": style.record.created,
        "path": str(style.folder),
    }
    assert list(style.load_weights()) == ["stages.4.to_rgb.bias"]
    preview = pixels(style.preview_path)
    half = len(preview) // 2
    assert preview[half:].mean() - preview[:half].mean() > 50  # the base's faces above, the style's below
    recorded = json.loads((style.folder / "style.json").read_text())
    unknown = ("critic_sha256", "seed", "device", "precision", "seconds")
    assert [recorded[field] for field in unknown] == [None] * len(unknown)
    assert recorded["base_sha256"] == foreign_kit.make_base().sha256


def test_imported_style_draws(jojo: Jojo, ink: Path, tmp_path: Path) -> None:
    assert jojo("styles", "import", ink, "--device", "cpu").code == 0
    assert jojo("sample", "ink", "-o", tmp_path, "--device", "cpu").code == 0
    assert abs(pixels(tmp_path / "ink-0000.png").mean() - 191) < 2  # a half lighter than grey


def test_list_and_show_say_that_it_was_imported(jojo: Jojo, ink: Path) -> None:
    jojo("styles", "import", ink)
    (row,) = jojo("styles", "list").out.splitlines()[1:]
    assert row.startswith("ink   stylegan2-ffhq  imported from ink.pt")
    out = jojo("styles", "show", "ink").out
    assert f"ink.pt\nsha256         {sha256_of(ink)}" in out
    for word in ("trained", "seed", "loss", "steps", "references"):
        assert word not in out
    assert json.loads(jojo("styles", "show", "ink", "--json").out)["origin"]["file"] == "ink.pt"


def test_imported_style_is_shared_like_any_other(
    jojo: Jojo, ink: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    jojo("styles", "import", ink)
    record = Studio().styles.load("ink").record
    assert jojo("styles", "export", "ink", "-o", tmp_path / "ink.zip.jojo").code == 0
    monkeypatch.setenv("JOJO_HOME", str(tmp_path / "other"))
    renamed = (tmp_path / "ink.zip.jojo").rename(tmp_path / "ink.zip")  # known by what it holds
    assert jojo("styles", "import", renamed).code == 0
    assert Studio().styles.load("ink").record == record


def test_name_is_that_of_the_file_or_the_one_given(jojo: Jojo, tmp_path: Path) -> None:
    path = save(tmp_path / "Ink Drawing (2).pt")
    assert jojo("styles", "import", path).code == 0
    assert jojo("styles", "import", path, "--name", "sketch").code == 0
    assert Studio().styles.names() == ["ink-drawing-2", "sketch"]
    assert jojo("styles", "import", path, "--name", "A").code == 2
    run = jojo("styles", "import", path.rename(tmp_path / "墨.pt"))
    assert run.code == 2
    assert "error: '墨' makes no style name\nhint: add --name" in run.err


def test_existing_style_is_replaced_only_when_told_to(jojo: Jojo, ink: Path) -> None:
    jojo("styles", "import", ink)
    save(ink, {"g": brighter(0.25)})
    run = jojo("styles", "import", ink)
    assert run.code == 1
    assert "style 'ink' exists already" in run.err
    assert Studio().styles.load("ink").load_weights()["stages.4.to_rgb.bias"].eq(0.5).all()
    assert jojo("styles", "import", ink, "--overwrite").code == 0
    assert Studio().styles.load("ink").load_weights()["stages.4.to_rgb.bias"].eq(0.25).all()


def test_mapping_of_its_own_is_kept_and_warned_of(jojo: Jojo, tmp_path: Path) -> None:
    weight = torch.randn(512, 512, generator=torch.Generator().manual_seed(1))
    run = jojo("styles", "import", save(tmp_path / "ink.pt", {"g_ema": brighter(changes={"style.3.weight": weight})}))
    assert run.code == 0
    assert "warning: ink.pt has another mapping than stylegan2-ffhq" in run.err
    assert "mapping.2.weight" in Studio().styles.load("ink").load_weights()


def with_key(key: str) -> Any:
    return {"g": brighter(changes={key: torch.ones(1)})}


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ({"g": generator()}, "the generator is that of stylegan2-ffhq itself"),
        ({"g": generator(size=Size(128, 1))}, "of the wrong size, stylegan2-ffhq draws 64 px"),
        ({"g": generator(size=Size(64, 2))}, "of the wrong size, stylegan2-ffhq draws 64 px"),
        (with_key("style.9.bias"), "not a StyleGAN2 generator: unknown 'style.9.bias'"),
        ({"g": {k: t for k, t in generator().items() if k != "style.1.bias"}}, "missing 'style.1.bias'"),
        ({"state_dict": {}, "opts": {}, "latent_avg": torch.zeros(18, 512)}, "but of an encoder"),
        ({"latent_avg": torch.zeros(512)}, "the checkpoint has no 'g_ema' or 'g'"),
        ({"g": brighter(float("nan"))}, "numbers that are not finite"),
        ([1, 2], "not a checkpoint of tensors"),
    ],
)
def test_other_checkpoints_are_refused(jojo: Jojo, tmp_path: Path, content: Any, problem: str) -> None:
    run = jojo("styles", "import", save(tmp_path / "ink.pt", content))
    assert run.code == 1
    assert problem in run.err
    assert "\nhint: " in run.err
    assert "Traceback" not in run.err
    assert Studio().styles.names() == []


@pytest.mark.parametrize("name", ["ink.pt", "ink"])
@pytest.mark.parametrize(
    "content", [b"", b"<!doctype html><html>Quota exceeded</html>", b"PK\x03\x04", b"\x80\x02}q\x00."]
)
def test_other_files_are_refused(jojo: Jojo, tmp_path: Path, content: bytes, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    run = jojo("styles", "import", path)
    assert run.code == 1
    assert f"error: {name} is not a checkpoint" in run.err or f"error: {name!r}: " in run.err
    assert "Traceback" not in run.err
    assert Studio().styles.names() == []


def test_truncated_checkpoint_is_refused(jojo: Jojo, ink: Path) -> None:
    ink.write_bytes(ink.read_bytes()[:-1000])
    run = jojo("styles", "import", ink)
    assert run.code == 1
    assert "error: ink.pt is not a checkpoint of tensors" in run.err


def test_missing_file_is_said_to_be(jojo: Jojo, tmp_path: Path) -> None:
    for name in ("none.pt", "none.jojo"):
        run = jojo("styles", "import", tmp_path / name)
        assert run.code == 1
        assert f"can't read {str(tmp_path / name)!r}: No such file" in run.err


@pytest.mark.parametrize("zipped", [True, False])  # False: as torch saved before 1.6
@pytest.mark.parametrize("part", ["g", "g_ema", "args"])
def test_code_in_a_checkpoint_does_not_run(jojo: Jojo, tmp_path: Path, part: str, zipped: bool) -> None:
    trap, path = tmp_path / "it ran", tmp_path / "ink.pt"
    for content in (Payload(trap), {"style.1.bias": Payload(trap)}, Namespace(size=Payload(trap))):
        torch.save({"g": brighter(), part: content}, path, _use_new_zipfile_serialization=zipped)
        run = jojo("styles", "import", path)
        assert run.code == 1
        assert "not a checkpoint of tensors" in run.err
        assert not trap.exists()


def test_file_is_judged_before_the_base_is_fetched(jojo: Jojo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(foreign_kit, "load", None)
    run = jojo("styles", "import", save(tmp_path / "ink.pt", with_key("latent_avg")))
    assert run.code == 1
    assert "unknown 'latent_avg'" in run.err


def test_style_of_another_base_version_says_what_to_import_again(jojo: Jojo, ink: Path, tmp_path: Path) -> None:
    jojo("styles", "import", ink)
    file = Studio().styles.path("ink") / "style.json"
    fields = {"base_sha256": "c" * 64, "base_fingerprint": [1.0] * 8}
    file.write_text(json.dumps(json.loads(file.read_text()) | fields))
    run = jojo("sample", "ink", "-o", tmp_path)
    assert run.code == 1
    assert "style 'ink' belongs to another version of base 'stylegan2-ffhq'\nhint: import 'ink.pt' again" in run.err
