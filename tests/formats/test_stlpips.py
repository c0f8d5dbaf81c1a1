"""The published checkpoint of shift-tolerant LPIPS: every key is known, and nothing in it runs."""

import pickle
from pathlib import Path

import pytest
import torch
from stlpips_kit import SMALL_VGG16, published
from torch import Tensor

from jojo_cli.errors import CheckpointError
from jojo_cli.formats import convert
from jojo_cli.nets.lpips import ShiftTolerantLPIPS


@pytest.fixture
def critic() -> ShiftTolerantLPIPS:
    torch.manual_seed(0)
    return ShiftTolerantLPIPS(SMALL_VGG16)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return tmp_path / "vgg_shift_tolerant.pth"


def read(checkpoint: Path) -> dict[str, Tensor]:
    return convert("stlpips-vgg", {checkpoint.name: checkpoint})


@pytest.mark.parametrize("zipped", [True, False])  # False: as torch saved before 1.6
def test_published_keys_become_the_state_of_the_network(
    zipped: bool, critic: ShiftTolerantLPIPS, checkpoint: Path
) -> None:
    torch.save(published(critic), checkpoint, _use_new_zipfile_serialization=zipped)
    converted, state = read(checkpoint), critic.state_dict()
    assert converted.keys() == state.keys()
    assert all(torch.equal(converted[key], state[key]) for key in state)


@pytest.mark.parametrize(
    "key", ["net.slice6.36.weight", "net.slice1.4.weight", "lin5.model.1.weight", "lin0.model.1.bias", "state_dict"]
)
def test_unknown_key_is_refused(key: str, critic: ShiftTolerantLPIPS, checkpoint: Path) -> None:
    torch.save({**published(critic), key: torch.ones(4)}, checkpoint)
    with pytest.raises(CheckpointError, match=f"not shift-tolerant LPIPS .*unknown '{key}'"):
        read(checkpoint)


def test_missing_key_is_refused(critic: ShiftTolerantLPIPS, checkpoint: Path) -> None:
    theirs = published(critic)
    del theirs["net.slice3.14.bias"]
    torch.save(theirs, checkpoint)
    with pytest.raises(CheckpointError, match=r"missing 'net\.slice3\.14\.bias'"):
        read(checkpoint)


class Payload:
    """Makes a folder when it is unpickled without care."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, ...]:
        return Path.mkdir, (self.folder,)


@pytest.mark.parametrize("saved_by", ["torch", "pickle"])
def test_code_in_a_checkpoint_does_not_run(saved_by: str, tmp_path: Path, checkpoint: Path) -> None:
    trap = tmp_path / "it ran"
    if saved_by == "torch":
        torch.save({"lin0.model.1.weight": Payload(trap)}, checkpoint)
    else:
        checkpoint.write_bytes(pickle.dumps({"lin0.model.1.weight": Payload(trap)}, protocol=2))
    with pytest.raises(CheckpointError, match=r"vgg_shift_tolerant\.pth is not a checkpoint of tensors"):
        read(checkpoint)
    assert not trap.exists()


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99])
def test_truncated_checkpoint_is_refused(share: float, critic: ShiftTolerantLPIPS, checkpoint: Path) -> None:
    torch.save(published(critic), checkpoint)
    content = checkpoint.read_bytes()
    checkpoint.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(CheckpointError, match=r"vgg_shift_tolerant\.pth is not a checkpoint of tensors"):
        read(checkpoint)


def test_web_page_in_place_of_a_checkpoint_is_refused(checkpoint: Path) -> None:
    checkpoint.write_text("<!doctype html><html><title>Quota exceeded</title></html>")
    with pytest.raises(CheckpointError, match=r"vgg_shift_tolerant\.pth is not a checkpoint of tensors"):
        read(checkpoint)
