"""`jojo models`, as a user types it."""

import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from jojo_cli.bases import BaseEntry
from jojo_cli.weights.catalog import Entry, File, Form, Package
from jojo_cli.weights.storage import sha256_of

BODY = b"weights" * 1000


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make the package of the one weight in the catalog, where pip finds it."""
    path = tmp_path / "tiny-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tiny/a.dat", BODY)
        archive.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: tiny\nVersion: 1.0\n")
        archive.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr("tiny-1.0.dist-info/RECORD", "")
    member = tmp_path / "a.dat"
    member.write_bytes(BODY)
    archive_file = File(path.name, path.stat().st_size, sha256_of(path))
    source = Package("tiny", "1.0", archive_file, {"a.dat": "tiny/a.dat"})
    form = Form("raw", (File("a.dat", len(BODY), sha256_of(member)),), (source,))
    entry = Entry("tiny", "is tested", "Test-1.0", "free in tests", (form,))
    monkeypatch.setattr("jojo_cli.weights.manager.load_catalog", lambda: {"tiny": entry})
    monkeypatch.setattr("jojo_cli.bases.BASES", {})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    return path


@pytest.fixture
def installed(jojo: Any, wheel: Path, jojo_home: Path) -> Path:
    """Install the weight, and return its file."""
    assert jojo("models", "import", wheel).code == 0
    return jojo_home / "cache" / "models" / "tiny" / "a.dat"


def test_pull_says_what_it_fetches_and_where_it_is(jojo: Any, wheel: Path, jojo_home: Path) -> None:
    run = jojo("models", "pull", "tiny")
    models = jojo_home / "cache" / "models"
    assert (run.code, run.out) == (0, f"tiny: {models / 'tiny' / 'a.dat'}\n")
    assert f"of weights into {models}" in run.err
    assert "tiny (7.0 kB) is tested" in run.err
    assert "licence: Test-1.0; free in tests" in run.err
    again = jojo("models", "pull", "tiny", "--json")
    assert json.loads(again.out) == {"id": "tiny", "status": "ok", "path": str(models / "tiny" / "a.dat")}
    assert again.err == ""


def test_list_says_what_is_here(jojo: Any, wheel: Path) -> None:
    assert "missing" in jojo("models", "list").out
    jojo("models", "import", wheel)
    (row,) = json.loads(jojo("models", "list", "--json").out)
    assert (row["id"], row["state"], row["bytes"], row["licence"]) == (
        "tiny",
        "installed",
        len(BODY),
        "Test-1.0",
    )


@pytest.fixture
def two_bases(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the catalog one of four weights, and two bases of them: 'small' and 'large'."""
    entries = {
        name: Entry(name, "is tested", "Test-1.0", "free in tests", (_form(tmp_path, name, about=name == "choice"),))
        for name in ("small", "large", "choice", "dlib-landmarks-68")
    }
    nothing = BaseEntry("nothing", load="", draw=(), invert=(), encoders={"e": ()}, losses={"l": ()}, identity=())
    bases = {
        "small": replace(nothing, draw=("small",), identity=("choice",)),
        "large": replace(nothing, draw=("large",), losses={"l": ("choice",)}),
    }
    monkeypatch.setattr("jojo_cli.weights.manager.load_catalog", lambda: entries)
    monkeypatch.setattr("jojo_cli.bases.BASES", bases)
    monkeypatch.setattr("jojo_cli.bases.EMBEDDED_BASE", "small")


def _form(folder: Path, name: str, *, about: bool) -> Form:
    """Return a raw form that the wheel of that name serves, and make it."""
    member = folder / f"{name}.dat"
    member.write_bytes(name.encode() * 1000)
    path = folder / f"{name.replace('-', '_')}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.write(member, "tiny/a.dat")
        archive.writestr(
            f"{path.name[:-17]}.dist-info/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n"
        )
        archive.writestr(
            f"{path.name[:-17]}.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{path.name[:-17]}.dist-info/RECORD", "")
    package = Package(name, "1.0", File(path.name, path.stat().st_size, sha256_of(path)), {member.name: "tiny/a.dat"})
    return Form("raw", (File(member.name, member.stat().st_size, sha256_of(member), exact=not about),), (package,))


@pytest.mark.usefixtures("two_bases")
def test_pull_of_a_base_fetches_what_it_needs_by_default(jojo: Any) -> None:
    run = jojo("models", "pull", "small", "--json")
    assert [json.loads(line)["id"] for line in run.out.splitlines()] == ["small", "dlib-landmarks-68"]
    run = jojo("models", "pull", "large", "choice", "--json")
    assert [json.loads(line)["id"] for line in run.out.splitlines()] == ["large", "choice", "dlib-landmarks-68"]


