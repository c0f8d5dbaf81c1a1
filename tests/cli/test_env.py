"""`jojo env`: what a bug report needs, also where something is broken."""

import json
import platform
import sys
from pathlib import Path

import pytest
from conftest import Jojo

from jojo_cli import __version__


def test_versions_device_and_folders(jojo: Jojo, jojo_home: Path) -> None:
    run = jojo("env", "--json")
    facts = json.loads(run.out)
    assert (run.code, run.err) == (0, "")
    assert (facts["jojo"], facts["python"]) == (__version__, platform.python_version())
    assert all(facts[package] for package in ("torch", "numpy", "pillow", "safetensors", "typer", "platform"))
    assert facts["dlib-bin"] if "dlib-bin" in facts else facts["dlib"]
    assert " in " in facts["device"]
    assert facts["models"] == str(jojo_home / "cache" / "models")
    assert facts["styles"] == str(jojo_home / "styles")
    assert facts["offline"] is False
    assert not jojo_home.exists()


def test_text_has_a_line_a_fact(jojo: Jojo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOJO_OFFLINE", "1")
    facts = json.loads(jojo("env", "--json").out)
    lines = dict(line.split(": ", 1) for line in jojo("env").out.splitlines())
    assert lines.keys() == facts.keys()
    assert (lines["jojo"], lines["offline"]) == (__version__, "True")


def test_torch_that_cannot_be_loaded(jojo: Jojo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "jojo_cli.device", raising=False)
    run = jojo("env", "--json")
    facts = json.loads(run.out)
    assert run.code == 0
    assert facts["jojo"] == __version__
    assert facts["device"].startswith("none: ")
    assert "torch" in facts["device"]
