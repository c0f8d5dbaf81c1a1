"""A style as one file to give away: a zip, stored, of exactly the files of its folder.

An archive comes from a stranger. Its members are read by name, never extracted; everything is checked in
memory before the registry is touched, and pictures are encoded anew.
"""

import io
import os
import stat
from dataclasses import replace
from pathlib import Path
from zipfile import ZIP_STORED, ZipFile, ZipInfo

from jojo_cli import disk
from jojo_cli.errors import CheckpointError, JojoError
from jojo_cli.styles import contents
from jojo_cli.styles.record import StyleRecord
from jojo_cli.styles.store import StyleStore
from jojo_cli.styles.style import Style, read_file

SUFFIX = ".jojo"

_MAX_BYTES = {contents.RECORD_FILE: 16 * 2**20, contents.WEIGHTS_FILE: 2**30}
_MAX_PICTURE_BYTES = 64 * 2**20
_MAX_FILES = 1000


def export_style(style: Style, path: Path, *, overwrite: bool = False) -> None:
    """Write `style` to the file `path`, whole or not at all; the same style gives the same bytes.

    Raises:
        CheckpointError: the style is damaged.
        JojoError: the file exists and `overwrite` does not allow to replace it, or it can't be written.
    """
    if not overwrite and os.path.lexists(path):
        raise JojoError(f"{str(path)!r} exists already", hint="add --overwrite to replace it, or choose another file")
    names = [contents.WEIGHTS_FILE, contents.PREVIEW_FILE, *(ref.file for ref in style.record.references)]
    if (style.folder / contents.LOSS_FILE).exists():
        names.append(contents.LOSS_FILE)
    files = {name: read_file(style.folder / name) for name in names}
    files = contents.verify(style.record, files, source=repr(str(style.folder)))
    members = {contents.RECORD_FILE: style.record.to_json().encode(), **files}
    content = io.BytesIO()
    with ZipFile(content, "w", ZIP_STORED) as archive:
        for name, data in sorted(members.items()):
            archive.writestr(_member(name), data)
    disk.save_file(path, content.getvalue(), overwrite=overwrite)


def import_style(store: StyleStore, path: Path, *, name: str | None = None, overwrite: bool = False) -> Style:
    """Register the style in the file `path`, as `name` or the name that it was exported under, and return it.

    Raises:
        UsageError: no style can be called `name`.
        StyleExistsError: the name is taken, and `overwrite` does not allow to replace that style.
        CheckpointError: the file is not exactly what `export_style` writes; nothing was written.
        JojoError: the file can't be read, or the registry can't be written.
    """
    if name is not None:
        store.check_free(name, overwrite=overwrite)
    members = _read_members(path)
    source = repr(str(path))
    text = members.pop(contents.RECORD_FILE)
    record = StyleRecord.from_json(text, source=f"{source}: {contents.RECORD_FILE}")
    record = replace(record, name=name or record.name)
    store.check_free(record.name, overwrite=overwrite)
    return store.add(record, contents.verify(record, members, source=source), overwrite=overwrite)


def is_archive(path: Path) -> bool:
    """Return whether a file is meant to be a style archive, whole or not; a checkpoint may be a zip as well."""
    if path.suffix.lower() == SUFFIX:
        return True
    try:
        with ZipFile(path) as archive:
            return contents.RECORD_FILE in archive.namelist()
    except Exception:  # a damaged or hostile zip makes zipfile raise almost anything
        return False


def _member(name: str) -> ZipInfo:
    # The zip format's first day and one system's mode bits: the same style gives the same bytes everywhere.
    info = ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
    info.create_system = 3
    info.external_attr = (stat.S_IFREG | 0o644) << 16
    return info


def _read_members(path: Path) -> dict[str, bytes]:
    try:
        size = path.stat().st_size
        with ZipFile(path) as archive:
            _check_members(archive.infolist(), size, path)
            return {info.filename: archive.read(info) for info in archive.infolist()}
    except JojoError:
        raise
    except OSError as error:
        raise JojoError(
            f"can't read {str(path)!r}: {error.strerror or error}",
            hint="check the file's name and permissions",
        ) from error
    except Exception as error:  # a damaged or hostile zip makes zipfile raise almost anything
        raise _refused(path, str(error)) from error


def _check_members(members: list[ZipInfo], size: int, path: Path) -> None:
    names = [info.filename for info in members]
    if contents.RECORD_FILE not in names:
        raise _refused(path, f"no {contents.RECORD_FILE}")
    if len(names) != len(set(names)) or len(names) > _MAX_FILES:
        raise _refused(path, "too many members, or two of one name")
    for info in members:
        if info.compress_type != ZIP_STORED or info.compress_size != info.file_size or info.flag_bits & 1:
            raise _refused(path, f"{info.filename!r} is compressed or encrypted")
        if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
            raise _refused(path, f"{info.filename!r} is not a plain file")
        if info.file_size > _MAX_BYTES.get(info.filename, _MAX_PICTURE_BYTES):
            raise _refused(path, f"{info.filename!r} is too large")
    # Stored members that overlap could still be many times the archive.
    if sum(info.file_size for info in members) > size:
        raise _refused(path, "its members are larger than itself")


def _refused(path: Path, reason: str) -> CheckpointError:
    return CheckpointError(
        f"{str(path)!r}: not a style archive: {reason}",
        hint="a style archive is made by 'jojo styles export NAME'",
    )
