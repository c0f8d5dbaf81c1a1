"""Small styles for the tests."""

from pathlib import Path
from typing import Any

import torch
from PIL import Image

from jojo_cli.styles import ReferenceRecord, Style, StyleRecord, StyleStore


def make_record(name: str = "ink", **changes: Any) -> StyleRecord:
    """Return a record as a training would write it."""
    fields: dict[str, Any] = {
        "base": "tiny",
        "base_sha256": "b" * 64,
        "critic_sha256": "c" * 64,
        "references": (ReferenceRecord.of(1, "pictures/Ink drawing.png", "d" * 64),),
        "settings": {"steps": 2, "alpha": 0.5, "layers": [1, 2], "preserve_color": False, "note": None},
        "seed": 7,
        "device": "cpu",
        "precision": "bfloat16",
        "seconds": 1.5,
        "losses": (0.5, 0.25),
    }
    return StyleRecord(name=name, **(fields | changes))


def make_weights(value: float = 1.0) -> dict[str, torch.Tensor]:
    """Return what a finetuning would have changed: two tensors that share memory, and one of 16 bits."""
    whole = torch.full((4, 3), float(value))
    return {"conv.weight": whole, "conv.half": whole[:2], "rgb.bias": torch.ones(3, dtype=torch.bfloat16)}


def make_pictures() -> dict[str, Image.Image]:
    """Return the pictures of a style with one reference."""
    return {
        "reference-1.png": Image.new("RGB", (8, 8), "red"),
        "preview.png": Image.linear_gradient("L").convert("RGB"),
        "loss.png": Image.new("RGB", (6, 4), "blue"),
    }


def make_style(store: StyleStore, name: str = "ink", *, value: float = 1.0, overwrite: bool = False) -> Style:
    """Save a style and return it."""
    return store.create(make_record(name), make_weights(value), make_pictures(), overwrite=overwrite)


def tree(folder: Path) -> dict[str, bytes | None]:
    """Return all that is in a folder (None for a folder), lock files aside."""
    return {
        str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None
        for path in folder.rglob("*")
        if path.suffix != ".lock"
    }
