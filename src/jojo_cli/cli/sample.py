"""`jojo sample`: random faces in a style."""

from typing import Annotated

import typer

from jojo_cli.cli.options import (
    Color,
    Device,
    Format,
    Json,
    OutputFolder,
    Overwrite,
    Quality,
    Quiet,
    Seed,
    Strength,
    Verbose,
)
from jojo_cli.cli.studio import open_studio
from jojo_cli.cli.styles import StyleName


def sample(
    style: StyleName,
    count: Annotated[int, typer.Option("--number", "-n", min=1, max=10_000, help="How many faces.")] = 1,
    output: OutputFolder = None,
    seed: Seed = 0,
    truncation: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="0 draws the mean face; 1 the most varied, and oddest, faces.")
    ] = 0.7,
    strength: Strength = "1",
    color: Color = None,
    device: Device = "auto",
    format_: Format = "png",
    quality: Quality = None,
    overwrite: Overwrite = False,
    json_: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Draw random faces in a style: files and a contact sheet.

    Faces have the seeds SEED, SEED + 1 and so on: each can be drawn again on its own. They go to STYLE-samples in the
    current folder unless -o says otherwise.
    """
    from jojo_cli.cli.output import Output
    from jojo_cli.cli.resolutions import parse_strength

    out = Output(as_json=json_, quiet=quiet, verbose=verbose)
    studio = open_studio(out, device=device)
    faces = studio.sample(
        style,
        count,
        output,
        seed=seed,
        truncation=truncation,
        strength=parse_strength(strength),
        color=color,
        format=format_,
        quality=quality,
        overwrite=overwrite,
    )
    for number, file in faces:
        out.result({"seed": number, "output": str(file)}, str(file))
