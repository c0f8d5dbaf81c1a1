"""The one place that writes to a terminal: results to stdout, everything else to stderr."""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich import progress as bars
from rich.console import Console
from rich.table import Table

from jojo_cli.errors import JojoError, UsageError
from jojo_cli.events import Announcement, Caution, Detail, Ended, Event, Note, Progress
from jojo_cli.weights.storage import format_size


class Output:
    """What a command says, in the form that the user asked for.

    `result` and `table` write to stdout (as JSON under `--json`); all else writes to stderr, and progress bars only to
    a terminal. `listen` is told what happens meanwhile.
    """

    def __init__(self, *, as_json: bool = False, quiet: bool = False, verbose: bool = False) -> None:
        self.as_json = as_json
        self.quiet = quiet
        self.verbose = verbose
        # File names may hold [brackets] and any other markup: print them as they are, on one line.
        self._out = Console(markup=False, highlight=False, soft_wrap=True, emoji=False)
        self._err = Console(stderr=True, markup=False, highlight=False, soft_wrap=True, emoji=False)
        self._bars = bars.Progress(
            bars.TextColumn("{task.description}", markup=False),
            bars.BarColumn(bar_width=None),
            bars.TextColumn("{task.fields[amount]}", markup=False),
            bars.TextColumn("{task.fields[tail]}", markup=False),
            bars.TimeRemainingColumn(),
            speed_estimate_period=3600.0,  # a photo may take minutes
            console=self._err,
            transient=True,
            expand=True,
            disable=quiet or not self._err.is_terminal,
        )
        self._tasks: dict[str, bars.TaskID] = {}  # by their titles

    def result(self, record: Mapping[str, Any], text: str) -> None:
        """Print one result: `record` as a line of JSON, or `text` for a reader."""
        if self.as_json:
            self._write_json(record)
        elif not self.quiet:
            self._out.print(_printable(text))

    def value(self, text: str) -> None:
        """Print what a script asked for (a path, a version), whatever the mode."""
        self._out.print(_printable(text))

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
            self._err.print(_printable(text))

    def detail(self, text: str) -> None:
        """Say what only `--verbose` wants to know."""
        if self.verbose:
            self._err.print(_printable(text), style="dim")

    def warn(self, text: str) -> None:
        """Say what the user should look at, always."""
        self._err.print(_printable(f"warning: {text}"), style="yellow")

    def failure(self, text: str, hint: str | None = None) -> None:
        """Say what went wrong and what to do about it, always."""
        self._err.print(_printable(f"error: {text}"), style="red")
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

    def listen(self, event: Event) -> None:
        """Say what happens."""
        match event:
            case Note(text):
                self.note(text)
            case Detail(text):
                self.detail(text)
            case Caution(text):
                self.warn(text)
            case Announcement():
                self._announce(event)
            case Progress():
                self._show(event)
            case Ended(title):
                self._end(title)

    def _announce(self, event: Announcement) -> None:
        about = "" if all(file.exact for file in event.downloads) else "about "
        self.note(f"fetching {about}{format_size(event.size)} of {event.what} into {event.folder}")
        for file in event.downloads:
            size = format_size(file.size) if file.size else "unknown size"
            self.note(f"  {file.name} ({'' if file.exact else 'about '}{size}) {file.purpose}")
            self.note(f"    licence: {file.licence}; {file.consequence}")

    def _show(self, event: Progress) -> None:
        """Show a bar for each piece of work, one below the other."""
        if not self._tasks:
            self._bars.start()
        if event.title not in self._tasks:
            self._tasks[event.title] = self._bars.add_task(event.title, total=event.total or None, amount="", tail="")
        done, total = (
            format_size(count) if event.unit == "bytes" else str(count) for count in (event.done, event.total)
        )
        amount = f"{done} of {total}" if event.total else done
        task = self._tasks[event.title]
        self._bars.update(task, completed=event.done, amount=amount, tail=event.detail)

    def _end(self, title: str) -> None:
        self._bars.remove_task(self._tasks.pop(title))
        if not self._tasks:
            self._bars.stop()

    def _write_json(self, value: object) -> None:
        self._out.file.write(_printable(json.dumps(value, ensure_ascii=False, allow_nan=False), escape="\\\\") + "\n")
        self._out.file.flush()


def _printable(text: str, *, escape: str = "\\") -> str:
    """Return text so that it can be printed: the name of a file may be no valid Unicode."""
    return re.sub("[\ud800-\udfff]", lambda found: f"{escape}u{ord(found[0]):04x}", text)


def print_error(error: JojoError) -> None:
    """Print an error that ends the program."""
    Output().failure(str(error), error.hint)
