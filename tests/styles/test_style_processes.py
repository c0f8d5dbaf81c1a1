"""Several processes, and some that die: what is in the registry is whole."""

import subprocess
import sys
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

import pytest
from style_samples import make_style, tree

from jojo_cli.errors import JojoError
from jojo_cli.styles import StyleStore
from jojo_cli.styles import store as store_module

WRITER = """
import sys, time, os
from hashlib import sha256
from pathlib import Path
from jojo_cli.errors import JojoError
from jojo_cli import disk
from jojo_cli.styles import StyleRecord, StyleStore

folder, name, content, *mode = sys.argv[1:]
store = StyleStore(Path(folder))
data = content.encode() * 100_000
record = StyleRecord(
    name=name, base="tiny", base_sha256="", critic_sha256="", references=(), settings={}, seed=0,
    device="cpu", precision="float32", seconds=1.0, losses=(1.0,), weights_sha256=sha256(data).hexdigest(),
)
files = {"weights.safetensors": data, "preview.png": b""}

def die(*_):
    os._exit(9)

rename = Path.rename
if "die-while-staging" in mode:
    disk.sync_folder = die
if "die-between-renames" in mode:
    Path.rename = lambda self, target: die() if ".tmp-" in self.name else rename(self, target)
if "die-before-cleaning" in mode:
    os.fsync = lambda descriptor: None
    disk.delete = lambda path: die() if path.exists() else None

print("ready", flush=True)
sys.stdin.readline()
if "reserve" in mode:
    with store.reserve(name):
        print("reserved", flush=True)
        sys.stdin.readline()
else:
    try:
        store.add(record, files, overwrite="overwrite" in mode)
    except JojoError as error:
        sys.exit(type(error).__name__)
"""


@pytest.fixture
def store(tmp_path: Path) -> StyleStore:
    return StyleStore(tmp_path / "styles")


def start(store: StyleStore, name: str, content: str, *mode: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(store.folder), name, content, *mode],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(processes: Sequence["subprocess.Popen[str]"]) -> list[tuple[int, str]]:
    """Let all write at once; return their exit codes and what they said on stderr."""
    for process in processes:
        assert process.stdout
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    said = [process.communicate(timeout=30)[1].strip() for process in processes]
    return [(process.returncode, text) for process, text in zip(processes, said, strict=True)]


def content(store: StyleStore, name: str) -> str:
    """Return what the writer of a style wrote, after checking that it is whole."""
    style = store.load(name)
    data = style.weights_path.read_bytes()
    assert sha256(data).hexdigest() == style.record.weights_sha256
    return data[:1].decode()


def test_twelve_writers_lose_nothing(store: StyleStore) -> None:
    names = [f"style-{letter}" for letter in "abcdefghijkl"]
    assert finish([start(store, name, name[-1]) for name in names]) == [(0, "")] * 12
    assert [style.name for style in store.list()[0]] == names
    assert [content(store, name) for name in names] == list("abcdefghijkl")
    assert {Path(path).parts[0] for path in tree(store.folder)} == set(names)


def test_of_three_writers_of_one_name_one_wins(store: StyleStore) -> None:
    results = finish([start(store, "ink", letter) for letter in "abc"])
    assert sorted(results) == [(0, ""), (1, "StyleExistsError"), (1, "StyleExistsError")]
    assert content(store, "ink") == "abc"[results.index((0, ""))]
    assert {Path(path).parts[0] for path in tree(store.folder)} == {"ink"}


def test_three_that_overwrite_one_name_leave_one_of_them(store: StyleStore) -> None:
    assert finish([start(store, "ink", letter, "overwrite") for letter in "abc"]) == [(0, "")] * 3
    assert content(store, "ink") in "abc"
    assert {Path(path).parts[0] for path in tree(store.folder)} == {"ink"}


@pytest.mark.parametrize(
    ("death", "survivor"),
    [("die-while-staging", "a"), ("die-between-renames", "a"), ("die-before-cleaning", "b")],
)
def test_crash_while_replacing_leaves_a_whole_style(store: StyleStore, death: str, survivor: str) -> None:
    assert finish([start(store, "ink", "a")]) == [(0, "")]
    assert finish([start(store, "ink", "b", "overwrite", death)]) == [(9, "")]

    after_crash = tree(store.folder)
    assert [style.name for style in store.list()[0]] == store.names() == ["ink"]
    assert content(store, "ink") == survivor
    with pytest.raises(JojoError, match="exists already"):
        store.check_free("ink")
    assert tree(store.folder) == after_crash  # readers leave the clearing up to writers

    store.rename("ink", "sketch")
    assert content(store, "sketch") == survivor
    assert {Path(path).parts[0] for path in tree(store.folder)} == {"sketch"}


def test_second_training_of_a_name_fails_at_once(store: StyleStore, monkeypatch: pytest.MonkeyPatch) -> None:
    make_style(store, "other")
    monkeypatch.setattr(store_module, "_WAIT_SECONDS", 0.01)
    training = start(store, "ink", "a", "reserve")
    assert training.stdin
    assert training.stdout
    training.stdin.write("\n")
    training.stdin.flush()
    assert [training.stdout.readline() for _ in range(2)] == ["ready\n", "reserved\n"]

    trained = "style 'ink' is being trained by another process"
    with pytest.raises(JojoError, match=trained), store.reserve("ink"):
        pytest.fail("two trainings of one name")
    with pytest.raises(JojoError, match=trained):
        make_style(store, "ink")
    with pytest.raises(JojoError, match=trained):
        store.rename("other", "ink")
    with store.reserve("sketch"):
        pass

    training.kill()
    training.communicate()
    with store.reserve("ink"):  # a killed training holds nothing
        make_style(store, "ink")
