"""`jojo train`: learn a style from one picture, or a few."""

import time
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING, Annotated, Literal

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
    Quiet,
    Refine,
    Seed,
    Verbose,
)
from jojo_cli.errors import JojoError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from PIL.Image import Image

    from jojo_cli.bases.base import Base
    from jojo_cli.bases.settings import FinetuneSettings
    from jojo_cli.cli.batch import Cut
    from jojo_cli.cli.output import Output
    from jojo_cli.faces.align import FloatArray
    from jojo_cli.stylize.finetune import Finetuned
    from jojo_cli.stylize.invert import Inversion


def train(
    name: Annotated[str, typer.Argument(help="What to call the style: a-z, 0-9, - and _.")],
    references: Annotated[list[Path], typer.Argument(help="The picture to learn from, or several in one style.")],
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
        Literal["discriminator", "lpips"] | None,
        typer.Option(
            help="What compares drawings with the reference (discriminator: stylegan2-ffhq only); else what suits it."
        ),
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
    ms_ssim_weight: Annotated[
        float, typer.Option(min=0.0, help="Keep to the reference's shapes: weight of MS-SSIM.")
    ] = 0.0,
    alpha: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="How much the faces trained on vary: 1 gives the boldest style.")
    ] = 1.0,
    preserve_color: Annotated[
        bool, typer.Option("--preserve-color", help="Let photos keep more of their own colours.")
    ] = False,
    method: Method = None,
    refine: Refine = None,
    encoder: Encoder = None,
    face: Face = "largest",
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
    --no-align; one without any face takes --no-align --method mean. Several pictures are learnt together.

    Interrupt it at any time: a style is saved whole at the end, or not at all.
    """
    from jojo_cli.bases.settings import InvertChoice, finetuning_by
    from jojo_cli.cli.batch import open_cutter, parse_face
    from jojo_cli.cli.output import Output
    from jojo_cli.cli.preview import loss_curve, preview_sheet
    from jojo_cli.cli.session import invert_photo, open_base
    from jojo_cli.cli.styles import open_styles
    from jojo_cli.images import read_image
    from jojo_cli.styles import Reference, StyleRecord
    from jojo_cli.stylize.draw import changed_weights

    out = Output(as_json=json_, quiet=quiet, verbose=verbose)
    choice = parse_face(face, no_align=no_align)
    how = InvertChoice(method, refine, encoder=encoder)
    store = open_styles()
    with store.reserve(name, overwrite=overwrite):
        started = time.perf_counter()
        # Before anything is fetched or computed, and all at once: a file may be gone when the training ends.
        pictures = [read_image(path) for path in references]
        hashes = {path: sha256(path.read_bytes()).hexdigest() for path in references}
        model = open_base(
            base,
            needs=lambda entry: entry.to_train(how, loss, identity=bool(id_weight)),
            device=device,
            out=out,
        )
        cut = open_cutter(choice, size=model.generator.resolution, out=out)
        crops = [
            (path, crop)
            for path, picture in zip(references, pictures, strict=True)
            for crop in _cut(path, picture, cut)
        ]
        images = [crop for _, crop in crops]

        how_to_invert = how.among(model.reference_inversions)
        suited = finetuning_by(loss, model.finetunings)
        how_to_finetune = replace(
            suited,
            steps=steps or suited.steps,
            rate=lr or suited.rate,
            alpha=alpha,
            preserve_color=preserve_color,
            proportions=suited.proportions if proportions is None else proportions,
            # Only faces between strangers are compared with the reference place by place.
            strangers=2 if ms_ssim_weight and suited.strangers else suited.strangers,
            identity=suited.identity if id_weight is None else id_weight,
            structure=suited.structure if structure_weight is None else structure_weight,
            ms_ssim=ms_ssim_weight,
            seed=seed,
        )

        landmarks = _landmarks(images, out) if how_to_finetune.proportions else [None for _ in images]
        inversions = [
            invert_photo(model, image, how_to_invert, title=f"inverting reference {i} of {len(images)}", out=out)
            for i, image in enumerate(images, 1)
        ]
        before = time.perf_counter()
        finetuned = _finetune(model, images, inversions, landmarks, how_to_finetune, name, out)
        seconds_per_step = (time.perf_counter() - before) / how_to_finetune.steps

        drawn = {
            **{f"reference-{number}.png": image for number, image in enumerate(images, 1)},
            "preview.png": preview_sheet(model, finetuned.generator, images, inversions),
            "loss.png": loss_curve(finetuned.losses),
        }
        seconds = time.perf_counter() - started
        record = StyleRecord(
            name=name,
            base=model.name,
            base_sha256=model.sha256,
            critic_sha256=model.load_critic(how_to_finetune.loss).sha256,
            references=tuple(Reference.of(i, str(path), hashes[path]) for i, (path, _) in enumerate(crops, 1)),
            settings={
                "finetune": asdict(how_to_finetune),
                "invert": asdict(how_to_invert),
                "face": face,
                "align": not no_align,
            },
            seed=seed,
            device=str(model.device.torch_device),
            precision=model.device.precision,
            seconds=seconds,
            losses=finetuned.losses,
        )
        style = store.create(record, changed_weights(model, finetuned.generator), drawn, overwrite=overwrite)

    reached = mean(finetuned.losses[-10:])
    result = {
        "style": name,
        "base": model.name,
        "steps": record.steps,
        "seconds": round(seconds, 3),
        "seconds_per_step": round(seconds_per_step, 4),
        "loss": reached,
        "path": str(style.folder),
        "preview": str(style.preview_path),
    }
    out.result(result, f"style {name!r}: {record.steps} steps in {seconds:.0f} s, loss {reached:.3f}")
    out.note(f"preview: {style.preview_path}")


def _cut(path: Path, picture: "Image", cut: "Cut") -> "list[Image]":
    from jojo_cli.faces import NoFaceError

    try:
        return [crop for _, crop in cut(picture)]
    except NoFaceError as error:
        hint = (
            "common with drawings: crop it like a passport photo and add --no-align; "
            "where there is no face at all, add --method mean too"
        )
        raise JojoError(f"{str(path)!r}: {error}", hint=hint) from error
    except JojoError as error:
        raise JojoError(f"{str(path)!r}: {error}", hint=error.hint) from error


def _landmarks(crops: "Sequence[Image]", out: "Output") -> "list[FloatArray | None]":
    """Return the landmarks [68,2] of each crop's largest face, in shares of its side; None where none is found."""
    from jojo_cli.cli.batch import open_finder

    try:
        finder = open_finder(out)
    except JojoError as error:
        out.warn(f"the style keeps everybody's proportions: {error}")  # a crop needs no finder for the rest
        return [None for _ in crops]
    found = [(crop, finder.find(crop)) for crop in crops]
    if not any(faces for _, faces in found):
        out.note("no face is found in what was cut out: the style keeps everybody's proportions")
    return [(faces[0].landmarks + 0.5) / crop.width if faces else None for crop, faces in found]


def _finetune(
    base: "Base",
    images: "Sequence[Image]",
    inversions: "Sequence[Inversion]",
    landmarks: "Sequence[FloatArray | None]",
    settings: "FinetuneSettings",
    name: str,
    out: "Output",
) -> "Finetuned":
    from jojo_cli.events import progress
    from jojo_cli.images import to_tensor
    from jojo_cli.stylize.finetune import Reference, finetune

    references = [
        Reference(to_tensor([image]).to(base.device.torch_device), inversion.w_plus, face)
        for image, inversion, face in zip(images, inversions, landmarks, strict=True)
    ]
    with progress(out.listen, f"training {name}", settings.steps, "steps") as advance:
        return finetune(base, references, settings, on_step=lambda step, loss: advance(step, f"loss {loss:.3f}"))
