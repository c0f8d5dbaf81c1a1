import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from conftest import Jojo
from PIL import Image

from jojo_cli import paths
from jojo_cli.cli.styles import complete_style
from jojo_cli.studio import Studio
from jojo_cli.styles import ReferenceRecord, Style, StyleRecord


def make_style(name: str = "ink") -> Style:
    record = StyleRecord(
        name=name,
        base="tiny",
        base_sha256="b" * 64,
        critic_sha256="c" * 64,
        references=(ReferenceRecord.of(1, "[red] ink.png", "d" * 64),),
        settings={"alpha": 0.5},
        seed=7,
        device="cpu",
        precision="bfloat16",
        seconds=61.0,
        losses=(0.5, 0.375, 0.25),
    )
    picture = Image.new("RGB", (4, 4))
    return Studio().styles.create(record, {"a": torch.zeros(2)}, {"reference-1.png": picture, "preview.png": picture})


def test_list_shows_every_style(jojo: Jojo) -> None:
    styles = [make_style("ink"), make_style("sketch")]
    done = jojo("styles", "list")
    assert (done.code, done.err) == (0, "")
    heading, *rows = done.out.splitlines()
    assert heading.split() == ["name", "base", "references", "steps", "created"]
    for style, row in zip(styles, rows, strict=True):
        assert row.split() == [style.name, "tiny", "[red]", "ink.png", "3", style.record.created]


def test_list_as_json_is_one_array(jojo: Jojo) -> None:
    style = make_style()
    assert json.loads(jojo("styles", "list", "--json").out) == [
        {
            "name": "ink",
            "base": "tiny",
            "references": ["[red] ink.png"],
            "origin": None,
            "blend": None,
            "steps": 3,
            "created": style.record.created,
            "path": str(style.folder),
        }
    ]


def test_list_of_nothing_says_so_and_creates_nothing(jojo: Jojo, jojo_home: Path) -> None:
    done = jojo("styles", "list")
    assert (done.code, done.out) == (0, "")
    assert "no styles yet" in done.err
    assert jojo("styles", "list", "--json").out == "[]\n"
    assert not jojo_home.exists()


def test_list_reports_a_broken_style_and_shows_the_others(jojo: Jojo) -> None:
    make_style("ink")
    file = make_style("torn").folder / "style.json"
    file.write_text("{")
    for option in ([], ["--json"]):
        done = jojo("styles", "list", *option)
        assert done.code == 1
        assert "ink" in done.out
        assert "torn" not in done.out
        assert f"error: style 'torn' is broken: {str(file)!r}: not JSON" in done.err
        assert f"hint: repair or delete {str(file.parent)!r}" in done.err
    assert file.read_text() == "{"


def test_show_tells_how_the_style_was_made(jojo: Jojo) -> None:
    style = make_style()
    out = jojo("styles", "show", "ink").out
    for text in ("[red] ink.png", "0.5 at first, 0.25 at last", "61 s on cpu in bfloat16", str(style.folder)):
        assert text in out
    shown = json.loads(jojo("styles", "show", "ink", "--json").out)
    assert shown.pop("path") == str(style.folder)
    assert shown.pop("preview") == str(style.preview_path)
    assert shown == json.loads((style.folder / "style.json").read_text())


@pytest.mark.parametrize("command", [["show"], ["export"], ["rm", "--yes"], ["path"], ["rename", "new"]])
def test_unknown_and_bad_names(jojo: Jojo, command: list[str]) -> None:
    make_style()
    verb, *rest = command
    done = jojo("styles", verb, "inq", *rest)
    assert done.code == 1
    assert "error: style 'inq' not found\nhint: did you mean ink? see 'jojo styles list'" in done.err
    done = jojo("styles", verb, "../ink", *rest)
    assert done.code == 2
    assert "error: style name '../ink' is not allowed" in done.err


def test_show_of_a_corrupt_record_names_file_and_field(jojo: Jojo) -> None:
    file = make_style().folder / "style.json"
    file.write_text(file.read_text().replace('"seed": 7', '"seed": "7"'))
    done = jojo("styles", "show", "ink")
    assert done.code == 1
    assert f"error: {str(file)!r}: 'seed' must be a whole number\nhint: " in done.err


def test_rename(jojo: Jojo) -> None:
    make_style("ink")
    make_style("sketch")
    assert jojo("styles", "rename", "ink", "poster").code == 0
    assert Studio().styles.names() == ["poster", "sketch"]
    done = jojo("styles", "rename", "poster", "sketch")
    assert done.code == 1
    assert "style 'sketch' exists already" in done.err
    assert jojo("styles", "rename", "poster", "con").code == 2


