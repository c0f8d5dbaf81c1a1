"""Files from a server: resumed, bounded, and given out only when their hash is right."""

import re
import time
from collections.abc import Callable, Mapping
from itertools import chain
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import requests

from jojo_cli import __version__
from jojo_cli.events import Advance, Listener, Note, progress
from jojo_cli.formats.kinds import is_web_page
from jojo_cli.weights.catalog import File, SourceError, WebFile, is_secure
from jojo_cli.weights.storage import sha256_of

ATTEMPTS = 5
FEW_ATTEMPTS = 2
"""Where another server may have the file: without a network, to be patient with each takes minutes."""
REDIRECTS = 5
TIMEOUT = (10.0, 30.0)
"""Seconds to connect, and seconds without a byte."""
CHUNK = 1 << 16
HEADERS = {"User-Agent": f"jojo-cli/{__version__}", "Accept-Encoding": "identity"}


class _TryAgain(Exception):
    """A failure that may pass."""


def download(
    item: WebFile,
    path: Path,
    *,
    listener: Listener,
    patient: bool = True,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Bring a file to `path`, going on from the bytes that `path` holds already, and check its sha256.

    When it fails, `path` keeps what a later call can go on from. A `patient` one asks a server that fails more often.

    Raises:
        SourceError: the server doesn't give the file, after a bounded number of attempts.
    """
    file = item.file
    attempts = ATTEMPTS if patient else FEW_ATTEMPTS
    failures, furthest = 0, _size(path)
    resumed = furthest > 0
    with requests.Session() as session, progress(listener, file.name, file.size, "bytes") as advance:
        while True:
            try:
                _receive(session, item, path, advance)
                if _is_whole(item, path, resumed=resumed):
                    return
                resumed, reason = False, "what was there already belongs to another file"
            except _TryAgain as error:
                reason = str(error)
            except requests.RequestException as error:
                reason = _plainly(error, item.url)
            # A large file over a bad line may need many attempts: one that brings a good piece is no failure.
            if _size(path) > furthest + (1 << 20):
                failures, furthest = 0, _size(path)
            failures += 1
            if failures >= attempts:
                raise SourceError(f"{item.url}: {reason}, {attempts} times")
            pause = 2.0 ** (failures - 1)
            listener(Note(f"{file.name}: {reason}; trying again in {pause:.0f} s"))
            sleep(pause)


def _receive(session: requests.Session, item: WebFile, path: Path, advance: Advance) -> None:
    """Add to `path` what the server sends, up to the size of the file."""
    file, have = item.file, _size(path)
    if have >= file.limit:
        return
    with _get(session, item.url, {"Range": f"bytes={have}-"} if have else {}) as response:
        _check_answer(response, item)
        if response.status_code == 200:
            have = 0
        elif not _goes_on(response, have, file):
            path.unlink(missing_ok=True)
            raise _TryAgain("the server can't go on where the download stopped")
        chunks = response.iter_content(CHUNK)
        first = next(chunks, b"")
        if not have and is_web_page(first):
            raise _web_page(item)
        whole = _whole_size(response, have, item)
        with path.open("ab" if have else "wb") as out:
            for chunk in chain([first], chunks):
                have += len(chunk)
                if have > file.limit:
                    break
                out.write(chunk)
                advance(have)
    if have > file.limit:
        path.unlink()
        raise SourceError(f"{item.url}: sends more than the {file.limit} bytes of the file")
    if have < whole:
        raise _TryAgain(f"the connection ended after {have} of {whole} bytes")


def _get(session: requests.Session, url: str, headers: Mapping[str, str]) -> requests.Response:
    """Return the answer behind the redirects, none of which may leave https."""
    first = url
    for _ in range(REDIRECTS + 1):
        if not is_secure(url):
            raise SourceError(f"{first}: redirects to {url!r}, which is not https")
        try:
            response = session.get(
                url, headers={**HEADERS, **headers}, stream=True, timeout=TIMEOUT, allow_redirects=False
            )
            target = session.get_redirect_target(response)
            if target is None:
                return response
            response.close()
            url = urljoin(url, target)
            _ = urlsplit(url).port  # which says whether it is an address at all
        except requests.RequestException:
            raise
        except ValueError as error:
            raise SourceError(f"{first}: redirects to what is no address: {error}") from error
    raise SourceError(f"{first}: redirects more than {REDIRECTS} times")


def _check_answer(response: requests.Response, item: WebFile) -> None:
    status = response.status_code
    if status in {408, 429} or status >= 500:
        raise _TryAgain(f"the server answers {status}")
    if status not in {200, 206, 416}:
        raise SourceError(f"{item.url}: the server answers {status}")
    # With 416 comes a page about the error, and the download starts over.
    if status != 416 and "html" in response.headers.get("Content-Type", "").lower():
        raise _web_page(item)


def _web_page(item: WebFile) -> SourceError:
    return SourceError(f"{item.url}: sends a web page instead of the file, such as a login or a limit on downloads")


def _whole_size(response: requests.Response, have: int, item: WebFile) -> int:
    """Return how many bytes there will be at the end; 0 when nobody knows."""
    length = response.headers.get("Content-Length", "")
    stated = have + int(length) if length.isdigit() else 0
    if response.status_code == 200 and stated and not item.file.may_have(stated):
        about = "" if item.file.exact else "about "
        raise SourceError(f"{item.url}: the server has {stated} bytes instead of {about}{item.file.size}")
    return item.file.size if item.file.exact else stated


def _goes_on(response: requests.Response, have: int, file: File) -> bool:
    content_range = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
    return (
        response.status_code == 206
        and content_range is not None
        and int(content_range[1]) == have
        and (content_range[2] == "*" or file.may_have(int(content_range[2])))
    )


def _is_whole(item: WebFile, path: Path, *, resumed: bool) -> bool:
    """Return whether `path` is the file; a file of other bytes is deleted.

    Raises:
        SourceError: all of them came from this server, which has another file.
    """
    found = sha256_of(path)
    if found == item.file.sha256 or not item.file.sha256:
        return True
    path.unlink()
    if not resumed:
        raise SourceError(f"{item.url}: the file is another one (sha256 {found} instead of {item.file.sha256})")
    return False


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _plainly(error: requests.RequestException, url: str) -> str:
    """Return what went wrong without the insides of the network library."""
    host = urlsplit(url).hostname
    for kind, reason in (
        (requests.exceptions.ProxyError, "the proxy can't be used"),
        (requests.exceptions.SSLError, f"no secure connection to {host}: {error}"),
        (requests.exceptions.Timeout, f"{host} doesn't answer"),
        (requests.exceptions.ChunkedEncodingError, "the connection broke off"),
        (requests.exceptions.ConnectionError, f"the connection to {host} failed"),
    ):
        if isinstance(error, kind):
            return reason
    return f"the transfer failed ({error})"
