"""`jojo train`: learn a style from one picture, or a few."""

from statistics import mean
from typing import Annotated

import typer

from jojo_cli.cli.options import (
    BaseName,
    Device,
    Encoder,
    Face,
    FacePoints,
    Json,
    Method,
    NoAlign,
    Overwrite,
    Quiet,
    Refine,
    Seed,
    Verbose,
)
from jojo_cli.cli.studio import open_studio


def train(
    name: Annotated[str, typer.Argument(help="What to call the style: a-z, 0-9, - and _.")],
    references: Annotated[
        list[str] | None,
        typer.Argument(
            help="The picture to learn from, or several in one style; a folder is all its pictures, '-' reads one from "
            "standard input."
        ),
    ] = None,
    more: Annotated[
        int | None,
        typer.Option(
            "--more", min=1, help="Go on with a style that you trained, for so many steps, as it was trained before."
        ),
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Finetuning steps; else what suits the base.")] = None,
    lr: Annotated[
        float | None,
        typer.Option(
            min=1e-6,
            max=1.0,
            help="Adam's rate, on the embedded base in units of each tensor's RMS; else what suits the base.",
        ),
    ] = None,
    loss: Annotated[
        str | None,
        typer.Option(help="Which of the base's losses compares drawings with the reference; else its best."),
    ] = None,
    id_weight: Annotated[
        float | None,
        typer.Option(min=0.0, help="Keep people recognisable: weight of the identity loss; else what suits the base."),
    ] = None,
    structure_weight: Annotated[
        float | None,
        typer.Option(
            min=0.0, help="Keep the person's pose, expression and shapes: more keeps more; else what suits the base."
        ),
    ] = None,
    proportions: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=1.0,
            help="How far faces take the reference's proportions, if its face is found; else what suits the base.",
        ),
    ] = None,
    strokes: Annotated[
        float | None,
        typer.Option(
            min=0.0, max=1.0, help="How far lines and hair are smoothed along themselves; else what suits the base."
        ),
    ] = None,
    boldness: Annotated[
        float | None,
        typer.Option(
            min=0.0,
            max=1.0,
            help="How far lines get as bold, and areas as even, as the reference's; else what suits the base.",
        ),
    ] = None,
    ms_ssim_weight: Annotated[
        float, typer.Option(min=0.0, help="Keep to the reference's shapes: weight of MS-SSIM.")
    ] = 0.0,
    alpha: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="How much the faces trained on vary: 1 gives the boldest style.")
    ] = 1.0,
    preserve_color: Annotated[
        bool, typer.Option("--preserve-color", help="Let photos keep more of their own colours.")
    ] = False,
    vary: Annotated[
        str | None,
        typer.Option(
            "--vary",
            metavar="RANGE",
            help="At which pixels the faces trained on differ: 64-, 128,256, coarse, middle or fine; else what suits "
            "the base.",
        ),
    ] = None,
    virtual: Annotated[
        list[str] | None,
        typer.Option(
            "--virtual",
            metavar="RANGE=AMOUNT",
            help="Take the picture for more of an ordinary face than it shows, for pictures far from faces: coarse=0.5 "
            "moves what codes say of pose and shape halfway to the mean face. Give it again for other ranges.",
        ),
    ] = None,
    method: Method = None,
    refine: Refine = None,
    encoder: Encoder = None,
    face: Face = "largest",
    points: FacePoints = None,
    no_align: NoAlign = False,
    seed: Seed = 0,
    base: BaseName = None,
    device: Device = "auto",
    overwrite: Overwrite = False,
    json_: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Learn a style from a picture of a face, and keep it by name.

    The face is cut out first. A picture that is a crop already, or a drawing whose face can't be found, takes
    --no-align; one without any face takes --no-align --method mean. Several pictures are learnt together. A style that
    is there goes on with 'jojo train NAME --more 100'.

    Interrupt it at any time: a style is saved whole at the end, or not at all.
    """
    from jojo_cli.bases.settings import FinetuneChoice, InvertChoice
    from jojo_cli.cli.output import Output
    from jojo_cli.cli.photos import parse_face, parse_photos
    from jojo_cli.cli.resolutions import parse_amounts, parse_sides
    from jojo_cli.errors import UsageError

    out = Output(as_json=json_, quiet=quiet, verbose=verbose)
    choice = FinetuneChoice(
        steps=steps,
        rate=lr,
        loss=loss,
        identity=id_weight,
        structure=structure_weight,
        proportions=proportions,
        strokes=strokes,
        boldness=boldness,
        ms_ssim=ms_ssim_weight,
        alpha=alpha,
        preserve_color=preserve_color,
        vary=None if vary is None else parse_sides(vary),
        virtual=parse_amounts(virtual or ()),
        seed=seed,
    )
    how = InvertChoice(method, refine, encoder=encoder)
    which = parse_face(face, points=points, no_align=no_align)
    studio = open_studio(out, device=device)
    if more is not None:
        if references or (choice, how, which) != (FinetuneChoice(), InvertChoice(), "largest"):
            raise UsageError("--more goes on with the references and settings of the style", hint="leave out the rest")
        style = studio.train_more(name, more)
    elif not references:
        raise UsageError("there is no picture to learn from", hint="name one; --more 100 goes on with a style of yours")
    else:
        style = studio.train(
            name, parse_photos(references), choice, base=base, how=how, face=which, overwrite=overwrite
        )
    record = style.record
    reached = mean(record.losses[-10:])
    result = {
        "style": name,
        "base": record.base,
        "steps": record.steps,
        "seconds": round(record.seconds or 0, 3),
        "seconds_per_step": round(style.seconds_per_step, 4),
        "loss": reached,
        "path": str(style.folder),
        "preview": str(style.preview_path),
    }
    out.result(result, f"style {name!r}: {record.steps} steps in {record.seconds:.0f} s, loss {reached:.3f}")
    out.note(f"preview: {style.preview_path}")
