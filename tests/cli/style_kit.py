"""Styles of the tiny base, and `jojo` with it in a process of its own, for the commands that draw."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import face_kit
import numpy as np
import pytest
import tiny
from face_kit import photo
from numpy.typing import NDArray
from PIL import Image

from jojo_cli import bases, cli, device
from jojo_cli.studio import Studio

fake_finder = face_kit.fake_finder

QUICK = ("--steps", "4", "--refine", "2", "--lr", "0.1")
"""Options of a training that takes a moment, and whose style is easily told from its base."""

Tree = dict[str, bytes | None]

PROCESS = """
import signal, sys, tiny, face_kit
from jojo_cli import device
from jojo_cli.stylize import finetune

signal.signal(signal.SIGINT, signal.default_int_handler)  # the tests may run where Ctrl-C is ignored
device._bf16_pays = lambda: False
tiny.register()
work = finetune.finetune

def announce(*args, on_step, **kwargs):
    def told(step, loss):
        print("step", step, file=sys.stderr, flush=True)
        on_step(step, loss)
    return work(*args, on_step=told, **kwargs)

finetune.finetune = announce
face_kit.main()
"""


make_base = cache(tiny.make_base)


def use_tiny_base(patch: pytest.MonkeyPatch) -> None:
    """Let `jojo` know the tiny base, made once, in float32."""
    patch.setitem(bases.BASES, "tiny", tiny.ENTRY)
    patch.setattr(tiny, "make_base", make_base)
    # Which precision is faster is measured, and on a busy machine may change from run to run.
    patch.setattr(device, "_bf16_pays", lambda: False)
    patch.setenv("JOJO_DEVICE", "cpu")


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tiny_base: str, fake_finder: None) -> Path:
    """Work in an empty folder, on the tiny base, in float32."""
    path = tmp_path / "work"
    path.mkdir()
    monkeypatch.chdir(path)
    use_tiny_base(monkeypatch)
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder of styles with `ink` in it, trained once."""
    home = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        use_tiny_base(patch)
        return train_ink(home, patch, "--base", "tiny", *QUICK)


@pytest.fixture
def ink(trained: Path, jojo_home: Path) -> Path:
    """Give the folder of a style `ink` that `jojo` knows."""
    shutil.copytree(trained, jojo_home / "styles")
    return jojo_home / "styles" / "ink"


def train_ink(home: Path, patch: pytest.MonkeyPatch, *options: str) -> Path:
    """Train a style `ink` in a home of its own, and return the folder of styles."""
    patch.setenv("JOJO_HOME", str(home))
    patch.setattr(Studio, "finder", face_kit.FakeFinder())
    patch.setattr(sys, "argv", ["jojo", "train", "ink", str(photo(home / "ref.png")), "--no-align", *options])
    with pytest.raises(SystemExit) as stop:
        cli.main()
    assert not stop.value.code
    return home / "styles"


@pytest.fixture
def no_work(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a test fail when a base is opened."""
    monkeypatch.setattr(Studio, "base", None)


def start(*args: object) -> "subprocess.Popen[str]":
    """Start `jojo` with the tiny base and the fake finder; it tells the steps of a training on stderr."""
    tests = Path(__file__).parents[1]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tests), str(tests / "cli")]), "JOJO_BASE": "tiny"}
    return subprocess.Popen(
        [sys.executable, "-W", "error", "-c", PROCESS, *map(str, args)],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def pixels(path: Path | str) -> NDArray[Any]:
    """Return the pixels [H,W,3] of a picture."""
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB")).astype(int)


def same(a: Path | str, b: Path | str) -> bool:
    """Return whether two pictures have the same pixels."""
    return np.array_equal(pixels(a), pixels(b))


def names(folder: Path | str = ".") -> Sequence[str]:
    """Return the files in a folder and below it."""
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*") if path.is_file())


def tree(folder: Path) -> Tree:
    """Return all that is in a folder (None for a folder), lock files aside."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
        if path.suffix != ".lock"
    }


def as_json(settings: dict[str, Any]) -> dict[str, Any]:
    """Return settings as they come back from a file."""
    read: dict[str, Any] = json.loads(json.dumps(settings))
    return read
