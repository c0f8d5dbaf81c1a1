"""dlib's own serialisation of its face recognition network: all of a file is known, or it is refused."""

import math
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from jojo_cli.errors import CheckpointError
from jojo_cli.formats import convert
from jojo_cli.nets.dlib_recogniser import FaceRecogniser, ResidualBlock

FILE = "dlib_face_recognition_resnet_model_v1.dat"
LEVELS = ((4, 2), (6, 2), (6, 1))
MEAN = (122.782, 117.001, 104.298)

EMPTY = (2, 0, 0, 0, 0)
TAG, LAYER, FIRST_LAYER = 1, 2, 3
RATES = (1, 1, 1, 0)  # by which training changed the rate and the decay of the weights

Read = Callable[[bytes], dict[str, Tensor]]


def integer(value: int) -> bytes:
    size = max(1, (value.bit_length() + 7) // 8)
    return bytes([size | (0x80 if value < 0 else 0)]) + abs(value).to_bytes(size, "little")


def integers(*values: int) -> bytes:
    return b"".join(map(integer, values))


def real(value: float) -> bytes:
    mantissa, exponent = math.frexp(value)
    return integers(int(mantissa * 2**24), exponent - 24)


def string(value: str) -> bytes:
    return integer(len(value)) + value.encode()


def tensor(values: Tensor, *shape: int) -> bytes:
    return integers(2, *shape) + struct.pack(f"<{values.numel()}f", *values.flatten().tolist())


def layer(name: str, *content: bytes, first: bool = False) -> bytes:
    return string(name) + b"".join(content) + b"110" + integers(*EMPTY * 3) + (integer(1) if first else b"")


def convolution(weight: Tensor, bias: Tensor, *, stride: int = 1, first: bool = False) -> Iterator[bytes]:
    """Write a convolution and its affine layer, here a factor of 4 and an offset of 1."""
    outputs, inputs, size, _ = weight.shape
    values = torch.cat([weight.flatten(), bias - 1]) / torch.tensor(4.0)
    padding = 0 if stride > 1 else size // 2
    yield layer(
        "con_4",
        tensor(values, values.numel(), 1, 1, 1),
        integers(outputs, size, size, stride, stride, padding, padding),
        integers(1, outputs, inputs, size, size, 1, 1, outputs, 1, 1),
        *map(real, RATES),
        first=first,
    )
    affine = torch.tensor([4.0, 1.0]).repeat_interleave(outputs)
    yield layer("affine_", tensor(affine, 2 * outputs, 1, 1, 1), integers(*(1, 1, outputs, 1, 1) * 2, 0))


def weights(module: nn.Module) -> tuple[Tensor, Tensor]:
    return module.get_parameter("weight"), module.get_parameter("bias")


def pool(kind: str, size: int, stride: int) -> bytes:
    return layer(f"{kind}_pool_2", integers(size, size, stride, stride, 0, 0))


def contents(net: FaceRecogniser) -> Iterator[bytes | None]:
    """Yield the layers of dlib's network from the inside out; None is a tag or a skip."""
    # dlib feeds (255 (x + 1) / 2 - mean) / 256.
    weight, bias = weights(net.stem)
    weight = weight.double() / (127.5 / 256)
    shift = torch.tensor([(127.5 - mean) / 256 for mean in MEAN], dtype=torch.float64)
    bias = bias - (weight.sum(dim=(2, 3)) * shift).sum(dim=1)
    yield from convolution(weight, bias, stride=2, first=True)
    yield layer("relu_")
    yield pool("max", 3, 2)
    for block in net.modules():
        if isinstance(block, ResidualBlock):
            yield None
            yield from convolution(*weights(block.conv1), stride=2 if block.down else 1)
            yield layer("relu_")
            yield from convolution(*weights(block.conv2))
            if block.down:
                yield from (None, None, pool("avg", 2, 2))
            yield layer("add_prev_")
            yield layer("relu_")
    yield pool("avg", 0, 1)
    outputs, inputs = net.head.weight.shape
    yield layer(
        "fc_2",
        integers(outputs, inputs),
        tensor(net.head.weight.T, outputs * inputs, 1, 1, 1),
        integers(1, inputs, outputs, 1, 1, 1, 0, 0, 0, 0, 1),
        *map(real, RATES),
    )


def published(net: FaceRecogniser) -> bytes:
    """Return a network as dlib writes it."""
    inside_out = list(contents(net))
    versions = [TAG if content is None else LAYER for content in inside_out]
    versions[0] = FIRST_LAYER
    loss = integer(1) + string("loss_metric_2") + real(0.04) + real(0.6)
    chips = string("input_rgb_image_sized") + b"".join(map(real, MEAN)) + integers(150, 150)
    return loss + integers(*reversed(versions)) + chips + b"".join(content or b"" for content in inside_out)


@pytest.fixture(scope="module")
def net() -> FaceRecogniser:
    torch.manual_seed(0)
    return FaceRecogniser(LEVELS, dimensions=5).requires_grad_(False)


@pytest.fixture(scope="module")
def file(net: FaceRecogniser) -> bytes:
    return published(net)


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Convert what a file holds."""

    def convert_bytes(content: bytes) -> dict[str, Tensor]:
        path = tmp_path / FILE
        path.write_bytes(content)
        return convert("dlib-face-recognition", {FILE: path})

    return convert_bytes


def test_published_layers_become_the_state_of_the_network(net: FaceRecogniser, file: bytes, read: Read) -> None:
    converted, state = read(file), net.state_dict()
    assert converted.keys() == state.keys()
    for key, tensor in state.items():
        assert converted[key].dtype == torch.float32
        assert converted[key].is_contiguous()
        torch.testing.assert_close(converted[key], tensor, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99])
def test_truncated_file_is_refused(share: float, file: bytes, read: Read) -> None:
    with pytest.raises(CheckpointError, match=rf"{FILE}: damaged, or not dlib-face-recognition: ends at byte"):
        read(file[: int(len(file) * share)])


def test_file_without_its_last_byte_is_refused(file: bytes, read: Read) -> None:
    with pytest.raises(CheckpointError, match="ends at byte"):
        read(file[:-1])


def test_file_that_goes_on_is_refused(file: bytes, read: Read) -> None:
    with pytest.raises(CheckpointError, match=f"goes on after the last layer, at byte {len(file)}"):
        read(file + b"\0")


@pytest.mark.parametrize(
    ("theirs", "other", "complaint"),
    [
        (string("loss_metric_2"), string("loss_multiclass_log_"), "'loss_multiclass_log_' at byte 2"),
        (string("affine_"), string("bn_con2"), "'bn_con2' at byte"),
        (integers(3, 3, 2, 2, 0, 0), integers(3, 3, 2, 2, 1, 1), "1 at byte .*, where 0 should be"),  # padding
        (integers(150, 150), integers(112, 112), "112 at byte .*, where 150 should be"),
        (integers(2, TAG, 2, 2, 2, 3), integers(TAG, TAG, 2, 2, 2, 3), "nested in another way"),
        (integers(2, TAG, 2, 2, 2, 3), integers(2, TAG, 2, 2, 2, 2, 3), "'con_4' at byte .*, where 'avg_pool_2'"),
        (integers(*EMPTY), integers(2, 1, 1, 1, 1) + bytes(4), "1 at byte .*, where 0 should be"),  # a gradient
        (b"110", b"1?0", "no flags at byte"),
        (real(MEAN[0]), b"\0", "no number at byte"),
        (integers(2, 8, 1, 1, 1), integers(2, 7, 1, 1, 1), ""),  # one value less than the affine layer has
    ],
)
def test_other_networks_of_dlib_are_refused(
    theirs: bytes, other: bytes, complaint: str, file: bytes, read: Read
) -> None:
    assert theirs in file
    with pytest.raises(CheckpointError, match=f"not dlib-face-recognition: .*{complaint}"):
        read(file.replace(theirs, other, 1))


@pytest.mark.parametrize(
    "content", [b"<!doctype html><title>Quota exceeded</title>", b"PK\3\4" + bytes(60), b"\x80\x02}q\0.", bytes(99)]
)
def test_file_of_another_kind_is_refused(content: bytes, read: Read) -> None:
    with pytest.raises(CheckpointError, match=f"{FILE}: damaged, or not dlib-face-recognition: no number at byte 0"):
        read(content)
