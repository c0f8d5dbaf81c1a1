"""The folder of all styles: what is there, and changes that are whole or not at all.

A style is staged in a hidden folder beside the others and renamed into place. Replacing takes two renames,
the old one away and the new one in: after a crash between them readers find the old one under its hidden
name, and the next writer of that style puts it back. Readers write nothing, so a read-only home will do.
"""

import errno
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from jojo_cli import disk
from jojo_cli.errors import JojoError
from jojo_cli.styles import contents
from jojo_cli.styles.errors import StyleExistsError, StyleNotFoundError
from jojo_cli.styles.names import check_style_name, is_style_name
from jojo_cli.styles.record import StyleRecord
from jojo_cli.styles.style import Style, read_file

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

_WAIT_SECONDS = 10.0
"""How long a change waits for another process: saving a style takes a second, training it minutes."""


@dataclass(frozen=True)
class StyleStore:
    """The styles in one folder, which need not exist before the first of them is saved."""

    folder: Path

    def names(self) -> Sequence[str]:
        """Return the names of all styles, sorted, without reading them.

        Raises:
            JojoError: the folder can't be read.
        """
        return [name for name in self._entries() if is_style_name(name)]

    def list(self) -> tuple[Sequence[Style], Sequence[tuple[str, str]]]:
        """Return all styles by name, and those that can't be read as pairs of name and reason.

        Raises:
            JojoError: the folder can't be read.
        """
        styles, broken = [], []
        for name in self._entries():
            try:
                styles.append(self.load(name))
            except StyleNotFoundError:
                pass  # removed since we looked
            except JojoError as error:
                broken.append((name, str(error)))
        return styles, broken

    def load(self, name: str) -> Style:
        """Return a style; its weights are read later.

        Raises:
            UsageError: no style can have this name.
            StyleNotFoundError: none has it.
            CheckpointError: its record can't be read.
        """
        folder = self.path(name)
        file = folder / contents.RECORD_FILE
        record = StyleRecord.from_json(read_file(file), source=repr(str(file)))
        return Style(replace(record, name=name), folder)

    def path(self, name: str) -> Path:
        """Return the folder of a style, whether it can be read or not.

        Raises:
            UsageError: no style can have this name.
            StyleNotFoundError: none has it.
        """
        check_style_name(name)
        place, aside = self.folder / name, self._aside(name)
        # Twice the place: another process may swap the two while we look.
        for folder in (place, aside, place):
            if os.path.lexists(folder):
                return folder
        raise StyleNotFoundError(name, self.names())

    def check_free(self, name: str, *, overwrite: bool = False) -> None:
        """Check, before any work, that a style may be saved as `name`.

        Raises:
            UsageError: no style can have this name.
            StyleExistsError: one has it, and `overwrite` does not allow to replace it.
        """
        check_style_name(name)
        if not overwrite and any(map(os.path.lexists, (self.folder / name, self._aside(name)))):
            raise StyleExistsError(name)

    @contextmanager
    def reserve(self, name: str, *, overwrite: bool = False) -> Iterator[None]:
        """Keep `name` for this thread while it trains: no other saves, renames or removes a style so called.

        Raises:
            UsageError: no style can have this name.
            StyleExistsError: one has it, and `overwrite` does not allow to replace it.
            JojoError: another process has it reserved, or the folder can't be written.
        """
        self.check_free(name, overwrite=overwrite)
        with self._locked(name, wait=0):
            self.check_free(name, overwrite=overwrite)  # the one who had it may have finished just now
            yield

    def create(
        self,
        record: StyleRecord,
        weights: "Mapping[str, Tensor]",
        pictures: "Mapping[str, Image]",
        *,
        overwrite: bool = False,
    ) -> Style:
        """Save a style under `record.name` and return it.

        `weights` are the tensors that finetuning changed; `pictures` are `reference-N.png` for each
        reference, `preview.png`, and `loss.png` where there is one.

        Raises:
            UsageError: no style can have this name.
            StyleExistsError: one has it, and `overwrite` does not allow to replace it.
            CheckpointError: a weight is not finite, or a picture is missing or not of a style.
            JojoError: the folder can't be written; the registry is as it was.
        """
        data = contents.encode_weights(weights, source=f"style {record.name!r}")
        files = {name: contents.encode_picture(image) for name, image in pictures.items()}
        record = replace(record, weights_sha256=sha256(data).hexdigest())
        return self.add(record, {contents.WEIGHTS_FILE: data, **files}, overwrite=overwrite)

    def add(self, record: StyleRecord, files: Mapping[str, bytes], *, overwrite: bool = False) -> Style:
        """Save a style from the content of its files (the record aside), unchecked; otherwise as `create`."""
        name = check_style_name(record.name)
        text = record.to_json()
        StyleRecord.from_json(text, source=f"style {name!r}")  # never write what can't be read
        contents.check_files(record, files, source=f"style {name!r}")
        with self._changing(name):
            self.check_free(name, overwrite=overwrite)
            stage = disk.scratch_path(self.folder, name)
            try:
                stage.mkdir()
                for file, data in {contents.RECORD_FILE: text.encode(), **files}.items():
                    disk.write_new(stage / file, data)
                disk.sync_folder(stage)
                self._put(stage, name)
            except BaseException:
                with suppress(OSError):
                    disk.delete(stage)
                raise
        return self.load(name)

    def rename(self, old: str, new: str) -> None:
        """Call the style `old` from now on `new`.

        Raises:
            UsageError: no style can have one of these names.
            StyleNotFoundError: none is called `old`.
            StyleExistsError: one is called `new`.
            JojoError: one of them is being trained, or the folder can't be written.
        """
        check_style_name(new)
        self.path(old)
        with ExitStack() as stack:
            for name in sorted((old, new)):  # always in one order: two renames can't wait for each other
                stack.enter_context(self._changing(name))
            self.check_free(new)
            self.path(old).rename(self.folder / new)
            disk.sync_folder(self.folder)

    def remove(self, name: str) -> None:
        """Delete a style, whether it can be read or not.

        Raises:
            UsageError: no style can have this name.
            StyleNotFoundError: none has it.
            JojoError: it is being trained, or the folder can't be written.
        """
        self.path(name)
        with self._changing(name):
            scratch = disk.scratch_path(self.folder, name)
            self.path(name).rename(scratch)  # gone at once; a crash while deleting leaves no half style
            disk.delete(scratch)
            disk.sync_folder(self.folder)

    def _entries(self) -> Sequence[str]:
        try:
            found = {entry.name for entry in self.folder.iterdir() if entry.is_dir()}
        except FileNotFoundError:
            return []
        except OSError as error:
            raise self._failure("read", error) from error
        hidden = {name for name in found if name.startswith(".")}
        aside = {name.removeprefix(".").removesuffix(".old") for name in hidden if name.endswith(".old")}
        return sorted(found - hidden | aside)

    def _aside(self, name: str) -> Path:
        """Where a style waits while another one takes its place; no style's name has a dot."""
        return self.folder / f".{name}.old"

    def _put(self, stage: Path, name: str) -> None:
        place, aside = self.folder / name, self._aside(name)
        try:
            if os.path.lexists(place):
                place.rename(aside)
            stage.rename(place)
        except BaseException:
            if os.path.lexists(aside) and not os.path.lexists(place):
                aside.rename(place)
            raise
        disk.sync_folder(self.folder)
        with suppress(OSError):
            disk.delete(aside)  # or the next change does

    @contextmanager
    def _changing(self, name: str) -> Iterator[None]:
        """Hold the style alone, with what a crash left of it cleared up; failures to write are explained."""
        with self._locked(name, wait=_WAIT_SECONDS):
            try:
                place, aside = self.folder / name, self._aside(name)
                if os.path.lexists(place):
                    disk.delete(aside)
                elif os.path.lexists(aside):
                    aside.rename(place)
                for scratch in self.folder.glob(f".{name}.tmp-*"):
                    disk.delete(scratch)
                yield
            except OSError as error:
                raise self._failure("write", error) from error

    @contextmanager
    def _locked(self, name: str, *, wait: float) -> Iterator[None]:
        with ExitStack() as stack:
            try:
                self.folder.mkdir(parents=True, exist_ok=True)
                stack.enter_context(disk.locked(self.folder / f".{name}.lock", wait=wait))
            except TimeoutError:
                raise JojoError(
                    f"style {name!r} is being trained by another process",
                    hint="wait until it is done, or choose another name",
                ) from None
            except OSError as error:
                raise self._failure("write", error) from error
            yield

    def _failure(self, verb: str, error: OSError) -> JojoError:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            hint = "free some space, or set JOJO_HOME to a folder on another disk"
        else:
            hint = f"set JOJO_HOME to a folder that you can {verb}"
        reason = error.strerror or str(error)
        return JojoError(f"can't {verb} the style folder {str(self.folder)!r}: {reason}", hint=hint)
