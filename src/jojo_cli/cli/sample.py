"""`jojo sample`: random faces in a style."""

from pathlib import Path
from typing import Annotated

import typer

from jojo_cli.cli.options import Color, Device, Json, OutputFolder, Overwrite, Quiet, Seed, Strength, Verbose
from jojo_cli.cli.styles import StyleName, open_styles
from jojo_cli.errors import JojoError

MAX_SHEET_COLUMNS = 8


def sample(
    style: StyleName,
    count: Annotated[int, typer.Option("--number", "-n", min=1, max=10_000, help="How many faces.")] = 1,
    output: OutputFolder = None,
    seed: Seed = 0,
    truncation: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="0 draws the mean face; 1 the most varied, and oddest, faces.")
    ] = 0.7,
    strength: Strength = 1.0,
    color: Color = None,
    device: Device = "auto",
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

    out = Output(as_json=json_, quiet=quiet, verbose=verbose)
    chosen = open_styles().load(style)
    folder = output or Path(f"{chosen.name}-samples")
    files = {number: folder / f"{chosen.name}-{number:04d}.png" for number in range(seed, seed + count)}
    sheet = folder / f"{chosen.name}-sheet.png"
    _check_free([*files.values(), sheet], overwrite=overwrite)

    from jojo_cli.cli.session import open_style
    from jojo_cli.events import progress
    from jojo_cli.images import contact_sheet, save_image, to_image
    from jojo_cli.stylize.draw import draw
    from jojo_cli.stylize.mixing import sample_code

    base, styled = open_style(chosen, needs=lambda entry: entry.draw, device=device, out=out, color=color)
    columns = min(MAX_SHEET_COLUMNS, round(count**0.5 + 0.49))
    cell = min(256, base.generator.resolution)
    small = []
    with progress(out.listen, f"drawing {chosen.name}", count, "faces") as advance:
        for number, file in files.items():
            code = sample_code(base, number, truncation)
            image = to_image(draw(base, styled, code, strength=strength, color=color)[0])
            save_image(image, file, overwrite=overwrite)
            small.append(image.resize((cell, cell)))
            advance(len(small))
            out.result({"seed": number, "output": str(file)}, str(file))
    rows = [small[start : start + columns] for start in range(0, count, columns)]
    save_image(contact_sheet(rows, cell=cell), sheet, overwrite=overwrite)
    out.note(f"all on one sheet: {sheet}")


def _check_free(files: list[Path], *, overwrite: bool) -> None:
    taken = [] if overwrite else [file for file in files if file.exists()]
    if taken:
        raise JojoError(f"{str(taken[0])!r} exists", hint="add --overwrite to replace it, or choose a folder with -o")
