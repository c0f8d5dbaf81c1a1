import io
import json
import os
import struct
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
import torch
from PIL import Image, PngImagePlugin
from safetensors.torch import save
from style_samples import make_style, make_weights, tree

from jojo_cli.errors import CheckpointError, JojoError, UsageError
from jojo_cli.styles import StyleExistsError, StyleStore
from jojo_cli.styles.archive import export_style, import_style

Members = dict[str, bytes]


@pytest.fixture
def store(tmp_path: Path) -> StyleStore:
    return StyleStore(tmp_path / "ours" / "styles")


@pytest.fixture
def theirs(tmp_path: Path) -> StyleStore:
    return StyleStore(tmp_path / "theirs" / "styles")


@pytest.fixture
def exported(store: StyleStore, tmp_path: Path) -> Path:
    path = tmp_path / "ink.jojo"
    export_style(make_style(store), path)
    return path


def members_of(path: Path) -> Members:
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path: Path, members: Members, *, compression: int = zipfile.ZIP_STORED) -> None:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)


def png(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def set_record(members: Members, **changes: object) -> None:
    members["style.json"] = json.dumps(json.loads(members["style.json"]) | changes).encode()


def set_weights(members: Members, data: bytes) -> None:
    """Put other weights in and record their hash, as an attacker would."""
    members["weights.safetensors"] = data
    set_record(members, weights_sha256=sha256(data).hexdigest())


def test_style_survives_the_way_to_another_home(store: StyleStore, theirs: StyleStore, exported: Path) -> None:
    ours, style = store.load("ink"), import_style(theirs, exported)
    assert style == theirs.load("ink")
    assert style.record == ours.record
    assert tree(style.folder) == tree(ours.folder)
    for name, tensor in make_weights().items():
        assert torch.equal(style.load_weights()[name], tensor)


def test_archive_is_exactly_the_files_of_the_style(store: StyleStore, exported: Path, tmp_path: Path) -> None:
    assert members_of(exported) == tree(store.load("ink").folder)
    again = tmp_path / "again.jojo"
    export_style(store.load("ink"), again)
    assert again.read_bytes() == exported.read_bytes()


def test_loss_curve_may_be_missing(store: StyleStore, theirs: StyleStore, tmp_path: Path) -> None:
    (make_style(store).folder / "loss.png").unlink()
    export_style(store.load("ink"), tmp_path / "ink.jojo")
    assert tree(import_style(theirs, tmp_path / "ink.jojo").folder) == tree(store.load("ink").folder)


def test_import_under_another_name(theirs: StyleStore, exported: Path) -> None:
    assert import_style(theirs, exported, name="sketch").record.name == "sketch"
    assert theirs.names() == ["sketch"]
    with pytest.raises(UsageError, match="not allowed"):
        import_style(theirs, exported, name="../x")


def test_import_replaces_only_when_told_to(store: StyleStore, theirs: StyleStore, exported: Path) -> None:
    make_style(theirs, value=2)
    before = tree(theirs.folder)
    for name in (None, "ink"):
        with pytest.raises(StyleExistsError):
            import_style(theirs, exported, name=name)
    assert tree(theirs.folder) == before
    import_style(theirs, exported, overwrite=True)
    assert tree(theirs.folder) == tree(store.folder)


def test_renamed_style_is_exported_under_its_new_name(
    store: StyleStore, theirs: StyleStore, exported: Path, tmp_path: Path
) -> None:
    store.rename("ink", "sketch")
    export_style(store.load("sketch"), tmp_path / "sketch.jojo")
    assert import_style(theirs, tmp_path / "sketch.jojo").name == "sketch"


def test_export_replaces_only_when_told_to(store: StyleStore, tmp_path: Path) -> None:
    style, path = make_style(store), tmp_path / "ink.jojo"
    path.write_text("mine")
    with pytest.raises(JojoError, match="exists already"):
        export_style(style, path)
    assert path.read_text() == "mine"
    export_style(style, path, overwrite=True)
    assert zipfile.is_zipfile(path)


@pytest.mark.parametrize("file", ["weights.safetensors", "preview.png"])
def test_damaged_style_is_not_exported(store: StyleStore, tmp_path: Path, file: str) -> None:
    style = make_style(store)
    (style.folder / file).write_bytes((style.folder / file).read_bytes()[:150])
    with pytest.raises(CheckpointError, match=file):
        export_style(style, tmp_path / "ink.jojo")
    (style.folder / file).unlink()
    with pytest.raises(CheckpointError, match=f"{file}.*No such file"):
        export_style(style, tmp_path / "ink.jojo")
    assert not (tmp_path / "ink.jojo").exists()


def test_failed_export_leaves_no_file(store: StyleStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    style = make_style(store)

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(JojoError, match=r"ink\.jojo.*no space left"):
        export_style(style, tmp_path / "out" / "ink.jojo")
    assert tree(tmp_path / "out") == {}
    (tmp_path / "file").write_text("")
    with pytest.raises(JojoError, match="can't be written"):
        export_style(style, tmp_path / "file" / "ink.jojo")


def test_import_keeps_nothing_but_the_pixels_of_a_picture(theirs: StyleStore, exported: Path) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", "payload")
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8), "red").save(buffer, "PNG", pnginfo=text)
    write(exported, members_of(exported) | {"preview.png": buffer.getvalue() + b"payload"})
    assert b"payload" not in import_style(theirs, exported).preview_path.read_bytes()


