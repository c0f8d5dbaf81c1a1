"""`jojo code directions`: ways along which one thing about a face changes."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jojo_cli.cli.options import BaseName, Device, Json, Overwrite, Quiet
from jojo_cli.cli.studio import open_studio
from jojo_cli.errors import UsageError

if TYPE_CHECKING:
    from jojo_cli.bases.base import Base
    from jojo_cli.cli.output import Output
    from jojo_cli.studio import Studio

app = typer.Typer(name="directions", help="List, find, import and remove directions.", no_args_is_help=True)


def complete_direction(incomplete: str) -> list[str]:
    """Return the directions whose name starts with what was typed so far, for the shell."""
    from jojo_cli import paths
    from jojo_cli.bases import EMBEDDED_BASE
    from jojo_cli.bases.shipped import shipped_record
    from jojo_cli.directions import PUBLISHED

    kept = [path.stem for path in paths.directions_dir().glob("*.safetensors")]
    known = [*shipped_record(EMBEDDED_BASE, "directions")["figures"], *kept]
    return sorted({name for name in (*known, *PUBLISHED) if name.startswith(incomplete)})


Name = Annotated[str, typer.Argument(help="Name of a direction.", autocompletion=complete_direction)]


@app.command("list")
def list_directions(base: BaseName = None, device: Device = "auto", json_: Json = False) -> None:
    """List the directions of a base: jojo's own, yours, and those that others published."""
    from jojo_cli.bases.settings import STYLEGAN2_FFHQ
    from jojo_cli.directions import PUBLISHED

    out, studio, loaded_base = _open(base, device, as_json=json_)
    rows = [
        {"name": one.name, "origin": one.origin, "rows": len(one.vector), **one.figures}
        for one in studio.directions.list(loaded_base)
    ]
    if loaded_base.codes_of == STYLEGAN2_FFHQ:
        rows += [{"name": name, "origin": "e4e, fetched when it is first used", "rows": None} for name in PUBLISHED]
    out.table(rows, {"name": "name", "origin": "origin", "r2": "R²"}, empty="no directions of this base")


@app.command()
def show(name: Name, base: BaseName = None, device: Device = "auto", json_: Json = False) -> None:
    """Say what is known of a direction."""
    out, studio, loaded_base = _open(base, device, as_json=json_)
    one = studio.directions.load(name, loaded_base)
    record = {
        "name": one.name,
        "origin": one.origin,
        "rows": len(one.vector),
        "codes": loaded_base.codes_of,
        **one.figures,
    }
    out.result(record, as_text(name, record))


@app.command("import")
def import_direction(
    file: Annotated[
        Path,
        typer.Argument(
            help="A .pt or .npy of 512 numbers, or of 18 rows of them; or the components of GANSpace (.npz, or e4e's "
            ".pt), or rosinality's factors."
        ),
    ],
    name: Annotated[str | None, typer.Option("--name", help="What to call it; else as the file.")] = None,
    count: Annotated[
        int,
        typer.Option("--number", "-n", min=1, max=512, help="How many of a file that has many: NAME-1, NAME-2..."),
    ] = 8,
    base: BaseName = None,
    device: Device = "auto",
    overwrite: Overwrite = False,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Keep a direction that others found in StyleGAN2-FFHQ's w, for the bases that have it.

    Nothing in the file runs. It becomes as long as a standard deviation of random faces.
    """
    from jojo_cli.directions import read_foreign
    from jojo_cli.styles.names import style_name_from

    out, studio, loaded_base = _open(base, device, as_json=json_, quiet=quiet)
    for one in read_foreign(file, name or style_name_from(file.stem), loaded_base, count):
        path = studio.directions.save(one, loaded_base, overwrite=overwrite)
        out.result({"name": one.name, "path": str(path)}, f"{one.name}: {path}")


@app.command()
def find(
    sefa: Annotated[bool, typer.Option("--sefa", help="In the weights that read codes (SeFa).")] = False,
    pca: Annotated[bool, typer.Option("--pca", help="In how codes are spread (GANSpace).")] = False,
    count: Annotated[int, typer.Option("--number", "-n", min=1, max=80, help="How many, the strongest first.")] = 8,
    up_to: Annotated[int, typer.Option("--up-to", min=4, help="Of --sefa: the last layers looked at, in pixels.")] = 32,
    base: BaseName = None,
    device: Device = "auto",
    overwrite: Overwrite = False,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Find directions without looking at a picture, and keep them as sefa-1, sefa-2, or pca-1 and so on.

    What each changes is seen with 'jojo code edit seed:1 --direction sefa-1 --sweep -3:3:7'.
    """
    from jojo_cli.bases.latents import sample_w
    from jojo_cli.stylize.directions import Direction, in_codes, in_weights, one_deviation

    if sefa == pca:
        raise UsageError("find takes --sefa or --pca", hint="add one of them")
    out, studio, loaded_base = _open(base, device, as_json=json_, quiet=quiet)
    codes = sample_w(loaded_base.generator, 100_000 if pca else 10_000)
    if pca:
        found = [(vector, {"variance": round(share, 4)}) for vector, share in in_codes(codes, count)]
    else:
        found = [(vector, {"up_to": up_to}) for vector in in_weights(loaded_base.generator, count, up_to=up_to)]
    way = "pca" if pca else "sefa"
    for number, (vector, figures) in enumerate(found, 1):
        one = Direction(
            f"{way}-{number}", one_deviation(vector.to(codes), codes), f"{way} of {loaded_base.name}", figures
        )
        path = studio.directions.save(one, loaded_base, overwrite=overwrite)
        out.result({"name": one.name, "path": str(path), **figures}, f"{one.name}: {path}")


@app.command()
def rm(name: Name) -> None:
    """Remove a direction of yours."""
    from jojo_cli.studio import Studio

    Studio().directions.remove(name)


def parse_sweep(text: str) -> list[float]:
    """Return the strengths that FROM:TO:COUNT names.

    Raises:
        UsageError: it names none.
    """
    try:
        first, last, number = text.split(":")
        start, end, count = float(first), float(last), int(number)
    except ValueError as error:
        raise UsageError(f"{text!r} is no sweep", hint="write FROM:TO:COUNT, for instance -3:3:7") from error
    if not 2 <= count <= 64 or not max(abs(start), abs(end)) <= 20:
        raise UsageError(f"{text!r} is no sweep", hint="from -20 to 20, in 2 to 64 steps")
    return [start + (end - start) * number / (count - 1) for number in range(count)]


def as_text(title: str, record: Mapping[str, Any]) -> str:
    """Return a record for a reader, a line for each of its fields."""
    lines = [title]
    for key, value in record.items():
        said = ", ".join(f"{name} {number}" for name, number in value.items()) if isinstance(value, Mapping) else value
        lines.append(f"  {key}: {said}")
    return "\n".join(lines)


def _open(
    base: str | None, device: str, *, as_json: bool = False, quiet: bool = False
) -> "tuple[Output, Studio, Base]":
    from jojo_cli.cli.output import Output

    out = Output(as_json=as_json, quiet=quiet)
    studio = open_studio(out, device=device)
    return out, studio, studio.base(base)
