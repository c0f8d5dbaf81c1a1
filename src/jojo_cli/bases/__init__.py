"""The bases: pretrained face models that jojo starts from."""

from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from jojo_cli.errors import JojoError

if TYPE_CHECKING:
    from jojo_cli.bases.base import Base
    from jojo_cli.device import Device

BASES = {"mobilestylegan-ffhq": "jojo_cli.bases.mobilestylegan:load"}
"""Name of a base: the function that puts it together, as a name, so that torch loads only when it runs."""

DEFAULT_BASE = "mobilestylegan-ffhq"


class Weights(Protocol):
    """Where a base gets its weights from: the model manager."""

    def pull(self, ids: Iterable[str]) -> None:
        """Fetch what is missing of several weights, announced together."""

    def ensure(self, id: str) -> Path:
        """Return the file of a weight, fetched when it is missing."""

    def sha256(self, id: str) -> str:
        """Return the hash of that file."""


def load_base(name: str, weights: Weights, *, device: "Device") -> "Base":
    """Return the base called `name`, its networks on `device`.

    Raises:
        JojoError: there is no such base, or its weights can't be had.
    """
    if name not in BASES:
        raise JojoError(f"base {name!r} not found", hint=f"known bases: {', '.join(sorted(BASES))}")
    module, _, function = BASES[name].partition(":")
    load: Callable[[Weights, Device], Base] = getattr(import_module(module), function)
    return load(weights, device)
