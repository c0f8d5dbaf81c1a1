import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from PIL import Image
from style_samples import make_pictures, make_record, make_style, make_weights, tree

from jojo_cli.errors import CheckpointError, JojoError, UsageError
from jojo_cli.styles import Style, StyleExistsError, StyleNotFoundError, StyleStore

FILES = {"style.json", "weights.safetensors", "reference-1.png", "preview.png", "loss.png"}


@pytest.fixture
def store(tmp_path: Path) -> StyleStore:
    return StyleStore(tmp_path / "home" / "styles")


def fail_on_sync(monkeypatch: pytest.MonkeyPatch, error: BaseException, *, call: int) -> None:
    """Let the `call`th write to the disk fail, from 1."""
    calls = []

    def fsync(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) == call:
            raise error

    monkeypatch.setattr(os, "fsync", fsync)


def saved_value(style: Style) -> float:
    return style.load_weights()["conv.weight"][0, 0].item()


def test_saved_style_is_read_back(store: StyleStore) -> None:
    created = make_style(store)
    style = StyleStore(store.folder).load("ink")
    assert style == created
    assert style.record == make_record(created=style.record.created, weights_sha256=style.record.weights_sha256)
    weights = style.load_weights()
    assert weights.keys() == make_weights().keys()
    for name, tensor in make_weights().items():
        assert weights[name].dtype == tensor.dtype
        assert torch.equal(weights[name], tensor)
    assert {path.name for path in style.folder.iterdir()} == FILES
    with Image.open(style.preview_path) as preview:
        assert preview.tobytes() == make_pictures()["preview.png"].tobytes()


def test_reading_writes_nothing(store: StyleStore) -> None:
    assert store.list() == ([], [])
    assert store.names() == []
    with pytest.raises(StyleNotFoundError):
        store.load("ink")
    assert not store.folder.exists()
    make_style(store)
    times = {path: path.stat().st_mtime_ns for path in store.folder.rglob("*")}
    times[store.folder] = store.folder.stat().st_mtime_ns
    store.list()
    store.load("ink").load_weights()
    store.check_free("other")
    assert times == {path: path.stat().st_mtime_ns for path in [*store.folder.rglob("*"), store.folder]}


def test_taken_name_is_refused_and_overwrite_replaces(store: StyleStore) -> None:
    make_style(store, value=1)
    before = tree(store.folder)
    with pytest.raises(StyleExistsError, match="style 'ink' exists already") as caught:
        store.check_free("ink")
    assert "--overwrite" in str(caught.value.hint)
    with pytest.raises(StyleExistsError):
        make_style(store, value=2)
    assert tree(store.folder) == before
    store.check_free("ink", overwrite=True)
    assert saved_value(make_style(store, value=2, overwrite=True)) == 2
    assert set(tree(store.folder)) == {"ink"} | {f"ink/{name}" for name in FILES}


@pytest.mark.parametrize(
    ("name", "hint"),
    [("inq", "did you mean ink? see 'jojo styles list'"), ("zzz", "see 'jojo styles list'")],
)
def test_unknown_style_hints_at_the_nearest(store: StyleStore, name: str, hint: str) -> None:
    make_style(store)
    with pytest.raises(StyleNotFoundError, match=f"style '{name}' not found") as caught:
        store.load(name)
    assert caught.value.hint == hint


def test_unknown_style_in_an_empty_registry_hints_at_training(store: StyleStore) -> None:
    with pytest.raises(StyleNotFoundError) as caught:
        store.load("ink")
    assert "jojo train" in str(caught.value.hint)


