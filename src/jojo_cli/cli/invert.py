"""`jojo invert`: the codes of photos."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from jojo_cli.cli.options import (
    BaseName,
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
    Verbose,
)

if TYPE_CHECKING:
    from PIL.Image import Image

    from jojo_cli.cli.batch import Open, Work
    from jojo_cli.cli.plan import Job


def invert(
    photos: Photos,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="A folder, or for one photo a file; else the current folder.")
    ] = None,
    method: Method = None,
    space: Annotated[
        Literal["z", "w", "w+"] | None,
        typer.Option(help="Where to look for the code: w+ is the most alike, w and z are the most plausible."),
    ] = None,
    refine: Refine = None,
    encoder: Encoder = None,
    face: Face = "largest",
    no_align: NoAlign = False,
    base: BaseName = None,
    device: Device = "auto",
    overwrite: Overwrite = False,
    json_: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Find the codes from which the base draws the faces in photos.

    The result of photo.jpg is photo.code.safetensors, which 'jojo apply' takes in place of the photo, and
    photo.code.png, what the base draws from it.
    """
    from jojo_cli.bases.settings import InvertChoice
    from jojo_cli.cli.batch import open_photos, parse_face, run
    from jojo_cli.cli.output import Output
    from jojo_cli.cli.plan import plan

    out = Output(as_json=json_, quiet=quiet, verbose=verbose)
    choice = parse_face(face, no_align=no_align)
    how = InvertChoice(method, refine, space, encoder)
    jobs = plan(
        photos, output, label="code", suffixes=(".safetensors", ".png"), choice=choice, overwrite=overwrite, out=out
    )

    def start() -> "tuple[Open[Image], Work[Image]]":
        from jojo_cli.cli.session import invert_photo, open_base
        from jojo_cli.codes import write_code
        from jojo_cli.images import save_image, to_image

        model = open_base(base, needs=lambda entry: entry.to_invert(how), device=device, out=out)
        settings = how.among(model.photo_inversions)

        def work(square: "Image", job: "Job") -> Mapping[str, Any]:
            started = time.perf_counter()
            inversion = invert_photo(model, square, settings, title=f"inverting {job.photo}", out=out)
            write_code(job.files[".safetensors"], inversion.w_plus, model, overwrite=overwrite)
            save_image(to_image(inversion.reconstruction[0]), job.files[".png"], overwrite=overwrite)
            return {
                "reconstruction": str(job.files[".png"]),
                "lpips": round(inversion.lpips, 4),
                "mse": round(inversion.mse, 4),
                "seconds": round(time.perf_counter() - started, 3),
            }

        return open_photos(choice, size=model.generator.resolution, out=out), work

    run(jobs, start, out=out)
