"""Codes of other programs: rows of numbers for StyleGAN2's 18 codes, in the files that they keep them in."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from jojo_cli.errors import CheckpointError

if TYPE_CHECKING:
    from torch import Tensor

STYLEGAN2_CODES = (4, *(side for side in (8, 16, 32, 64, 128, 256, 512, 1024) for _ in range(2)), 1024)
"""The resolutions of the codes of StyleGAN2 at 1024 px."""

Form = Literal["jojogan", "e4e", "rosinality", "nvidia", "numpy"]
"""Whose files: `latent` of JoJoGAN and DoesFS, e4e's stacks, those of rosinality's projector, NVIDIA's
`projected_w.npz`, and arrays as StyleGAN_LatentEditor's."""

FORMS: tuple[Form, ...] = get_args(Form)

ENDINGS: dict[Form, str] = {"jojogan": ".pt", "e4e": ".pt", "rosinality": ".pt", "nvidia": ".npz", "numpy": ".npy"}

_HINT = "jojo reads .pt, .npz and .npy with rows of 512 numbers for the 18 codes of StyleGAN2"


def read_codes(path: Path) -> "dict[str, Tensor]":
    """Return the codes [18,D] in a file by their names; numbers only are read, and nothing in it runs.

    Raises:
        CheckpointError: it is missing or damaged, or holds no such codes.
    """
    import torch

    codes = {}
    for name, rows in _named(path.stem, read_numbers(path)).items():
        if not isinstance(rows, torch.Tensor) or rows.ndim != 2 or len(rows) not in (1, len(STYLEGAN2_CODES)):
            shape = "x".join(map(str, getattr(rows, "shape", ()))) or type(rows).__name__
            raise CheckpointError(f"{str(path)!r} holds no code: {shape}", hint=_HINT)
        if not rows.isfinite().all():
            raise CheckpointError(f"{str(path)!r} holds numbers that are none")
        codes[name] = rows.float().expand(len(STYLEGAN2_CODES), -1)
    if not codes:
        raise CheckpointError(f"{str(path)!r} holds no code", hint=_HINT)
    return codes


def read_numbers(path: Path) -> Any:
    """Return what torch's or numpy's file holds: a tensor, or a dictionary; nothing in it runs.

    Of an .npz, it is the `w` of NVIDIA's projector, or {"comp": GANSpace's components}.

    Raises:
        CheckpointError: it is missing or damaged, or holds anything but numbers.
    """
    import numpy as np
    import torch

    try:
        if path.suffix not in (".npy", ".npz"):
            return torch.load(path, map_location="cpu", weights_only=True)
        loaded = np.load(path, allow_pickle=False)
        if path.suffix == ".npy":
            return torch.from_numpy(loaded)
        return torch.from_numpy(loaded["w"]) if "w" in loaded else {"comp": torch.from_numpy(loaded["lat_comp"])}
    except FileNotFoundError as error:
        raise CheckpointError(f"{str(path)!r} not found") from error
    except Exception as error:  # damaged files, and programs where numbers should be, fail in a dozen ways
        raise CheckpointError(f"{str(path)!r} is damaged, or no plain numbers", hint=_HINT) from error


def _named(stem: str, loaded: Any) -> dict[str, Any]:
    """Return what was loaded by name, each as rows if it is."""
    if not isinstance(loaded, dict):
        return _stacked(stem, loaded)
    if "latent" in loaded:
        return _stacked(stem, loaded["latent"])
    # What has no latent is no code, which is said of its type.
    return {
        Path(str(name)).stem: _rows(each["latent"] if isinstance(each, dict) and "latent" in each else each)
        for name, each in loaded.items()
    }


def _stacked(stem: str, codes: Any) -> dict[str, Any]:
    if getattr(codes, "ndim", 0) == 3 and len(codes) > 1:
        return {f"{stem}-{number}": rows for number, rows in enumerate(codes, 1)}
    return {stem: _rows(codes)}


def _rows(code: Any) -> Any:
    """Return a code as rows, if it is one code."""
    while getattr(code, "ndim", 0) > 2 and len(code) == 1:
        code = code[0]
    return code[None] if getattr(code, "ndim", 0) == 1 else code


def code_writer(form: Form) -> "Callable[[str, Tensor], bytes]":
    """Return what makes the content of a file of a code [18,D] and its name."""
    import io

    import numpy as np
    import torch

    def written(name: str, rows: "Tensor") -> bytes:
        rows = rows.cpu().float().contiguous().clone()
        stream = io.BytesIO()
        if form == "numpy":
            np.save(stream, rows[None].numpy())
        elif form == "nvidia":
            np.savez(stream, w=rows[None].numpy())
        else:
            kept: Any = {
                "jojogan": {"latent": rows},
                "e4e": rows[None],
                "rosinality": {name: {"latent": rows, "noise": []}},
            }
            torch.save(kept[form], stream)
        return stream.getvalue()

    return written


def rows_for(rows: "Tensor", wanted: Sequence[int], known: Sequence[int]) -> "Tensor":
    """Return rows [R,D] for codes of the `wanted` resolutions, in pixels, each from the like place of its own.

    Of StyleGAN2's codes, the one of the larger picture comes to a last code that only the picture has.

    Args:
        rows: for codes of the `known` resolutions; others, such as one for all, are returned as they are.
        wanted: the resolution of each code.
        known: likewise.
    """
    if len(rows) != len(known) or tuple(known) == tuple(wanted):
        return rows
    places = []
    for number, side in enumerate(wanted):
        same = [place for place, other in enumerate(known) if other == side]
        larger = [place for place, other in enumerate(known) if other > side]
        if number == len(wanted) - 1 and larger:
            places.append(larger[0])
        elif same:
            places.append(same[min(list(wanted[:number]).count(side), len(same) - 1)])
        else:
            places.append(len(known) - 1)
    return rows[places]
