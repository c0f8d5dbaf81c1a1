"""torchvision's VGG16: its convolutions are kept, under the names of the trunk that LPIPS looks through."""

from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from jojo_cli.errors import CheckpointError
from jojo_cli.formats import convert
from jojo_cli.formats.vgg16 import vgg16_state


def trunk() -> nn.Sequential:
    """Return the convolutions of VGG16 as torchvision numbers them, without memory."""
    layers: list[nn.Module] = []
    width = 3
    with torch.device("meta"):
        for block in ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512)):
            for channels in block:
                layers += [nn.Conv2d(width, channels, 3, padding=1), nn.ReLU()]
                width = channels
            layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers)


@pytest.fixture
def published() -> dict[str, Tensor]:
    """Give the state of the whole network; each tensor is filled with its number."""
    shapes = {f"features.{key}": tensor.shape for key, tensor in trunk().state_dict().items()}
    for layer, (inputs, outputs) in {0: (25088, 4096), 3: (4096, 4096), 6: (4096, 1000)}.items():
        shapes[f"classifier.{layer}.weight"] = torch.Size((outputs, inputs))
        shapes[f"classifier.{layer}.bias"] = torch.Size((outputs,))
    return {key: torch.tensor(float(i)).expand(shape) for i, (key, shape) in enumerate(shapes.items())}


@pytest.mark.parametrize("legacy", [False, True])
def test_trunk_takes_the_published_file(legacy: bool, published: dict[str, Tensor], tmp_path: Path) -> None:
    file = tmp_path / "vgg16-397923af.pth"
    torch.save(published, file, _use_new_zipfile_serialization=not legacy)
    net = trunk()
    net.load_state_dict(convert("torchvision-vgg16", {file.name: file}), assign=True)
    for key, tensor in net.state_dict().items():
        assert torch.equal(tensor, published[f"features.{key}"])


def test_convolutions_alone_are_enough(published: dict[str, Tensor]) -> None:
    features = {key: tensor for key, tensor in published.items() if key.startswith("features.")}
    assert vgg16_state(features).keys() == vgg16_state(published).keys()


@pytest.mark.parametrize("key", ["features.1.weight", "features.30.bias", "classifier.1.weight", "0.weight"])
def test_unknown_key_is_refused(key: str, published: dict[str, Tensor]) -> None:
    with pytest.raises(CheckpointError, match=f"^not torchvision's VGG16: unknown '{key}'$"):
        vgg16_state({**published, key: torch.ones(64)})


@pytest.mark.parametrize("key", ["features.0.weight", "features.28.bias"])
def test_missing_key_is_refused(key: str, published: dict[str, Tensor]) -> None:
    del published[key]
    with pytest.raises(CheckpointError, match=f"^not torchvision's VGG16: missing '{key}'$"):
        vgg16_state(published)


@pytest.mark.parametrize("key", ["features.0.weight", "features.28.bias"])
def test_wrong_shape_is_refused(key: str, published: dict[str, Tensor]) -> None:
    published[key] = published[key][:3]
    with pytest.raises(CheckpointError, match=f"^not torchvision's VGG16: 1 wrong shapes or values: '{key}'$"):
        vgg16_state(published)
