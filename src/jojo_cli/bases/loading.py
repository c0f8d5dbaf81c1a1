"""Networks from files of ours, ready to be used and not to be trained."""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from jojo_cli.device import Device

Net = TypeVar("Net", bound=nn.Module)


def loaded(net: Net, weights: Path | Mapping[str, Tensor], device: Device) -> Net:
    """Return `net` with these weights, all of them and in float32, on the device and in evaluation mode."""
    state = load_file(weights) if isinstance(weights, Path) else weights
    # Assigned, so that a network may come from the meta device: nobody waits for random numbers that are replaced.
    net.load_state_dict({key: tensor.float() for key, tensor in state.items()}, assign=True)
    # channels_last: pointwise convolutions are matrix products on it, and VGG runs 1.5 times as fast.
    net.to(device.torch_device).to(memory_format=torch.channels_last)
    return net.eval().requires_grad_(False)
