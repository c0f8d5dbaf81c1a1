"""Options that several commands share, so that they read the same everywhere."""

from pathlib import Path
from typing import Annotated, Literal

import typer

Json = Annotated[
    bool,
    typer.Option("--json", help="Print results as JSON: one object a line for work, one array for lists."),
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print errors and warnings only.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Say more about what happens.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what exists already.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Answer yes to the question.")]
OutputFolder = Annotated[Path | None, typer.Option("--output", "-o", help="Folder for the results; made when missing.")]
ResultPath = Annotated[
    Path | None,
    typer.Option("--output", "-o", help="A folder, or for one photo a file or '-'; else the current folder."),
]
Photos = Annotated[
    list[str], typer.Argument(help="Pictures or folders of pictures; '-' reads one from standard input.")
]


def complete_base(incomplete: str) -> list[str]:
    """Return the bases whose name starts with what was typed so far, for the shell."""
    from jojo_cli.bases import base_names

    return [name for name in base_names() if name.startswith(incomplete)]


def complete_encoder(incomplete: str) -> list[str]:
    """Return the encoders, of any base, whose name starts with what was typed so far, for the shell."""
    from jojo_cli.bases import all_bases

    names = dict.fromkeys(name for base in all_bases().values() for name in base.encoders)
    return [name for name in names if name.startswith(incomplete)]


def complete_device(incomplete: str) -> list[str]:
    """Return the devices whose name starts with what was typed so far, for the shell."""
    return [name for name in ("auto", "cpu", "cuda", "mps") if name.startswith(incomplete)]


Device = Annotated[
    str,
    typer.Option(
        "--device",
        envvar="JOJO_DEVICE",
        help="auto, cpu, cuda, cuda:N or mps.",
        autocompletion=complete_device,
    ),
]
BaseName = Annotated[
    str | None,
    typer.Option(
        "--base",
        envvar="JOJO_BASE",
        help="The face model to start from; else what suits the device.",
        autocompletion=complete_base,
    ),
]
Seed = Annotated[int, typer.Option("--seed", min=0, max=2**63 - 1, help="Same seed, same picture.")]
Face = Annotated[
    str, typer.Option("--face", help="Which face of a picture: largest, all, or its number by size, from 1.")
]
FacePoints = Annotated[
    str | None,
    typer.Option(
        "--points",
        metavar="LEFT_EYE RIGHT_EYE MOUTH",
        help="Where the face is, if it is not found: 'x,y x,y x,y' in pixels, left as you see it.",
    ),
]
NoAlign = Annotated[
    bool, typer.Option("--no-align", help="The pictures are FFHQ crops already: find no face, cut nothing.")
]
Method = Annotated[
    Literal["hybrid", "encoder", "optimize", "mean"] | None,
    typer.Option(
        "--method",
        help="How to find a picture's code: by the encoder, by optimisation, by both, or the mean code for all; "
        "else what suits the base.",
    ),
]
Encoder = Annotated[
    str | None,
    typer.Option(
        "--encoder",
        help="Which of the base's encoders reads pictures; else its best.",
        autocompletion=complete_encoder,
    ),
]
Refine = Annotated[
    int | None,
    typer.Option("--refine", min=1, help="Optimisation steps of an inversion; else what suits method and base."),
]
Format = Annotated[
    Literal["png", "jpg", "webp"],
    typer.Option("--format", help="Of the results, where -o names no file."),
]
Quality = Annotated[
    int | None,
    typer.Option("--quality", min=1, max=100, help="Of JPEG and WebP; else the best that shows, at 95."),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would be done, and do nothing.")]
Strength = Annotated[
    str,
    typer.Option(
        "--strength",
        metavar="AMOUNT",
        help="How much of the style shows: 0 is the base's own picture, 1 all; by pixels, 64:1,512:0.3.",
    ),
]
Color = Annotated[
    float | None,
    typer.Option(
        "--color",
        min=0.0,
        max=1.0,
        help="How far faces take the colours of the style's reference: 0 not at all; else what suits the base.",
    ),
]
