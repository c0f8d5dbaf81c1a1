"""The way from face to face, drawn."""

from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import chain, islice
from pathlib import Path

import torch
from PIL import Image
from torch import Tensor

from jojo_cli import disk
from jojo_cli.errors import JojoError, UsageError
from jojo_cli.events import Advance, progress
from jojo_cli.films import FILM_FORMATS, Frame, open_writer
from jojo_cli.images import WRITE_FORMATS, contact_sheet, save_image
from jojo_cli.studio.coding import Coder, Source
from jojo_cli.stylize.morphing import between, on_sphere, smooth, straight

_SHEET = 8
"""Faces in a row of a sheet."""


def morph(
    coder: Coder,
    sources: Sequence[Source],
    output: Path,
    *,
    frames: int,
    side: int,
    rate: int,
    loop: bool,
    even: bool,
    spherical: bool,
    overwrite: bool,
) -> None:
    """Write the way from code to code: an animation, or a sheet.

    Args:
        coder: finds codes, and draws them.
        sources: of the codes, two or more.
        output: ends in one of `FILM_FORMATS`, or for a sheet in one of `WRITE_FORMATS`.
        frames: how many pictures, two or more.
        side: of a picture, in pixels.
        rate: pictures a second.
        loop: come back to the first.
        even: move evenly, and not slower at each code.
        spherical: go by z, which only seeds have.
        overwrite: the file may exist.

    Raises:
        UsageError: there is no z; or the name ends otherwise.
        JojoError: the file exists, or can't be written.
    """
    suffix = output.suffix.lower()
    if suffix not in FILM_FORMATS and suffix not in WRITE_FORMATS:
        known = ", ".join(sorted(FILM_FORMATS | WRITE_FORMATS.keys()))
        raise UsageError(f"{str(output)!r} names no format that jojo writes", hint=f"end it in one of {known}")
    if output.exists() and not overwrite:
        raise JojoError(f"{str(output)!r} exists", hint="add --overwrite to replace it")
    easing: Callable[[float], float] = (lambda share: share) if even else smooth
    codes: Iterator[Tensor]
    if spherical:
        codes = _by_z(coder, sources, frames, loop=loop, easing=easing)
    else:
        stops = [coder.code(source) for source in sources]
        codes = between(stops, frames, loop=loop, mix=straight, easing=easing)
    with progress(coder.studio.listener, f"drawing {output.name}", frames, "frames") as advance:
        pictures = _told((coder.draw(code, side=side) for code in codes), advance)
        if suffix in WRITE_FORMATS and suffix != ".webp":
            faces = list(pictures)
            rows = [faces[first : first + _SHEET] for first in range(0, frames, _SHEET)]
            save_image(contact_sheet(rows, cell=side, gap=0), output, overwrite=overwrite, made="picture")
        else:
            write_film(output, pictures, rate=rate, overwrite=overwrite)


def _by_z(
    coder: Coder, sources: Sequence[Source], frames: int, *, loop: bool, easing: Callable[[float], float]
) -> Iterator[Tensor]:
    base = coder.base
    if any(source.seed is None for source in sources):
        raise UsageError("only seeds have a z", hint="leave out --spherical, or give seeds")
    points = [
        torch.randn(1, base.generator.w_dim, generator=torch.Generator().manual_seed(source.seed or 0))
        for source in sources
    ]
    for z in between(points, frames, loop=loop, mix=on_sphere, easing=easing):
        with torch.no_grad():
            w = base.generator.mapping(z.to(base.device.torch_device))
        yield base.generator.w_to_w_plus(base.latents.truncate(w, sources[0].truncation))


def _told(pictures: Iterator[Image.Image], advance: Advance) -> Iterator[Image.Image]:
    for done, picture in enumerate(pictures, 1):
        yield picture
        advance(done)


def write_film(path: Path, pictures: Iterator[Image.Image], *, rate: int, overwrite: bool = False) -> None:
    """Write pictures of one size as a film, `rate` a second, that is shown again and again.

    Raises:
        JojoError: it can't be written; or what writes such films is not installed.
    """
    writer = open_writer(None, path.suffix.lower())
    bench = disk.scratch_path(path.parent, path.name)
    unit = Fraction(1, 1000 * rate)
    frames = ((Frame(number, 1000 * number, 1000, unit, picture), picture) for number, picture in enumerate(pictures))
    with disk.writing(path):
        bench.mkdir(parents=True)
        try:
            parts: list[Path] = []
            for first in frames:
                parts.append(bench / f"{len(parts):08}")
                writer.write_part(parts[-1], chain([first], islice(frames, writer.part - 1)))
            whole = bench / f"whole{path.suffix}"
            writer.join(parts, whole, location=False)
            disk.put_file(whole, path, overwrite=overwrite)
        finally:
            disk.delete(bench)
