"""The commands that make a style again."""

import shlex
from collections.abc import Iterator
from typing import TYPE_CHECKING

from jojo_cli.bases.settings import FinetuneSettings, InvertSettings, recorded
from jojo_cli.cli.resolutions import strength_text

if TYPE_CHECKING:
    from jojo_cli.styles import Origin, Style, StyleRecord

OPTIONS = {
    "steps": "--steps",
    "rate": "--lr",
    "loss": "--loss",
    "identity": "--id-weight",
    "structure": "--structure-weight",
    "proportions": "--proportions",
    "strokes": "--strokes",
    "boldness": "--boldness",
    "ms_ssim": "--ms-ssim-weight",
    "alpha": "--alpha",
    "seed": "--seed",
}
"""The settings of a finetuning that `jojo train` takes as they are, and its options."""


def commands(style: "Style") -> list[str]:
    """Return the commands that make a style again, one after the other.

    Raises:
        CheckpointError: its record holds settings that this jojo does not know.
    """
    record = style.record
    if record.origin:
        made = [_import(record.name, record.base, record.origin)]
    elif record.blend:
        blend = record.blend
        made = [["styles", "blend", blend.first, blend.second, record.name, "-t", strength_text(blend.amount)]]
    else:
        more = [["train", record.name, "--more", str(steps)] for steps in record.more]
        made = [["train", record.name, *_references(style), *_options(record)], *more]
    return [shlex.join(["jojo", *words]) for words in made]


def _import(name: str, base: str, origin: "Origin") -> list[str]:
    from jojo_cli.studio.published import load_published

    for published in load_published().values():
        if origin.url in published.urls and published.name == name:
            return ["styles", "pull", name]
    return ["styles", "import", origin.file, "--name", name, "--base", base]


def _references(style: "Style") -> list[str]:
    """Return the crops that a style was learnt from: they are in its folder."""
    return [*(str(style.folder / reference.file) for reference in style.record.references), "--no-align"]


def _options(record: "StyleRecord") -> Iterator[str]:
    source = f"style {record.name!r}"
    settings = recorded(FinetuneSettings, record.settings.get("finetune"), source=source)
    how = recorded(InvertSettings, record.settings.get("invert"), source=source)
    yield from ("--base", record.base, "--method", how.method)
    if how.steps:
        yield from ("--refine", str(how.steps))
    if how.encoder:
        yield from ("--encoder", how.encoder)
    for name, option in OPTIONS.items():
        yield from (option, str(getattr(settings, name)))
    if settings.preserve_color:
        yield "--preserve-color"
    if settings.vary is not None:
        yield from ("--vary", ",".join(map(str, settings.vary)))
    for side, share in settings.virtual:
        yield from ("--virtual", f"{side}={share}")
