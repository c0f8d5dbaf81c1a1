"""Files from a server: resumed, bounded, and given out only when their hash is right."""

import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import requests

from jojo_cli import __version__
from jojo_cli.weights.catalog import SourceError, WebFile, is_secure
from jojo_cli.weights.storage import sha256_of
from jojo_cli.weights.watcher import Advance, Watcher

ATTEMPTS = 5
REDIRECTS = 5
TIMEOUT = (10.0, 30.0)
"""Seconds to connect, and seconds without a byte."""
CHUNK = 1 << 16
HEADERS = {"User-Agent": f"jojo-cli/{__version__}", "Accept-Encoding": "identity"}


class _TryAgain(Exception):
    """A failure that may pass."""


def download(item: WebFile, path: Path, *, watcher: Watcher, sleep: Callable[[float], None] = time.sleep) -> None:
    """Bring a file to `path`, going on from the bytes that `path` holds already, and check its sha256.

    When it fails, `path` keeps what a later call can go on from.

    Raises:
        SourceError: the server doesn't give the file, after a bounded number of attempts.
    """
    file = item.file
    failures, furthest = 0, _size(path)
    with requests.Session() as session, watcher.progress(file.name, file.size) as advance:
        while True:
            try:
                _receive(session, item, path, advance)
                return _check(item, path)
            except _TryAgain as error:
                reason = str(error)
            except requests.RequestException as error:
                reason = _plainly(error, item.url)
            # A large file over a bad line may need many attempts: one that brings a good piece is no failure.
            if _size(path) > furthest + (1 << 20):
                failures, furthest = 0, _size(path)
            failures += 1
            if failures == ATTEMPTS:
                raise SourceError(f"{item.url}: {reason}, {ATTEMPTS} times")
            pause = 2.0 ** (failures - 1)
            watcher.note(f"{file.name}: {reason}; trying again in {pause:.0f} s")
            sleep(pause)


def _receive(session: requests.Session, item: WebFile, path: Path, advance: Advance) -> None:
    """Add to `path` what the server sends, up to the size of the file."""
    have = _size(path)
    if have >= item.file.size:
        return
    with _get(session, item.url, {"Range": f"bytes={have}-"} if have else {}) as response:
        _check_answer(response, item)
        if response.status_code == 200:
            have = 0
        elif not _goes_on(response, have, item.file.size):
            path.unlink(missing_ok=True)
            raise _TryAgain("the server can't go on where the download stopped")
        with path.open("ab" if have else "wb") as out:
            for chunk in response.iter_content(CHUNK):
                have += len(chunk)
                if have > item.file.size:
                    break
                out.write(chunk)
                advance(have)
    if have > item.file.size:
        path.unlink()
        raise SourceError(f"{item.url}: sends more than the {item.file.size} bytes of the file")
    if have < item.file.size:
        raise _TryAgain(f"the connection ended after {have} of {item.file.size} bytes")


def _get(session: requests.Session, url: str, headers: Mapping[str, str]) -> requests.Response:
    """Return the answer behind the redirects, none of which may leave https."""
    first = url
    for _ in range(REDIRECTS + 1):
        if not is_secure(url):
            raise SourceError(f"{first}: redirects to {url!r}, which is not https")
        response = session.get(url, headers={**HEADERS, **headers}, stream=True, timeout=TIMEOUT, allow_redirects=False)
        target = session.get_redirect_target(response)
        if target is None:
            return response
        response.close()
        url = urljoin(url, target)
    raise SourceError(f"{first}: redirects more than {REDIRECTS} times")


def _check_answer(response: requests.Response, item: WebFile) -> None:
    status = response.status_code
    if status in {408, 429} or status >= 500:
        raise _TryAgain(f"the server answers {status}")
    if status not in {200, 206, 416}:
        raise SourceError(f"{item.url}: the server answers {status}")
    # With 416 comes a page about the error, and the download starts over.
    if status != 416 and "html" in response.headers.get("Content-Type", "").lower():
        raise _TryAgain("the server sends a web page instead of the file")
    length = response.headers.get("Content-Length", "")
    if status == 200 and length.isdigit() and int(length) != item.file.size:
        raise SourceError(f"{item.url}: the server has {length} bytes instead of {item.file.size}")


def _goes_on(response: requests.Response, have: int, size: int) -> bool:
    content_range = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
    return (
        response.status_code == 206
        and content_range is not None
        and int(content_range[1]) == have
        and content_range[2] in {str(size), "*"}
    )


def _check(item: WebFile, path: Path) -> None:
    found = sha256_of(path) if _size(path) == item.file.size else "of another size"
    if found != item.file.sha256:
        path.unlink()
        raise _TryAgain(f"the file is another one (sha256 {found} instead of {item.file.sha256})")


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
