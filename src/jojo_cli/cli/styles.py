"""`jojo styles`: the registry."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from jojo_cli import paths
from jojo_cli.cli.options import Json, Overwrite, Quiet, Yes
from jojo_cli.errors import JojoError
from jojo_cli.styles import Style, StyleStore

app = typer.Typer(name="styles", help="List, share and remove the styles that were trained.", no_args_is_help=True)


def open_styles() -> StyleStore:
    """Return the user's styles."""
    return StyleStore(paths.styles_dir())


def complete_style(incomplete: str) -> list[str]:
    """Return the styles whose name starts with what was typed so far, for the shell."""
    try:
        return [name for name in open_styles().names() if name.startswith(incomplete)]
    except JojoError:
        return []


StyleName = Annotated[str, typer.Argument(help="Name of a style.", autocompletion=complete_style)]


@app.command("list")
def list_styles(json_: Json = False) -> None:
    """List all styles."""
    from jojo_cli.cli.output import Output

    out = Output(as_json=json_)
    store = open_styles()
    styles, broken = store.list()
    rows = [_summary(style) for style in styles]
    if not json_:
        rows = [row | {"references": ", ".join(row["references"])} for row in rows]
    columns = ("name", "base", "references", "steps", "created")
    out.table(rows, {key: key for key in columns}, empty="no styles yet: train one with 'jojo train NAME PICTURE'")
    for name, reason in broken:
        out.failure(f"style {name!r} is broken: {reason}", f"repair or delete {str(store.folder / name)!r}")
    if broken:
        raise typer.Exit(1)


@app.command()
def show(name: StyleName, json_: Json = False) -> None:
    """Show how a style was made and where it is."""
    from jojo_cli.cli.output import Output

    style = open_styles().load(name)
    record = style.record
    lines = {
        "name": record.name,
        "base": record.base,
        "references": ", ".join(reference.source for reference in record.references),
        "steps": record.steps,
        "loss": f"{record.losses[0]:.4g} at first, {record.losses[-1]:.4g} at last" if record.losses else "",
        "seed": record.seed,
        "trained": f"{record.seconds:.0f} s on {record.device} in {record.precision}",
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

    open_styles().rename(name, new)
    Output(quiet=quiet).note(f"style {name!r} is now {new!r}")


@app.command("rm")
def remove(name: StyleName, yes: Yes = False, quiet: Quiet = False) -> None:
    """Delete a style for good."""
    from jojo_cli.cli.output import Output

    out = Output(quiet=quiet)
    styles = open_styles()
    folder = styles.path(name)
    if not yes and not out.confirm(f"delete style {name!r} in {folder}?"):
        out.note("nothing deleted")
        raise typer.Exit(1)
    styles.remove(name)
    out.note(f"deleted style {name!r}")


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

    style = open_styles().load(name)
    is_file = output.suffix == archive.SUFFIX and not output.is_dir()
    path = output if is_file else output / f"{name}{archive.SUFFIX}"
    archive.export_style(style, path, overwrite=overwrite)
    Output(as_json=json_).result({"style": name, "output": str(path)}, str(path))


@app.command("import")
def import_style(
    file: Annotated[Path, typer.Argument(help="A .jojo file.")],
    name: Annotated[str | None, typer.Option("--name", help="What to call the style; else what it was called.")] = None,
    overwrite: Overwrite = False,
    json_: Json = False,
) -> None:
    """Register a style from a file that 'jojo styles export' wrote."""
    from jojo_cli.cli.output import Output
    from jojo_cli.styles import archive

    style = archive.import_style(open_styles(), file, name=name, overwrite=overwrite)
    Output(as_json=json_).result(_summary(style), f"imported style {style.name!r} into {style.folder}")


@app.command("path")
def print_path(
    name: Annotated[
        str | None,
        typer.Argument(help="Name of a style; else the folder of all styles.", autocompletion=complete_style),
    ] = None,
) -> None:
    """Print the folder of a style, or of all styles."""
    from jojo_cli.cli.output import Output

    styles = open_styles()
    Output().value(str(styles.folder if name is None else styles.path(name)))


def _summary(style: Style) -> dict[str, Any]:
    record = style.record
    return {
        "name": record.name,
        "base": record.base,
        "references": [reference.source for reference in record.references],
        "steps": record.steps,
        "created": record.created,
        "path": str(style.folder),
    }
