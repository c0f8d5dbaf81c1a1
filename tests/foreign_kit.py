"""Styles of other programs: a base of 64 px in place of the full one, and checkpoints that were finetuned from it."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, NoReturn

import pytest
import tiny
import torch
from stylegan2_kit import blank, filters, generator_shapes
from torch import Tensor

from jojo_cli import bases
from jojo_cli.bases import FULL_BASE, BaseEntry, Weights, stylegan2
from jojo_cli.bases.base import Base
from jojo_cli.bases.loading import loaded
from jojo_cli.device import Device
from jojo_cli.formats.rosinality import Size, generator_state
from jojo_cli.nets.stylegan2 import StyleGAN2, published_channels

SIZE = Size(64, 1)
"""The smallest that was published."""
ENTRY = BaseEntry(
    FULL_BASE,
    load="foreign_kit:load",
    draw=(),
    invert=(),
    encoders={},
    losses={},
    identity=(),
    read_finetuned="jojo_cli.bases.stylegan2:read_finetuned",
)
"""It needs no weights."""
State = dict[str, Tensor]


@pytest.fixture
def full_base(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `jojo` take the base of 64 px for the full one, and draw previews of one face."""
    monkeypatch.setitem(bases.BASES, FULL_BASE, ENTRY)
    monkeypatch.setattr("jojo_cli.studio.preview.SAMPLES", 1)


def load(weights: Weights | None = None, device: Device = tiny.CPU) -> Base:
    """Return the base, which draws grey; it needs no weights and stays on the CPU."""
    return make_base()


@cache
def make_base() -> Base:
    """Return the base, made once."""

    def absent(*args: object) -> NoReturn:
        raise AssertionError("drawing needs a generator alone")

    return stylegan2.assemble(
        FULL_BASE,
        loaded(StyleGAN2(published_channels(*SIZE)), generator_state({"g": generator()}), tiny.CPU),
        sha256="b" * 64,
        load_perceptual=absent,
        load_recogniser=absent,
        load_encoder=absent,
        load_comparer=absent,
        critic_sha256=absent,
        device=tiny.CPU,
    )


def generator(changes: Mapping[str, Tensor] | None = None, *, size: Size = SIZE) -> State:
    """Return a generator in the published names: the base's, or with changes. Most of it takes no memory."""
    rng = torch.Generator().manual_seed(0)
    state = {**blank(generator_shapes(size), value=0.0), **filters(size)[0]}
    for layer in range(1, 9):
        state[f"style.{layer}.weight"] = torch.randn(512, 512, generator=rng) * 100
    return {**state, **(changes or {})}


def brighter(amount: float = 0.5, changes: Mapping[str, Tensor] | None = None) -> State:
    """Return a generator that was finetuned from the base: it draws lighter pictures."""
    return generator({"to_rgbs.3.bias": torch.full((1, 3, 1, 1), amount), **(changes or {})})


def save(path: Path, content: Any = None) -> Path:
    """Write a checkpoint as torch does: by default a style of JoJoGAN."""
    torch.save({"g": brighter()} if content is None else content, path)
    return path


class Payload:
    """Makes a folder when it is unpickled without care."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, ...]:
        return Path.mkdir, (self.folder,)
