"""The model manager: what is installed, from where, and what is left when something goes wrong."""

import bz2
import errno
import json
import os
import resource
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from events_kit import Story, interrupt
from safetensors import SafetensorError
from safetensors.torch import load_file
from weights_kit import Server, answer, cut, entry_of, file_of, form_of, good, make_package, running_server, web_of

from jojo_cli.errors import JojoError
from jojo_cli.events import Listener, nobody
from jojo_cli.formats import CONVERTERS
from jojo_cli.weights import download, package
from jojo_cli.weights.catalog import Entry, Package, Web, WebFile
from jojo_cli.weights.manager import ModelManager
from jojo_cli.weights.storage import STALE_SECONDS, sha256_of

BODY = bytes(range(256)) * 400
OTHER = b"other weights" * 100


def to_tensors(files: Mapping[str, Path]) -> dict[str, torch.Tensor]:
    """Convert, for the tests: each file to a tensor of its bytes."""
    return {name: torch.tensor(list(path.read_bytes()[:16])) for name, path in files.items()}


def refuse_to_convert(files: Mapping[str, Path]) -> dict[str, torch.Tensor]:
    raise AssertionError("a file that was not verified was opened")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with running_server() as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "models"


@pytest.fixture
def story() -> Story:
    return Story()


def manage(folder: Path, *entries: Entry, listener: Listener = nobody, offline: bool = False) -> ModelManager:
    return ModelManager(folder, offline=offline, listener=listener, catalog={entry.id: entry for entry in entries})


def web_entry(server: Server, *, id: str = "one", body: bytes = BODY) -> Entry:
    name = f"{id}.dat"
    return entry_of(id, form_of({name: body}, web_of(server.serve(f"/{id}", good(body)), name, body)))


def visible(folder: Path) -> list[str]:
    """Return what a manager left in its folder, its lock file aside."""
    return sorted(path.name for path in folder.iterdir() if path.name not in {".lock", "CACHEDIR.TAG"})


def failure(call: Any, *arguments: Any) -> JojoError:
    with pytest.raises(JojoError) as error:
        call(*arguments)
    return error.value


# What an install leaves behind


def test_a_missing_weight_is_fetched_once_and_recorded(server: Server, folder: Path, story: Story) -> None:
    models = manage(folder, web_entry(server), listener=story)
    path = models.ensure("one")
    assert path == folder / "one" / "one.dat"
    assert path.read_bytes() == BODY
    assert story.announced == [f"one Test-1.0 {folder}"]
    record = json.loads((folder / "one" / "record.json").read_text())
    sha256 = file_of("", BODY).sha256
    assert (record["output"], record["bytes"], record["sha256"]) == ("one.dat", len(BODY), sha256)
    assert record["inputs"] == {"one.dat": sha256}
    assert record["source"] == f"{server.address}/one"
    assert models.sha256("one") == sha256
    assert (folder / "CACHEDIR.TAG").read_text().startswith("Signature: 8a477f597d28d172789f06886806bc55")
    assert visible(folder) == ["one"]
    assert manage(folder, web_entry(server)).ensure("one") == path
    assert len(server.ranges) == 1


