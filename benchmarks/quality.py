"""Measure what styles do to faces: how much nearer to the reference, and how much is left of the person.

    python benchmarks/quality.py STYLE... [--samples 8]

For each style, in Markdown: shift-tolerant LPIPS (VGG, 256 px) to the reference, of random faces as the base draws them
and in the style; and the distance of dlib's face descriptors from each test photo to its reconstruction, to its result,
and to the other people's results (the same person is below 0.6). The styles must exist; weights are fetched.
"""

import argparse
import itertools
import sys
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
from PIL import Image

from jojo_cli.bases.base import Base
from jojo_cli.cli.batch import open_finder
from jojo_cli.cli.models import open_models
from jojo_cli.cli.output import Output
from jojo_cli.cli.session import invert_photo, open_style
from jojo_cli.cli.styles import open_styles
from jojo_cli.faces import FaceFinder, crop_face, face_quad
from jojo_cli.images import read_image, to_image, to_tensor
from jojo_cli.stylize.draw import draw
from jojo_cli.stylize.losses import Target, whole_view
from jojo_cli.stylize.mixing import sample_code

DATA = Path(__file__).parent.parent / "tests" / "data"
PHOTOS = {name: DATA / f"{name}.png" for name in ("astronaut", "grace_hopper")}


class Recogniser:
    """dlib's face descriptors: points in 128 dimensions, near one another for one person."""

    def __init__(self, finder: FaceFinder, out: Output) -> None:
        import dlib

        models = open_models(out)
        self.finder = finder
        self.landmarks: Any = dlib.shape_predictor(str(models.ensure("dlib-landmarks-68")))
        self.network: Any = dlib.face_recognition_model_v1(str(models.ensure("dlib-face-recognition")))
        self.rectangle: Any = dlib.rectangle

    def __call__(self, crop: Image.Image) -> np.ndarray:
        """Return the descriptor [128] of the face of an FFHQ crop; drawings too, whose face may not be detected."""
        pixels = np.asarray(crop)
        faces = self.finder.find(crop)
        # Where the face is in every FFHQ crop, about.
        box = faces[0].box if faces else tuple(share * crop.width for share in (0.22, 0.30, 0.78, 0.86))
        shape = self.landmarks(pixels, self.rectangle(*(round(side) for side in box)))
        return np.array(self.network.compute_face_descriptor(pixels, shape))


def main() -> None:
    """Measure the styles named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("styles", nargs="+")
    parser.add_argument("--samples", type=int, default=8, help="random faces a style")
    options = parser.parse_args()
    out = Output()
    finder = open_finder(out)
    recognise = Recogniser(finder, out)
    crops = {name: crop_face(photo, face_quad(finder.find(photo)[0].landmarks)) for name, photo in read_photos()}
    persons = {name: recognise(crop) for name, crop in crops.items()}

    report(
        "| style | LPIPS base | LPIPS style | reconstruction | result | other people's results |\n" + "|---" * 6 + "|"
    )
    codes = {}
    for name in options.styles:
        style = open_styles().load(name)
        base, styled = open_style(style, device="auto", out=out)
        for person, crop in crops.items():
            if person not in codes:
                codes[person] = invert_photo(base, crop, base.invert_photo, title=person, out=out).w_plus
        samples = [sample_code(base, seed, 0.7) for seed in range(options.samples)]
        reference = read_image(style.folder / "reference-1.png")
        to_reference = [
            mean(
                distance(base, reference, to_image(draw(base, styled, code, strength=strength)[0])) for code in samples
            )
            for strength in (0, 1)
        ]
        again = {who: recognise(to_image(draw(base, styled, code, strength=0)[0])) for who, code in codes.items()}
        drawn = {who: recognise(to_image(draw(base, styled, code)[0])) for who, code in codes.items()}
        figures = [
            *to_reference,
            mean(gap(persons[who], again[who]) for who in codes),
            mean(gap(persons[who], drawn[who]) for who in codes),
            mean(gap(persons[a], drawn[b]) for a, b in itertools.permutations(codes, 2)),
        ]
        report(f"| {name} | " + " | ".join(f"{figure:.3f}" for figure in figures) + " |")


def read_photos() -> list[tuple[str, Image.Image]]:
    """Return the test photos by name."""
    return [(name, read_image(path)) for name, path in PHOTOS.items()]


def distance(base: Base, a: Image.Image, b: Image.Image) -> float:
    """Return the shift-tolerant LPIPS of two pictures at 256 px."""
    first, second = (to_tensor([image]).to(base.device.torch_device) for image in (a, b))
    view = whole_view(base.generator.resolution)
    return Target(base.critic, first, [view]).lpips(second, view).item()


def gap(a: np.ndarray, b: np.ndarray) -> float:
    """Return the distance of two descriptors."""
    return float(np.linalg.norm(a - b))


def report(line: str) -> None:
    """Print a line of the report."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
