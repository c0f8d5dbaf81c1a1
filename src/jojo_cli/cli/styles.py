"""`jojo styles`: the registry."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from jojo_cli.cli.options import Device, Json, Overwrite, Quiet, Yes, complete_base
from jojo_cli.cli.remaking import commands
from jojo_cli.cli.resolutions import parse_strength, strength_text
from jojo_cli.cli.studio import open_studio
from jojo_cli.errors import JojoError
from jojo_cli.studio import Studio
from jojo_cli.styles import Blend, Origin, Style, StyleRecord

if TYPE_CHECKING:
    from jojo_cli.cli.output import Output
    from jojo_cli.studio.published import PublishedStyle

app = typer.Typer(name="styles", help="List, share, fetch and remove styles.", no_args_is_help=True)


def complete_style(incomplete: str) -> list[str]:
    """Return the styles whose name starts with what was typed so far, for the shell."""
    try:
        return [name for name in Studio().styles.names() if name.startswith(incomplete)]
    except JojoError:
        return []


def complete_published(incomplete: str) -> list[str]:
    """Return the published styles whose name starts with what was typed so far, for the shell."""
    from jojo_cli.studio.published import load_published

    return [name for name in load_published() if name.startswith(incomplete)]


StyleName = Annotated[str, typer.Argument(help="Name of a style.", autocompletion=complete_style)]


@app.command("list")
def list_styles(json_: Json = False) -> None:
    """List all styles."""
    from jojo_cli.cli.output import Output

    out = Output(as_json=json_)
    store = Studio().styles
    styles, broken = store.list()
    rows = [_summary(style) for style in styles]
    if not json_:
        rows = [row | {"references": _references(style)} for row, style in zip(rows, styles, strict=True)]
    columns = ("name", "base", "references", "steps", "created")
    out.table(rows, {key: key for key in columns}, empty="no styles yet: train one with 'jojo train NAME PICTURE'")
    for name, reason in broken:
        out.failure(f"style {name!r} is broken: {reason}", f"repair or delete {str(store.folder / name)!r}")
    if broken:
        raise typer.Exit(1)


@app.command()
def show(
    name: StyleName,
    command: Annotated[bool, typer.Option("--command", help="Print what makes it again, and nothing else.")] = False,
    json_: Json = False,
) -> None:
    """Show how a style was made and where it is."""
    from jojo_cli import __version__
    from jojo_cli.cli.output import Output

    style = Studio().styles.load(name)
    record = style.record
    if command:
        out = Output(as_json=json_)
        if record.jojo_version != __version__:
            out.warn(f"made by jojo {record.jojo_version}: this one may make something else of it")
        made_by = commands(style)
        return out.result({"style": name, "commands": made_by}, "\n".join(made_by))
    lines = {
        "name": record.name,
        "base": record.base,
        **_making(record),
        "created": f"{record.created} by jojo {record.jojo_version}",
        **{f"  {key}": json.dumps(value) for key, value in record.settings.items()},
        "preview": style.preview_path,
        "folder": style.folder,
    }
    width = max(map(len, lines))
    Output(as_json=json_).result(
        record.to_dict() | {"path": str(style.folder), "preview": str(style.preview_path)},
        "\n".join(f"{key:<{width}}  {value}" for key, value in lines.items()),
    )


@app.command()
def rename(name: StyleName, new: Annotated[str, typer.Argument(help="Its new name.")], quiet: Quiet = False) -> None:
    """Rename a style."""
    from jojo_cli.cli.output import Output

    Studio().styles.rename(name, new)
    Output(quiet=quiet).note(f"style {name!r} is now {new!r}")


@app.command("rm")
def remove(name: StyleName, yes: Yes = False, quiet: Quiet = False) -> None:
    """Delete a style for good."""
    from jojo_cli.cli.output import Output

    out = Output(quiet=quiet)
    styles = Studio().styles
    folder = styles.path(name)
    if not yes and not out.confirm(f"delete style {name!r} in {folder}?"):
        out.note("nothing deleted")
        raise typer.Exit(1)
    styles.remove(name)
    out.note(f"deleted style {name!r}")


@app.command()
def blend(
    first: StyleName,
    second: Annotated[str, typer.Argument(help="Name of another style.", autocompletion=complete_style)],
    name: Annotated[str, typer.Argument(help="What to call the new one.")],
    amount: Annotated[
        str,
        typer.Option(
            "-t",
            "--amount",
            metavar="AMOUNT",
            help="How much of the second, from 0 to 1; by pixels, 4:0,64:1 has the shapes of the first and the strokes "
            "of the second.",
        ),
    ] = "0.5",
    device: Device = "auto",
    overwrite: Overwrite = False,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Make a style that lies between two others of one base."""
    from jojo_cli.cli.output import Output

    out = Output(as_json=json_, quiet=quiet)
    studio = open_studio(out, device=device)
    style = studio.blend_styles(first, second, name, parse_strength(amount), overwrite=overwrite)
    out.result(_summary(style), f"style {style.name!r}: {style.preview_path}")