def test_files_of_a_format_become_safetensors(folder: Path, tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setitem(CONVERTERS, "bytes", f"{__name__}:to_tensors")
    source = make_package(tmp_path, {"a.bin": BODY, "a.xml": OTHER})
    models = manage(folder, entry_of("net", form_of({"a.bin": BODY, "a.xml": OTHER}, source, format="bytes")))
    assert models.import_files([tmp_path / source.file.name]) == ["net"]
    path = models.path("net")
    assert path.name == "model.safetensors"
    assert sorted(load_file(path)) == ["a.bin", "a.xml"]
    assert models.sha256("net") == sha256_of(path)
    assert sorted(file.name for file in path.parent.iterdir()) == ["model.safetensors", "record.json"]


@pytest.fixture
def package_for_two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    """Give a package with a.dat and b.dat that pip finds."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    return make_package(tmp_path, {"a.dat": BODY, "b.dat": OTHER})


def test_a_distribution_that_serves_two_weights_is_fetched_once(
    folder: Path, package_for_two: Package, story: Story
) -> None:
    models = manage(folder, *two_of(package_for_two), listener=story)
    models.pull(["a", "b"])
    assert models.path("a").read_bytes() == BODY
    assert models.path("b").read_bytes() == OTHER
    assert story.titles == ["package tiny==1.0"]


def two_of(source: Package) -> tuple[Entry, Entry]:
    """Return two weights that come in one package."""

    def entry(id: str, body: bytes) -> Entry:
        name = f"{id}.dat"
        part = Package(source.name, source.version, source.file, {name: source.members[name]})
        return entry_of(id, form_of({name: body}, part))

    return entry("a", BODY), entry("b", OTHER)


def test_what_else_a_package_brings_is_kept_so_that_it_is_fetched_once(
    folder: Path, package_for_two: Package, story: Story
) -> None:
    other = entry_of("c", form_of({"c.dat": BODY}, web_of("http://127.0.0.1:9/c", "c.dat", BODY)))
    models = manage(folder, *two_of(package_for_two), other, listener=story)
    models.ensure("b")
    assert models.ensure("a").read_bytes() == BODY
    assert story.titles == ["package tiny==1.0"]
    assert [status.entry.id for status in models.statuses() if status.state == "missing"] == ["c"]


def test_a_packed_file_is_unpacked(server: Server, folder: Path) -> None:
    packed = bz2.compress(BODY)
    url = server.serve("/a.dat.bz2", good(packed))
    source = Web({"a.dat": WebFile(url, file_of("a.dat.bz2", packed), packed=True)})
    assert manage(folder, entry_of("a", form_of({"a.dat": BODY}, source))).ensure("a").read_bytes() == BODY


def test_an_unknown_weight_is_an_error_with_the_nearest_name(server: Server, folder: Path) -> None:
    error = failure(manage(folder, web_entry(server)).ensure, "onee")
    assert str(error) == "weight 'onee' not found"
    assert "known: one;" in (error.hint or "")


# Sources that fail


def test_the_next_source_is_tried_and_it_is_said(server: Server, folder: Path, story: Story) -> None:
    first = web_of(server.serve("/gone", answer(b"", status=404)), "a.dat", BODY)
    second = web_of(server.serve("/a", good(BODY)), "a.dat", BODY)
    manage(folder, entry_of("a", form_of({"a.dat": BODY}, first, second)), listener=story).ensure("a")
    assert story.notes == [f"{server.address}/gone: the server answers 404; trying {server.address}/a"]


def test_when_every_source_fails_all_reasons_and_the_way_out_are_named(
    server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package, "find_spec", lambda name: None)
    web = web_of(server.serve("/gone", answer(b"", status=404)), "a.dat", BODY)
    source = Package("tiny", "1.0", file_of("tiny.whl", b"wheel"), {"a.dat": "tiny/a.dat"})
    error = failure(manage(folder, entry_of("a", form_of({"a.dat": BODY}, source, web))).ensure, "a")
    assert "weight 'a' can't be fetched: package tiny==1.0: pip is missing here" in str(error)
    assert "/gone: the server answers 404" in str(error)
    assert f"tiny.whl (sha256 {source.file.sha256})" in (error.hint or "")
    assert f"a.dat (sha256 {file_of('', BODY).sha256})" in (error.hint or "")
    assert "jojo models import" in (error.hint or "")
    assert visible(folder) == []


def test_the_next_run_resumes_what_failed(server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "ATTEMPTS", 1)
    entry = web_entry(server)
    server.serve("/one", cut(BODY, 70_000), good(BODY))
    failure(manage(folder, entry).ensure, "one")
    assert manage(folder, entry).ensure("one").read_bytes() == BODY
    assert server.ranges == [None, "bytes=65536-"]
    assert visible(folder) == ["one"]


def test_the_next_run_resumes_after_ctrl_c(server: Server, folder: Path) -> None:
    entry = web_entry(server)
    with pytest.raises(KeyboardInterrupt):
        manage(folder, entry, listener=interrupt).ensure("one")
    assert [name for name in visible(folder) if name.startswith(".stage")] == []
    assert manage(folder, entry).ensure("one").read_bytes() == BODY
    assert server.ranges == [None, "bytes=65536-"]


def hostile(tmp_path: Path, held: dict[str, bytes], *, declared: bytes = BODY) -> tuple[Entry, Path]:
    """Return a weight made of a.dat, and a package of the pinned sha256 that holds something else."""
    source = make_package(tmp_path, held)
    source = Package(source.name, source.version, source.file, {"a.dat": "tiny/a.dat"})
    return entry_of("a", form_of({"a.dat": declared}, source, format="bytes")), tmp_path / source.file.name


@pytest.mark.parametrize(
    ("held", "reason"),
    [
        ({"b.dat": BODY}, "can't be read out of the download"),
        ({"a.dat": BODY + b"x"}, "is larger than its 102400 bytes"),
        ({"a.dat": BODY[:-1]}, "has 102399 bytes instead of 102400"),
        ({"a.dat": BODY[:-1] + b"x"}, "a.dat has sha256"),
    ],
    ids=["missing", "larger", "shorter", "altered"],
)
def test_a_member_that_is_not_as_declared_is_refused_before_it_is_converted(
    folder: Path, tmp_path: Path, held: dict[str, bytes], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CONVERTERS, "bytes", f"{__name__}:refuse_to_convert")
    entry, path = hostile(tmp_path, held)
    assert reason in str(failure(manage(folder, entry).import_files, [path]))
    assert visible(folder) == []


def test_a_bomb_is_cut_at_the_declared_size(folder: Path, tmp_path: Path) -> None:
    entry, path = hostile(tmp_path, {"a.dat": bytes(50_000_000)}, declared=b"abc")
    started = time.monotonic()
    assert "larger than its 3 bytes" in str(failure(manage(folder, entry).import_files, [path]))
    assert time.monotonic() - started < 5


def test_a_package_that_is_no_zip_is_refused(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "tiny.whl"
    path.write_bytes(b"not a zip")
    source = Package("tiny", "1.0", file_of("tiny.whl", b"not a zip"), {"a.dat": "tiny/a.dat"})
    error = failure(manage(folder, entry_of("a", form_of({"a.dat": BODY}, source))).import_files, [path])
    assert "can't be read out of the download" in str(error)


def test_a_packed_file_of_other_bytes_is_refused(folder: Path, tmp_path: Path) -> None:
    for body, reason in ((bz2.compress(BODY + b"x"), "is larger"), (b"BZh9 no", "can't be read")):
        path = tmp_path / "a.bz2"
        path.write_bytes(body)
        source = Web({"a.dat": WebFile("https://example.org/a", file_of("a.bz2", body), packed=True)})
        error = failure(manage(folder, entry_of("a", form_of({"a.dat": BODY}, source))).import_files, [path])
        assert reason in str(error)


# Two at once

PULL = """
import sys
from pathlib import Path
from jojo_cli.weights.catalog import load_catalog
from jojo_cli.weights.manager import ModelManager
print(ModelManager(Path(sys.argv[1]), catalog=load_catalog(Path(sys.argv[2]))).ensure("one"))
"""


def test_two_processes_share_one_download(server: Server, folder: Path, tmp_path: Path) -> None:
    sha256 = file_of("", BODY).sha256
    catalog = tmp_path / "catalog.toml"
    catalog.write_text(
        '[[entry]]\nid = "one"\npurpose = "p"\nlicence = "l"\nconsequence = "c"\n[[entry.form]]\nformat = "raw"\n'
        f'[[entry.form.file]]\nname = "one.dat"\nbytes = {len(BODY)}\nsha256 = "{sha256}"\n'
        '[[entry.form.source]]\nkind = "https"\n'
        f'[[entry.form.source.file]]\nname = "one.dat"\nurl = "{server.address}/one"\n'
    )
    both_run = threading.Event()

    def slow(handler: Any) -> None:
        both_run.wait(10)
        good(BODY)(handler)

    server.serve("/one", slow)
    command = [sys.executable, "-c", PULL, str(folder), str(catalog)]
    runs = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    deadline = time.monotonic() + 20
    while not server.ranges and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.3)  # the other one reaches the lock
    both_run.set()
    assert [run.communicate(timeout=30)[0].strip() for run in runs] == [str(folder / "one" / "one.dat")] * 2
    assert len(server.ranges) == 1
    assert visible(folder) == ["one"]


def test_all_is_right_when_the_lock_does_nothing(server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_lock(*args: Any, **kwargs: Any) -> None:
        raise NotImplementedError

    monkeypatch.setattr("filelock.FileLock.acquire", no_lock)
    entry = web_entry(server)
    together = threading.Barrier(3, timeout=10)

    def wait_for_all(handler: Any) -> None:
        together.wait()
        good(BODY)(handler)

    server.serve("/one", wait_for_all)
    results: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: results.append(manage(folder, entry).ensure("one").read_bytes()))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [BODY] * 3
    assert visible(folder) == ["one"]
    assert manage(folder, entry).verify()[0].state == "installed"


# The disk


def test_a_disk_without_room_is_noticed_before_the_download(
    server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: shutil._ntuple_diskusage(100, 90, 10))
    error = failure(manage(folder, web_entry(server)).ensure, "one")
    assert str(error) == f"not enough space in {str(folder)!r}: 307.2 kB needed, 0.0 kB free"
    assert "JOJO_HOME" in (error.hint or "")
    assert server.ranges == []


def to_more_tensors(files: Mapping[str, Path]) -> dict[str, torch.Tensor]:
    """Convert, for the tests, to more bytes than the files have."""
    return {"x": torch.zeros(1_000_000)}


def test_a_disk_that_takes_no_more_leaves_nothing_half_done(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CONVERTERS, "bytes", f"{__name__}:to_more_tensors")
    source = make_package(tmp_path, {"a.dat": BODY})
    models = manage(folder, entry_of("a", form_of({"a.dat": BODY}, source, format="bytes")))
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))
    try:
        error = failure(models.import_files, [tmp_path / source.file.name])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert str(error) == f"weights can't be kept in {str(folder)!r}: File too large"
    assert visible(folder) == []


def test_a_full_disk_is_said_as_such(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(tensors: Any, path: Path) -> None:
        raise SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)")

    monkeypatch.setitem(CONVERTERS, "bytes", f"{__name__}:to_tensors")
    source = make_package(tmp_path, {"a.dat": BODY})
    models = manage(folder, entry_of("a", form_of({"a.dat": BODY}, source, format="bytes")))
    monkeypatch.setattr("safetensors.torch.save_file", full)
    error = failure(models.import_files, [tmp_path / source.file.name])
    assert str(error) == f"no space left on the disk of {str(folder)!r}"
    assert "JOJO_HOME" in (error.hint or "")
    assert visible(folder) == []


def test_a_folder_that_can_not_be_made(server: Server, folder: Path) -> None:
    folder.parent.parent.mkdir(exist_ok=True)
    folder.parent.write_text("a file in the way")
    error = failure(manage(folder, web_entry(server)).ensure, "one")
    assert f"weights can't be kept in {str(folder)!r}" in str(error)
    assert "JOJO_HOME" in (error.hint or "")


def test_a_folder_that_can_not_be_written(server: Server, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(self: Path, *args: Any, **kwargs: Any) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "mkdir", denied)
        error = failure(manage(folder, web_entry(server)).ensure, "one")
    assert str(error) == f"weights can't be kept in {str(folder)!r}: Permission denied"


def test_what_killed_processes_left_is_swept_after_a_day(server: Server, folder: Path) -> None:
    old = time.time() - STALE_SECONDS - 60
    for name in (".stage-old", ".stage-new"):
        (folder / name).mkdir(parents=True)
        (folder / name / "part").write_bytes(b"x")
    (folder / ".abc.partial").write_bytes(b"x")
    for path in (folder / ".stage-old" / "part", folder / ".stage-old", folder / ".abc.partial"):
        os.utime(path, (old, old))
    manage(folder, web_entry(server)).ensure("one")
    assert visible(folder) == [".stage-new", "one"]


# Offline


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: Any, **kwargs: Any) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr("requests.Session.send", fail)
    monkeypatch.setattr(subprocess, "Popen", fail)


@pytest.mark.usefixtures("no_network")
def test_offline_names_every_file_and_how_to_bring_it(folder: Path, tmp_path: Path) -> None:
    source = make_package(tmp_path, {"a.dat": BODY})
    models = manage(folder, entry_of("a", form_of({"a.dat": BODY}, source)), offline=True)
    error = failure(models.ensure, "a")
    assert str(error) == "JOJO_OFFLINE forbids to fetch what is not installed: 'a'"
    hint = error.hint or ""
    assert f"{source.file.name} (sha256 {source.file.sha256}) by 'pip download" in hint
    assert f"a.dat (sha256 {file_of('', BODY).sha256})" in hint
    assert "'jojo models import FILE...'" in hint
    models.import_files([tmp_path / source.file.name])
    assert models.ensure("a").read_bytes() == BODY


# Damage


def test_a_truncated_weight_is_reported_and_fetched_again(server: Server, folder: Path, story: Story) -> None:
    models = manage(folder, web_entry(server), listener=story)
    path = models.ensure("one")
    path.write_bytes(BODY[:-1])
    assert [status.state for status in models.statuses()] == ["damaged"]
    assert "102399 bytes instead of 102400" in str(failure(models.sha256, "one"))
    assert models.ensure("one").read_bytes() == BODY
    assert story.notes == ["weight 'one' is damaged and made anew: one.dat has 102399 bytes instead of 102400"]


def test_verify_finds_an_altered_weight(server: Server, folder: Path) -> None:
    models = manage(folder, web_entry(server), web_entry(server, id="two", body=OTHER))
    path = models.ensure("one")
    path.write_bytes(BODY[:-1] + b"x")
    assert [status.state for status in models.statuses()] == ["installed", "missing"]
    assert [(status.state, status.reason) for status in models.verify()] == [
        ("damaged", "one.dat was altered: its sha256 differs")
    ]
    assert [status.state for status in models.verify(["two"])] == ["missing"]
    models.remove("one")
    models.ensure("one")
    assert [status.state for status in models.verify()] == ["installed"]


@pytest.mark.parametrize("text", ["{", "[]", "{}", ""])
def test_a_corrupt_record_is_damage(server: Server, folder: Path, text: str) -> None:
    models = manage(folder, web_entry(server))
    models.ensure("one")
    (folder / "one" / "record.json").write_text(text)
    assert [status.reason for status in models.statuses()] == ["record.json can't be read"]
    models.ensure("one")
    assert [status.state for status in models.statuses()] == ["installed"]


def test_a_weight_that_the_catalog_no_longer_means_is_made_anew(server: Server, folder: Path) -> None:
    manage(folder, web_entry(server)).ensure("one")
    name = "one.dat"
    newer = entry_of("one", form_of({name: OTHER}, web_of(server.serve("/newer", good(OTHER)), name, OTHER)))
    assert manage(folder, newer).ensure("one").read_bytes() == OTHER


def test_remove_deletes_and_says_what_is_not_there(server: Server, folder: Path) -> None:
    models = manage(folder, web_entry(server))
    assert str(failure(models.remove, "one")) == "weight 'one' is not installed"
    models.ensure("one")
    models.remove("one")
    assert visible(folder) == []


# Import


@pytest.mark.usefixtures("no_network")
def test_a_renamed_package_installs_every_weight_that_it_serves(folder: Path, tmp_path: Path) -> None:
    source = make_package(tmp_path, {"a.dat": BODY, "b.dat": OTHER})
    renamed = (tmp_path / source.file.name).rename(tmp_path / "download (1)")
    models = manage(folder, *two_of(source))
    assert models.import_files([renamed]) == ["a", "b"]
    assert models.path("b").read_bytes() == OTHER
    assert renamed.exists()


@pytest.mark.usefixtures("no_network")
def test_the_files_of_a_weight_are_imported_together(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CONVERTERS, "bytes", f"{__name__}:to_tensors")
    source = make_package(tmp_path, {"a.bin": BODY, "a.xml": OTHER})
    models = manage(folder, entry_of("net", form_of({"a.bin": BODY, "a.xml": OTHER}, source, format="bytes")))
    (tmp_path / "x").write_bytes(BODY)
    (tmp_path / "y").write_bytes(OTHER)
    error = failure(models.import_files, [tmp_path / "x"])
    assert str(error) == f"{str(tmp_path / 'x')!r} is only a part of weight 'net'"
    assert f"a.xml (sha256 {file_of('', OTHER).sha256})" in (error.hint or "")
    assert models.import_files([tmp_path / "x", tmp_path / "y"]) == ["net"]
    assert sorted(load_file(models.path("net"))) == ["a.bin", "a.xml"]


def test_import_repairs_an_altered_weight_and_keeps_the_file_of_the_user(
    server: Server, folder: Path, tmp_path: Path
) -> None:
    models = manage(folder, web_entry(server))
    models.ensure("one").write_bytes(b"x" * len(BODY))
    given = tmp_path / "given"
    given.write_bytes(BODY)
    models.import_files([given])
    assert [status.state for status in models.verify()] == ["installed"]
    assert given.read_bytes() == BODY


def test_an_unknown_file_is_an_error_that_says_its_hash(server: Server, folder: Path, tmp_path: Path) -> None:
    (tmp_path / "good").write_bytes(BODY)
    (tmp_path / "bad").write_bytes(OTHER)
    models = manage(folder, web_entry(server))
    error = failure(models.import_files, [tmp_path / "good", tmp_path / "bad"])
    assert f"its sha256 is {file_of('', OTHER).sha256}" in str(error)
    assert not folder.exists()


def test_import_takes_files_only(server: Server, folder: Path, tmp_path: Path) -> None:
    models = manage(folder, web_entry(server))
    for path in (tmp_path, tmp_path / "none"):
        assert str(failure(models.import_files, [path])) == f"{str(path)!r} is not a file"
