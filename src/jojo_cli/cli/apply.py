"""`jojo apply`: photos, redrawn in a style."""

from typing import Annotated

import typer

from jojo_cli.cli.options import (
    Color,
    Device,
    DryRun,
    Encoder,
    Face,
    Format,
    Json,
    Method,
    NoAlign,
    Overwrite,
    Photos,
    Quality,
    Quiet,
    Refine,
    ResultPath,
    Strength,
    Verbose,
)
from jojo_cli.cli.studio import open_studio
from jojo_cli.cli.styles import StyleName


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
    format_: Format = "png",
    quality: Quality = None,
    overwrite: Overwrite = False,
    dry_run: DryRun = False,
    json_: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Redraw the faces in photos in a style.

    The result of photo.jpg is photo.STYLE.png; a folder keeps its tree. The code of each photo is found first, which
    takes most of the time: 'jojo invert' keeps it in a file that can be given here in place of the photo.
    """
    from jojo_cli.bases.settings import InvertChoice
    from jojo_cli.cli.output import Output
    from jojo_cli.cli.photos import parse_face, parse_output, parse_photos, report

    out = Output(as_json=json_, quiet=quiet, verbose=verbose)
    choice = parse_face(face, no_align=no_align)
    how = InvertChoice(method, refine, encoder=encoder)
    target = parse_output(output, out)
    batch = open_studio(out, device=device).apply(
        style,
        parse_photos(photos),
        target,
        strength=strength,
        color=color,
        compare=compare,
        how=how,
        face=choice,
        format=format_,
        quality=quality,
        overwrite=overwrite,
    )
    report(batch, out, dry_run=dry_run)
