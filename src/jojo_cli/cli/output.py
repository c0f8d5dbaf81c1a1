"""The one place that writes to a terminal: results to stdout, everything else to stderr."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from jojo_cli.errors import JojoError, UsageError

Advance = Callable[[int, str], None]
"""Called with what is done so far and a short text for the end of the bar."""


class Output:
    """What a command says, in the form that the user asked for.

    `result` and `table` write to stdout (as JSON under `--json`); `note`, `warn`, `detail` and `progress`
    write to stderr, and a progress bar only to a terminal.
    """

    def __init__(self, *, as_json: bool = False, quiet: bool = False, verbose: bool = False) -> None:
        self.as_json = as_json
        self.quiet = quiet
        self.verbose = verbose
        # File names may hold [brackets] and any other markup: print them as they are, on one line.
        self._out = Console(markup=False, highlight=False, soft_wrap=True, emoji=False)
        self._err = Console(stderr=True, markup=False, highlight=False, soft_wrap=True, emoji=False)

    def result(self, record: Mapping[str, Any], text: str) -> None:
        """Print one result: `record` as a line of JSON, or `text` for a reader."""
        if self.as_json:
            self._write_json(record)
        elif not self.quiet:
            self._out.print(text)

    def value(self, text: str) -> None:
        """Print what a script asked for (a path, a version), whatever the mode."""
        self._out.print(text)

    def table(self, records: Sequence[Mapping[str, Any]], columns: Mapping[str, str], *, empty: str) -> None:
        """Print a list: one JSON array, or a table of `columns` (key of the record: heading)."""
        if self.as_json:
            self._write_json(records)
        elif not records:
            self.note(empty)
        else:
            table = Table(box=None, pad_edge=False)
            for number, heading in enumerate(columns.values()):
                table.add_column(heading, overflow="fold", no_wrap=number == 0)  # names are there to be copied
            for record in records:
                table.add_row(*("" if record.get(key) is None else str(record[key]) for key in columns))
            self._out.print(table, soft_wrap=False)

    def note(self, text: str) -> None:
        """Say what happens, unless `--quiet`."""
        if not self.quiet:
            self._err.print(text)

    def detail(self, text: str) -> None:
        """Say what only `--verbose` wants to know."""
        if self.verbose:
            self._err.print(text, style="dim")

    def warn(self, text: str) -> None:
        """Say what the user should look at, always."""
        self._err.print(f"warning: {text}", style="yellow")

    def failure(self, text: str, hint: str | None = None) -> None:
        """Say what went wrong and what to do about it, always."""
        self._err.print(f"error: {text}", style="red")
        if hint:
            self._err.print(f"hint: {hint}")

    def confirm(self, question: str) -> bool:
        """Ask on the terminal.

        Raises:
            UsageError: nobody is there to answer.
        """
        if not (sys.stdin.isatty() and sys.stderr.isatty()):
            raise UsageError(f"{question} can't be asked without a terminal", hint="add --yes to answer yes")
        self._err.print(f"{question} [y/N] ", end="")
        return sys.stdin.readline().strip().lower() in {"y", "yes"}

    @contextmanager
    def progress(self, title: str, total: int, *, in_bytes: bool = False) -> Iterator[Advance]:
        """Show a bar on a terminal (nothing elsewhere, nor under `--quiet`)."""
        amount = DownloadColumn() if in_bytes else TextColumn("{task.completed:.0f}/{task.total:.0f}")
        bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            amount,
            TextColumn("{task.fields[tail]}", markup=False),
            TimeRemainingColumn(),
            console=self._err,
            transient=True,
            expand=True,
            disable=self.quiet or not self._err.is_terminal,
        )
        with bar:
            task = bar.add_task(title, total=total, tail="")
            yield lambda done, tail: bar.update(task, completed=done, tail=tail)

    def _write_json(self, value: object) -> None:
        self._out.file.write(json.dumps(value, ensure_ascii=False, allow_nan=False) + "\n")
        self._out.file.flush()


def print_error(error: JojoError) -> None:
    """Print an error that ends the program."""
    Output().failure(str(error), error.hint)
