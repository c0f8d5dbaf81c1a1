"""LPIPS as its authors published it, by their package, on a trunk from our weights: it downloads nothing."""

import warnings
from collections.abc import Mapping
from importlib.resources import as_file, files

import torch
from torch import Tensor, nn

from jojo_cli.nets.lpips import unit
from jojo_cli.nets.ops import Features


class LPIPS(nn.Module):
    """LPIPS (arXiv 1801.03924) on VGG16."""

    def __init__(self, trunk: Mapping[str, Tensor]) -> None:
        """Make it of the linear layers that the package holds and of a trunk.

        `trunk` are the convolutions of VGG16, by the names `features` has for them in torchvision.
        """
        import lpips

        super().__init__()
        with warnings.catch_warnings(), torch.device("meta"):  # all of VGG16 at random takes 3 s
            warnings.simplefilter("ignore")  # the package calls torchvision in an old way
            self.net = lpips.LPIPS(net="vgg", pnet_rand=True, pretrained=False, verbose=False)
        # The package cuts the convolutions into five slices, and keeps their numbers.
        slices = {key.split(".", 1)[1]: key for key in self.net.net.state_dict()}
        self.net.net.load_state_dict({slices[key]: tensor for key, tensor in trunk.items()}, assign=True)
        with as_file(files(lpips) / "weights" / "v0.1" / "vgg.pth") as file:
            linear = torch.load(file, weights_only=True, map_location="cpu")
        self.net.lins.load_state_dict({key.removeprefix("lin"): tensor for key, tensor in linear.items()}, assign=True)

    def features(self, images: Tensor) -> Features:
        """Return the features to compare of images [N,3,S,S] in [-1,1]: five layers [N,C,H,W]."""
        return tuple(self.net.net(self.net.scaling_layer(images)))

    def distance(self, a: Features, b: Features) -> Tensor:
        """Return the distances [N] between two sets of features."""
        # Each head is dropout, which does nothing here, and a 1x1 convolution; as a sum, autocast rounds nothing.
        heads = (head.model[-1].weight[0] for head in self.net.lins)  # [C,1,1]
        layers = [((unit(x) - unit(y)).square() * head).sum(dim=1) for x, y, head in zip(a, b, heads, strict=True)]
        return torch.stack([layer.mean(dim=(1, 2)) for layer in layers]).sum(dim=0)  # [N]