def unknown(members: Members) -> None:
    members["setup.py"] = b"raise SystemExit"


def parent(members: Members) -> None:
    members["../evil.png"] = members["preview.png"]


def absolute(members: Members) -> None:
    members["/tmp/preview.png"] = members.pop("preview.png")


def folder(members: Members) -> None:
    members["ink/"] = b""


def extra_reference(members: Members) -> None:
    members["reference-2.png"] = members["preview.png"]


def no_weights(members: Members) -> None:
    del members["weights.safetensors"]


def no_preview(members: Members) -> None:
    del members["preview.png"]


def no_reference(members: Members) -> None:
    del members["reference-1.png"]


def no_record(members: Members) -> None:
    del members["style.json"]


def half_record(members: Members) -> None:
    members["style.json"] = members["style.json"][:-10]


def newer_record(members: Members) -> None:
    set_record(members, schema=3)


def bad_name(members: Members) -> None:
    set_record(members, name="../../evil")


def reserved_name(members: Members) -> None:
    set_record(members, name="nul")


def wrong_hash(members: Members) -> None:
    members["weights.safetensors"] = save({"conv.weight": torch.zeros(4, 3)})


def half_weights(members: Members) -> None:
    set_weights(members, members["weights.safetensors"][:-4])


def pickle_weights(members: Members) -> None:
    set_weights(members, b"\x80\x02cos\nsystem\nq\x00X\x04\x00\x00\x00exitq\x01\x85q\x02Rq\x03.")


def endless_header(members: Members) -> None:
    set_weights(members, struct.pack("<Q", 2**62) + b"{}")


def exotic_numbers(members: Members) -> None:
    header = b'{"a":{"dtype":"F8_E8M0","shape":[2],"data_offsets":[0,2]}}'
    set_weights(members, struct.pack("<Q", len(header)) + header + b"ab")


def whole_numbers(members: Members) -> None:
    set_weights(members, save({"conv.weight": torch.zeros(4, 3, dtype=torch.int64)}))


def infinite(members: Members) -> None:
    set_weights(members, save({"conv.weight": torch.tensor([1, float("inf")])}))


def half_picture(members: Members) -> None:
    members["preview.png"] = members["preview.png"][:200]


def no_picture(members: Members) -> None:
    members["reference-1.png"] = b""


def jpeg_picture(members: Members) -> None:
    buffer = io.BytesIO()
    Image.new("RGB", (8, 8)).save(buffer, "JPEG")
    members["loss.png"] = buffer.getvalue()


def picture_bomb(members: Members) -> None:
    data = bytearray(png(Image.new("RGB", (1, 1))))
    data[16:24] = struct.pack(">II", 12_000, 12_000)
    data[29:33] = struct.pack(">I", zlib.crc32(data[12:29]))
    members["preview.png"] = bytes(data)


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (unknown, "'setup.py' does not belong"),
        (parent, "'../evil.png' does not belong"),
        (absolute, "preview.png is missing"),
        (folder, "'ink/' is not a plain file"),
        (extra_reference, "'reference-2.png' does not belong"),
        (no_weights, "weights.safetensors is missing"),
        (no_preview, "preview.png is missing"),
        (no_reference, "reference-1.png is missing"),
        (no_record, "no style.json"),
        (half_record, "style.json: not JSON"),
        (newer_record, "style.json: written by a newer jojo"),
        (bad_name, "style.json: 'name' must be a style name"),
        (reserved_name, "style.json: 'name' must be a style name"),
        (wrong_hash, "weights.safetensors: not the weights"),
        (half_weights, "weights.safetensors: not a safetensors file"),
        (pickle_weights, "weights.safetensors: not a safetensors file"),
        (endless_header, "weights.safetensors: not a safetensors file"),
        (exotic_numbers, "weights.safetensors: not a safetensors file"),
        (whole_numbers, "weights.safetensors: tensor 'conv.weight' is of torch.int64"),
        (infinite, "weights.safetensors: tensor 'conv.weight' holds numbers that are not finite"),
        (half_picture, "preview.png: not a PNG"),
        (no_picture, "reference-1.png: not a PNG"),
        (jpeg_picture, "loss.png: not a PNG"),
        (picture_bomb, "preview.png: not a PNG"),
    ],
)
def test_spoilt_archive_is_refused_and_nothing_written(
    theirs: StyleStore, exported: Path, spoil: Callable[[Members], None], problem: str
) -> None:
    members = members_of(exported)
    spoil(members)
    write(exported, members)
    with pytest.raises(CheckpointError, match=problem) as caught:
        import_style(theirs, exported)
    assert str(exported) in str(caught.value)
    assert caught.value.hint
    assert not theirs.folder.exists()


