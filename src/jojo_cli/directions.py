"""The door for directions: files of them, those that come with jojo, and those that users keep."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jojo_cli import disk
from jojo_cli.bases.settings import STYLEGAN2_FFHQ
from jojo_cli.errors import CheckpointError, JojoError, UsageError
from jojo_cli.formats.foreign_codes import STYLEGAN2_CODES, read_numbers, rows_for
from jojo_cli.styles.names import is_style_name

if TYPE_CHECKING:
    from torch import Tensor

    from jojo_cli.bases.base import Base
    from jojo_cli.stylize.directions import Direction
    from jojo_cli.weights.manager import ModelManager

SUFFIX = ".safetensors"
KEY = "direction"

_OF_OTHER_NETWORKS = re.compile(r"(stylegan|pggan)_|angle_(horizontal|vertical)")
"""What the files of directions begin with that were found in the w of StyleGAN1 or PGGAN."""

_NAMES_HINT = "use 1 to 64 of a-z, 0-9, '-' and '_', with a letter or digit first"


PUBLISHED = {name: f"direction-{name}" for name in ("e4e-age", "e4e-pose", "e4e-smile")}
"""Directions that others published for StyleGAN2-FFHQ: their names, and those of the weights that hold them."""


class DirectionStore:
    """Directions by name: those of a folder, those that come with jojo for a base, and those that others published.

    Args:
        folder: the user's.
        models: fetch what others published, when it is first asked for.
    """

    def __init__(self, folder: Path, models: "ModelManager") -> None:
        self.folder, self._models = folder, models

    def list(self, base: "Base") -> "list[Direction]":
        """Return the directions of a base by name, but for those that have to be fetched first.

        What is damaged or of other codes is left out.
        """
        found = {direction.name: direction for direction in shipped(base)}
        for path in sorted(self.folder.glob(f"*{SUFFIX}")):
            try:
                found[path.stem] = self._read(path, base)
            except CheckpointError:
                continue
        return [found[name] for name in sorted(found)]

    def load(self, name: str, base: "Base") -> "Direction":
        """Return the direction called `name`.

        Raises:
            JojoError: there is none, or it is damaged, or of other codes; or it can't be fetched.
        """
        path = self.folder / f"{name}{SUFFIX}"
        if is_style_name(name) and path.exists():
            return self._read(path, base)
        for direction in shipped(base):
            if direction.name == name:
                return direction
        if name in PUBLISHED and base.codes_of == STYLEGAN2_FFHQ:
            (direction,) = read_foreign(self._models.ensure(PUBLISHED[name]), name, base)
            return direction
        known = ", ".join(direction.name for direction in self.list(base))
        raise JojoError(f"direction {name!r} not found", hint=f"known: {known}" if known else "find or import some")

    def save(self, direction: "Direction", base: "Base", *, overwrite: bool = False) -> Path:
        """Keep a direction of a base, and return its file.

        Raises:
            UsageError: no direction can have this name.
            JojoError: there is one, and it must not be replaced; or the file can't be written.
        """
        from safetensors.torch import save

        if not is_style_name(direction.name):
            raise UsageError(f"direction name {direction.name!r} is not allowed", hint=_NAMES_HINT)
        path = self.folder / f"{direction.name}{SUFFIX}"
        said = {"codes": base.codes_of, "origin": direction.origin, "figures": json.dumps(direction.figures)}
        disk.save_file(path, save({KEY: direction.vector.float().cpu().contiguous()}, said), overwrite=overwrite)
        return path

    def remove(self, name: str) -> None:
        """Delete one of the user's.

        Raises:
            JojoError: it is none of these.
        """
        path = self.folder / f"{name}{SUFFIX}"
        if not is_style_name(name) or not path.exists():
            raise JojoError(f"direction {name!r} is none of yours", hint="those that come with jojo stay")
        path.unlink()

    def _read(self, path: Path, base: "Base") -> "Direction":
        from safetensors import SafetensorError, safe_open

        from jojo_cli.stylize.directions import Direction

        try:
            with safe_open(path, "pt") as file:
                said = file.metadata() or {}
                vector = file.get_tensor(KEY)
            figures = json.loads(said.get("figures", "{}"))
        except (OSError, SafetensorError, ValueError) as error:
            raise CheckpointError(f"direction {path.stem!r} is damaged: {error}", hint="remove it") from error
        if said.get("codes") != base.codes_of:
            raise CheckpointError(f"direction {path.stem!r} is of other codes than those of base {base.name!r}")
        vector = rows_for(_checked(vector, base), base.generator.code_resolutions, STYLEGAN2_CODES)
        return Direction(path.stem, vector.to(base.device.torch_device), said.get("origin", ""), figures)


def shipped(base: "Base") -> "list[Direction]":
    """Return the directions that come with jojo for the codes of a base."""
    from jojo_cli.bases import EMBEDDED_BASE
    from jojo_cli.bases.shipped import shipped_record, shipped_weights
    from jojo_cli.stylize.directions import Direction

    if base.codes_of != STYLEGAN2_FFHQ:
        return []
    figures: Mapping[str, Any] = shipped_record(EMBEDDED_BASE, "directions")["figures"]
    device = base.device.torch_device
    tensors = shipped_weights(EMBEDDED_BASE, "directions")
    return [Direction(name, tensors[name].to(device), "jojo", figures[name]) for name in sorted(tensors)]


def read_foreign(path: Path, name: str, base: "Base", count: int = 1) -> "list[Direction]":
    """Return the direction in somebody else's file: one row of numbers, or one for each of StyleGAN2's 18 codes.

    Of a file with many, the first `count` are returned, NAME-1, NAME-2 and so on: GANSpace's components, also as e4e
    keeps them, and the factors of rosinality's closed form. torch's tensors and numpy's arrays are read; nothing in a
    file runs.

    Raises:
        UsageError: its name says that it is of StyleGAN1 or PGGAN, whose w is another one.
        CheckpointError: it holds no such numbers.
    """
    import torch

    from jojo_cli.bases.latents import sample_w
    from jojo_cli.stylize.directions import Direction, one_deviation

    if _OF_OTHER_NETWORKS.match(path.name):
        raise UsageError(
            f"{path.name!r} is of StyleGAN1 or PGGAN, whose codes mean something else",
            hint="take directions that were found in StyleGAN2-FFHQ",
        )
    found = read_numbers(path)
    if isinstance(found, dict) and isinstance(found.get("eigvec"), torch.Tensor):
        found = {"comp": found["eigvec"].T}  # as columns
    if isinstance(found, dict) and isinstance(found.get("comp"), torch.Tensor) and found["comp"].ndim:
        named = {f"{name}-{number}": vector for number, vector in enumerate(found["comp"][:count], 1)}
    elif isinstance(found, torch.Tensor):
        named = {name: found}
    else:
        raise CheckpointError(f"{str(path)!r} holds no direction: a {type(found).__name__}, and not a tensor")
    codes = sample_w(base.generator).cpu()
    directions = []
    for key, vector in named.items():
        rows = rows_for(_checked(vector.float(), base), base.generator.code_resolutions, STYLEGAN2_CODES)
        directions.append(Direction(key, one_deviation(rows, codes).to(base.device.torch_device), path.name))
    return directions


def _checked(vector: "Tensor", base: "Base") -> "Tensor":
    """Return a vector as [R,D]."""
    size = base.generator.w_dim
    rows = vector.reshape(-1, size) if vector.numel() and vector.numel() % size == 0 else None
    if rows is None or len(rows) not in (1, len(STYLEGAN2_CODES), base.generator.codes) or not rows.isfinite().all():
        shape = "x".join(map(str, vector.shape))
        raise CheckpointError(f"{shape} numbers are no direction", hint=f"1 or 18 rows of {size} are")
    return rows
