"""Shift-tolerant LPIPS under the names of those who published it."""

import torch
from torch import Tensor

from jojo_cli.nets.lpips import ShiftTolerantLPIPS

SMALL_VGG16 = ((4, 4), (4, 4), (4, 4, 4), (4, 4, 4), (4, 4, 4))
FIRST_LAYERS = (0, 6, 12, 20, 28)  # conv, ReLU, ..., max pool, blur pool: of each block in the checkpoint


def published(critic: ShiftTolerantLPIPS) -> dict[str, Tensor]:
    """Return the state of a critic as its authors name it."""
    theirs = {"scaling_layer.shift": torch.zeros(1, 3, 1, 1), "scaling_layer.scale": torch.ones(1, 3, 1, 1)}
    for key, tensor in critic.state_dict().items():
        kind, number, *rest = key.split(".")
        block = int(number)
        if kind == "heads":
            theirs[f"lin{block}.model.1.weight"] = tensor[None, :, None, None]
        else:  # where ours starts a block with the blur pool, theirs counts it apart
            layer = FIRST_LAYERS[block] + int(rest[0]) - (block > 0)
            theirs[f"net.slice{block + 1}.{layer}.{rest[1]}"] = tensor
    for block in range(1, 5):
        theirs[f"net.slice{block + 1}.{FIRST_LAYERS[block] - 1}.filt"] = torch.ones(4, 1, 3, 3) / 9
    return theirs
