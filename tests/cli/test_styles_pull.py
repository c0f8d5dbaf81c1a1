"""`jojo styles pull`: the published styles, from servers that do what servers do."""

import json
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from urllib.parse import urlsplit

import foreign_kit
import pytest
import torch
from conftest import Jojo
from foreign_kit import Payload, brighter, save
from weights_kit import Server, answer, cut, good, running_server

from jojo_cli.cli.styles import complete_published
from jojo_cli.studio import Studio
from jojo_cli.studio.published import load_published
from jojo_cli.styles import check_style_name
from jojo_cli.weights import download

full_base = foreign_kit.full_base
pytestmark = pytest.mark.usefixtures("full_base")

PAGE = answer(b"<!doctype html><title>Google Drive - Quota exceeded</title>", headers={"Content-Type": "text/html"})

Publish = Callable[..., None]


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with running_server() as server:
        yield server


@pytest.fixture
def body(tmp_path: Path) -> bytes:
    """Give the file of a style."""
    return save(tmp_path / "published").read_bytes()


@pytest.fixture
def publish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, body: bytes) -> Publish:
    """Let `jinx` be the one published style."""

    def write(*urls: str, sha256: str = "") -> None:
        lines = [
            'base = "stylegan2-ffhq"',
            'by = "Tess"',
            'licence = "Test-1.0"',
            'consequence = "free in tests"',
            f"about_bytes = {len(body)}",
            "[[style]]",
            'name = "jinx"',
            f"url = {json.dumps(urls)}",
            *([f'sha256 = "{sha256}"'] if sha256 else []),
        ]
        path = tmp_path / "published.toml"
        path.write_text("\n".join(lines))
        monkeypatch.setattr("jojo_cli.studio.published.PUBLISHED", path)

    return write


def left_in_cache(home: Path) -> list[str]:
    return sorted(path.name for path in (home / "cache").rglob("*") if path.is_file() and path.name != "CACHEDIR.TAG")


def test_style_is_fetched_and_registered(
    jojo: Jojo, server: Server, publish: Publish, body: bytes, jojo_home: Path
) -> None:
    url = server.serve("/jinx", good(body))
    publish(url)
    run = jojo("styles", "pull", "jinx", "--device", "cpu")
    style = Studio().styles.load("jinx")
    digest = sha256(body).hexdigest()
    assert (run.code, run.out) == (0, f"imported style 'jinx' into {style.folder}\n")
    assert ") by Tess\n    licence: Test-1.0; free in tests\n" in run.err
    assert f"jinx.pt has sha256 {digest}; nobody published one to compare it with" in run.err
    assert style.record.origin
    assert (style.record.origin.file, style.record.origin.sha256, style.record.origin.url) == ("jinx.pt", digest, url)
    assert list(style.load_weights()) == ["stages.4.to_rgb.bias"]
    assert left_in_cache(jojo_home) == []
    assert url in jojo("styles", "show", "jinx").out


def test_published_hash_is_compared(jojo: Jojo, server: Server, publish: Publish, body: bytes) -> None:
    other = server.serve("/other", good(body[:-1] + b"x"))
    url = server.serve("/jinx", good(body))
    publish(other, url, sha256=sha256(body).hexdigest())
    run = jojo("styles", "pull", "jinx", "--json")
    assert run.code == 0
    assert json.loads(run.out)["origin"]["url"] == url
    assert f"{other}: the file is another one (sha256 " in run.err
    assert f"trying {url}" in run.err
    assert "nobody published" not in run.err


@pytest.mark.parametrize("known", [True, False])
def test_web_page_is_said_to_be_one(jojo: Jojo, server: Server, publish: Publish, body: bytes, known: bool) -> None:
    page, url = server.serve("/page", PAGE), server.serve("/jinx", good(body))
    digest = sha256(body).hexdigest() if known else ""
    publish(page, url, sha256=digest)
    run = jojo("styles", "pull", "jinx")
    assert run.code == 0
    assert f"{page}: sends a web page instead of the file" in run.err
    publish(page, sha256=digest)
    run = jojo("styles", "pull", "jinx", "--overwrite")
    assert run.code == 1
    assert f"error: style 'jinx' can't be fetched: {page}: sends a web page" in run.err
    assert f"hint: get jinx.pt {f'(sha256 {digest}) ' if known else ''}from {page}, then 'jojo styles import" in run.err


