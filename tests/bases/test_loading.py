"""Networks from files of weights."""

from pathlib import Path

import pytest
import tiny
import torch
from safetensors.torch import save_file

from jojo_cli.bases.loading import loaded
from jojo_cli.errors import CheckpointError


def test_network_from_nowhere_gets_every_weight_in_full_precision(tmp_path: Path) -> None:
    weights = {key: tensor.half() for key, tensor in torch.nn.Linear(3, 2).state_dict().items()}
    save_file(weights, tmp_path / "model.safetensors")
    with torch.device("meta"):
        empty = torch.nn.Linear(3, 2)
    net = loaded(empty, tmp_path / "model.safetensors", tiny.CPU)
    assert not net.training
    for key, tensor in net.state_dict().items():
        assert (tensor.dtype, tensor.device.type, tensor.requires_grad) == (torch.float32, "cpu", False)
        assert torch.equal(tensor, weights[key].float())


def test_weights_of_another_size_are_refused(tmp_path: Path) -> None:
    folder = tmp_path / "e4e-ffhq"
    folder.mkdir()
    save_file(torch.nn.Linear(3, 2).state_dict(), folder / "model.safetensors")
    with pytest.raises(
        CheckpointError, match="weight 'e4e-ffhq' does not fit Linear: it is of another size"
    ) as failure:
        loaded(torch.nn.Linear(3, 4), folder / "model.safetensors", tiny.CPU)
    assert failure.value.hint
    assert "jojo models rm" in failure.value.hint


@pytest.mark.parametrize("body", [b"", b"\x08\0\0\0\0\0\0\0{}"])
def test_damaged_file_is_named_with_what_to_do(body: bytes, tmp_path: Path) -> None:
    path = tmp_path / "critic" / "model.safetensors"
    path.parent.mkdir()
    path.write_bytes(body[:-1])
    with pytest.raises(CheckpointError, match="weight 'critic' can't be read") as failure:
        loaded(tiny.make_critic(seed=0), path, tiny.CPU)
    assert "jojo models rm critic" in str(failure.value.hint)
