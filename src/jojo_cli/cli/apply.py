"""`jojo apply`: photos, redrawn in a style."""

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jojo_cli.cli.options import (
    Color,
    Device,
    Encoder,
    Face,
    Json,
    Method,
    NoAlign,
    Overwrite,
    Photos,
    Quiet,
    Refine,
    ResultPath,
    Strength,
    Verbose,
)
from jojo_cli.cli.styles import StyleName, open_styles

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image
    from torch import Tensor

    from jojo_cli.bases import BaseEntry
    from jojo_cli.cli.batch import Open, Work
    from jojo_cli.cli.plan import Job


def apply(
    style: StyleName,
    photos: Photos,
    output: ResultPath = None,
    strength: Strength = 1.0,
    color: Color = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="Write photo and result side by side as well: photo.STYLE.compare.png.")
    ] = False,
    method: Method = None,
    refine: Refine = None,
    encoder: Encoder = None,
    face: Face = "largest",
    no_align: NoAlign = False,
    device: Device = "auto",
    overwrite: Overwrite = False,
    json_: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Redraw the faces in photos in a style.

    The result of photo.jpg is photo.STYLE.png; a folder keeps its tree. The code of each photo is found first, which
    takes most of the time: 'jojo invert' keeps it in a file that can be given here in place of the photo.
    """
    from PIL.Image import Image

    from jojo_cli.bases.settings import InvertChoice
    from jojo_cli.cli.batch import open_photos, parse_face, run
    from jojo_cli.cli.output import Output
    from jojo_cli.cli.plan import plan
    from jojo_cli.codes import SUFFIX

    out = Output(as_json=json_, quiet=quiet, verbose=verbose)
    choice = parse_face(face, no_align=no_align)
    how = InvertChoice(method, refine, encoder=encoder)
    chosen = open_styles().load(style)
    suffixes = (".png", ".compare.png") if compare else (".png",)
    jobs = plan(photos, output, label=chosen.name, suffixes=suffixes, choice=choice, overwrite=overwrite, out=out)
    # A code is of one face, whatever --face says; where there are no photos, no face finder is needed.
    jobs = [replace(job, choice=None) if job.photo.endswith(SUFFIX) else job for job in jobs]
    choice = choice if any(job.choice for job in jobs) else None

    def start() -> "tuple[Open[Image | Tensor], Work[Image | Tensor]]":
        from jojo_cli.cli.session import invert_photo, open_style
        from jojo_cli.codes import read_code
        from jojo_cli.images import contact_sheet, save_image, to_image
        from jojo_cli.stylize.draw import draw

        def needs(entry: "BaseEntry") -> tuple[str, ...]:
            return entry.draw if all(job.photo.endswith(SUFFIX) for job in jobs) else entry.to_invert(how)

        base, styled = open_style(chosen, needs=needs, device=device, out=out, color=color)
        settings = how.among(base.photo_inversions)
        crops = open_photos(choice, size=base.generator.resolution, out=out)

        def open_(job: "Job") -> "Sequence[tuple[int | None, Image | Tensor]]":
            return [(None, read_code(Path(job.photo), base))] if job.photo.endswith(SUFFIX) else crops(job)

        def work(face: "Image | Tensor", job: "Job") -> Mapping[str, Any]:
            started = time.perf_counter()
            if isinstance(face, Image):
                w_plus = invert_photo(base, face, settings, title=f"inverting {job.photo}", out=out).w_plus
            else:
                w_plus = face
            result = to_image(draw(base, styled, w_plus, strength=strength, color=color)[0])
            job.save(result)
            if compare:
                photo = face if isinstance(face, Image) else to_image(draw(base, styled, w_plus, strength=0)[0])
                sheet = contact_sheet([[photo, result]], cell=result.width)
                save_image(sheet, job.files[".compare.png"], overwrite=overwrite)
            return {"seconds": round(time.perf_counter() - started, 3)}

        return open_, work

    run(jobs, start, out=out)