def test_file_that_is_too_large_is_refused(
    jojo: Jojo, server: Server, publish: Publish, body: bytes, jojo_home: Path
) -> None:
    publish(server.serve("/jinx", good(body * 2)))
    run = jojo("styles", "pull", "jinx")
    assert run.code == 1
    assert f"the server has {2 * len(body)} bytes instead of about {len(body)}" in run.err
    assert Studio().styles.names() == left_in_cache(jojo_home) == []


def test_what_was_fetched_is_read_as_a_file_from_a_stranger(
    jojo: Jojo, server: Server, publish: Publish, body: bytes, tmp_path: Path
) -> None:
    trap = tmp_path / "it ran"
    for content, problem in (
        ({"g": {**brighter(), "style.1.bias": Payload(trap)}}, "not a checkpoint of tensors"),
        ({"g": {**brighter(), "style.9.bias": torch.ones(1)}}, "unknown 'style.9.bias'"),
    ):
        publish(server.serve("/jinx", good(save(tmp_path / "other", content).read_bytes())))
        run = jojo("styles", "pull", "jinx")
        assert run.code == 1
        assert problem in run.err
        assert not trap.exists()
        assert Studio().styles.names() == []


def test_existing_style_is_refused_before_the_download(
    jojo: Jojo, server: Server, publish: Publish, body: bytes
) -> None:
    publish(server.serve("/jinx", good(body)))
    assert jojo("styles", "pull", "jinx").code == 0
    before = len(server.ranges)
    run = jojo("styles", "pull", "jinx")
    assert run.code == 1
    assert "style 'jinx' exists already\nhint: " in run.err
    assert len(server.ranges) == before
    assert jojo("styles", "pull", "jinx", "--overwrite").code == 0


def test_offline_says_what_to_bring_and_how(
    jojo: Jojo, publish: Publish, body: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("JOJO_OFFLINE", "1")
    publish("https://example.org/jinx.pt")
    run = jojo("styles", "pull", "jinx")
    assert run.code == 1
    assert "error: JOJO_OFFLINE forbids to fetch styles: 'jinx'\n" in run.err
    assert "get jinx.pt from https://example.org/jinx.pt, then 'jojo styles import FILE --name jinx'" in run.err
    (tmp_path / "download (1)").write_bytes(body)
    assert jojo("styles", "import", tmp_path / "download (1)", "--name", "jinx").code == 0
    assert Studio().styles.names() == ["jinx"]


@pytest.mark.parametrize("known", [True, False])
def test_interrupted_download_goes_on_only_where_a_hash_can_tell(
    jojo: Jojo,
    server: Server,
    publish: Publish,
    body: bytes,
    jojo_home: Path,
    known: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(download, "ATTEMPTS", 1)
    publish(server.serve("/jinx", cut(body, 100_000)), sha256=sha256(body).hexdigest() if known else "")
    run = jojo("styles", "pull", "jinx")
    assert run.code == 1
    assert Studio().styles.names() == []
    assert len(left_in_cache(jojo_home)) == known
    server.serve("/jinx", good(body))
    assert jojo("styles", "pull", "jinx").code == 0
    assert bool(server.ranges[-1]) == known
    assert left_in_cache(jojo_home) == []


def test_without_names_it_lists_what_there_is(jojo: Jojo, server: Server, publish: Publish, body: bytes) -> None:
    publish(server.serve("/jinx", good(body)))
    run = jojo("styles", "pull")
    assert run.code == 0
    assert run.out.splitlines()[1].split() == ["jinx", "missing", "Tess"]
    assert run.err == "licence: Test-1.0; free in tests\n"
    jojo("styles", "pull", "jinx")
    (row,) = json.loads(jojo("styles", "pull", "--json").out)
    assert (row["name"], row["state"], row["sha256"]) == ("jinx", "installed", None)
    assert row["consequence"] == "free in tests"


def test_unknown_name_is_answered_with_the_known_ones(jojo: Jojo) -> None:
    run = jojo("styles", "pull", "arcane_jinks")
    assert run.code == 1
    assert "error: published style 'arcane_jinks' not found\nhint: known: arcane_multi, " in run.err
    assert "arcane_jinx_preserve_color" in run.err


def test_published_styles_can_be_fetched() -> None:
    styles = load_published()
    for name, style in styles.items():
        assert check_style_name(name) == name
        assert style.file.name.endswith(".pt")
        assert style.urls
        assert {urlsplit(url).scheme for url in style.urls} == {"https"}
    files = [(style.file.name, style.urls[0]) for style in styles.values()]
    assert len(set(files)) == len(files)
    assert complete_published("arcane_j") == ["arcane_jinx", "arcane_jinx_preserve_color"]
