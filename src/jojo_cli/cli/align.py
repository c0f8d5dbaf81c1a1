"""`jojo align`: FFHQ crops of the faces in photos."""

from typing import Annotated

import typer

from jojo_cli.cli.options import (
    DryRun,
    Face,
    FacePoints,
    Format,
    Json,
    Overwrite,
    Photos,
    Quality,
    Quiet,
    ResultPath,
    Verbose,
)
from jojo_cli.cli.studio import open_studio


def align(
    photos: Photos,
    output: ResultPath = None,
    face: Face = "largest",
    points: FacePoints = None,
    size: Annotated[int, typer.Option(min=32, max=4096, help="Side of a crop in pixels.")] = 1024,
    show: Annotated[
        bool,
        typer.Option(
            "--show", help="Write photo.faces.png instead: the photo, with all its faces marked and numbered."
        ),
    ] = False,
    format_: Format = "png",
    quality: Quality = None,
    overwrite: Overwrite = False,
    dry_run: DryRun = False,
    json_: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Cut the faces out of photos, upright and placed as in the FFHQ dataset.

    The result of photo.jpg is photo.aligned.png; a folder keeps its tree.

    Where a face reaches the border, the photo is mirrored and blurred.
    """
    from jojo_cli.cli.output import Output
    from jojo_cli.cli.photos import parse_face, parse_output, parse_photos, report

    out = Output(as_json=json_, quiet=quiet, verbose=verbose)
    choice = parse_face(face, points=points) or "largest"
    target = parse_output(output, out)
    batch = open_studio(out).align(
        parse_photos(photos),
        target,
        face=choice,
        size=size,
        show=show,
        format=format_,
        quality=quality,
        overwrite=overwrite,
    )
    report(batch, out, dry_run=dry_run)
