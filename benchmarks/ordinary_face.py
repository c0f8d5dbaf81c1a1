"""Measure the landmarks of ordinary faces, which a reference's proportions are compared with.

    python benchmarks/ordinary_face.py [--count 150]

Prints the means over random faces of the embedded base and their mirror images, in shares of the crop's side, as
`faces/proportions.py` holds them, and how far those are from the ones held. Weights are fetched.
"""

import argparse

import numpy as np
import torch
from measures import Describer, report

from jojo_cli.bases import EMBEDDED_BASE
from jojo_cli.faces.proportions import ORDINARY, symmetric
from jojo_cli.images import to_image
from jojo_cli.studio import Studio
from jojo_cli.stylize.mixing import sample_code

FIRST = 5000
"""Seed of the first face: others than those that benchmarks judge."""


def main() -> None:
    """Draw the faces, and find their landmarks."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=150)
    options = parser.parse_args()
    studio = Studio()
    base, describe = studio.base(EMBEDDED_BASE), Describer(studio)
    landmarks = []
    for seed in range(FIRST, FIRST + options.count):
        with torch.inference_mode():
            face = to_image(base.generator.synthesis(sample_code(base, seed, 1.0), at_least=512)[0])
        landmarks.append((describe.look(face)[1] + 0.5) / face.width)
    mean = symmetric(np.mean(landmarks, axis=0))
    report("\n".join(f"({x:.4f}, {y:.4f})," for x, y in mean))
    report(f"largest difference to those held: {np.abs(mean - ORDINARY).max():.4f}")


if __name__ == "__main__":
    main()
