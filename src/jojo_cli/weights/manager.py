"""The model manager: the weights in a folder, each fetched when it is first needed."""

import difflib
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from jojo_cli.errors import CheckpointError, JojoError
from jojo_cli.events import Announcement, Download, Listener, Note, nobody
from jojo_cli.formats import convert
from jojo_cli.formats.kinds import kind_of
from jojo_cli.weights import package
from jojo_cli.weights.byhand import (
    comes_without,
    form_for,
    how_to_bring,
    how_to_get,
    plan_import,
    users_of,
)
from jojo_cli.weights.catalog import RAW, Entry, File, Form, Package, SourceError, Way, download_size, load_catalog
from jojo_cli.weights.record import Record, Status, home_of, inspect, write_record
from jojo_cli.weights.storage import (
    PARTIAL,
    check_free,
    disk_errors,
    one_at_a_time,
    open_folder,
    put_in_place,
    resuming,
    save_tensors,
    sha256_of,
    staging,
)
from jojo_cli.weights.unpack import unpack


class ModelManager:
    """The weights of a catalog in a folder that may be deleted at any time.

    Several processes may use one folder: each stages what it makes and renames it into place.
    """

    def __init__(
        self,
        folder: Path,
        *,
        offline: bool = False,
        listener: Listener = nobody,
        catalog: Mapping[str, Entry] | None = None,
    ) -> None:
        self.folder = folder
        self.offline = offline
        self.listener = listener
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
        return self.home(id) / self.entry(id).output

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
        return self.home(id) / self._record(id).output

    def home(self, id: str) -> Path:
        """Return the folder of a weight, whether it is there or not.

        Raises:
            JojoError: it is unknown.
        """
        return home_of(self.entry(id), self.folder)

    def statuses(self) -> list[Status]:
        """Return how every weight of the catalog stands, by size."""
        return [self._status(entry) for entry in self.catalog.values()]

    def verify(self, ids: Iterable[str] = ()) -> list[Status]:
        """Return how weights stand, every byte read: `ids`, or all that are there."""
        chosen = [self.entry(id) for id in ids]
        statuses = [self._status(entry, fully=True) for entry in chosen or self.catalog.values()]
        return [status for status in statuses if chosen or status.state != "missing"]

    def pull(self, ids: Iterable[str]) -> None:
        """Fetch what is missing or damaged of `ids`.

        Raises:
            JojoError: one is unknown, can't be fetched, or can't be kept; those before it stay.
        """
        wanted = [self.entry(id) for id in ids]
        lacking = self._lacking(wanted)
        if not lacking:
            return
        for status in lacking:
            if status.state == "damaged":
                self._note(f"weight {status.entry.id!r} is damaged and made anew: {status.reason}")
        if self.offline:
            names = ", ".join(repr(status.entry.id) for status in lacking)
            raise JojoError(
                f"JOJO_OFFLINE forbids to fetch what is not installed: {names}",
                hint=how_to_bring(status.entry for status in lacking),
            )
        for status in lacking:
            if not status.entry.ways:
                raise JojoError(
                    f"weight {status.entry.id!r} can't be fetched: nobody published the sha256 of its file",
                    hint=how_to_get(status.entry),
                )
        with disk_errors(self.folder):
            open_folder(self.folder)
            with one_at_a_time(self.folder, note=self._note), staging(self.folder) as stage:
                # Another process may have brought them while this one waited.
                entries = [status.entry for status in self._lacking(wanted)]
                company = self._company(entries)
                if entries:
                    self.listener(_announcement([*entries, *company], self.folder))
                have: dict[str, Path] = {}
                for entry in entries:
                    ways = sorted(entry.ways, key=lambda way: not _is_here(way, have))
                    self._fetch(entry, ways, stage, have)
                for entry in company:
                    self._keep(entry, stage, have)

    def import_files(self, paths: Iterable[Path]) -> list[str]:
        """Install every weight that files hold, and return the ids; files are known by sha256, not by name.

        Raises:
            JojoError: a file is unknown or can't be read, or a weight needs more files: nothing is installed.
        """
        given = {_readable_sha256(path): path for path in paths}
        plan = plan_import(self.catalog, given)
        self._import([(self.catalog[id], way) for id, way in plan.items()], given)
        return list(plan)

    def import_as(self, path: Path, id: str) -> list[str]:
        """Install weight `id` from a file that the catalog does not know, and return the ids.

        It is read only as tensors in exactly the names and shapes of that weight, and the record says that nobody
        published its hash. A file that the catalog does know is imported as what it is.

        Raises:
            JojoError: the weight is unknown, or the file can't be read as it; nothing is installed.
        """
        entry = self.entry(id)
        sha256 = _readable_sha256(path)
        users = users_of(self.catalog, sha256)
        if entry in users:
            return self.import_files([path])
        if users:
            names = " and ".join(repr(user.id) for user in users)
            raise JojoError(f"{str(path)!r} is not weight {id!r} but {names}", hint="leave out --as")
        form = form_for(entry, File(path.name, path.stat().st_size, sha256), kind_of(path))
        try:
            self._import([(entry, Way(form, None))], {sha256: path}, published=False)
        except CheckpointError as error:
            hint = error.hint or how_to_get(entry)
            raise CheckpointError(f"{str(path)!r} can't be read as weight {id!r}: {error}", hint=hint) from error
        self._note(f"nobody published the sha256 of {str(path)!r}, as the record of weight {id!r} says: {sha256}")
        return [id]

    def remove(self, id: str) -> None:
        """Delete an installed weight.

        Raises:
            JojoError: it is unknown or not there.
        """
        home = self.home(id)
        if not home.exists():
            raise JojoError(f"weight {id!r} is not installed")
        with disk_errors(self.folder), staging(self.folder) as stage:
            home.rename(stage / id)

    def _note(self, text: str) -> None:
        self.listener(Note(text))

    def _status(self, entry: Entry, *, fully: bool = False) -> Status:
        with disk_errors(self.folder):
            return inspect(entry, home_of(entry, self.folder), fully=fully)

    def _lacking(self, entries: Iterable[Entry]) -> list[Status]:
        statuses = [self._status(entry) for entry in entries]
        return [status for status in statuses if status.state != "installed"]

    def _company(self, entries: Sequence[Entry]) -> list[Entry]:
        """Return what else is lacking and comes with `entries`: later it would cost the download again."""
        brought = {file.sha256 for entry in entries for file in entry.downloads}
        others = [status.entry for status in self._lacking(self.catalog.values()) if status.entry not in entries]
        return [entry for entry in others if brought & {file.sha256 for file in entry.downloads}]

    def _record(self, id: str) -> Record:
        status = self._status(self.entry(id))
        if status.record is None:
            reason = f"damaged: {status.reason}" if status.reason else "not installed"
            raise JojoError(f"weight {id!r} is {reason}", hint=how_to_get(status.entry))
        return status.record

    def _fetch(self, entry: Entry, ways: Sequence[Way], stage: Path, have: dict[str, Path]) -> None:
        """Install `entry` in the first way that works; `have` is what was downloaded so far, by sha256, and grows."""
        failed: list[str] = []
        unreadable: list[Form] = []
        for way in ways:
            if way.form in unreadable:
                continue
            if failed:
                self._note(f"{failed[-1]}; trying {way.label}")
            try:
                self._download(way, stage, have, patient=way is ways[-1])
                self._install(entry, way, downloads=have, stage=stage)
                return
            except SourceError as error:
                failed.append(str(error))
            except CheckpointError as error:  # elsewhere it has the same bytes
                failed.append(str(error))
                unreadable.append(way.form)
        raise JojoError(f"weight {entry.id!r} can't be fetched: {'; '.join(failed)}", hint=how_to_bring([entry]))

    def _keep(self, entry: Entry, stage: Path, have: dict[str, Path]) -> None:
        """Install what nobody asked for if it came along, and else say so: that is no failure."""
        ways = [way for way in entry.ways if _is_here(way, have)]
        if not ways:
            return self._note(f"weight {entry.id!r} did not come along; {how_to_get(entry)}")
        try:
            self._fetch(entry, ways, stage, have)
        except JojoError as error:
            self._note(str(error))

    def _download(self, way: Way, stage: Path, have: dict[str, Path], *, patient: bool) -> None:
        """Add to `have` what is still to be brought that way."""
        lacking = [file for file in way.downloads if file.sha256 not in have]
        # Once as it comes, once as its files, once as what is made of them.
        check_free(self.folder, sum(file.limit for file in lacking) + 2 * way.form.size)
        if isinstance(way.source, Package):
            if lacking:
                have[way.source.file.sha256] = package.fetch(way.source, stage, listener=self.listener)
        elif way.source:
            from jojo_cli.weights.download import download  # loads requests

            for item in way.source.files.values():
                if item.file in lacking:
                    path = stage / f"{item.file.sha256}{PARTIAL}"
                    with resuming(path, self.folder / f".{path.name}"):
                        download(item, path, listener=self.listener, patient=patient)
                    have[item.file.sha256] = path

    def _import(self, ways: Sequence[tuple[Entry, Way]], given: Mapping[str, Path], *, published: bool = True) -> None:
        with disk_errors(self.folder):
            open_folder(self.folder)
            with staging(self.folder) as stage:
                for entry, way in ways:
                    check_free(self.folder, 2 * way.form.size)
                    self._install(entry, way, downloads=given, stage=stage, published=published)
        for entry, way in ways:
            for status in self._lacking(comes_without(self.catalog, entry, way.form)):
                other = status.entry
                cure = how_to_get(other) if published else f"--as {other.id} reads that, if the file holds it"
                self._note(f"weight {entry.id!r} came without {other.id!r}, which {other.purpose}; {cure}")

    def _install(
        self, entry: Entry, way: Way, *, downloads: Mapping[str, Path], stage: Path, published: bool = True
    ) -> None:
        parts, made = stage / f"{entry.id}.parts", stage / entry.id
        for folder in (parts, made):  # they hold what another way left that failed
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir()
        files = unpack(way, downloads=downloads, folder=parts)
        if way.form.format == RAW:
            files[entry.output].rename(made / entry.output)
        else:
            save_tensors(convert(way.form.format, files), made / entry.output)
        shutil.rmtree(parts, ignore_errors=True)
        write_record(entry, way, made, published=published)
        put_in_place(made, home_of(entry, self.folder), is_good=lambda: self._is_made_of(entry, way.form))

    def _is_made_of(self, entry: Entry, form: Form) -> bool:
        status = self._status(entry, fully=True)
        return status.record is not None and status.record.inputs == form.inputs


def _announcement(entries: Sequence[Entry], folder: Path) -> Announcement:
    downloads = [
        Download(entry.id, entry.size, entry.exact, entry.purpose, entry.licence, entry.consequence)
        for entry in entries
    ]
    return Announcement("weights", download_size(entries), downloads, folder)


def _is_here(way: Way, have: Mapping[str, Path]) -> bool:
    return all(file.sha256 in have for file in way.downloads)


def _readable_sha256(path: Path) -> str:
    if not path.is_file():
        raise JojoError(f"{str(path)!r} is not a file")
    try:
        return sha256_of(path)
    except OSError as error:
        raise JojoError(f"{str(path)!r} can't be read: {error.strerror}") from error
