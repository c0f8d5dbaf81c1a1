"""What align, invert and apply share: what they are given, and what they say of it.

A command imports this when it runs, for it loads Pillow.
"""

import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import typer

from jojo_cli.errors import UsageError
from jojo_cli.events import STOPPED
from jojo_cli.faces import FaceChoice, parse_face_choice, parse_points
from jojo_cli.studio.batch import EXISTS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from jojo_cli.cli.output import Output
    from jojo_cli.studio.batch import Batch, Outcome


WORST_FIRST = ("failed", "ok", "planned", "skipped")
"""What is said of a photo whose faces fared differently."""


def parse_face(face: str, *, points: str | None = None, no_align: bool = False) -> FaceChoice | None:
    """Return the choice that `--face`, `--points` and `--no-align` make; None cuts nothing.

    Raises:
        UsageError: one of them is no choice, or contradicts another.
    """
    choice = parse_face_choice(face)
    said = [f"--face {face}"] * (choice != "largest") + ["--points"] * (points is not None) + ["--no-align"] * no_align
    if len(said) > 1:
        raise UsageError(f"{said[0]} contradicts {said[1]}", hint="leave one of them out")
    if points is not None:
        return parse_points(points)
    return None if no_align else choice


def parse_photos(photos: "Sequence[str]") -> list[str | BinaryIO]:
    """Return the photos, standard input in place of `-`."""
    return [sys.stdin.buffer if photo == "-" else photo for photo in photos]


def parse_output(output: Path | None, out: "Output") -> Path | BinaryIO | None:
    """Return where results go, standard output in place of `-`.

    Raises:
        UsageError: a picture would mix with JSON, or go to a terminal.
    """
    if str(output) != "-":
        return output
    if out.as_json:
        raise UsageError("--json and -o - both write to standard output", hint="leave one of them out")
    if sys.stdout.isatty():
        raise UsageError("-o - would write a picture to the terminal", hint="redirect it: > picture.png")
    return sys.stdout.buffer


def report(batch: "Batch", out: "Output", *, dry_run: bool) -> None:
    """Have a batch done: each outcome becomes a record on `out`, and all together a summary.

    A dry run does nothing, and says what would be done.

    Raises:
        typer.Exit: something failed.
        JojoError: the work could not begin.
    """
    worst: dict[str, str] = {}  # of the outcomes of each photo
    hints: set[str | None] = {None}
    try:
        for outcome in batch.plan() if dry_run else batch:
            _say(outcome, None if outcome.hint in hints else outcome.hint, out)
            hints.add(outcome.hint)
            statuses = {outcome.status, worst.get(outcome.input, outcome.status)}
            worst[outcome.input] = min(statuses, key=WORST_FIRST.index)
    except STOPPED as stop:
        if getattr(stop, "code", None) != 1:  # with which rich ends it where nobody reads any more
            out.note(f"{list(worst.values()).count('ok')} of {len(batch)} done")
        raise
    tally = Counter(worst.values())
    if dry_run:
        return out.note(f"{tally['planned']} of {len(batch)} to be done")
    if len(batch) > 1:
        rest = "".join(f", {tally[status]} {status}" for status in ("skipped", "failed") if tally[status])
        out.note(f"{tally['ok']} of {len(batch)} done{rest}")
    if tally["failed"]:
        raise typer.Exit(1)


def _say(outcome: "Outcome", hint: str | None, out: "Output") -> None:
    input_, output = outcome.input, outcome.output
    if out.as_json or (outcome.status in ("ok", "planned") and output != "-"):
        record: dict[str, Any] = {
            "input": input_,
            "face": outcome.face,
            "output": output,
            "status": outcome.status,
            "reason": outcome.reason,
            **outcome.figures,
        }
        out.result(record | ({"seconds": outcome.seconds} if outcome.seconds is not None else {}), str(output))
    if outcome.status == "failed":
        out.failure(f"{input_!r}: {outcome.reason}", hint)
    elif outcome.status == "skipped":
        reason = f"{output!r} exists" if outcome.reason == EXISTS else outcome.reason
        out.note(f"skipped {input_!r}: {reason}")
        if hint:
            out.note(f"hint: {hint}")
    if outcome.seconds is not None:
        out.detail(f"{input_}: {outcome.seconds:.2f} s")