@pytest.mark.usefixtures("two_bases")
def test_pull_without_names_fetches_for_the_base_in_use(jojo: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    run = jojo("models", "pull", "--device", "cpu", "--json")
    assert [json.loads(line)["id"] for line in run.out.splitlines()] == ["small", "dlib-landmarks-68"]
    monkeypatch.setenv("JOJO_BASE", "large")
    run = jojo("models", "pull", "--json")
    assert [json.loads(line)["id"] for line in run.out.splitlines()] == ["large", "choice", "dlib-landmarks-68"]


@pytest.mark.usefixtures("two_bases")
def test_list_says_what_each_base_needs_has_and_weighs(jojo: Any) -> None:
    jojo("models", "pull", "small")
    run = jojo("models", "list")
    assert "small: ready, its 2 weights take 22.0 kB\n" in run.out
    assert "large: 1 of 3 weights here, " in run.out
    assert " kB to fetch: 'jojo models pull large'\n" in run.out
    (choice,) = (line for line in run.out.splitlines() if line.startswith("choice"))
    assert "about 6.0 kB" in choice
    rows = {row["id"]: row for row in json.loads(jojo("models", "list", "--json").out)}
    assert rows["choice"]["bases"] == {"small": "optional", "large": "default"}
    assert rows["dlib-landmarks-68"]["bases"] == {"small": "default", "large": "default"}
    assert rows["small"]["bases"] == {"small": "default"}


def test_verify_reads_every_byte(jojo: Any, installed: Path) -> None:
    assert jojo("models", "verify").code == 0
    installed.write_bytes(b"x" + BODY[1:])
    run = jojo("models", "verify")
    assert run.code == 1
    assert "error: weight 'tiny': a.dat was altered" in run.err
    assert "'jojo models rm tiny', then 'jojo models pull tiny'" in run.err
    run = jojo("models", "verify", "--json")
    assert run.code == 1
    assert json.loads(run.out)["status"] == "failed"


def test_verify_of_a_weight_that_is_not_here(jojo: Any, wheel: Path) -> None:
    run = jojo("models", "verify", "tiny")
    assert run.code == 1
    assert "weight 'tiny': not installed" in run.err


def test_path_prints_the_file_or_the_folder(jojo: Any, installed: Path) -> None:
    assert jojo("models", "path", "tiny").out == f"{installed}\n"
    assert jojo("models", "path").out == f"{installed.parent.parent}\n"


def test_path_of_a_weight_that_is_not_here(jojo: Any, wheel: Path) -> None:
    run = jojo("models", "path", "tiny")
    assert (run.code, run.out) == (1, "")
    assert "error: weight 'tiny' is not installed" in run.err


def test_rm_asks_first(jojo: Any, installed: Path) -> None:
    run = jojo("models", "rm", "tiny")  # nobody can answer here
    assert run.code == 2
    assert installed.exists()
    assert jojo("models", "rm", "tiny", "--yes").code == 0
    assert not installed.exists()


def test_rm_takes_no_for_an_answer(jojo: Any, installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jojo_cli.cli.output.Output.confirm", lambda self, question: False)
    assert jojo("models", "rm", "tiny").code == 1
    assert installed.exists()


@pytest.mark.parametrize("command", ["pull", "verify", "path", "rm"])
def test_an_unknown_weight_has_the_nearest_name_in_the_hint(jojo: Any, wheel: Path, command: str) -> None:
    run = jojo("models", command, "tinny")
    assert run.code == 1
    assert "error: weight 'tinny' not found" in run.err
    assert "hint: known: tiny" in run.err


def test_offline_is_an_error_until_the_file_is_imported(
    jojo: Any, wheel: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOJO_OFFLINE", "1")
    run = jojo("models", "pull", "tiny")
    assert run.code == 1
    assert f"{wheel.name} (sha256 {sha256_of(wheel)})" in run.err
    assert jojo("models", "import", wheel).code == 0
    assert jojo("models", "pull", "tiny").code == 0


def test_an_unknown_file_can_not_be_imported(jojo: Any, wheel: Path, tmp_path: Path) -> None:
    (tmp_path / "[x].bin").write_bytes(b"else")
    run = jojo("models", "import", tmp_path / "[x].bin")
    assert run.code == 1
    assert sha256_of(tmp_path / "[x].bin") in run.err
    assert "[x].bin" in run.err


def test_a_file_that_nobody_published_needs_a_name(jojo: Any, wheel: Path, tmp_path: Path) -> None:
    (tmp_path / "x.pt").write_bytes(b"else")
    run = jojo("models", "import", tmp_path / "x.pt")
    assert "'jojo models import FILE --as ID'" in run.err
    run = jojo("models", "import", tmp_path / "x.pt", "--as", "tinny")
    assert "error: weight 'tinny' not found" in run.err
    run = jojo("models", "import", tmp_path / "x.pt", wheel, "--as", "tiny")
    assert run.code == 2
    assert "error: --as says what one file is" in run.err


def test_the_commands_load_nothing_heavy() -> None:
    code = (
        "import sys, jojo_cli.cli.models\n"
        "sys.exit(bool({'torch', 'requests', 'filelock', 'safetensors'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