def compressed(path: Path) -> None:
    """A bomb: a gigabyte of the same bytes would pack as well."""
    write(path, members_of(path) | {"preview.png": bytes(10**6)}, compression=zipfile.ZIP_DEFLATED)


def twice(path: Path) -> None:
    with zipfile.ZipFile(path, "a") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr("style.json", b"{}")


def many(path: Path) -> None:
    write(path, members_of(path) | {f"reference-{number}.png": b"" for number in range(2, 1000)})


def symlink(path: Path) -> None:
    members = members_of(path)
    del members["preview.png"]
    write(path, members)
    link = zipfile.ZipInfo("preview.png")
    link.create_system, link.external_attr = 3, 0o120777 << 16
    with zipfile.ZipFile(path, "a") as archive:
        archive.writestr(link, "/etc/passwd")


def claim(path: Path, name: str, size: int) -> None:
    """Change the size that the directory of the archive gives for a member."""
    data = bytearray(path.read_bytes())
    at = data.rindex(b"PK\x01\x02", 0, data.rindex(name.encode()))
    data[at + 20 : at + 28] = struct.pack("<II", size, size)
    path.write_bytes(bytes(data))


def too_large_record(path: Path) -> None:
    claim(path, "style.json", 2**30)


def too_large_picture(path: Path) -> None:
    claim(path, "preview.png", 2**31)


def too_large_weights(path: Path) -> None:
    claim(path, "weights.safetensors", 2**31)


def larger_than_it_is(path: Path) -> None:
    claim(path, "preview.png", 10**6)


def smaller_than_it_is(path: Path) -> None:
    claim(path, "preview.png", 10)


def flipped(path: Path) -> None:
    data = path.read_bytes()
    at = data.index(b"conv.weight")
    path.write_bytes(data[:at] + b"C" + data[at + 1 :])


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-30])


def web_page(path: Path) -> None:
    path.write_text("<!doctype html>")


def empty(path: Path) -> None:
    path.write_bytes(b"")


@pytest.mark.parametrize(
    ("spoil", "problem"),
    [
        (compressed, "is compressed or encrypted"),
        (twice, "two of one name"),
        (many, "too many members"),
        (symlink, "'preview.png' is not a plain file"),
        (too_large_record, "'style.json' is too large"),
        (too_large_picture, "'preview.png' is too large"),
        (too_large_weights, "'weights.safetensors' is too large"),
        (larger_than_it_is, "larger than itself"),
        (smaller_than_it_is, "CRC"),
        (flipped, "CRC"),
        (truncated, "not a zip file"),
        (web_page, "not a zip file"),
        (empty, "not a zip file"),
    ],
)
def test_hostile_zip_is_refused_and_nothing_written(
    theirs: StyleStore, exported: Path, spoil: Callable[[Path], None], problem: str
) -> None:
    spoil(exported)
    with pytest.raises(CheckpointError, match=f"not a style archive: .*{problem}") as caught:
        import_style(theirs, exported)
    assert str(exported) in str(caught.value)
    assert "jojo styles export" in str(caught.value.hint)
    assert not theirs.folder.exists()


@pytest.mark.parametrize("path", ["none.jojo", "."])
def test_archive_that_cannot_be_read_is_named(theirs: StyleStore, tmp_path: Path, path: str) -> None:
    with pytest.raises(JojoError, match="can't read"):
        import_style(theirs, tmp_path / path)


def test_record_of_an_archive_is_kept(theirs: StyleStore, exported: Path) -> None:
    members = members_of(exported)
    set_record(members, created="2020-02-02T02:02:02+00:00", jojo_version="0.0.9")
    write(exported, members)
    record = import_style(theirs, exported).record
    assert replace(record, created="", jojo_version="").losses == (0.5, 0.25)
    assert (record.created, record.jojo_version) == ("2020-02-02T02:02:02+00:00", "0.0.9")
