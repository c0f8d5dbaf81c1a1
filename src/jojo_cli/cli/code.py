"""`jojo code`: tools for codes."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from jojo_cli.cli import directions
from jojo_cli.cli.options import (
    BaseName,
    Color,
    Device,
    Face,
    Json,
    Method,
    NoAlign,
    OutputFolder,
    Overwrite,
    Quiet,
    Refine,
    Verbose,
)
from jojo_cli.cli.studio import open_studio
from jojo_cli.cli.styles import complete_style

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jojo_cli.cli.output import Output
    from jojo_cli.studio.coding import Coder, Look, Source

app = typer.Typer(name="code", help="Mix, change and morph the codes of faces.", no_args_is_help=True)
app.add_typer(directions.app)

_WHAT = "a code file, a photo, or seed:N for a random face"
Sources = Annotated[list[str], typer.Argument(help=f"Faces, each {_WHAT}.")]
OneSource = Annotated[str, typer.Argument(help=f"A face: {_WHAT}.")]
StyleOption = Annotated[
    str | None,
    typer.Option("--style", help="Draw in this style; else as the base draws.", autocompletion=complete_style),
]
_STRENGTH = "How much of the style shows, from 0 to 1; by pixels, 64:1,512:0.3."
StyleStrength = Annotated[str, typer.Option("--style-strength", metavar="AMOUNT", help=_STRENGTH)]
StyleStrengthToo = Annotated[  # where no other strength is meant
    str, typer.Option("--style-strength", "--strength", metavar="AMOUNT", help=_STRENGTH)
]
Truncation = Annotated[
    float, typer.Option(min=0.0, max=1.0, help="Of seeds: 0 draws the mean face; 1 the most varied, and oddest, faces.")
]
OnePhoto = Annotated[str, typer.Argument(help="A photo.")]
Mask = Annotated[
    Path, typer.Option("--mask", help="A square picture for the crop of a face, white where the other one shall be.")
]
FileOrFolder = Annotated[
    Path | None,
    typer.Option(
        "--output", "-o", help="A folder, or the file of the code or of the picture; else the current folder."
    ),
]
Resolution = Annotated[
    int, typer.Option("--from", min=8, help="Pixels from which on codes are the other's: 64 is light and colours.")
]


@app.command()
def morph(
    faces: Sources,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="A .webp, .gif or .mp4 that moves, or a .png sheet; else A-B.morph.webp."),
    ] = None,
    frames: Annotated[int, typer.Option(min=2, max=10_000, help="Pictures in all.")] = 60,
    rate: Annotated[int, typer.Option(min=1, max=100, help="Pictures a second.")] = 20,
    side: Annotated[int, typer.Option("--size", min=16, max=1024, help="Pixels along a side.")] = 512,
    loop: Annotated[bool, typer.Option("--loop", help="Come back to the first face.")] = False,
    even: Annotated[bool, typer.Option("--even", help="Move evenly, and not slower at each face.")] = False,
    spherical: Annotated[bool, typer.Option("--spherical", help="Go by z instead of w: seeds only.")] = False,
    style: StyleOption = None,
    style_strength: StyleStrengthToo = "1",
    color: Color = None,
    truncation: Truncation = 0.7,
    method: Method = None,
    refine: Refine = None,
    face: Face = "largest",
    no_align: NoAlign = False,
    base: BaseName = None,
    device: Device = "auto",
    overwrite: Overwrite = False,
    json_: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Draw the way from face to face, as an animation or a sheet."""
    from jojo_cli.cli.output import Output
    from jojo_cli.errors import UsageError
    from jojo_cli.studio import morphing

    out = Output(as_json=json_, quiet=quiet, verbose=verbose)
    if len(faces) < 2:
        raise UsageError("a morph needs two faces or more", hint="name another one, for instance seed:1")
    look = _look(style, base, style_strength, color)
    coder, sources = _open(out, device, look, faces, face, no_align, method, refine, truncation)
    path = output or Path("-".join(source.stem for source in sources) + ".morph.webp")
    morphing.morph(
        coder,
        sources,
        path,
        frames=frames,
        side=min(side, coder.base.generator.resolution),
        rate=rate,
        loop=loop,
        even=even,
        spherical=spherical,
        overwrite=overwrite,
    )
    out.result({"inputs": faces, "output": str(path), "frames": frames}, str(path))


