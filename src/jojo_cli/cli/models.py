"""`jojo models`: the weights that jojo fetches, checks and keeps."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jojo_cli import paths
from jojo_cli.cli.options import Json, Quiet, Yes

if TYPE_CHECKING:
    from jojo_cli.cli.output import Output
    from jojo_cli.weights.catalog import Entry
    from jojo_cli.weights.manager import ModelManager
    from jojo_cli.weights.watcher import Advance

app = typer.Typer(name="models", help="Fetch, check and remove the weights.", no_args_is_help=True)


def open_models(out: "Output") -> "ModelManager":
    """Return the user's weights; on `out` they say what they fetch."""
    from jojo_cli.weights.catalog import download_size
    from jojo_cli.weights.manager import ModelManager
    from jojo_cli.weights.storage import format_size
    from jojo_cli.weights.watcher import Watcher

    def announce(entries: "Sequence[Entry]", folder: Path) -> None:
        out.note(f"fetching {format_size(download_size(entries))} of weights into {folder}")
        for entry in entries:
            out.note(f"  {entry.id} ({format_size(entry.size)}) {entry.purpose}")
            out.note(f"    licence: {entry.licence}; {entry.consequence}")

    @contextmanager
    def progress(title: str, total: int) -> "Iterator[Advance]":
        with out.progress(title, total, in_bytes=True) as advance:
            yield lambda done: advance(done, "")

    watcher = Watcher(announce=announce, progress=progress, note=out.note)
    return ModelManager(paths.models_dir(), offline=paths.is_offline(), watcher=watcher)


def complete_weight(incomplete: str) -> list[str]:
    """Return the weights whose name starts with what was typed so far, for the shell."""
    from jojo_cli.weights.catalog import load_catalog

    return [id for id in load_catalog() if id.startswith(incomplete)]


Weight = Annotated[str, typer.Argument(help="Name of a weight.", autocompletion=complete_weight)]
AllWeights = Annotated[
    list[str] | None, typer.Argument(help="Names of weights; else all.", autocompletion=complete_weight)
]


@app.command("list")
def list_models(json_: Json = False) -> None:
    """List all weights: what each is for, its size and licence, and whether it is here."""
    from jojo_cli.cli.output import Output
    from jojo_cli.weights.storage import format_size

    out = Output(as_json=json_)
    rows = [
        {
            "id": status.entry.id,
            "state": status.state,
            "reason": status.reason,
            "size": format_size(status.entry.size),
            "bytes": status.entry.size,
            "purpose": status.entry.purpose,
            "licence": status.entry.licence,
            "consequence": status.entry.consequence,
            "path": str(status.path),
        }
        for status in open_models(out).statuses()
    ]
    columns = ("id", "state", "size", "purpose", "licence")
    out.table(rows, {key: key for key in columns}, empty="no weights in the catalog")


@app.command()
def pull(ids: AllWeights = None, json_: Json = False, quiet: Quiet = False) -> None:
    """Fetch weights now, so that later commands need no network."""
    from jojo_cli.cli.output import Output

    out = Output(as_json=json_, quiet=quiet)
    models = open_models(out)
    models.pull(ids or [])
    for id in ids or models.catalog:
        _done(out, id, models.path(id))


@app.command()
def verify(ids: AllWeights = None, json_: Json = False, quiet: Quiet = False) -> None:
    """Read every byte of the weights that are here, and compare with their sha256."""
    from jojo_cli.cli.output import Output

    out = Output(as_json=json_, quiet=quiet)
    statuses = open_models(out).verify(ids or [])
    for status in statuses:
        id, reason = status.entry.id, status.reason or "not installed"
        if status.state == "installed":
            out.result({"id": id, "status": "ok", "path": str(status.path)}, f"{id}: ok")
        else:
            if json_:
                out.result({"id": id, "status": "failed", "reason": reason}, "")
            cure = "" if status.state == "missing" else f"'jojo models rm {id}', then "
            out.failure(f"weight {id!r}: {reason}", hint=f"{cure}'jojo models pull {id}'")
    if any(status.state != "installed" for status in statuses):
        raise typer.Exit(1)


@app.command("import")
def import_files(
    files: Annotated[
        list[Path],
        typer.Argument(help="Packages or files that 'jojo models pull' would fetch, whatever they are called."),
    ],
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Install weights from files that were fetched elsewhere."""
    from jojo_cli.cli.output import Output

    out = Output(as_json=json_, quiet=quiet)
    models = open_models(out)
    for id in models.import_files(files):
        _done(out, id, models.path(id))


@app.command("path")
def print_path(
    id: Annotated[
        str | None,
        typer.Argument(help="Name of a weight; else the folder of all.", autocompletion=complete_weight),
    ] = None,
) -> None:
    """Print the file of a weight, or the folder of all weights."""
    from jojo_cli.cli.output import Output

    out = Output()
    models = open_models(out)
    out.value(str(models.folder if id is None else models.path(id)))


@app.command("rm")
def remove(id: Weight, yes: Yes = False, quiet: Quiet = False) -> None:
    """Delete a weight; the next command that needs it fetches it again."""
    from jojo_cli.cli.output import Output

    out = Output(quiet=quiet)
    models = open_models(out)
    entry = models.entry(id)
    if not yes and not out.confirm(f"delete weight {entry.id!r} in {models.folder / id}?"):
        out.note("nothing deleted")
        raise typer.Exit(1)
    models.remove(id)
    out.note(f"deleted weight {id!r}")


def _done(out: "Output", id: str, path: Path) -> None:
    out.result({"id": id, "status": "ok", "path": str(path)}, f"{id}: {path}")
