"""Which channels of the shift-tolerant VGG16 see anything: a quarter of them does not, and costs time."""

import json
from importlib.resources import files

import torch

from jojo_cli.nets.lpips import ShiftTolerantLPIPS

FILE = "stlpips-vgg.channels.json"


def without_dead_channels(net: ShiftTolerantLPIPS) -> ShiftTolerantLPIPS:
    """Return the published network without the channels that no picture wakes, as `training/find_channels.py` found.

    It says the same of a picture, but for the order of its sums.
    """
    masks = json.loads((files("jojo_cli.bases") / FILE).read_text())["channels"]
    layers = net.convolutions()
    return net.narrowed([_numbers(mask, layer.out_channels) for mask, layer in zip(masks, layers, strict=True)])


def write_mask(living: torch.Tensor) -> str:
    """Return flags [C] as a hexadecimal number, the first channel its last bit."""
    return f"{sum(1 << i for i in living.nonzero().flatten().tolist()):x}"


def _numbers(mask: str, channels: int) -> list[int]:
    bits = int(mask, 16)
    return [i for i in range(channels) if bits >> i & 1]
