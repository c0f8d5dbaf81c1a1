"""What a file of weights is, by its first bytes: a refusal names it, and nothing has to be read to find out."""

import zipfile
from enum import Enum
from pathlib import Path

from jojo_cli.errors import CheckpointError


class Kind(Enum):
    """A sort of file, in words that follow "it is"."""

    CHECKPOINT = "a checkpoint of tensors"
    NVIDIA = "a pickle of stylegan2-ada-pytorch"
    TENSORFLOW = "a pickle of StyleGAN for TensorFlow"
    PICKLE = "a pickle that torch did not write"
    PROGRAM = "a TorchScript program"
    SAFETENSORS = "a safetensors file"
    ARCHIVE = "a zip archive"
    POINTER = "a Git LFS pointer, not what it points to"
    WEB_PAGE = "a web page, saved in place of the file"
    CUT = "cut short"
    EMPTY = "empty"
    UNKNOWN = "of no known kind, or damaged"

    @property
    def hint(self) -> str:
        """What to do about a file that should be of another kind."""
        return _HINTS.get(self, "get it again from where it was published")


_TORCH = "give the file that torch wrote, mostly .pt or .pth"

_HINTS = {
    Kind.CHECKPOINT: "give the file that NVIDIA's code wrote, mostly .pkl",
    Kind.NVIDIA: _TORCH,
    Kind.TENSORFLOW: (
        "the same network can be read from ffhq.pkl of stylegan2-ada-pytorch, "
        "and from stylegan2-ffhq-config-f.pt in rosinality's layout"
    ),
    Kind.PROGRAM: _TORCH,
    Kind.SAFETENSORS: _TORCH,
    Kind.POINTER: "'git lfs pull' gets the file, and so does the download button of its page",
    Kind.WEB_PAGE: "a login or a download limit, most often: open it in a browser, and get the file there",
}

_HEAD = 1 << 16
_LEGACY = b"\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"
"""What torch wrote first until 1.6: its magic number, pickled. Later files are zip archives."""


def kind_of(path: Path) -> Kind:
    """Return what a file is, as far as its beginning and its list of contents tell.

    Raises:
        OSError: it can't be read.
    """
    with path.open("rb") as file:
        head = file.read(_HEAD)
    if not head:
        return Kind.EMPTY
    if head.startswith(b"PK\x03\x04"):
        return _kind_of_archive(path)
    if head.startswith(_LEGACY):
        return Kind.CHECKPOINT
    if head.startswith(b"\x80"):
        if b"dnnlib.tflib" in head:
            return Kind.TENSORFLOW
        return Kind.NVIDIA if b"torch_utils.persistence" in head else Kind.PICKLE
    if is_web_page(head):
        return Kind.WEB_PAGE
    if head.startswith(b"version https://git-lfs"):
        return Kind.POINTER
    return Kind.SAFETENSORS if head[8:10] == b'{"' else Kind.UNKNOWN


def is_web_page(start: bytes) -> bool:
    """Return whether what starts like this is a page for people, whatever it is called."""
    return start.lstrip(b"\xef\xbb\xbf \t\r\n").lower().startswith((b"<!doctype", b"<html", b"<head", b"<?xml"))


def expect(path: Path, kind: Kind) -> None:
    """Check that a file is of a kind.

    Raises:
        CheckpointError: it is of another, which the message names.
        OSError: it can't be read.
    """
    found = kind_of(path)
    if found is not kind:
        raise CheckpointError(f"{path.name} is not {kind.value}: it is {found.value}", hint=found.hint)


def _kind_of_archive(path: Path) -> Kind:
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.rpartition("/")[2] for name in archive.namelist()}
    except zipfile.BadZipFile:  # its list of contents is its end
        return Kind.CUT
    if "constants.pkl" in names:
        return Kind.PROGRAM
    return Kind.CHECKPOINT if "data.pkl" in names else Kind.ARCHIVE
