"""What the benchmarks measure of pictures: how alike they look, and whether they show the same person."""

from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from jojo_cli.bases.base import Base
from jojo_cli.bases.views import whole_view
from jojo_cli.cli.batch import open_finder
from jojo_cli.cli.models import open_models
from jojo_cli.cli.output import Output
from jojo_cli.images import to_tensor
from jojo_cli.stylize.losses import Targets


class Describer:
    """dlib's face descriptors: points in 128 dimensions, near one another for one person."""

    def __init__(self, base: Base, out: Output) -> None:
        import dlib

        self.base = base
        self.finder = open_finder(out)
        self.landmarks: Any = dlib.shape_predictor(str(open_models(out).ensure("dlib-landmarks-68")))
        self.rectangle: Any = dlib.rectangle
        self.cut: Any = dlib.get_face_chip

    def __call__(self, crop: Image.Image) -> Tensor:
        """Return the descriptor [128] of the face of an FFHQ crop; drawings too, whose face may not be detected."""
        pixels = np.asarray(crop)
        faces = self.finder.find(crop)
        # Where the face is in every FFHQ crop, about.
        box = faces[0].box if faces else tuple(share * crop.width for share in (0.22, 0.30, 0.78, 0.86))
        shape = self.landmarks(pixels, self.rectangle(*(round(side) for side in box)))
        chip = Image.fromarray(self.cut(pixels, shape, size=150, padding=0.25))
        with torch.inference_mode():
            descriptor: Tensor = self.base.load_recogniser().net(to_tensor([chip]).to(self.base.device.torch_device))[0]
        return descriptor.cpu()


def gap(a: Tensor, b: Tensor) -> float:
    """Return the distance of two descriptors; below 0.6 dlib sees one person."""
    return float((a - b).norm())


def distance(base: Base, a: Image.Image, b: Image.Image) -> float:
    """Return the shift-tolerant LPIPS of two pictures at 256 px."""
    first, second = (to_tensor([image]).to(base.device.torch_device) for image in (a, b))
    view = whole_view(base.generator.resolution)
    return Targets(base.load_perceptual(), [first], [view]).distance(second, view).item()
