"""`jojo apply`: photos, redrawn in a style."""

from typing import Annotated, Literal

import typer

from jojo_cli.cli.options import (
    Color,
    Device,
    DryRun,
    Encoder,
    Face,
    FacePoints,
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
    strength: Strength = "1",
    color: Color = None,
    compare: Annotated[
        bool, typer.Option("--compare", help="Write photo and result side by side as well: photo.STYLE.compare.png.")
    ] = False,
    sweep: Annotated[
        bool,
        typer.Option("--sweep", help="Write strengths 0, 0.25 to 1 side by side as well: photo.STYLE.sweep.png."),
    ] = False,
    paste: Annotated[
        bool | None,
        typer.Option(
            "--paste/--crop",
            help="Put the face back into its photo, all of them with --face all; or give it as a square. "
            "Else films are pasted, photos are not.",
        ),
    ] = None,
    mask: Annotated[
        Literal["crop", "head", "face"] | None,
        typer.Option("--mask", help="What goes back with --paste: the square without its border, the head, the face."),
    ] = None,
    blend: Annotated[
        float | None,
        typer.Option(
            "--blend", min=0.0, max=1.0, help="How far colours at the seam of --paste follow the photo; else 1, all."
        ),
    ] = None,
    keep_location: Annotated[
        bool, typer.Option("--keep-location", help="With --paste, let results say where the photo was taken, too.")
    ] = False,
    method: Method = None,
    refine: Refine = None,
    encoder: Encoder = None,
    face: Face = "largest",
    points: FacePoints = None,
    no_align: NoAlign = False,
    device: Device = "auto",
    format_: Annotated[
        Literal["png", "jpg", "webp"] | None,
        typer.Option(
            "--format", help="Of the results, where -o names no file; else png, or as the photo with --paste."
        ),
    ] = None,
    quality: Quality = None,
    overwrite: Overwrite = False,
    dry_run: DryRun = False,
    json_: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Redraw the faces in photos and films in a style.

    The result of photo.jpg is photo.STYLE.png, or with --paste photo.STYLE.jpg; a folder keeps its tree. The code of
    each face is found first, which takes most of the time: 'jojo invert' keeps it in a file that can be given here in
    place of the photo, unless with --paste.

    Films (videos, GIF, animated WebP) become films. One that was stopped goes on where it was, by the same command.
    """
    from jojo_cli.bases.settings import InvertChoice
    from jojo_cli.cli.output import Output
    from jojo_cli.cli.photos import parse_face, parse_output, parse_photos, report
    from jojo_cli.cli.resolutions import parse_strength
    from jojo_cli.errors import UsageError
    from jojo_cli.studio.pasting import Paste

    out = Output(as_json=json_, quiet=quiet, verbose=verbose)
    choice = parse_face(face, points=points, no_align=no_align)
    how = InvertChoice(method, refine, encoder=encoder)
    target = parse_output(output, out)
    said = mask or blend is not None or keep_location
    if said and not paste:
        raise UsageError("--mask, --blend and --keep-location are about --paste", hint="add it, or leave them out")
    chosen = Paste(mask, Paste.blend if blend is None else blend, keep_location) if paste else paste
    batch = open_studio(out, device=device).apply(
        style,
        parse_photos(photos),
        target,
        strength=parse_strength(strength),
        color=color,
        compare=compare,
        sweep=sweep,
        paste=chosen,
        how=how,
        face=choice,
        format=format_,
        quality=quality,
        overwrite=overwrite,
    )
    report(batch, out, dry_run=dry_run)
