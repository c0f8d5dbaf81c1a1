"""dlib's face recognition network (dlib.net, `dnn_face_recognition_ex.cpp`): faces of one person land near one another.

A ResNet (arXiv 1512.03385) trained by Davis King with a metric loss. Here it is differentiable.
"""

from collections.abc import Sequence

import torch.nn.functional as F
from torch import Tensor, nn

LEVELS = ((32, 3), (64, 4), (128, 3), (256, 3), (256, 1))
"""Channels and number of residual blocks of dlib's network, level by level."""


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut; where it goes `down`, at half the size.

    dlib lets the two sides differ in channels, rows and columns: the smaller counts as zero where it has nothing.
    """

    def __init__(self, inputs: int, outputs: int, *, down: bool) -> None:
        super().__init__()
        self.down = down
        stride, padding = (2, 0) if down else (1, 1)  # dlib pads no convolution that has a stride
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=padding)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """Return [N,max(inputs, outputs),H,W] for x [N,inputs,H,W]; going down, H // 2 and W // 2 in place of H, W."""
        residual = self.conv2(F.relu(self.conv1(x)))
        shortcut = F.avg_pool2d(x, 2) if self.down else x
        return F.relu(add_zero_padded(shortcut, residual))


def add_zero_padded(a: Tensor, b: Tensor) -> Tensor:
    """Return a + b [N,C,H,W], each with zeros after its last channel, row and column up to the size of the larger."""
    if a.shape == b.shape:
        return a + b
    channels, rows, columns = map(max, a.shape[1:], b.shape[1:])
    a, b = (F.pad(x, (0, columns - x.shape[3], 0, rows - x.shape[2], 0, channels - x.shape[1])) for x in (a, b))
    return a + b


class Trunk(nn.Module):
    """What the recogniser sees, level by level.

    What dlib does before the first ReLU (mean, scale) and after each convolution (affine) is part of the convolutions.

    Args:
        levels: channels and number of residual blocks, level by level; each level but the first halves the size.
        inputs: channels of the picture.
    """

    def __init__(self, levels: Sequence[tuple[int, int]] = LEVELS, *, inputs: int = 3) -> None:
        super().__init__()
        width = levels[0][0]
        self.stem = nn.Conv2d(inputs, width, 7, stride=2)
        self.levels = nn.ModuleList()
        for channels, count in levels:
            blocks = []
            for i in range(count):
                blocks.append(ResidualBlock(width, channels, down=i == 0 and len(self.levels) > 0))
                width = channels
            self.levels.append(nn.Sequential(*blocks))

    def features(self, images: Tensor) -> list[Tensor]:
        """Return the features [N,C,H,W] of each level; of images of 150 px, 35, 17, 8, 4 and 2 px a side."""
        x = F.max_pool2d(F.relu(self.stem(images)), 3, stride=2)
        features = []
        for level in self.levels:
            x = level(x)
            features.append(x)
        return features


class FaceRecogniser(Trunk):
    """Face chips to descriptors: two of one person are less than 0.6 apart, with dlib's weights."""

    def __init__(self, levels: Sequence[tuple[int, int]] = LEVELS, *, dimensions: int = 128) -> None:
        super().__init__(levels)
        self.head = nn.Linear(levels[-1][0], dimensions, bias=False)

    def forward(self, chips: Tensor) -> Tensor:
        """Return the descriptors [N,dimensions] of face chips [N,3,150,150] in [-1,1].

        The weights know faces as `dlib.get_face_chip(image, shape, size=150, padding=0.25)` cuts them out. The
        descriptors are those of dlib's `compute_face_descriptor`; their Euclidean distance is what was trained.
        """
        descriptors: Tensor = self.head(self.features(chips)[-1].mean(dim=(2, 3)))
        return descriptors
