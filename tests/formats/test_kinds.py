"""Files that are not what they should be: the refusal says what they are, and what to do."""

import io
import pickle
import zipfile
from pathlib import Path

import pytest
import torch
from safetensors.torch import save

from jojo_cli.errors import CheckpointError
from jojo_cli.formats import CONVERTERS, convert


def zipped(*names: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in names:
            archive.writestr(name, b"")
    return content.getvalue()


FOREIGN = {
    "is a web page, saved in place of the file": b"\xef\xbb\xbf\r\n<!DOCTYPE html><title>Google Drive: quota</title>",
    "is a git lfs pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:2ace1d9a\nsize 1201649680\n",
    "is a safetensors file": save({"w": torch.zeros(2)}),
    "is a zip archive": zipped("e4e/readme.txt"),
    "is a torchscript program": zipped("vgg16/data.pkl", "vgg16/constants.pkl"),
    "is cut short": zipped("archive/data.pkl")[:40],
    "is a pickle that torch did not write": pickle.dumps({"w": [1.0, 2.0]}),
    "is empty": b"",
    "is of no known kind, or damaged": b"\x7fELF and more",
}
"""What the refusal says, in lower case: the content."""

READERS = [name for name in CONVERTERS if name.startswith(("arc", "e4e", "nvidia", "psp", "re", "ros", "torchvision"))]


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("said", FOREIGN)
def test_every_reader_says_what_it_was_given(said: str, reader: str, tmp_path: Path) -> None:
    file = tmp_path / "weights.pt"
    file.write_bytes(FOREIGN[said])
    with pytest.raises(CheckpointError) as refusal:
        convert(reader, {file.name: file})
    assert f"it {said}" in str(refusal.value).lower()
    assert str(refusal.value).startswith("weights.pt is not a ")
    assert refusal.value.hint


@pytest.mark.parametrize("legacy", [False, True])
def test_checkpoint_in_place_of_a_pickle_of_nvidia_is_named(legacy: bool, tmp_path: Path) -> None:
    file = tmp_path / "stylegan2-ffhq-config-f.pt"
    torch.save({"g_ema": {}}, file, _use_new_zipfile_serialization=not legacy)
    with pytest.raises(CheckpointError, match=r"^stylegan2-ffhq-config-f\.pt is not a pickle of .* a checkpoint of te"):
        convert("nvidia-generator", {file.name: file})


@pytest.mark.parametrize("reader", READERS)
def test_missing_file_is_not_called_damaged(reader: str, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"^weights\.pt: can't be read: No such file or directory$"):
        convert(reader, {"weights.pt": tmp_path / "weights.pt"})
