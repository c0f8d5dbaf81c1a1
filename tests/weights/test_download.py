"""Downloads from servers that do what servers do."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from events_kit import Story
from weights_kit import Reply, Server, answer, cut, file_of, good, running_server

from jojo_cli.events import nobody
from jojo_cli.weights import download as module
from jojo_cli.weights.catalog import SourceError, WebFile
from jojo_cli.weights.download import ATTEMPTS, REDIRECTS, download

BODY = bytes(range(256)) * 2000


@pytest.fixture
def server() -> Iterator[Server]:
    with running_server() as server:
        yield server


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.part"


def fetch(url: str, path: Path, *, body: bytes = BODY) -> list[str]:
    """Download, and return what the listener was told."""
    story = Story()
    item = WebFile(url, file_of("a.dat", body), packed=False)
    download(item, path, listener=story, sleep=lambda seconds: None)
    return story.notes


def refused(url: str, path: Path) -> str:
    with pytest.raises(SourceError) as error:
        fetch(url, path)
    assert url in str(error.value)
    return str(error.value)


def test_a_good_server_gives_the_file(server: Server, path: Path) -> None:
    assert fetch(server.serve("/a", good(BODY)), path) == []
    assert path.read_bytes() == BODY


def test_a_dropped_connection_is_resumed(server: Server, path: Path) -> None:
    notes = fetch(server.serve("/a", cut(BODY, 200_000), good(BODY)), path)
    assert path.read_bytes() == BODY
    assert server.ranges[0] is None
    assert (server.ranges[1] or "").startswith("bytes=")
    assert "trying again in 1 s" in notes[0]


def test_what_an_earlier_run_left_is_resumed(server: Server, path: Path) -> None:
    path.write_bytes(BODY[:1000])
    fetch(server.serve("/a", good(BODY)), path)
    assert path.read_bytes() == BODY
    assert server.ranges == ["bytes=1000-"]


def test_a_long_download_may_drop_more_often_than_there_are_attempts(server: Server, path: Path) -> None:
    body = BODY * 20
    fetch(server.serve("/a", cut(body, 1_300_000)), path, body=body)
    assert path.read_bytes() == body
    assert len(server.ranges) > ATTEMPTS


@pytest.mark.parametrize(
    "reply",
    [
        pytest.param(answer(BODY), id="200"),
        pytest.param(answer(BODY[1000:], status=206), id="no Content-Range"),
        pytest.param(
            answer(BODY[:-1000], status=206, headers={"Content-Range": f"bytes 0-1/{len(BODY)}"}),
            id="other start",
        ),
        pytest.param(
            answer(BODY[1000:], status=206, headers={"Content-Range": "bytes 1000-5000/5001"}),
            id="other size",
        ),
        pytest.param(answer(b"<html>", status=416, headers={"Content-Type": "text/html"}), id="416"),
    ],
)
def test_a_server_that_does_not_resume_starts_over(server: Server, path: Path, reply: Reply) -> None:
    path.write_bytes(b"x" * 1000)  # a splice would keep these
    fetch(server.serve("/a", reply, good(BODY)), path)
    assert path.read_bytes() == BODY


def test_a_partial_of_other_bytes_starts_over(server: Server, path: Path) -> None:
    path.write_bytes(b"x" * len(BODY))
    fetch(server.serve("/a", good(BODY)), path)
    assert path.read_bytes() == BODY


@pytest.mark.parametrize(
    "page",
    [
        pytest.param(answer(b"log in, please", headers={"Content-Type": "text/html; charset=utf-8"}), id="by its type"),
        pytest.param(
            answer(
                b"\n<!DOCTYPE html><html>quota exceeded</html>", headers={"Content-Type": "application/octet-stream"}
            ),
            id="by its start",
        ),
    ],
)
def test_a_web_page_is_refused_at_once(server: Server, path: Path, page: Reply) -> None:
    assert "sends a web page instead of the file" in refused(server.serve("/a", page), path)
    assert len(server.ranges) == 1
    assert not path.exists()


def test_a_web_page_in_place_of_the_rest_keeps_what_is_there(server: Server, path: Path) -> None:
    path.write_bytes(BODY[:1000])
    page = answer(b"<html>quota exceeded</html>", headers={"Content-Type": "text/html"})
    assert "a web page instead of the file" in refused(server.serve("/a", page), path)
    assert path.read_bytes() == BODY[:1000]


def test_other_bytes_of_the_right_length_are_refused_at_once(server: Server, path: Path) -> None:
    assert "the file is another one" in refused(server.serve("/a", answer(b"x" * len(BODY))), path)
    assert len(server.ranges) == 1
    assert not path.exists()


def test_another_length_is_refused_at_once(server: Server, path: Path) -> None:
    assert "has 5 bytes instead of 512000" in refused(server.serve("/a", answer(b"short")), path)
    assert len(server.ranges) == 1


def test_an_endless_body_is_cut(server: Server, path: Path) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not server.released.is_set():
            handler.wfile.write(b"x" * 65536)

    assert "sends more than the 512000 bytes" in refused(server.serve("/a", endless), path)
    assert not path.exists()


def roughly(url: str, body: bytes, *, about: int) -> WebFile:
    """Return a file whose size is not known to the byte."""
    return WebFile(url, replace(file_of("a.dat", body), size=about, exact=False), packed=False)


@pytest.mark.parametrize("about", [len(BODY) - 5000, len(BODY) + 5000])
def test_a_file_of_about_that_size_is_known_by_its_hash(server: Server, path: Path, about: int) -> None:
    item = roughly(server.serve("/a", cut(BODY, 200_000), good(BODY)), BODY, about=about)
    download(item, path, listener=nobody, sleep=lambda seconds: None)
    assert path.read_bytes() == BODY
    assert (server.ranges[1] or "").startswith("bytes=")
    with pytest.raises(SourceError, match="the file is another one"):
        download(roughly(server.serve("/b", good(BODY[:-1])), BODY, about=about), path.with_name("b"), listener=nobody)


def test_a_file_of_about_that_size_is_bounded_too(server: Server, path: Path) -> None:
    def endless(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.end_headers()
        while not server.released.is_set():
            handler.wfile.write(b"x" * 65536)

    for reply, reason in (
        (answer(BODY), f"has {len(BODY)} bytes instead of about 400000"),
        (endless, "more than the 500000 bytes"),
    ):
        with pytest.raises(SourceError, match=reason):
            download(roughly(server.serve("/a", reply), BODY, about=400_000), path, listener=nobody)
    assert not path.exists()


def test_a_busy_server_is_asked_again_but_not_for_ever(server: Server, path: Path) -> None:
    pauses: list[float] = []
    item = WebFile(server.serve("/a", answer(b"", status=503)), file_of("a.dat", BODY), packed=False)
    with pytest.raises(SourceError, match=f"answers 503, {ATTEMPTS} times"):
        download(item, path, listener=nobody, sleep=pauses.append)
    assert pauses == [1, 2, 4, 8]
    assert len(server.ranges) == ATTEMPTS


def test_where_there_are_other_servers_a_busy_one_is_asked_just_once_more(server: Server, path: Path) -> None:
    pauses: list[float] = []
    item = WebFile(server.serve("/a", answer(b"", status=503)), file_of("a.dat", BODY), packed=False)
    with pytest.raises(SourceError, match="answers 503, 2 times"):
        download(item, path, listener=nobody, patient=False, sleep=pauses.append)
    assert pauses == [1]


def test_a_missing_file_is_not_asked_for_again(server: Server, path: Path) -> None:
    assert "answers 404" in refused(server.serve("/a", answer(b"", status=404)), path)
    assert len(server.ranges) == 1


def test_redirects_are_followed(server: Server, path: Path) -> None:
    server.serve("/b", good(BODY))
    fetch(server.serve("/a", answer(b"", status=302, headers={"Location": "/b"})), path)
    assert path.read_bytes() == BODY


def test_a_redirect_to_http_is_refused(server: Server, path: Path) -> None:
    away = answer(b"", status=301, headers={"Location": "http://example.org/a"})
    assert "'http://example.org/a', which is not https" in refused(server.serve("/a", away), path)


@pytest.mark.parametrize("target", ["https://[broken/a", "https://example.org:port/a"])
def test_a_redirect_to_no_address_is_refused(target: str, server: Server, path: Path) -> None:
    lost = answer(b"", status=302, headers={"Location": target})
    assert "redirects to what is no address" in refused(server.serve("/a", lost), path)


def test_a_redirect_loop_ends(server: Server, path: Path) -> None:
    loop = answer(b"", status=302, headers={"Location": "/a"})
    assert f"redirects more than {REDIRECTS} times" in refused(server.serve("/a", loop), path)


def test_a_silent_server_times_out(server: Server, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT", (0.2, 0.1))
    assert "doesn't answer" in refused(server.serve("/a", lambda handler: _wait(server)), path)


def _wait(server: Server) -> None:
    server.released.wait(10)


def test_no_server_at_all(path: Path) -> None:
    with socket.socket() as taken:  # bound but not listening: refuses for as long as the test runs
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/a"
        assert f"the connection to 127.0.0.1 failed, {ATTEMPTS} times" in refused(url, path)


def test_the_proxy_of_the_environment_is_used(server: Server, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", server.address)
    server.serve("http://localhost:1/a", good(BODY))  # a proxy is asked for the whole URL
    fetch("http://localhost:1/a", path)
    assert path.read_bytes() == BODY