@app.command()
def mix(
    faces: Sources,
    since: Resolution = 64,
    amount: Annotated[float, typer.Option(min=0.0, max=1.0, help="How far they go to the other's.")] = 1.0,
    as_grid: Annotated[bool, typer.Option("--grid", help="Draw all with all on one sheet, and write no code.")] = False,
    output: FileOrFolder = None,
    style: StyleOption = None,
    style_strength: StyleStrengthToo = "1",
    color: Color = None,
    truncation: Truncation = 0.7,
    method: Method = None,
    refine: Refine = None,
    face: Face = "largest",
    no_align: NoAlign = False,
    base: BaseName = None,
    device: Device = "auto",
    overwrite: Overwrite = False,
    json_: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Take what is coarse from one face, and what is fine from another.

    Up to 16 px codes make pose and shape, up to 64 px features and hair, and from there on light and colours. With
    --grid each row has the coarse part of the face at its left, each column the fine part of the face above it.
    """
    from jojo_cli.cli.output import Output
    from jojo_cli.errors import UsageError
    from jojo_cli.images import save_image
    from jojo_cli.studio import coding

    out = Output(as_json=json_, quiet=quiet, verbose=verbose)
    if len(faces) < 2 or (len(faces) > 2 and not as_grid):
        raise UsageError("mix takes two faces, or with --grid more", hint="name them: a.png seed:1")
    look = _look(style, base, style_strength, color)
    coder, sources = _open(out, device, look, faces, face, no_align, method, refine, truncation)
    codes = [coder.code(source) for source in sources]
    name = "-".join(source.stem for source in sources) + ".mix"
    if as_grid:
        path = output if output and output.suffix else (output or Path()) / f"{name}.png"
        save_image(coding.grid(coder, codes, since=since), path, overwrite=overwrite, made="picture")
    else:
        new = coding.mixed(coder, *codes, since=since, amount=amount)
        path = coding.save_face(coder, new, name, output, overwrite=overwrite)
    out.result({"inputs": faces, "output": str(path)}, str(path))


@app.command()
def transfer(
    neutral: OneSource,
    expression: OneSource,
    target: OneSource,
    strength: Annotated[float, typer.Option(min=-4.0, max=4.0, help="How much of it.")] = 1.0,
    output: FileOrFolder = None,
    style: StyleOption = None,
    style_strength: StyleStrength = "1",
    color: Color = None,
    truncation: Truncation = 0.7,
    method: Method = None,
    refine: Refine = None,
    face: Face = "largest",
    no_align: NoAlign = False,
    base: BaseName = None,
    device: Device = "auto",
    overwrite: Overwrite = False,
    json_: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Give a face what changes between two pictures of another one: an expression (Image2StyleGAN, section 4.3)."""
    from jojo_cli.cli.output import Output
    from jojo_cli.studio import coding

    out = Output(as_json=json_, quiet=quiet, verbose=verbose)
    faces = [neutral, expression, target]
    look = _look(style, base, style_strength, color)
    coder, sources = _open(out, device, look, faces, face, no_align, method, refine, truncation)
    before, after, code = (coder.code(source) for source in sources)
    name = f"{sources[2].stem}.{sources[1].stem}"
    path = coding.save_face(coder, code + strength * (after - before), name, output, overwrite=overwrite)
    out.result({"inputs": faces, "output": str(path)}, str(path))


@app.command()
def edit(
    faces: Sources,
    direction: Annotated[
        str, typer.Option("--direction", help="What changes.", autocompletion=directions.complete_direction)
    ],
    strength: Annotated[
        float, typer.Option(min=-20.0, max=20.0, help="How far, in standard deviations of random faces.")
    ] = 2.0,
    keep: Annotated[
        str | None, typer.Option("--keep", help="Directions along which nothing changes: yaw,smile.")
    ] = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="RANGE", help="Pixels whose codes move: 8-32, coarse, fine; else all.")
    ] = None,
    sweep: Annotated[
        str | None, typer.Option("--sweep", metavar="FROM:TO:COUNT", help="Draw a row of strengths on a sheet instead.")
    ] = None,
    output: FileOrFolder = None,
    style: StyleOption = None,
    style_strength: StyleStrength = "1",
    color: Color = None,
    truncation: Truncation = 0.7,
    method: Method = None,
    refine: Refine = None,
    face: Face = "largest",
    no_align: NoAlign = False,
    base: BaseName = None,
    device: Device = "auto",
    overwrite: Overwrite = False,
    json_: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Move faces along a direction: a smile, the turn of the head, longer hair.

    'jojo code directions list' says which there are. With --sweep -3:3:7, each face becomes a row of seven.
    """
    from jojo_cli.cli.output import Output
    from jojo_cli.cli.resolutions import parse_sides
    from jojo_cli.images import contact_sheet, save_image
    from jojo_cli.studio import coding

    out = Output(as_json=json_, quiet=quiet, verbose=verbose)
    steps = directions.parse_sweep(sweep) if sweep else None
    if not steps:
        _check_one(output, faces)
    look = _look(style, base, style_strength, color)
    coder, sources = _open(out, device, look, faces, face, no_align, method, refine, truncation)
    kept = [name.strip() for name in keep.split(",")] if keep else []
    edited = partial(coder.edited, keep=kept, at=parse_sides(at) if at else None)
    rows = []
    for source in sources:
        code = coder.code(source)
        if steps:
            side = min(coding.CELL, coder.base.generator.resolution)
            rows.append([coder.draw(edited(code, direction, step), side=side) for step in steps])
            continue
        name = f"{source.stem}.{direction}{strength:+g}"
        path = coding.save_face(coder, edited(code, direction, strength), name, output, overwrite=overwrite)
        record = {"input": source.text, "output": str(path), "direction": direction, "strength": strength}
        out.result(record, str(path))
    if steps:
        name = "-".join(source.stem for source in sources) + f".{direction}.png"
        path = output if output and output.suffix else (output or Path()) / name
        save_image(contact_sheet(rows, cell=rows[0][0].width), path, overwrite=overwrite, made="picture")
        out.result({"inputs": faces, "output": str(path), "direction": direction, "strengths": steps}, str(path))


@app.command()
def crossover(
    first: OneSource,
    second: OneSource,
    mask: Mask,
    output: FileOrFolder = None,
    style: StyleOption = None,
    style_strength: StyleStrengthToo = "1",
    color: Color = None,
    truncation: Truncation = 0.7,
    method: Method = None,
    refine: Refine = None,
    face: Face = "largest",
    no_align: NoAlign = False,
    base: BaseName = None,
    device: Device = "auto",
    overwrite: Overwrite = False,
    json_: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Put a part of the second face into the first: what the mask shows white."""
    from jojo_cli.cli.output import Output
    from jojo_cli.studio import coding, retouching

    out = Output(as_json=json_, quiet=quiet, verbose=verbose)
    look = _look(style, base, style_strength, color)
    faces = [first, second]
    coder, (a, b) = _open(out, device, look, faces, face, no_align, method, refine, truncation, searches=True)
    code = retouching.crossed(coder, a, b, mask)
    path = coding.save_face(coder, code, f"{a.stem}-{b.stem}.crossover", output, overwrite=overwrite)
    out.result({"inputs": faces, "output": str(path)}, str(path))


