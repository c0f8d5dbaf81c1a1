"""A base that another package brings: commands find it by its name."""

import os
import subprocess
import sys
import zipfile
from importlib import metadata
from pathlib import Path

import pytest
from conftest import Jojo
from face_kit import photo

from jojo_cli import bases

TESTS = Path(__file__).parents[1]
MODULE = """
from dataclasses import replace
import tiny

ENTRY = replace(tiny.ENTRY, name="house", load="house_base:load")

def load(weights, device):
    return replace(tiny.load(weights, device), name="house")
"""
QUICK = ("--steps", 1, "--refine", 1)
ENTRY_POINTS = "[jojo.bases]\nhouse = house_base:ENTRY\nruin = house_base:RUIN\n"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder in which a package is installed that brings the base `house`, and one that it lacks."""
    folder = tmp_path_factory.mktemp("site")
    wheel = folder / "house_base-1.0-py3-none-any.whl"
    info = "house_base-1.0.dist-info"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("house_base.py", MODULE)
        archive.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: house-base\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/entry_points.txt", ENTRY_POINTS)
        archive.writestr(f"{info}/RECORD", "")
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", str(folder)]
    subprocess.run([*pip, str(wheel)], check=True, stdout=subprocess.DEVNULL)
    return folder


def jojo_with(site: Path, *args: object) -> str:
    # Offline there is no face finder, and none is needed.
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(site), str(TESTS)]), "JOJO_OFFLINE": "1"}
    command = [sys.executable, "-m", "jojo_cli", *map(str, args)]
    done = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE, text=True)
    return done.stdout


def test_every_command_takes_it(site: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    reference = photo(Path("ref.png"))
    jojo_with(site, "train", "ink", reference, "--base", "house", "--no-align", *QUICK)
    assert '"base": "house"' in jojo_with(site, "styles", "show", "ink", "--json")
    applied = jojo_with(site, "apply", "ink", reference, "--no-align", "--method", "encoder")
    assert applied == "ref.ink.png\n"
    assert "\nbase house: 0 of 1 weights here" in jojo_with(site, "models", "list")  # the face finder


def test_a_package_that_lacks_its_base_is_named(
    site: Path, jojo: Jojo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(site)
    bases._installed.cache_clear()
    try:
        run = jojo("train", "ink", photo(tmp_path / "ref.png"), "--base", "ruin")
        assert run.code == 1
        assert "error: base 'ruin' can't be loaded" in run.err
        assert "package 'house-base'" in run.err
        unknown = jojo("train", "ink", tmp_path / "ref.png", "--base", "hut")
        assert "known bases: house, mobilestylegan-ffhq, ruin, stylegan2-ffhq" in unknown.err
        assert jojo("models", "list").code == 0  # one bad package takes nothing from the others
    finally:
        monkeypatch.undo()
        bases._installed.cache_clear()


def test_jojos_own_bases_can_not_be_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    point = metadata.EntryPoint(bases.EMBEDDED_BASE, "nowhere:ENTRY", bases.ENTRY_POINTS)
    monkeypatch.setattr(bases, "_installed", lambda: {point.name: point})
    assert bases.find_base(bases.EMBEDDED_BASE) is bases.BASES[bases.EMBEDDED_BASE]
    assert bases.base_names().count(bases.EMBEDDED_BASE) == 1
