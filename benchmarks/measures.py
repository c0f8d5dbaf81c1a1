"""What the benchmarks measure of pictures (how alike, and whether they show one person), and how they print it."""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from judges import Array
from PIL import Image
from torch import Tensor

from jojo_cli.bases.base import Base
from jojo_cli.bases.loading import loaded
from jojo_cli.bases.views import whole_view
from jojo_cli.errors import JojoError
from jojo_cli.faces import crop_face, face_quad
from jojo_cli.images import READ_SUFFIXES, read_image, to_tensor
from jojo_cli.nets.dlib_recogniser import FaceRecogniser
from jojo_cli.studio import LANDMARKS, Studio
from jojo_cli.stylize.losses import Targets

PORTRAITS = Path(__file__).parent.parent / "tests" / "data"
"""The folder of the two test portraits."""


class Describer:
    """dlib's face descriptors: points in 128 dimensions, near one another for one person."""

    def __init__(self, studio: Studio) -> None:
        import dlib

        models = studio.models
        self.device = studio.device.torch_device
        self.finder = studio.finder
        self.recogniser = loaded(FaceRecogniser(), models.ensure("dlib-face-recognition"), studio.device)
        self.landmarks: Any = dlib.shape_predictor(str(models.ensure(LANDMARKS)))
        self.rectangle: Any = dlib.rectangle
        self.cut: Any = dlib.get_face_chip

    def __call__(self, crop: Image.Image) -> Tensor:
        """Return the descriptor [128] of the face of an FFHQ crop; drawings too, whose face may not be detected."""
        return self.look(crop)[0]

    def look(self, crop: Image.Image) -> tuple[Tensor, Array]:
        """Return the descriptor [128] and the landmarks [68,2], in pixels, of the face of an FFHQ crop."""
        pixels = np.asarray(crop)
        faces = self.finder.find(crop, lying=False)
        # Where the face is in every FFHQ crop, about.
        box = faces[0].box if faces else tuple(share * crop.width for share in (0.22, 0.30, 0.78, 0.86))
        shape = self.landmarks(pixels, self.rectangle(*(round(side) for side in box)))
        chip = Image.fromarray(self.cut(pixels, shape, size=150, padding=0.25))
        with torch.inference_mode():
            descriptor: Tensor = self.recogniser(to_tensor([chip]).to(self.device))[0]
        return descriptor.cpu(), np.array([(point.x, point.y) for point in shape.parts()], dtype=float)


def read_crops(folder: Path, describe: Describer, size: int) -> dict[str, Image.Image]:
    """Return the largest face of each picture in a folder by its file's stem, cut as jojo cuts; crops as they are.

    Raises:
        JojoError: there is none.
    """
    crops = {}
    for path in sorted(path for path in folder.iterdir() if path.suffix.lower() in READ_SUFFIXES):
        picture = read_image(path)
        faces = describe.finder.find(picture)
        if picture.size == (size, size):
            crops[path.stem] = picture
        elif faces:
            crops[path.stem] = crop_face(picture, face_quad(faces[0].landmarks))
    if not crops:
        raise JojoError(f"no faces in {str(folder)!r}", hint="name a folder of photos")
    return crops


def gap(a: Tensor, b: Tensor) -> float:
    """Return the distance of two descriptors; below 0.6 dlib sees one person."""
    return float((a - b).norm())


def distance(base: Base, a: Image.Image, b: Image.Image) -> float:
    """Return the shift-tolerant LPIPS of two pictures at 256 px."""
    first, second = (to_tensor([image]).to(base.device.torch_device) for image in (a, b))
    view = whole_view(base.generator.resolution)
    return Targets(base.load_perceptual(), [first], [view]).distance(second, view).item()


def report(line: str) -> None:
    """Print a line of the report."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
