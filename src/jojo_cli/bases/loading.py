"""Networks from files of ours, ready to be used and not to be trained."""

from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from jojo_cli.device import Device
from jojo_cli.errors import CheckpointError

Net = TypeVar("Net", bound=nn.Module)


def read_weights(path: Path) -> dict[str, Tensor]:
    """Return the tensors of a file of ours.

    Raises:
        CheckpointError: it is damaged.
    """
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"weight {path.parent.name!r} can't be read: {error}",
            hint=f"'jojo models verify' tells which are damaged; 'jojo models rm {path.parent.name}' removes it",
        ) from error


def loaded(net: Net, weights: Path | Mapping[str, Tensor], device: Device) -> Net:
    """Return `net` with these weights, all of them and in float32, on the device and in evaluation mode.

    Raises:
        CheckpointError: they are damaged, or those of a network of another size, or with other layers.
    """
    state = read_weights(weights) if isinstance(weights, Path) else weights
    try:
        # Assigned, so that a network may come from the meta device: nobody waits for random numbers that are replaced.
        net.load_state_dict({key: tensor.float() for key, tensor in state.items()}, assign=True)
    except RuntimeError as error:
        name = f"weight {weights.parent.name!r}" if isinstance(weights, Path) else "the weights"
        raise CheckpointError(
            f"{name} does not fit {type(net).__name__}: it is of another size, or has other layers",
            hint="'jojo models rm' removes it; import the one for 1024 px, or let jojo fetch it",
        ) from error
    # channels_last: pointwise convolutions are matrix products on it, and VGG runs 1.5 times as fast.
    net.to(device.torch_device).to(memory_format=torch.channels_last)
    return net.eval().requires_grad_(False)
