"""Small weights, packages and a misbehaving server for the tests of the model manager."""

import hashlib
import re
import threading
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from jojo_cli.weights.catalog import Entry, File, Form, Package, Source, Web, WebFile

Reply = Callable[[BaseHTTPRequestHandler], None]


def file_of(name: str, body: bytes) -> File:
    """Return the catalog's view of a file with these bytes."""
    return File(name, len(body), hashlib.sha256(body).hexdigest())


def form_of(files: dict[str, bytes], *sources: Source, format: str = "raw") -> Form:
    """Return a form of these files."""
    return Form(format, tuple(file_of(name, body) for name, body in files.items()), sources)


def entry_of(id: str, *forms: Form, origin: str | None = None) -> Entry:
    """Return an entry of these forms."""
    return Entry(id, "is tested", "Test-1.0", "free in tests", forms, origin)


def web_of(url: str, name: str, body: bytes) -> Web:
    """Return a source with one plain file."""
    return Web({name: WebFile(url, file_of(name, body), packed=False)})


def make_package(folder: Path, members: dict[str, bytes], *, name: str = "tiny") -> Package:
    """Write a wheel that pip accepts, and return it as a source whose file names are the member names."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for member, body in members.items():
            wheel.writestr(f"{name}/{member}", body)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    return Package(
        name, "1.0", file_of(path.name, path.read_bytes()), {member: f"{name}/{member}" for member in members}
    )


class Server:
    """A server on this machine: it gives each path its replies in order, the last one for ever."""

    def __init__(self, port: int) -> None:
        self.address = f"http://127.0.0.1:{port}"
        self.replies: dict[str, list[Reply]] = {}
        self.ranges: list[str | None] = []
        """The Range header of each request so far."""
        self.released = threading.Event()
        """Set when the test ends, for replies that hang."""

    def serve(self, path: str, *replies: Reply) -> str:
        """Set the replies of a path, and return its URL."""
        self.replies[path] = list(replies)
        return self.address + path


@contextmanager
def running_server() -> Iterator[Server]:
    """Run a server until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.ranges.append(self.headers["Range"])
            replies = state.replies[self.path]
            reply = replies.pop(0) if len(replies) > 1 else replies[0]
            with suppress(BrokenPipeError, ConnectionResetError):
                reply(self)
            self.close_connection = True

        def log_message(self, format: str, *args: object) -> None:
            pass

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state = Server(httpd.server_port)
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield state
    finally:
        state.released.set()
        httpd.shutdown()
        thread.join()
        httpd.server_close()


def answer(
    body: bytes, *, status: int = 200, headers: dict[str, str] | None = None, length: int | None = None
) -> Reply:
    """Send these bytes, under a Content-Length that may promise more."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body) if length is None else length))
        for key, value in (headers or {}).items():
            handler.send_header(key, value)
        handler.end_headers()
        handler.wfile.write(body)

    return reply


def good(body: bytes) -> Reply:
    """Serve a file as a good server does: from where the client wants it."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        wanted = re.fullmatch(r"bytes=(\d+)-", handler.headers["Range"] or "")
        if wanted is None:
            return answer(body)(handler)
        start = int(wanted[1])
        content_range = f"bytes {start}-{len(body) - 1}/{len(body)}"
        return answer(body[start:], status=206, headers={"Content-Range": content_range})(handler)

    return reply


def cut(body: bytes, at: int) -> Reply:
    """Promise the whole file, and hang up after `at` bytes more than the client has."""

    def reply(handler: BaseHTTPRequestHandler) -> None:
        start = int((handler.headers["Range"] or "bytes=0-")[6:-1])
        if start:
            content_range = {"Content-Range": f"bytes {start}-{len(body) - 1}/{len(body)}"}
            answer(body[start : start + at], status=206, headers=content_range, length=len(body) - start)(handler)
        else:
            answer(body[:at], length=len(body))(handler)

    return reply