def test_rm_needs_a_yes(jojo: Jojo) -> None:
    make_style()
    done = jojo("styles", "rm", "ink")
    assert done.code == 2
    assert "add --yes" in done.err
    assert Studio().styles.names() == ["ink"]
    assert jojo("styles", "rm", "ink", "--yes").code == 0
    assert Studio().styles.names() == []


@pytest.mark.parametrize(("answer", "code", "left"), [(True, 0, []), (False, 1, ["ink"])])
def test_rm_asks_on_a_terminal(
    jojo: Jojo, monkeypatch: pytest.MonkeyPatch, answer: bool, code: int, left: list[str]
) -> None:
    make_style()
    monkeypatch.setattr("jojo_cli.cli.output.Output.confirm", lambda self, question: answer)
    assert jojo("styles", "rm", "ink").code == code
    assert Studio().styles.names() == left


def test_export_and_import_in_another_home(jojo: Jojo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = make_style()
    monkeypatch.chdir(tmp_path)
    done = jojo("styles", "export", "ink")
    assert (done.code, done.out) == (0, "ink.jojo\n")
    monkeypatch.setenv("JOJO_HOME", str(tmp_path / "other"))
    assert jojo("styles", "import", "ink.jojo").code == 0
    imported = Studio().styles.load("ink")
    assert imported.record == ours.record
    assert torch.equal(imported.load_weights()["a"], torch.zeros(2))

    done = jojo("styles", "import", "ink.jojo")
    assert done.code == 1
    assert "style 'ink' exists already" in done.err
    assert jojo("styles", "import", "ink.jojo", "--overwrite").code == 0
    done = jojo("styles", "import", "ink.jojo", "--name", "sketch", "--json")
    assert json.loads(done.out)["name"] == "sketch"
    assert jojo("styles", "import", "ink.jojo", "--name", "A").code == 2


def test_export_goes_to_a_file_or_a_folder(jojo: Jojo, tmp_path: Path) -> None:
    make_style()
    (tmp_path / "folder.jojo").mkdir()
    for output, written in {
        "mine.jojo": "mine.jojo",
        "new/deep": "new/deep/ink.jojo",
        "folder.jojo": "folder.jojo/ink.jojo",
    }.items():
        done = jojo("styles", "export", "ink", "-o", tmp_path / output, "--json")
        assert json.loads(done.out) == {"style": "ink", "output": str(tmp_path / written)}
        assert (tmp_path / written).is_file()


def test_export_refuses_an_existing_file(jojo: Jojo, tmp_path: Path) -> None:
    make_style()
    path = tmp_path / "ink.jojo"
    path.write_text("mine")
    done = jojo("styles", "export", "ink", "-o", path)
    assert done.code == 1
    assert "exists already\nhint: add --overwrite" in done.err
    assert path.read_text() == "mine"
    assert jojo("styles", "export", "ink", "-o", path, "--overwrite").code == 0
    assert path.read_bytes().startswith(b"PK")


def test_import_of_something_else_says_so(jojo: Jojo, tmp_path: Path, jojo_home: Path) -> None:
    path = tmp_path / "page.jojo"
    path.write_text("<html>")
    done = jojo("styles", "import", path)
    assert done.code == 1
    assert "not a style archive" in done.err
    assert "Traceback" not in done.err
    assert not jojo_home.exists()


def test_path(jojo: Jojo) -> None:
    assert jojo("styles", "path").out == f"{paths.styles_dir()}\n"
    assert jojo("styles", "path", make_style().name).out == f"{paths.styles_dir() / 'ink'}\n"


def test_names_are_completed(jojo_home: Path) -> None:
    assert complete_style("") == []
    for name in ("ink", "ink-2", "sketch"):
        make_style(name)
    assert complete_style("in") == ["ink", "ink-2"]
    assert complete_style("x") == []


def test_completion_of_an_unreadable_home_is_empty(jojo_home: Path) -> None:
    jojo_home.write_text("")
    assert complete_style("") == []


def test_registry_is_read_without_torch() -> None:
    make_style()
    script = (
        "import sys; from jojo_cli.cli.styles import list_styles; list_styles(False);"
        "sys.exit(bool({'torch', 'dlib', 'PIL', 'numpy', 'zipfile'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "ink" in done.stdout
    assert done.returncode == 0
