"""Styles that other programs made: read, compared with the base, and registered."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jojo_cli.bases import BaseEntry, all_bases, find_base, function_called
from jojo_cli.bases.base import Base
from jojo_cli.bases.foreign import has_own_codes, style_weights
from jojo_cli.errors import CheckpointError, JojoError, UsageError
from jojo_cli.events import Caution, Note
from jojo_cli.studio.preview import preview_sheet
from jojo_cli.studio.published import PublishedStyle, announcement, fetch, find_published, how_to_bring
from jojo_cli.styles import Origin, Style, StyleRecord, archive, style_name_from
from jojo_cli.stylize.draw import styled_generator
from jojo_cli.weights.storage import disk_errors, open_folder, sha256_of, staging

if TYPE_CHECKING:
    from torch import Tensor

    from jojo_cli.studio.studio import Studio


@dataclass(frozen=True)
class Foreign:
    """A generator that was finetuned elsewhere, and where it comes from."""

    origin: Origin
    generator: "Mapping[str, Tensor]"


def import_style(studio: "Studio", file: Path, name: str | None, *, base: str | None, overwrite: bool) -> Style:
    """Register a style from a file; arguments and errors as in `Studio.import_style`."""
    if archive.is_archive(file):
        return archive.import_style(studio.styles, file, name=name, overwrite=overwrite)
    name = name or style_name_from(file.stem)
    studio.styles.check_free(name, overwrite=overwrite)
    entry = find_base(base) if base else next(entry for entry in all_bases().values() if entry.read_finetuned)
    foreign = _read(file, entry)
    return _adopt(studio, foreign, studio.base(entry.name), name=name, overwrite=overwrite)


def pull_styles(studio: "Studio", names: Sequence[str], *, overwrite: bool) -> Iterator[Style]:
    """Fetch published styles, register them, and yield them; arguments and errors as in `Studio.pull_styles`."""
    styles = [find_published(name) for name in dict.fromkeys(names)]
    for published in styles:
        studio.styles.check_free(published.name, overwrite=overwrite)
    if studio.models.offline:
        raise JojoError(
            f"JOJO_OFFLINE forbids to fetch styles: {', '.join(repr(published.name) for published in styles)}",
            hint="\n  ".join(["where there is a network,", *map(how_to_bring, styles)]),
        )
    studio.listener(announcement(styles, studio.styles.folder))
    bases = {name: studio.base(name) for name in {published.base for published in styles}}
    with disk_errors(studio.models.folder):
        open_folder(studio.models.folder)
    for published in styles:
        yield _pull(studio, published, bases[published.base], overwrite=overwrite)


def _pull(studio: "Studio", published: PublishedStyle, base: Base, *, overwrite: bool) -> Style:
    models = studio.models
    with staging(models.folder) as stage:
        path, url = fetch(published, stage, leftovers=models.folder, listener=studio.listener)
        foreign = _read(path, find_base(published.base), url=url)
        if not published.file.sha256:
            sha256 = foreign.origin.sha256
            studio.listener(Note(f"{path.name} has sha256 {sha256}; nobody published one to compare it with"))
        return _adopt(studio, foreign, base, name=published.name, overwrite=overwrite)


def _read(file: Path, base: BaseEntry, *, url: str | None = None) -> Foreign:
    """Return what a checkpoint holds, which jojo got at `url` or the user brought."""
    if base.read_finetuned is None:
        raise UsageError(f"no other program finetunes base {base.name!r}", hint="choose another one with --base")
    read: Callable[[Path], Mapping[str, Tensor]] = function_called(base.read_finetuned)
    try:
        with _naming(file.name, base.name):
            return Foreign(Origin.of(str(file), sha256_of(file), url=url), read(file))
    except OSError as error:
        reason = error.strerror or str(error)
        raise JojoError(f"can't read {str(file)!r}: {reason}", hint="check the file's name and permissions") from error


def _adopt(studio: "Studio", foreign: Foreign, base: Base, *, name: str, overwrite: bool) -> Style:
    """Register a generator as the style `name`, with what differs from the base, and return it."""
    origin = foreign.origin
    with _naming(origin.file, base.name):
        weights = style_weights(base, foreign.generator)
    if has_own_codes(weights):
        studio.listener(
            Caution(
                f"{origin.file} has another mapping than {base.name}: the codes of photos may mean something else to "
                "it, and come out as other faces"
            )
        )
    studio.listener(Note(f"drawing the preview of {name}"))
    preview = preview_sheet(base, styled_generator(base, weights), (), ())
    record = StyleRecord(
        name=name, base=base.name, base_sha256=base.sha256, base_fingerprint=base.fingerprint, origin=origin
    )
    return studio.styles.create(record, weights, {"preview.png": preview}, overwrite=overwrite)


@contextmanager
def _naming(file: str, base: str) -> Iterator[None]:
    """Say in errors which file they are about, and what it should be."""
    try:
        yield
    except CheckpointError as error:
        hint = f"a style is 'g' or 'g_ema' in a checkpoint: {base} in its own size, finetuned, as JoJoGAN saves it"
        message = str(error) if str(error).startswith(file) else f"{file!r}: {error}"
        raise CheckpointError(message, hint=error.hint or hint) from error
