"""The published IR-SE50 of ArcFace: it measures as published, every key is known, and nothing in it runs."""

import pickle
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from encoder_kit import PUBLISHED, SMALL, arcface_shapes, body_features, fill, golden
from torch import Tensor

from jojo_cli.errors import CheckpointError
from jojo_cli.formats.arcface import arcface_state, read_arcface
from jojo_cli.nets.arcface import ArcFace


@pytest.fixture(scope="module")
def published() -> dict[str, Tensor]:
    """Give the state of a small network under its published names."""
    return fill(arcface_shapes(), seed=0)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return tmp_path / "model_ir_se50.pth"


def read(checkpoint: Path) -> dict[str, Tensor]:
    return read_arcface({checkpoint.name: checkpoint})


def test_embedding_is_that_of_the_published_network() -> None:
    theirs = golden("arcface-ir-se50")
    with torch.device("meta"):
        arcface = ArcFace()
    state = arcface_state(fill(arcface_shapes(PUBLISHED, dimensions=512), seed=13))
    arcface.load_state_dict(state, assign=True)
    with torch.inference_mode():
        assert (arcface(theirs["x"]) - theirs["embedding"]).abs().max() < 1e-4


@pytest.mark.parametrize("zipped", [True, False])  # False: as torch saved before 1.6
def test_published_file_becomes_a_network_that_does_the_same(
    zipped: bool, published: dict[str, Tensor], checkpoint: Path
) -> None:
    torch.save(published, checkpoint, _use_new_zipfile_serialization=zipped)
    arcface = ArcFace(widths=SMALL, dimensions=32)
    arcface.load_state_dict(read(checkpoint))
    faces = torch.rand(2, 3, 112, 112, generator=torch.Generator().manual_seed(0)) * 2 - 1

    def norm(x: Tensor, name: str) -> Tensor:
        mean, variance = published[f"{name}.running_mean"], published[f"{name}.running_var"]
        return F.batch_norm(x, mean, variance, published[f"{name}.weight"], published[f"{name}.bias"])

    x = norm(body_features(published, faces), "output_layer.0").flatten(1)
    x = F.linear(x, published["output_layer.3.weight"], published["output_layer.3.bias"])
    expected = F.normalize(norm(x, "output_layer.4"))
    with torch.inference_mode():
        assert torch.allclose(arcface(faces), expected, atol=1e-5)


def test_counters_may_be_missing(published: dict[str, Tensor]) -> None:
    without = {key: tensor for key, tensor in published.items() if not key.endswith("num_batches_tracked")}
    full, state = arcface_state(published), arcface_state(without)
    assert full.keys() == state.keys()
    assert all(torch.equal(full[key], state[key]) for key in full)


@pytest.mark.parametrize(
    "key", ["body.24.res_layer.1.weight", "body.1.shortcut_layer.0.weight", "output_layer.1.weight", "state_dict"]
)
def test_unknown_key_is_refused(key: str, published: dict[str, Tensor]) -> None:
    with pytest.raises(CheckpointError, match=f"not an IR-SE50 for ArcFace: unknown '{key}'"):
        arcface_state({**published, key: torch.ones(4)})


@pytest.mark.parametrize("key", ["input_layer.2.weight", "body.3.shortcut_layer.1.running_var", "output_layer.3.bias"])
def test_missing_key_is_refused(key: str, published: dict[str, Tensor]) -> None:
    rest = {other: tensor for other, tensor in published.items() if other != key}
    with pytest.raises(CheckpointError, match=f"not an IR-SE50 for ArcFace: missing '{key}'"):
        arcface_state(rest)


def test_what_is_missing_is_named_and_counted(published: dict[str, Tensor]) -> None:
    rest = {key: tensor for key, tensor in published.items() if not key.startswith("body.0.")}
    with pytest.raises(CheckpointError, match=r"missing 'body\.0\.res_layer\.0\.bias', .* and 5 more$"):
        arcface_state(rest)


def test_weights_that_are_no_tensors_are_refused(published: dict[str, Tensor], checkpoint: Path) -> None:
    torch.save({**published, "input_layer.0.weight": [1.0, 2.0]}, checkpoint)
    with pytest.raises(CheckpointError, match=r"no tensors 'input_layer\.0\.weight'"):
        read(checkpoint)


@pytest.mark.parametrize("content", [[torch.ones(3)], torch.ones(3), "weights"])
def test_something_other_than_a_state_is_refused(content: object, checkpoint: Path) -> None:
    torch.save(content, checkpoint)
    with pytest.raises(CheckpointError, match=r"model_ir_se50\.pth is not a checkpoint of tensors: it holds a"):
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
        torch.save({"input_layer.0.weight": Payload(trap)}, checkpoint)
    else:
        checkpoint.write_bytes(pickle.dumps({"input_layer.0.weight": Payload(trap)}, protocol=2))
    with pytest.raises(CheckpointError, match=r"model_ir_se50\.pth is not a checkpoint of tensors"):
        read(checkpoint)
    assert not trap.exists()


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99])
def test_truncated_checkpoint_is_refused(share: float, published: dict[str, Tensor], checkpoint: Path) -> None:
    torch.save(published, checkpoint)
    content = checkpoint.read_bytes()
    checkpoint.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(CheckpointError, match=r"model_ir_se50\.pth is not a checkpoint of tensors"):
        read(checkpoint)


@pytest.mark.parametrize("content", [b"<!doctype html><title>Quota exceeded</title>", b"\x80\x02junk", b"PK\x03\x04"])
def test_something_other_than_a_checkpoint_is_refused_in_our_words(content: bytes, checkpoint: Path) -> None:
    checkpoint.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"model_ir_se50\.pth is not a checkpoint of tensors") as refusal:
        read(checkpoint)
    assert "weights_only" not in str(refusal.value)  # torch's own advice is to load it with its code
    assert refusal.value.hint
