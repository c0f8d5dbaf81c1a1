"""What commands open before they work: a base, and a style on its base."""

from typing import TYPE_CHECKING

from jojo_cli.cli.models import open_models
from jojo_cli.cli.output import Output
from jojo_cli.errors import CheckpointError, JojoError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable

    from PIL.Image import Image

    from jojo_cli.bases import BaseEntry
    from jojo_cli.bases.base import Base
    from jojo_cli.bases.settings import InvertSettings
    from jojo_cli.nets.generator import Generator
    from jojo_cli.styles import Style
    from jojo_cli.stylize.invert import Inversion

    Needs = Callable[[BaseEntry], tuple[str, ...]]


def open_base(name: str | None, *, needs: "Needs", device: str, out: Output) -> "Base":
    """Return the base called `name` (None: the one that suits the device), said on `out`.

    `needs` says which of its weights the command uses: what is missing of them is fetched first, all together.

    Raises:
        UsageError: there is no such device, or the base lacks what was chosen.
        JojoError: the device is not here, there is no such base, or its weights can't be had.
    """
    from jojo_cli.bases import EMBEDDED_BASE, default_base, find_base, load_base
    from jojo_cli.device import pick_device

    chosen = pick_device(device)
    entry = find_base(name or default_base(chosen.torch_device.type))
    weights, ids = open_models(out), needs(entry)
    try:
        weights.pull(ids)
    except JojoError as error:
        if name or entry.name == EMBEDDED_BASE:
            raise
        hints = [error.hint] if error.hint else []
        hint = "\nor ".join([*hints, f"add --base {EMBEDDED_BASE}, which needs less"])
        raise JojoError(str(error), hint=hint) from error
    with chosen.enough_memory():
        base = load_base(entry.name, weights, device=chosen)
    out.note(f"base {base.name} on {chosen}")
    return base


def open_style(
    style: "Style", *, needs: "Needs", device: str, out: Output, color: float | None = None
) -> "tuple[Base, Generator]":
    """Return the base of a style, and its generator in that style; `needs` as in `open_base`.

    Raises:
        CheckpointError: the style is damaged, or was trained on other weights than the base has now.
        UsageError: the style has no `color` to give.
        JojoError: as `open_base`.
    """
    from jojo_cli.stylize.draw import styled_generator

    # Before the base: a style that can't be drawn as asked needs no download.
    weights = style.load_weights()
    if color and "palette" not in weights:
        raise UsageError(f"style {style.name!r} keeps no colours of a reference", hint="leave out --color")
    base = open_base(style.record.base, needs=needs, device=device, out=out)
    record = style.record
    if record.base_sha256 != base.sha256:
        raise CheckpointError(
            f"style {style.name!r} belongs to another version of base {base.name!r}",
            hint=f"import {record.origin.file!r} again, with --name {style.name} --overwrite"
            if record.origin
            else "train it again from the references in its folder: "
            f"jojo train {style.name} {style.folder / 'reference-1.png'} --no-align --overwrite",
        )
    return base, styled_generator(base, weights)


def invert_photo(base: "Base", square: "Image", settings: "InvertSettings", *, title: str, out: Output) -> "Inversion":
    """Return the inversion of a crop of the base's resolution, with a progress bar on `out`."""
    from jojo_cli.events import progress
    from jojo_cli.images import to_tensor
    from jojo_cli.stylize.invert import invert

    pixels = to_tensor([square]).to(base.device.torch_device)
    with progress(out.listen, title, settings.steps, "steps") as advance:
        inversion = invert(base, pixels, settings, on_step=lambda step, loss: advance(step, f"loss {loss:.3f}"))
    out.detail(f"{title}: LPIPS {inversion.lpips:.3f}, MSE {inversion.mse:.3f}")
    return inversion
