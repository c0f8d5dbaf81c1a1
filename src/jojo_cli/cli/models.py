"""`jojo models`: the weights that jojo fetches, checks and keeps."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from jojo_cli.cli.options import Device, Json, Quiet, Yes
from jojo_cli.errors import UsageError
from jojo_cli.studio import LANDMARKS, Studio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jojo_cli.bases import BaseEntry
    from jojo_cli.cli.output import Output
    from jojo_cli.weights.catalog import Entry
    from jojo_cli.weights.record import Status

app = typer.Typer(name="models", help="Fetch, check and remove the weights.", no_args_is_help=True)


def complete_weight(incomplete: str) -> list[str]:
    """Return the weights whose name starts with what was typed so far, for the shell."""
    from jojo_cli.weights.catalog import load_catalog

    return [id for id in load_catalog() if id.startswith(incomplete)]


Weight = Annotated[str, typer.Argument(help="Name of a weight.", autocompletion=complete_weight)]
AllWeights = Annotated[
    list[str] | None, typer.Argument(help="Names of weights; else all.", autocompletion=complete_weight)
]
WeightsOrBases = Annotated[
    list[str] | None,
    typer.Argument(
        envvar="JOJO_BASE",
        help="Names of weights, or of bases: all that those need by default. Else the base that suits the device.",
        autocompletion=complete_weight,  # a base is called as the weight that draws
    ),
]


@app.command("list")
def list_models(json_: Json = False) -> None:
    """List all weights: what each is for, its size and licence, whether it is here, and which bases use it."""
    from jojo_cli.bases import all_bases
    from jojo_cli.cli.output import Output

    out = Output(as_json=json_)
    bases = all_bases()
    statuses = {status.entry.id: status for status in Studio(listener=out.listen).models.statuses()}
    uses = {id: {name: use for name, base in bases.items() if (use := _use(base, id))} for id in statuses}
    rows = [
        {
            "id": id,
            "state": status.state,
            "reason": status.reason,
            "size": _size(status.entry),
            "bytes": status.entry.size or None,
            "bases": uses[id],
            "purpose": status.entry.purpose,
            "licence": status.entry.licence,
            "consequence": status.entry.consequence,
            "path": str(status.path),
        }
        for id, status in statuses.items()
    ]
    columns = ("id", "state", "size", "purpose", "licence")
    out.table(rows, {key: key for key in columns}, empty="no weights in the catalog")
    if not json_:
        for name, base in bases.items():
            needs = _needs(base)
            optional = ", ".join(id for id in base.optional())
            out.value(f"\nbase {name}: {_readiness(name, [statuses[id] for id in needs])}")
            out.value(f"  needs {', '.join(needs)}" + (f"\n  may use {optional}" if optional else ""))
            out.value(f"  encoders {', '.join(base.encoders)}; losses {', '.join(base.losses)}")


@app.command()
def pull(names: WeightsOrBases = None, device: Device = "auto", json_: Json = False, quiet: Quiet = False) -> None:
    """Fetch weights now, so that later commands need no network."""
    from jojo_cli.bases import base_names, find_base
    from jojo_cli.cli.output import Output

    out = Output(as_json=json_, quiet=quiet)
    models = Studio(listener=out.listen).models
    ids: dict[str, None] = {}  # each once, in order
    for name in names or [_default_base(device)]:
        ids |= dict.fromkeys(_needs(find_base(name)) if name in base_names() else [name])
    models.pull(ids)
    for id in ids:
        _done(out, id, models.path(id))


@app.command()
def verify(ids: AllWeights = None, json_: Json = False, quiet: Quiet = False) -> None:
    """Read every byte of the weights that are here, and compare with their sha256."""
    from jojo_cli.cli.output import Output
    from jojo_cli.weights.byhand import how_to_get

    out = Output(as_json=json_, quiet=quiet)
    statuses = Studio(listener=out.listen).models.verify(ids or [])
    for status in statuses:
        id, reason = status.entry.id, status.reason or "not installed"
        if status.state == "installed":
            out.result({"id": id, "status": "ok", "path": str(status.path)}, f"{id}: ok")
        else:
            if json_:
                out.result({"id": id, "status": "failed", "reason": reason}, "")
            cure = "" if status.state == "missing" else f"'jojo models rm {id}', then "
            out.failure(f"weight {id!r}: {reason}", hint=f"{cure}{how_to_get(status.entry)}")
    if any(status.state != "installed" for status in statuses):
        raise typer.Exit(1)


@app.command("import")
def import_files(
    files: Annotated[
        list[Path],
        typer.Argument(help="Packages or files that 'jojo models pull' would fetch, whatever they are called."),
    ],
    as_: Annotated[
        str | None,
        typer.Option(
            "--as",
            help="Read one file, whose sha256 nobody published, as this weight: only tensors of exactly its names and "
            "shapes, and nothing in the file runs.",
            autocompletion=complete_weight,
        ),
    ] = None,
    json_: Json = False,
    quiet: Quiet = False,
) -> None:
    """Install weights from files that were fetched elsewhere, known by their sha256 or named with --as."""
    from jojo_cli.cli.output import Output

    if as_ and len(files) != 1:
        raise UsageError("--as says what one file is", hint="import the others by themselves")
    out = Output(as_json=json_, quiet=quiet)
    models = Studio(listener=out.listen).models
    for id in models.import_as(files[0], as_) if as_ else models.import_files(files):
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
    models = Studio(listener=out.listen).models
    out.value(str(models.folder if id is None else models.path(id)))


@app.command("rm")
def remove(id: Weight, yes: Yes = False, quiet: Quiet = False) -> None:
    """Delete a weight; the next command that needs it fetches it again."""
    from jojo_cli.cli.output import Output

    out = Output(quiet=quiet)
    models = Studio(listener=out.listen).models
    if not yes and not out.confirm(f"delete weight {id!r} in {models.home(id)}?"):
        out.note("nothing deleted")
        raise typer.Exit(1)
    models.remove(id)
    out.note(f"deleted weight {id!r}")


def _done(out: "Output", id: str, path: Path) -> None:
    out.result({"id": id, "status": "ok", "path": str(path)}, f"{id}: {path}")


def _size(entry: "Entry") -> str:
    from jojo_cli.weights.storage import format_size

    if not entry.size:
        return "unknown"
    return format_size(entry.size) if entry.exact else f"about {format_size(entry.size)}"


def _needs(base: "BaseEntry") -> tuple[str, ...]:
    return (*base.needs(), LANDMARKS)


def _use(base: "BaseEntry", id: str) -> str | None:
    return "default" if id in _needs(base) else "optional" if id in base.optional() else None


def _readiness(name: str, statuses: "Sequence[Status]") -> str:
    """Return whether a base has the weights it needs, and what they weigh."""
    from jojo_cli.weights.catalog import download_size
    from jojo_cli.weights.storage import format_size

    here = [status.record for status in statuses if status.record]
    if len(here) == len(statuses):
        return f"ready, its {len(here)} weights take {format_size(sum(record.bytes for record in here))}"
    size = format_size(download_size(status.entry for status in statuses if not status.record))
    return f"{len(here)} of {len(statuses)} weights here, {size} to fetch: 'jojo models pull {name}'"


def _default_base(device: str) -> str:
    from jojo_cli.bases import default_base
    from jojo_cli.device import pick_device

    return default_base(pick_device(device).torch_device.type)
