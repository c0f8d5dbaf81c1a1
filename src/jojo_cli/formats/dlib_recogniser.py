"""dlib's face recognition network from the file that dlib published, in dlib's own serialisation.

A network is nested layers, the loss outermost. The file has the loss, then the version of every layer from the outside
in, then the contents from the inside out. Tags and skips, which carry the shortcuts, have a version and nothing else.
"""

from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

_TAG, _LAYER, _FIRST_LAYER = 1, 2, 3
"""Versions: of tags and skips, of layers, and of the layer that holds the input."""

_EMPTY = (2, 0, 0, 0, 0)
"""A tensor without values: its version and shape."""

_CHIP = 150
"""Rows and columns of a face chip."""


def read_face_recognition(files: Mapping[str, Path]) -> dict[str, Tensor]:
    """Return the state dict of `nets.dlib_recogniser.FaceRecogniser`.

    `files` holds `dlib_face_recognition_resnet_model_v1.dat`. Levels and channels are as the file has them.

    Raises:
        ValueError: the file is damaged, or holds a layer or a setting that this network does not have.
    """
    network = _Network(files["dlib_face_recognition_resnet_model_v1.dat"].read_bytes())
    return {key: tensor.float().contiguous() for key, tensor in network.state()}


class _Stream:
    """The kinds of values that dlib writes, read one after the other."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.position = 0

    def take(self, count: int) -> bytes:
        values = self.data[self.position : self.position + count]
        if len(values) != count:
            raise ValueError(f"ends at byte {len(self.data)}, in the middle of a value")
        self.position += count
        return values

    def integer(self) -> int:
        (head,) = self.take(1)  # the sign, and how many bytes follow
        if head & 0x70 or not 1 <= head & 0x0F <= 8:
            raise ValueError(f"no number at byte {self.position - 1}")
        value = int.from_bytes(self.take(head & 0x0F), "little")
        return -value if head & 0x80 else value

    def integers(self, count: int) -> list[int]:
        return [self.integer() for _ in range(count)]

    def real(self) -> float:
        mantissa, exponent = self.integers(2)
        return mantissa * 2.0**exponent

    def tensor(self) -> Tensor:
        """Return the values, flat and in float64."""
        self.expect(2)
        size = prod(self.integers(4))
        return torch.from_numpy(np.frombuffer(self.take(4 * size), dtype="<f4").astype(np.float64))

    def expect(self, *values: int | str) -> None:
        for value in values:
            start = self.position
            if isinstance(value, int):
                found: int | str = self.integer()
            else:
                found = self.take(self.integer()).decode("ascii")
            if found != value:
                raise ValueError(f"{found!r} at byte {start}, where {value!r} should be")


class _Network(_Stream):
    """The layers of the network, from the inside out."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self.versions: list[int] = []
        """Of the layers to come; the next is the last one."""
        self.version = 0
        """Of the layer that is being read."""

    def state(self) -> Iterator[tuple[str, Tensor]]:
        """Read all of the file; yield the key and the values of each tensor of ours."""
        self.expect(1, "loss_metric_2")
        self.real()  # the loss's margin and threshold
        self.real()
        while self.versions[-1:] != [_FIRST_LAYER]:
            self.versions.append(self.integer())

        self.expect("input_rgb_image_sized")
        mean = torch.tensor([self.real() for _ in range(3)], dtype=torch.float64)
        self.expect(_CHIP, _CHIP)
        weight, bias = self.convolution(7, stride=2)
        # The net gets x in [-1,1], dlib's has (127.5 (x + 1) - mean) / 256: as linear as the convolution, and unpadded.
        yield "stem.weight", weight * (127.5 / 256)
        yield "stem.bias", bias + torch.einsum("oihw,i->o", weight, (127.5 - mean) / 256)
        self.layer("relu_")
        self.layer("max_pool_2", 3, 3, 2, 2, 0, 0)

        level = index = 0
        while self.versions[-1:] == [_TAG]:
            conv1, conv2, down = self.block()
            level, index = (level + 1, 0) if down else (level, index)
            for name, (weight, bias) in (("conv1", conv1), ("conv2", conv2)):
                yield f"levels.{level}.{index}.{name}.weight", weight
                yield f"levels.{level}.{index}.{name}.bias", bias
            index += 1

        self.layer("avg_pool_2", 0, 0, 1, 1, 0, 0)  # of all rows and columns
        yield "head.weight", self.fully_connected()
        if self.versions or self.position != len(self.data):
            raise ValueError(f"goes on after the last layer, at byte {self.position}")

    def block(self) -> tuple[tuple[Tensor, Tensor], tuple[Tensor, Tensor], bool]:
        """Return the weight and the bias of both convolutions of a residual block, and whether it halves the size."""
        self.enter(_TAG)
        down = self.versions[-6:-5] == [_TAG]  # after five layers for the residual: the shortcut has one too
        conv1 = self.convolution(3, stride=2 if down else 1)
        self.layer("relu_")
        conv2 = self.convolution(3)
        if down:
            self.enter(_TAG)
            self.enter(_TAG)
            self.layer("avg_pool_2", 2, 2, 2, 2, 0, 0)
        self.layer("add_prev_")
        self.layer("relu_")
        return conv1, conv2, down

    def convolution(self, size: int, *, stride: int = 1) -> tuple[Tensor, Tensor]:
        """Return the weight [O,I,size,size] and the bias [O] of a convolution and the affine layer after it, in one."""
        self.start("con_4")
        values, outputs = self.tensor(), self.integer()
        padding = 0 if stride > 1 else size // 2
        self.expect(size, size, stride, stride, padding, padding)
        self.expect(1, outputs)
        inputs = self.integer()
        self.expect(size, size, 1, 1, outputs, 1, 1)
        self.training_rates()
        self.end()
        weight, bias = torch.split(values, [outputs * inputs * size**2, outputs])

        self.start("affine_")
        values = self.tensor()
        self.expect(*(1, 1, outputs, 1, 1) * 2, 0)  # 0: a factor for each channel, not for each pixel
        self.end()
        factor, offset = torch.split(values, [outputs, outputs])
        return weight.view(outputs, inputs, size, size) * factor[:, None, None, None], bias * factor + offset

    def fully_connected(self) -> Tensor:
        """Return the weight [O,I] of the last layer, which has no bias."""
        self.start("fc_2")
        outputs, inputs = self.integers(2)
        values = self.tensor()
        self.expect(1, inputs, outputs, 1, 1, 1, 0, 0, 0, 0, 1)  # 1: without a bias
        self.training_rates()
        self.end()
        return values.view(inputs, outputs).T

    def layer(self, name: str, *settings: int) -> None:
        """Read a layer without weights."""
        self.start(name)
        self.expect(*settings)
        self.end()

    def start(self, name: str) -> None:
        """Read what every layer begins with."""
        self.version = self.enter(_LAYER, _FIRST_LAYER)
        self.expect(name)

    def end(self) -> None:
        """Read what every layer ends with: three flags, and what training left, which is nothing."""
        flags = self.take(3)
        if not set(flags) <= set(b"01"):
            raise ValueError(f"no flags at byte {self.position - 3}")
        self.expect(*_EMPTY * 3)
        if self.version == _FIRST_LAYER:
            self.expect(1)  # how many samples the network gets for each picture

    def enter(self, *versions: int) -> int:
        """Go on to the next layer, tag or skip, and return its version."""
        if not self.versions or self.versions[-1] not in versions:
            raise ValueError(f"the layers at byte {self.position} are nested in another way")
        return self.versions.pop()

    def training_rates(self) -> None:
        """Skip the factors by which training changes the rate and the decay of a layer's weights."""
        for _ in range(4):
            self.real()
