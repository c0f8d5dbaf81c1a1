"""What every test gets: a home of its own, and the command line as a user types it."""

import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from jojo_cli import bases, cli
from jojo_cli.weights.manager import ModelManager

if TYPE_CHECKING:
    from torch import Tensor

    from jojo_cli.bases.base import Base

# Tiny networks have nothing to share: on a busy machine, two threads that wait for one another take 50 times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")

REAL_CACHE = Path(__file__).parents[1] / ".test-home" / "cache"
"""Where test runs keep the real weights, so that each is fetched once."""


@dataclass(frozen=True)
class Finished:
    """What a run of `jojo` left behind."""

    code: int
    out: str
    err: str


Jojo = Callable[..., Finished]


@pytest.fixture(autouse=True)
def jojo_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Keep every test away from the user's cache, styles and settings."""
    home = tmp_path / "home"
    for name in ("JOJO_OFFLINE", "JOJO_BASE", "JOJO_DEBUG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("JOJO_DEVICE", "cpu")  # which decides the base, too: the same on every machine
    monkeypatch.setenv("JOJO_HOME", str(home))
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "200")
    return home


@pytest.fixture
def jojo(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Jojo:
    """Run `jojo` with the arguments given, through `main`, in this process."""

    def run(*args: object) -> Finished:
        monkeypatch.setattr(sys, "argv", ["jojo", *map(str, args)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as stop:
            cli.main()
        out, err = capsys.readouterr()
        code = stop.value.code
        return Finished(code if isinstance(code, int) else 0, out, err)

    return run


@pytest.fixture(scope="session")
def base() -> "Base":
    """Give the tiny base, for tests of the library."""
    import tiny

    return tiny.load()


@pytest.fixture
def tiny_base(monkeypatch: pytest.MonkeyPatch) -> str:
    """Let `jojo` start from the tiny base, in this process, and give its name."""
    import tiny

    monkeypatch.setitem(bases.BASES, "tiny", tiny.ENTRY)
    monkeypatch.setenv("JOJO_BASE", "tiny")
    return "tiny"


@pytest.fixture(scope="session")
def full_base() -> "Base":
    """Give the tiny full base, for tests of the library."""
    import tiny_full

    return tiny_full.load()


@pytest.fixture(scope="session")
def real_models() -> ModelManager:
    """Give the real weights, fetched by the first run that needs them."""
    manager = ModelManager(REAL_CACHE / "models")
    manager.pull(["mobilestylegan-ffhq", "stlpips-vgg", "dlib-landmarks-68", "dlib-face-recognition"])
    return manager


@pytest.fixture(scope="session")
def real_base(real_models: ModelManager) -> "Base":
    """Give the embedded base, in float32 on the CPU."""
    import tiny

    return bases.load_base(bases.EMBEDDED_BASE, real_models, device=tiny.CPU)


@pytest.fixture
def real_home(jojo_home: Path, real_models: ModelManager, all_cores: None) -> Path:
    """Give `jojo` the real weights and an empty registry, in this process and in those that it starts."""
    jojo_home.mkdir()
    (jojo_home / "cache").symlink_to(REAL_CACHE, target_is_directory=True)
    return jojo_home


@pytest.fixture
def pooling_of_mps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse what MPS does: to pool where sizes don't divide."""
    import torch.nn.functional as F

    pool = F.adaptive_avg_pool2d

    def pool_evenly(x: "Tensor", size: int) -> "Tensor":
        y = pool(x, size)
        if any(inputs % outputs for inputs, outputs in zip(x.shape[-2:], y.shape[-2:], strict=True)):
            raise RuntimeError("Adaptive pool MPS: input sizes must be divisible by output sizes.")
        return y

    monkeypatch.setattr(F, "adaptive_avg_pool2d", pool_evenly)


@pytest.fixture
def all_cores(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Run the networks on every core, as users do."""
    import torch

    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    threads = torch.get_num_threads()
    torch.set_num_threads(os.cpu_count() or 1)
    yield
    torch.set_num_threads(threads)
