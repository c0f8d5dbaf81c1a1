"""Checkpoints that others pickled: nothing in them runs, and every key is accounted for."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import is_zipfile

import torch
from torch import Tensor

from jojo_cli.errors import CheckpointError
from jojo_cli.formats.kinds import Kind, expect

Make = Callable[..., tuple[Tensor, ...]]
"""Takes some of their tensors and gives some of ours."""


def unchanged(*tensors: Tensor) -> tuple[Tensor, ...]:
    """Return the tensors as they are."""
    return tensors


@dataclass(frozen=True)
class Rule:
    """Which of their tensors make which of ours, and how."""

    theirs: tuple[str, ...]
    ours: tuple[str, ...]
    make: Make = unchanged
    idle: tuple[str, ...] = ()  # keys that may be there, and are dropped
    shape: tuple[int, ...] | None = None  # of each of theirs, the idle ones too, which are then of floats
    constant: Tensor | None = None  # of that shape: what each of theirs has to be

    def fits(self, value: object) -> bool:
        """Tell whether a value is what the rule takes."""
        if self.shape is None:
            return True
        if not isinstance(value, Tensor) or value.shape != self.shape or not value.is_floating_point():
            return False
        return self.constant is None or torch.allclose(value.float(), self.constant, atol=1e-5)


def load(path: Path, *, allowed: Sequence[type] = ()) -> dict[str, Any]:
    """Return the dict that a file holds, of tensors, numbers, text and instances of the classes `allowed`.

    Where the file allows it, its tensors stay in it until they are used, and it must not change as long.

    Raises:
        CheckpointError: it is another kind of file, is damaged, or holds anything else.
        OSError: it can't be read.
    """
    expect(path, Kind.CHECKPOINT)
    try:
        with torch.serialization.safe_globals(list(allowed)):
            content = torch.load(path, map_location="cpu", weights_only=True, mmap=is_zipfile(path))
    except Exception:  # as many kinds as there are ways to be damaged; torch's words advise to load it with its code
        raise CheckpointError(
            f"{path.name} is not a checkpoint of tensors: it is damaged, or wants to run code",
            hint="get it again from where it was published",
        ) from None
    if not isinstance(content, dict):
        raise CheckpointError(f"{path.name} is not a checkpoint of tensors: it holds a {type(content).__name__}")
    return content


def check_keys(found: Collection[str], *, needed: Collection[str], idle: Collection[str] = (), what: str) -> None:
    """Check that `found` holds all that is needed, and nothing else but what is idle.

    Raises:
        CheckpointError: it does not; the message names the keys.
    """
    missing = sorted(set(needed) - set(found))
    unknown = sorted(set(found) - set(needed) - set(idle), key=str)
    parts = [f"{label} {_names(keys)}" for label, keys in (("missing", missing), ("unknown", unknown)) if keys]
    if parts:
        raise CheckpointError(f"not {what}: {'; '.join(parts)}")


def misfits(rules: Sequence[Rule], theirs: Mapping[str, Any]) -> list[str]:
    """Return the keys, of those that are there, whose values do not fit their rules."""
    return [key for rule in rules for key in rule.theirs + rule.idle if key in theirs and not rule.fits(theirs[key])]


def translate(
    rules: Sequence[Rule],
    theirs: Mapping[str, Any],
    *,
    what: str,
    kernels: torch.dtype | None = torch.float32,
    wrong: str = "wrong shapes or values",
) -> dict[str, Tensor]:
    """Return our state dict of their tensors: float32, and `kernels` for those of two axes and more; None: as made.

    Raises:
        CheckpointError: a key is missing or unknown, or a value no tensor or one that does not fit, which is `wrong`.
    """
    needed = [key for rule in rules for key in rule.theirs]
    check_keys(theirs.keys(), needed=needed, idle=[key for rule in rules for key in rule.idle], what=what)
    if odd := misfits(rules, theirs):
        raise CheckpointError(f"not {what}: {len(odd)} {wrong}: {_names(odd)}")
    if odd := [key for key in needed if not isinstance(theirs[key], Tensor)]:
        raise CheckpointError(f"not {what}: no tensors {_names(odd)}")
    return {
        key: _stored(tensor, kernels) if kernels else tensor
        for rule in rules
        for key, tensor in zip(rule.ours, rule.make(*(theirs[key] for key in rule.theirs)), strict=True)
    }


def _stored(tensor: Tensor, kernels: torch.dtype) -> Tensor:
    """Return a copy of a tensor, which may be in a file, as it is to be kept."""
    if tensor.ndim > 1:
        kernel = tensor.to(kernels, copy=True)
        if kernel.isfinite().all():  # else it holds what is too large for half precision
            return kernel
    return tensor.to(torch.float32, copy=True)


def _names(keys: Sequence[str], limit: int = 8) -> str:
    names = ", ".join(map(repr, keys[:limit]))
    return names if len(keys) <= limit else f"{names} and {len(keys) - limit} more"