@app.command()
def local(
    face_: Annotated[str, typer.Argument(metavar="FACE", help=f"The face that changes: {_WHAT}.")],
    target: Annotated[str, typer.Option("--target", help=f"What it becomes there: {_WHAT}.")],
    mask: Mask,
    noise: Annotated[
        bool,
        typer.Option("--noise", help="Find noise after the code: nearer to the target, texture and all."),
    ] = False,
    output: FileOrFolder = None,
    style: StyleOption = None,
    style_strength: StyleStrengthToo = "1",
    color: Color = None,
    truncation: Truncation = 0.7,
    method: Method = None,
    refine: Refine = None,
    face: Face = "largest",
    no_align: NoAlign = False,
    base: BaseName = None,
    device: Device = "auto",
    overwrite: Overwrite = False,
    json_: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Change a face only where the mask is white, towards another one: the search starts at its own code."""
    from jojo_cli.cli.output import Output
    from jojo_cli.studio import coding, retouching

    out = Output(as_json=json_, quiet=quiet, verbose=verbose)
    look = _look(style, base, style_strength, color)
    faces = [face_, target]
    coder, (a, b) = _open(out, device, look, faces, face, no_align, method, refine, truncation, searches=True)
    found = retouching.changed_locally(coder, a, b, mask, noise=noise)
    name = f"{a.stem}.local"
    path = coding.save_face(coder, found.w_plus, name, output, overwrite=overwrite, noise=found.noise)
    out.result({"inputs": faces, "output": str(path)}, str(path))


@app.command()
def frontal(
    faces: Sources,
    output: FileOrFolder = None,
    style: StyleOption = None,
    style_strength: StyleStrengthToo = "1",
    color: Color = None,
    truncation: Truncation = 0.7,
    method: Method = None,
    refine: Refine = None,
    face: Face = "largest",
    no_align: NoAlign = False,
    base: BaseName = None,
    device: Device = "auto",
    overwrite: Overwrite = False,
    json_: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Turn faces to the front, along the directions yaw and pitch."""
    from jojo_cli.cli.output import Output
    from jojo_cli.studio import coding, retouching

    out = Output(as_json=json_, quiet=quiet, verbose=verbose)
    _check_one(output, faces)
    look = _look(style, base, style_strength, color)
    coder, sources = _open(out, device, look, faces, face, no_align, method, refine, truncation)
    for source in sources:
        code = retouching.turned_to_front(coder, coder.code(source))
        path = coding.save_face(coder, code, f"{source.stem}.frontal", output, overwrite=overwrite)
        out.result({"input": source.text, "output": str(path)}, str(path))


@app.command()
def restore(
    photo: OnePhoto,
    mask: Annotated[Path, typer.Option("--mask", help="A picture of the photo's size, white where the hole is.")],
    output: FileOrFolder = None,
    style: StyleOption = None,
    style_strength: StyleStrengthToo = "1",
    color: Color = None,
    method: Method = None,
    refine: Refine = None,
    face: Face = "largest",
    no_align: NoAlign = False,
    base: BaseName = None,
    device: Device = "auto",
    overwrite: Overwrite = False,
    json_: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Fill a hole in a face: its code is found by what is around it."""
    from jojo_cli.cli.output import Output
    from jojo_cli.studio import coding, retouching

    out = Output(as_json=json_, quiet=quiet, verbose=verbose)
    look = _look(style, base, style_strength, color)
    coder, (source,) = _open(out, device, look, [photo], face, no_align, method, refine, 0.7, searches=True)
    code, filled = retouching.restored(coder, source, mask)
    name = f"{source.stem}.restored"
    path = coding.save_face(coder, code, name, output, overwrite=overwrite, picture=filled)
    out.result({"input": photo, "output": str(path)}, str(path))


@app.command()
def enlarge(
    photo: OnePhoto,
    factor: Annotated[
        float | None,
        typer.Option(
            min=1.0, max=64.0, help="How many times smaller than drawn the face is; else as the photo shows it."
        ),
    ] = None,
    output: FileOrFolder = None,
    style: StyleOption = None,
    style_strength: StyleStrengthToo = "1",
    color: Color = None,
    method: Method = None,
    refine: Refine = None,
    face: Face = "largest",
    no_align: NoAlign = False,
    base: BaseName = None,
    device: Device = "auto",
    overwrite: Overwrite = False,
    json_: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Draw a small face large: what looks the same when it is shrunk.

    What the photo shows stays. What it does not show is made up: it fits, and is not the person's.
    """
    from jojo_cli.cli.output import Output
    from jojo_cli.studio import coding, retouching

    out = Output(as_json=json_, quiet=quiet, verbose=verbose)
    look = _look(style, base, style_strength, color)
    coder, (source,) = _open(out, device, look, [photo], face, no_align, method, refine, 0.7, searches=True)
    code, picture = retouching.enlarged(coder, source, factor)
    name = f"{source.stem}.enlarged"
    path = coding.save_face(coder, code, name, output, overwrite=overwrite, picture=picture)
    out.result({"input": photo, "output": str(path)}, str(path))


@app.command()
def show(
    faces: Sources,
    truncation: Truncation = 0.7,
    method: Method = None,
    refine: Refine = None,
    face: Face = "largest",
    no_align: NoAlign = False,
    base: BaseName = None,
    device: Device = "auto",
    json_: Json = False,
) -> None:
    """Say how far codes are from the mean face, by resolution, and where they stand along each direction.

    In standard deviations of random faces: 1 is as ordinary as they are; far above it, a code draws no plausible face.
    """
    from jojo_cli.cli.output import Output
    from jojo_cli.studio import coding

    out = Output(as_json=json_)
    look = coding.Look(base=base)
    coder, sources = _open(out, device, look, faces, face, no_align, method, refine, truncation)
    for source in sources:
        record = coding.described(coder, coder.code(source))
        out.result({"input": source.text, **record}, directions.as_text(source.text, record))


@app.command()
def convert(
    files: Annotated[list[Path], typer.Argument(help="Code files, ours or of other programs.")],
    form: Annotated[
        Literal["jojo", "jojogan", "e4e", "rosinality", "nvidia", "numpy"],
        typer.Option("--to", help="Whose form the new files have."),
    ] = "jojo",
    output: OutputFolder = None,
    base: BaseName = None,
    device: Device = "auto",
    overwrite: Overwrite = False,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Turn code files of other programs into ours, and ours into theirs.

    Read are .pt of JoJoGAN, DoesFS, e4e and rosinality, NVIDIA's projected_w.npz, and .npy; nothing in them runs. They
    have StyleGAN2's 18 codes: those of the base, if it has others, are taken by resolution, which is exact where all
    codes are one w, and near it else.
    """
    from jojo_cli.cli.output import Output
    from jojo_cli.studio import coding

    out = Output(as_json=json_, quiet=quiet)
    loaded_base = open_studio(out, device=device).base(base)
    for file in files:
        for path in coding.convert(file, loaded_base, form, output or Path(), overwrite=overwrite):
            out.result({"input": str(file), "output": str(path)}, str(path))


def _look(style: str | None, base: str | None, strength: str, color: float | None) -> "Look":
    from jojo_cli.cli.resolutions import parse_strength
    from jojo_cli.studio.coding import Look

    return Look(style, base, parse_strength(strength), color)


def _open(
    out: "Output",
    device: str,
    look: "Look",
    faces: "Sequence[str]",
    face: str,
    no_align: bool,
    method: Method,
    refine: int | None,
    truncation: float,
    *,
    searches: bool = False,
) -> "tuple[Coder, list[Source]]":
    """Return what finds and draws codes, and what they are taken from; `searches` if codes are sought, too."""
    from jojo_cli.bases.settings import InvertChoice
    from jojo_cli.cli.photos import parse_face
    from jojo_cli.studio.coding import Coder, Source

    choice = parse_face(face, no_align=no_align)
    sources = [Source(text, choice, truncation) for text in faces]
    how = InvertChoice(method, refine)
    return Coder(open_studio(out, device=device), look, sources, how, searches=searches), sources


def _check_one(output: Path | None, faces: "Sequence[str]") -> None:
    from jojo_cli.errors import UsageError

    if output and output.suffix and len(faces) > 1:
        raise UsageError(f"{str(output)!r} takes one result", hint="name a folder")