@pytest.mark.parametrize(
    "use",
    [
        lambda store: store.load("../ink"),
        lambda store: store.path("../ink"),
        lambda store: store.check_free("../ink"),
        lambda store: store.remove("../ink"),
        lambda store: store.rename("ink", "../ink"),
        lambda store: store.reserve("../ink").__enter__(),
        lambda store: make_style(store, "../ink"),
    ],
)
def test_bad_name_is_refused_by_all(store: StyleStore, use: Callable[[StyleStore], object]) -> None:
    make_style(store)
    before = tree(store.folder.parent)
    with pytest.raises(UsageError, match="not allowed"):
        use(store)
    assert tree(store.folder.parent) == before


def test_broken_style_is_reported_and_the_others_listed(store: StyleStore) -> None:
    for name in ("ink", "sketch", "torn"):
        make_style(store, name)
    (store.folder / "torn" / "style.json").write_text("{")
    (store.folder / "empty").mkdir()
    (store.folder / "Ink copy").mkdir()
    (store.folder / "notes.txt").write_text("mine")
    before = tree(store.folder)
    styles, broken = store.list()
    assert [style.name for style in styles] == ["ink", "sketch"]
    reasons = dict(broken)
    assert set(reasons) == {"torn", "empty", "Ink copy"}
    assert str(store.folder / "torn" / "style.json") in reasons["torn"]
    assert "No such file" in reasons["empty"]
    assert "not allowed" in reasons["Ink copy"]
    assert tree(store.folder) == before
    assert store.names() == ["empty", "ink", "sketch", "torn"]


def test_damaged_weights_are_refused(store: StyleStore) -> None:
    style = make_style(store)
    good = style.weights_path.read_bytes()
    for data in (b"", good[:-1], good[:-1] + bytes([good[-1] ^ 1]), good + b"\0"):
        style.weights_path.write_bytes(data)
        with pytest.raises(CheckpointError, match="not the weights that the style was saved with") as caught:
            style.load_weights()
        assert str(style.weights_path) in str(caught.value)
        assert "train the style again" in str(caught.value.hint)
    style.weights_path.unlink()
    with pytest.raises(CheckpointError, match="No such file"):
        style.load_weights()


@pytest.mark.parametrize(
    ("tensor", "problem"),
    [(torch.tensor([1.0, float("nan")]), "not finite"), (torch.tensor([1, 2]), "torch.int64")],
)
def test_weights_that_are_no_finite_floats_are_not_saved(store: StyleStore, tensor: torch.Tensor, problem: str) -> None:
    with pytest.raises(CheckpointError, match=f"tensor 'bad' .*{problem}"):
        store.create(make_record(), {"bad": tensor}, make_pictures())
    assert not store.folder.exists()


@pytest.mark.parametrize("name", ["reference-1.png", "preview.png"])
def test_every_picture_is_needed(store: StyleStore, name: str) -> None:
    pictures = {key: image for key, image in make_pictures().items() if key != name}
    with pytest.raises(CheckpointError, match=f"{name} is missing"):
        store.create(make_record(), make_weights(), pictures)
    assert not store.folder.exists()


def test_picture_of_no_style_is_not_saved(store: StyleStore) -> None:
    pictures = make_pictures() | {"../evil.png": Image.new("RGB", (1, 1))}
    with pytest.raises(CheckpointError, match="does not belong"):
        store.create(make_record(), make_weights(), pictures)
    assert not store.folder.exists()


def test_rename_keeps_the_style(store: StyleStore) -> None:
    make_style(store, value=3)
    store.rename("ink", "sketch")
    assert store.names() == ["sketch"]
    assert store.load("sketch").name == "sketch"
    assert saved_value(store.load("sketch")) == 3


def test_rename_replaces_nothing(store: StyleStore) -> None:
    make_style(store, "ink", value=1)
    make_style(store, "sketch", value=2)
    for new in ("sketch", "ink"):
        with pytest.raises(StyleExistsError):
            store.rename("ink", new)
    with pytest.raises(StyleNotFoundError):
        store.rename("poster", "new")
    assert [saved_value(store.load(name)) for name in ("ink", "sketch")] == [1, 2]


