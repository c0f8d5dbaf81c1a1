"""`jojo invert`: the codes of photos."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from jojo_cli.cli.options import (
    BaseName,
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
    Quiet,
    Refine,
    Verbose,
)
from jojo_cli.cli.studio import open_studio
from jojo_cli.cli.styles import complete_style
from jojo_cli.errors import UsageError


def invert(
    context: typer.Context,
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
    noise: Annotated[
        bool,
        typer.Option(
            "--noise",
            help="Find noise after the code: nearly the photo, whose texture then shows in styles, too.",
        ),
    ] = False,
    for_: Annotated[
        str | None,
        typer.Option("--for", help="Name of a style: take its base.", autocompletion=complete_style),
    ] = None,
    face: Face = "largest",
    points: FacePoints = None,
    no_align: NoAlign = False,
    base: BaseName = None,
    device: Device = "auto",
    overwrite: Overwrite = False,
    dry_run: DryRun = False,
    json_: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Find the codes from which the base draws the faces in photos.

    The result of photo.jpg is photo.code.safetensors, which 'jojo apply' takes in place of the photo, and
    photo.code.png, what the base draws from it.
    """
    from jojo_cli.bases.settings import InvertChoice
    from jojo_cli.cli.output import Output
    from jojo_cli.cli.photos import parse_face, parse_output, parse_photos, report

    out = Output(as_json=json_, quiet=quiet, verbose=verbose)
    target = parse_output(output, out)
    choice = parse_face(face, points=points, no_align=no_align)
    how = InvertChoice(method, refine, space, encoder, noise)
    studio = open_studio(out, device=device)
    if for_:
        needed, source = studio.styles.load(for_).record.base, context.get_parameter_source("base")
        if base != needed and source and source.name == "COMMANDLINE":
            raise UsageError(f"style {for_!r} has base {needed!r}, not {base!r}", hint="leave out --base")
        base = needed
    batch = studio.invert(
        parse_photos(photos), target, base=base, how=how, face=choice, measure=json_, overwrite=overwrite
    )
    report(batch, out, dry_run=dry_run)