@app.command("export")
def export_style(
    name: StyleName,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="A .jojo file, or a folder; made when missing.")
    ] = Path(),
    overwrite: Overwrite = False,
    json_: Json = False,
) -> None:
    """Write a style to one file that another machine can import."""
    from jojo_cli.cli.output import Output
    from jojo_cli.styles import archive

    style = Studio().styles.load(name)
    is_file = output.suffix == archive.SUFFIX and not output.is_dir()
    path = output if is_file else output / f"{name}{archive.SUFFIX}"
    archive.export_style(style, path, overwrite=overwrite)
    Output(as_json=json_).result({"style": name, "output": str(path)}, str(path))


@app.command("import")
def import_style(
    file: Annotated[Path, typer.Argument(help="A .jojo file, or a checkpoint, mostly .pt.")],
    name: Annotated[
        str | None, typer.Option("--name", help="What to call the style; else what it, or the checkpoint, was called.")
    ] = None,
    finetuned_from: Annotated[
        str | None,
        typer.Option(
            "--base",
            help="The base that the generator in a checkpoint was finetuned from; else stylegan2-ffhq.",
            autocompletion=complete_base,
        ),
    ] = None,
    device: Device = "auto",
    overwrite: Overwrite = False,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Register a style from a file: of jojo, JoJoGAN, StyleGAN-NADA, MTG or the like.

    What 'jojo styles export' wrote is taken as it is. A checkpoint must hold a generator that was finetuned from
    the base, in its own size: only tensors of exactly its names and shapes are read, and nothing in the file runs.
    """
    from jojo_cli.cli.output import Output

    out = Output(as_json=json_, quiet=quiet)
    studio = open_studio(out, device=device)
    _imported(studio.import_style(file, name, base=finetuned_from, overwrite=overwrite), out)


@app.command()
def pull(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Names of published styles.", autocompletion=complete_published),
    ] = None,
    device: Device = "auto",
    overwrite: Overwrite = False,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Fetch styles that others published, and register them; without names, list them."""
    from jojo_cli.cli.output import Output
    from jojo_cli.studio.published import load_published

    out = Output(as_json=json_, quiet=quiet)
    if not names:
        return _list_published(list(load_published().values()), out)
    for style in open_studio(out, device=device).pull_styles(names, overwrite=overwrite):
        _imported(style, out)


@app.command("path")
def print_path(
    name: Annotated[
        str | None,
        typer.Argument(help="Name of a style; else the folder of all styles.", autocompletion=complete_style),
    ] = None,
) -> None:
    """Print the folder of a style, or of all styles."""
    from jojo_cli.cli.output import Output

    styles = Studio().styles
    Output().value(str(styles.folder if name is None else styles.path(name)))


def _summary(style: Style) -> dict[str, Any]:
    record = style.record
    return {
        "name": record.name,
        "base": record.base,
        "references": [reference.source for reference in record.references],
        "origin": record.origin and asdict(record.origin),
        "blend": record.blend and asdict(record.blend),
        "steps": record.steps,
        "created": record.created,
        "path": str(style.folder),
    }


def _references(style: Style) -> str:
    """Return in words what a style was made from."""
    record = style.record
    if record.origin:
        return f"imported from {record.origin.file}"
    if record.blend:
        return f"blended of {_blend_in_words(record.blend)}"
    return ", ".join(reference.source for reference in record.references)


def _making(record: StyleRecord) -> dict[str, object]:
    """Return how a style came about, a line for each of the keys."""
    if record.origin:
        return _origin_lines(record.origin)
    return {"blended of": _blend_in_words(record.blend)} if record.blend else _training_lines(record)


def _blend_in_words(blend: Blend) -> str:
    return f"{blend.first} and {blend.second}, {strength_text(blend.amount)} of it"


def _origin_lines(origin: Origin) -> dict[str, object]:
    return {"imported from": origin.file, "sha256": origin.sha256, **({"url": origin.url} if origin.url else {})}


def _training_lines(record: StyleRecord) -> dict[str, object]:
    return {
        "references": ", ".join(reference.source for reference in record.references),
        "steps": record.steps,
        "loss": f"{record.losses[0]:.4g} at first, {record.losses[-1]:.4g} at last" if record.losses else "",
        "seed": record.seed,
        "trained": f"{record.seconds:.0f} s on {record.device} in {record.precision}",
    }


def _imported(style: Style, out: "Output") -> None:
    out.result(_summary(style), f"imported style {style.name!r} into {style.folder}")


def _list_published(styles: "Sequence[PublishedStyle]", out: "Output") -> None:
    here = Studio().styles.names()
    rows = [
        {
            "name": published.name,
            "state": "installed" if published.name in here else "missing",
            "bytes": published.file.size,
            "sha256": published.file.sha256 or None,
            "by": published.by,
            "licence": published.licence,
            "consequence": published.consequence,
            "urls": published.urls,
        }
        for published in styles
    ]
    out.table(rows, {key: key for key in ("name", "state", "by")}, empty="no styles were published")
    for terms in dict.fromkeys(_terms(published) for published in styles):
        out.note(terms)


def _terms(published: "PublishedStyle") -> str:
    return f"licence: {published.licence}; {published.consequence}"
