"""`jojo` itself: help, version, exit codes, and what stays unloaded."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import Jojo
from face_kit import photo

from jojo_cli import __version__, cli
from jojo_cli.bases import EMBEDDED_BASE
from jojo_cli.studio import Studio
from jojo_cli.weights.catalog import load_catalog

COMMANDS = ("train", "apply", "sample", "align", "invert", "models", "styles", "code", "env")

HELP = """
import sys
from jojo_cli import cli

for line in sys.stdin.read().splitlines():
    sys.argv[1:] = line.split()
    try:
        cli.main()
    except SystemExit as stop:
        assert not stop.code, line
loaded = {"torch", "dlib", "numpy", "PIL", "safetensors", "requests"} & set(sys.modules)
assert not loaded, loaded
"""


def test_version(jojo: Jojo) -> None:
    run = jojo("--version")
    assert (run.code, run.out, run.err) == (0, f"jojo {__version__}\n", "")


def test_module_is_the_command() -> None:
    command = [sys.executable, "-W", "error", "-m", "jojo_cli", "--version"]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == f"jojo {__version__}\n"


def test_help_names_every_command(jojo: Jojo) -> None:
    for option in ("--help", "-h"):
        run = jojo(option)
        assert (run.code, run.err) == (0, "")
        assert all(command in run.out for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_every_command(command: str, jojo: Jojo) -> None:
    run = jojo(command, "--help")
    assert (run.code, run.err) == (0, "")
    assert f" {command} [OPTIONS]" in run.out


def test_help_and_version_load_nothing_heavy() -> None:
    lines = "\n".join(["--version", "--help", *(f"{command} --help" for command in COMMANDS)])
    run = subprocess.run(
        [sys.executable, "-W", "error", "-c", HELP], input=lines, capture_output=True, text=True, check=False
    )
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.parametrize("args", [[], ["nonsense"], ["--nonsense"], ["train"], ["sample"], ["styles", "nonsense"]])
def test_wrong_usage(args: list[str], jojo: Jojo) -> None:
    run = jojo(*args)
    assert run.code == 2
    assert "Usage: " in run.out + run.err
    assert "Traceback" not in run.err


def test_ctrl_c(jojo: Jojo, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*args: object, **options: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Studio, "train", interrupt)
    run = jojo("train", "ink", "ref.png")
    assert (run.code, run.out, run.err) == (130, "", "error: interrupted\n")


@pytest.mark.parametrize(("name", "code"), [("ink", 1), ("../ink", 2)])
def test_debug_shows_the_traceback(name: str, code: int, jojo: Jojo, monkeypatch: pytest.MonkeyPatch) -> None:
    plain = jojo("styles", "show", name)
    assert plain.code == code
    assert "Traceback" not in plain.err
    monkeypatch.setenv("JOJO_DEBUG", "1")
    debug = jojo("styles", "show", name)
    assert debug.code == code
    assert debug.err.startswith("Traceback (most recent call last):\n")
    assert debug.err.endswith(plain.err)


def test_offline_says_what_to_bring(jojo: Jojo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOJO_OFFLINE", "1")
    run = jojo("train", "ink", photo(tmp_path / "ref.png"), "--no-align")
    assert (run.code, run.out) == (1, "")
    assert f"error: JOJO_OFFLINE forbids to fetch what is not installed: '{EMBEDDED_BASE}'" in run.err
    assert "'jojo models import FILE...'" in run.err
    file = load_catalog()[EMBEDDED_BASE].downloads[0]
    assert f"{EMBEDDED_BASE}: {file.name} (sha256 {file.sha256})" in run.err


def test_torch_that_cannot_be_loaded(jojo: Jojo, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, module in list(sys.modules.items()):
        if name.startswith("jojo_cli.") and hasattr(module, "torch"):
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    run = jojo("train", "ink", photo(tmp_path / "ref.png"), "--no-align")
    assert (run.code, run.out) == (1, "")
    assert run.err.startswith("error: a package that jojo needs can't be loaded: import of torch halted")
    assert "\nhint: install jojo anew: " in run.err


@pytest.mark.parametrize("args", [["--help"], ["models", "list", "--json"], ["env"]])
def test_closed_output_ends_quietly(args: list[str]) -> None:
    command = [sys.executable, "-W", "error", "-m", "jojo_cli", *args]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=120) == 1


def test_main_is_what_the_package_installs() -> None:
    from importlib.metadata import entry_points

    (command,) = entry_points(group="console_scripts", name="jojo")
    assert command.load() is cli.main
