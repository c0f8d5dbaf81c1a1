"""The command line: what a person types."""

import logging
import signal
import sys
from typing import Annotated

import typer
from typer.main import get_command

from jojo_cli import __version__, paths
from jojo_cli.cli import align, apply, code, env, invert, models, sample, styles, train
from jojo_cli.cli.config import default_map
from jojo_cli.errors import JojoError

app = typer.Typer(
    name="jojo",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for command in (train.train, apply.apply, sample.sample, align.align, invert.invert, env.env):
    app.command()(command)
app.add_typer(models.app)
app.add_typer(styles.app)
app.add_typer(code.app)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"jojo {__version__}")
        raise typer.Exit


@app.callback()
def jojo(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Redraw faces in the style of one picture.

    Learn a style from a picture, redraw photos in it, or draw random faces:

        jojo train ink ref.png

        jojo apply ink photos/*.jpg

        jojo sample ink -n 16
    """


def main() -> None:
    """Run `jojo` and exit: 0 all done, 1 something failed, 2 wrong usage, 130 interrupted, 143 terminated."""
    log = logging.getLogger("jojo_cli")
    log.handlers = [logging.StreamHandler() if paths.wants_tracebacks() else logging.NullHandler()]
    try:
        # As Ctrl-C does: what was begun is taken back, and no pip goes on alone.
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))
        command = get_command(app)
        command(default_map=default_map(command))
    except JojoError as error:
        _report(error)
        sys.exit(error.exit_code)
    except ImportError as error:
        hint = "install jojo anew: pip install --force-reinstall jojo-cli"
        _report(JojoError(f"a package that jojo needs can't be loaded: {error}", hint=hint))
        sys.exit(1)
    except SystemExit as stop:
        if stop.code == 130:  # typer's answer to Ctrl-C, given without a word
            _report(JojoError("interrupted"))
        if stop.code == 128 + signal.SIGTERM:
            _report(JojoError("terminated"))
        raise


def _report(error: JojoError) -> None:
    from jojo_cli.cli.output import print_error

    if paths.wants_tracebacks():
        sys.excepthook(*sys.exc_info())
    print_error(error)