def test_remove_deletes_one_style_even_a_broken_one(store: StyleStore) -> None:
    make_style(store, "ink")
    (make_style(store, "sketch").folder / "style.json").write_text("{")
    store.remove("sketch")
    assert store.names() == ["ink"]
    with pytest.raises(StyleNotFoundError):
        store.remove("sketch")
    store.remove("ink")
    assert tree(store.folder) == {}


def test_full_disk_leaves_the_registry_as_it_was(store: StyleStore, monkeypatch: pytest.MonkeyPatch) -> None:
    make_style(store, value=1)
    before = tree(store.folder)
    fail_on_sync(monkeypatch, OSError(errno.ENOSPC, "No space left on device"), call=2)
    with pytest.raises(JojoError, match="No space left") as caught:
        make_style(store, value=2, overwrite=True)
    assert str(store.folder) in str(caught.value)
    assert "free some space" in str(caught.value.hint)
    assert "JOJO_HOME" in str(caught.value.hint)
    assert tree(store.folder) == before


@pytest.mark.parametrize("call", range(1, 6))
def test_interrupted_save_leaves_the_registry_as_it_was(
    store: StyleStore, monkeypatch: pytest.MonkeyPatch, call: int
) -> None:
    make_style(store, value=1)
    before = tree(store.folder)
    fail_on_sync(monkeypatch, KeyboardInterrupt(), call=call)
    for name in ("ink", "new"):
        with pytest.raises(KeyboardInterrupt):
            make_style(store, name, value=2, overwrite=True)
        assert tree(store.folder) == before
        fail_on_sync(monkeypatch, KeyboardInterrupt(), call=call)


def test_interrupt_between_the_renames_puts_the_old_style_back(
    store: StyleStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_style(store, value=1)
    before = tree(store.folder)
    rename = Path.rename

    def interrupted(self: Path, target: Path) -> Path:
        if ".tmp-" in self.name:
            raise KeyboardInterrupt
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", interrupted)
    with pytest.raises(KeyboardInterrupt):
        make_style(store, value=2, overwrite=True)
    assert tree(store.folder) == before


def test_read_only_home_is_named(store: StyleStore, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "mkdir", read_only)  # permissions would not stop root
    for use in (lambda: make_style(store), lambda: store.reserve("ink").__enter__()):
        with pytest.raises(JojoError, match="Read-only file system") as caught:
            use()
        assert str(store.folder) in str(caught.value)
        assert "JOJO_HOME" in str(caught.value.hint)


def test_home_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = StyleStore(tmp_path / "file" / "styles")
    with pytest.raises(JojoError, match="can't read the style folder"):
        store.list()
    with pytest.raises(JojoError, match="can't write the style folder"):
        make_style(store)


def test_reserved_name_can_be_saved_by_its_holder(store: StyleStore) -> None:
    with store.reserve("ink"):
        assert store.names() == []
        make_style(StyleStore(store.folder))
    assert store.names() == ["ink"]
    with pytest.raises(StyleExistsError), store.reserve("ink"):
        pytest.fail("the name is taken")
    with store.reserve("ink", overwrite=True):
        assert saved_value(make_style(store, value=2, overwrite=True)) == 2


def test_failure_of_a_training_passes_through_the_reservation(store: StyleStore) -> None:
    with pytest.raises(FileNotFoundError), store.reserve("ink"):
        raise FileNotFoundError
    with store.reserve("ink"):
        pass


@pytest.mark.parametrize("reason", ["ENOSYS", "ENOLCK", "ENOTSUP", "EOPNOTSUPP", "EINVAL"])
def test_disk_that_locks_nothing_keeps_styles_all_the_same(
    reason: str, store: StyleStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object) -> None:
        number = getattr(errno, reason)
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("fcntl.flock", refuse)
    with store.reserve("ink"):
        make_style(store, "ink")
    assert store.names() == ["ink"]
    store.remove("ink")
    assert store.names() == []
