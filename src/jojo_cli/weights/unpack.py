"""From what was downloaded to the files of a form: read by name, checked to the byte, nothing extracted."""

import bz2
import hashlib
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO

from jojo_cli.weights.catalog import File, Package, Source, SourceError, Way, Web

CHUNK = 1 << 20
_BROKEN = (zipfile.BadZipFile, zlib.error, KeyError, EOFError, NotImplementedError, RuntimeError)


def unpack(way: Way, *, downloads: Mapping[str, Path], folder: Path) -> dict[str, Path]:
    """Return the files of a form, copied into `folder` and checked: name: path.

    `downloads` holds what was brought that way, by sha256.

    Raises:
        SourceError: a file is missing, damaged, larger than the catalog says, or another one.
    """
    paths = {}
    for file in way.form.files:
        paths[file.name] = folder / file.name
        with _opened(way.source, file, downloads) as stream:
            _copy(stream, paths[file.name], file)
    return paths


@contextmanager
def _opened(source: Source | None, file: File, downloads: Mapping[str, Path]) -> Iterator[IO[bytes]]:
    with ExitStack() as stack:
        try:
            match source:
                case Package():
                    archive = stack.enter_context(zipfile.ZipFile(downloads[source.file.sha256]))
                    stream = stack.enter_context(archive.open(source.members[file.name]))
                case Web() if source.files[file.name].packed:
                    packed = downloads[source.files[file.name].file.sha256]
                    stream = stack.enter_context(bz2.open(packed))
                case _:
                    stream = stack.enter_context(downloads[file.sha256].open("rb"))
            yield stream
        except (*_BROKEN, OSError) as error:
            if isinstance(error, OSError) and error.errno is not None:
                raise  # the disk's own; bz2 says without a number that the data is none of its kind
            raise SourceError(f"{file.name} can't be read out of the download: {error}") from error


def _copy(stream: IO[bytes], path: Path, file: File) -> None:
    digest = hashlib.sha256()
    size = 0
    with path.open("wb") as copy:
        while chunk := stream.read(CHUNK):
            size += len(chunk)
            if size > file.limit:
                raise SourceError(f"{file.name} is larger than its {file.limit} bytes")
            digest.update(chunk)
            copy.write(chunk)
    if not file.may_have(size):
        raise SourceError(f"{file.name} has {size} bytes instead of {file.size}")
    if digest.hexdigest() != file.sha256:
        raise SourceError(f"{file.name} has sha256 {digest.hexdigest()} instead of {file.sha256}")
