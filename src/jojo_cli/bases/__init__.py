"""The bases: pretrained face models that jojo starts from."""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from jojo_cli.bases.settings import InvertChoice
from jojo_cli.errors import JojoError, UsageError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from jojo_cli.bases.base import Base
    from jojo_cli.device import Device

T = TypeVar("T")

_log = logging.getLogger(__name__)

Weight = str
"""Name of a weight in the catalog."""


@dataclass(frozen=True)
class BaseEntry:
    """A base before it is loaded: which weights it is put together from."""

    name: str
    load: str
    """The function that does it, as a name, so that torch loads only when it runs."""
    draw: tuple[Weight, ...]
    """What drawing needs."""
    invert: tuple[Weight, ...]
    """What finding a picture's code needs besides, whatever the encoder."""
    encoders: Mapping[str, tuple[Weight, ...]]
    """What each encoder needs; the first is taken when the user names none."""
    losses: Mapping[str, tuple[Weight, ...]]
    """What finetuning with each loss needs; the first is taken when the user names none."""
    identity: tuple[Weight, ...]
    """What telling people apart needs."""
    read_finetuned: str | None = None
    """The function, as a name, that reads a generator which other programs finetuned from this one: from the path of a
    checkpoint to our state dict. None: none is known."""

    def to_invert(self, how: InvertChoice) -> tuple[Weight, ...]:
        """Return what a command needs that finds codes in the way chosen.

        Raises:
            UsageError: the base has no such encoder.
        """
        encoder = self._among(self.encoders, how.encoder, "encoder")
        reads = how.method not in ("optimize", "mean")
        compares = how.method == "hybrid" or (how.method is None and how.steps is not None)
        return _each((*self.draw, *self.invert, *(encoder if reads else ()), *(self.identity if compares else ())))

    def to_film(self, how: InvertChoice) -> tuple[Weight, ...]:
        """Return what a command needs that redraws films: beside codes found in the way chosen, an encoder,
        and what tells people apart.

        Raises:
            UsageError: the base has no such encoder.
        """
        reads = self.to_invert(InvertChoice("encoder", encoder=how.encoder))
        return _each((*self.to_invert(how), *reads, *self.identity))

    def to_train(self, how: InvertChoice, loss: str | None = None, *, identity: bool = False) -> tuple[Weight, ...]:
        """Return what a command needs that teaches a style; `identity` says whether people are told apart.

        Raises:
            UsageError: the base has no such encoder, or can't be finetuned with this loss.
        """
        critic = self._among(self.losses, loss, "loss")
        return _each((*self.to_invert(how), *critic, *(self.identity if identity else ())))

    def needs(self) -> tuple[Weight, ...]:
        """Return what all commands need that are given no choices."""
        return self.to_train(InvertChoice())

    def optional(self) -> tuple[Weight, ...]:
        """Return what choices need besides."""
        choices = (*self.encoders.values(), *self.losses.values(), self.identity)
        needs = self.needs()
        return _each(weight for choice in choices for weight in choice if weight not in needs)

    def _among(self, choices: Mapping[str, T], name: str | None, what: str) -> T:
        """Return the choice called `name`, or the first."""
        if name is None:
            return next(iter(choices.values()))
        if name not in choices:
            raise UsageError(f"base {self.name!r} has no {what} {name!r}", hint=f"it has {', '.join(choices)}")
        return choices[name]


EMBEDDED_BASE, FULL_BASE = "mobilestylegan-ffhq", "stylegan2-ffhq"

_ENTRIES = (
    BaseEntry(
        name=EMBEDDED_BASE,
        load="jojo_cli.bases.mobilestylegan:load",
        draw=("mobilestylegan-ffhq",),
        invert=("stlpips-vgg", "dlib-face-recognition"),
        encoders={"feedback": ()},  # comes with jojo
        losses={"lpips": ("stlpips-vgg",)},
        identity=("dlib-face-recognition",),
    ),
    BaseEntry(
        name=FULL_BASE,
        load="jojo_cli.bases.stylegan2:load",
        draw=("stylegan2-ffhq",),
        invert=("stlpips-vgg",),
        encoders={
            "e4e": ("e4e-ffhq",),
            "psp": ("psp-ffhq",),
            "restyle-e4e": ("restyle-e4e-ffhq",),
            "restyle-psp": ("restyle-psp-ffhq",),
        },
        losses={"discriminator": ("stylegan2-ffhq-discriminator",), "lpips": ("vgg16",)},
        identity=("arcface-ir-se50",),
        read_finetuned="jojo_cli.bases.stylegan2:read_finetuned",
    ),
)

BASES = {entry.name: entry for entry in _ENTRIES}
"""jojo's own. Those of installed packages are in `all_bases`, too."""

ENTRY_POINTS = "jojo.bases"
"""The group of entry points by which a package brings a base: each names a `BaseEntry`, and is called as the base."""


class Weights(Protocol):
    """Where a base gets its weights from: the model manager."""

    def pull(self, ids: Iterable[str]) -> None:
        """Fetch what is missing of several weights, announced together."""

    def ensure(self, id: str) -> Path:
        """Return the file of a weight, fetched when it is missing."""

    def sha256(self, id: str) -> str:
        """Return the hash of that file."""


def default_base(device_type: str) -> str:
    """Return the name of the base to use where the user names none: the full one wants a GPU."""
    return FULL_BASE if device_type == "cuda" else EMBEDDED_BASE


def base_names() -> list[str]:
    """Return the names of all bases: jojo's own, and those of installed packages, which are not loaded for that."""
    return [*BASES, *(name for name in _installed() if name not in BASES)]


def all_bases() -> dict[str, BaseEntry]:
    """Return all bases by name; one whose package can't be loaded is logged, and left out."""
    bases = {}
    for name in base_names():
        try:
            bases[name] = find_base(name)
        except JojoError as error:
            _log.warning("%s", error)
    return bases


def find_base(name: str) -> BaseEntry:
    """Return what the base called `name` is put together from.

    Raises:
        JojoError: there is no such base, or the package that brings it can't be loaded.
    """
    if name in BASES:
        return BASES[name]
    if name not in _installed():
        raise JojoError(f"base {name!r} not found", hint=f"known bases: {', '.join(sorted(base_names()))}")
    point = _installed()[name]
    package = point.dist.name if point.dist else point.module
    try:
        entry = point.load()
    except Exception as error:  # whatever somebody else's module does
        raise JojoError(
            f"base {name!r} can't be loaded: {error}", hint=f"install package {package!r} anew, or remove it"
        ) from error
    if not isinstance(entry, BaseEntry) or entry.name != name:
        raise JojoError(f"package {package!r} brings no base {name!r}", hint="tell its authors")
    return entry


def load_base(name: str, weights: Weights, *, device: "Device") -> "Base":
    """Return the base called `name`, its networks on `device`; what it does not have of weights, it fetches.

    Raises:
        JojoError: there is no such base, or its weights can't be had.
    """
    load: Callable[[Weights, Device], Base] = function_called(find_base(name).load)
    return load(weights, device)


def function_called(name: str) -> Any:
    """Return the function that stands behind `module:function`."""
    module, _, function = name.partition(":")
    return getattr(import_module(module), function)


@cache
def _installed() -> "dict[str, EntryPoint]":
    from importlib.metadata import entry_points

    return {point.name: point for point in entry_points(group=ENTRY_POINTS)}


def _each(weights: Iterable[Weight]) -> tuple[Weight, ...]:
    return tuple(dict.fromkeys(weights))
