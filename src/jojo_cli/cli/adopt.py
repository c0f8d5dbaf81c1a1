"""Styles that other programs made: what import and pull share.

A command imports this when it runs, for it loads torch.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from jojo_cli.bases import FULL_BASE
from jojo_cli.bases.base import Base
from jojo_cli.bases.foreign import State, has_own_codes, read_generator, style_weights
from jojo_cli.cli.output import Output
from jojo_cli.cli.preview import preview_sheet
from jojo_cli.cli.session import open_base
from jojo_cli.cli.styles import open_styles
from jojo_cli.errors import CheckpointError, JojoError
from jojo_cli.styles import Origin, Style, StyleRecord
from jojo_cli.stylize.draw import styled_generator
from jojo_cli.weights.storage import sha256_of


@dataclass(frozen=True)
class Foreign:
    """A generator that was finetuned elsewhere, and where it comes from."""

    origin: Origin
    generator: State


def read(file: Path, *, url: str | None = None) -> Foreign:
    """Return what a checkpoint holds, which jojo got at `url` or the user brought.

    Raises:
        CheckpointError: it does not hold a StyleGAN2 generator, key by key and shape by shape.
        JojoError: it can't be read.
    """
    try:
        with _naming(file.name):
            return Foreign(Origin.of(str(file), sha256_of(file), url=url), read_generator(file))
    except OSError as error:
        reason = error.strerror or str(error)
        raise JojoError(f"can't read {str(file)!r}: {reason}", hint="check the file's name and permissions") from error


def open_full_base(device: str, out: Output) -> Base:
    """Return the base that all of them were finetuned from, to draw with; errors as `open_base`."""
    return open_base(FULL_BASE, needs=lambda entry: entry.draw, device=device, out=out)


def adopt(foreign: Foreign, base: Base, *, name: str, overwrite: bool, out: Output) -> Style:
    """Register a generator as the style `name`, with what differs from the base, and return it.

    Raises:
        CheckpointError: nothing differs, or the generator has another size.
        JojoError: as `StyleStore.create`.
    """
    origin = foreign.origin
    with _naming(origin.file):
        weights = style_weights(base, foreign.generator)
    if has_own_codes(weights):
        out.warn(
            f"{origin.file} has another mapping than {base.name}: the codes of photos may mean something else to it, "
            "and come out as other faces"
        )
    out.note(f"drawing the preview of {name}")
    preview = preview_sheet(base, styled_generator(base, weights), (), ())
    record = StyleRecord(name=name, base=base.name, base_sha256=base.sha256, origin=origin)
    return open_styles().create(record, weights, {"preview.png": preview}, overwrite=overwrite)


@contextmanager
def _naming(file: str) -> Iterator[None]:
    """Say in errors which file they are about, and what it should be."""
    try:
        yield
    except CheckpointError as error:
        hint = "a style is 'g' or 'g_ema' in a checkpoint: StyleGAN2-FFHQ at 1024 px, finetuned, as JoJoGAN saves it"
        message = str(error) if str(error).startswith(file) else f"{file!r}: {error}"
        raise CheckpointError(message, hint=error.hint or hint) from error
