"""Measure the curvature of the embedded base along its codes, and write it where jojo finds it.

    python training/measure_curvature.py [--faces N] [--directions K] [--seed SEED]

It takes about forty minutes on one CPU core.
"""

import argparse
import sys

from jojo_cli import bases
from jojo_cli.bases import mobilestylegan
from jojo_cli.bases.encoder import FeedbackLoop
from jojo_cli.bases.shipped import write_shipped
from jojo_cli.device import pick_device
from jojo_cli.studio import Studio
from jojo_cli.training.curvature import PER_FACE, measure_curvature


def main() -> None:
    """Measure as the command line says, and install."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=int, default=1100)
    parser.add_argument("--directions", type=int, default=1024)
    parser.add_argument("--seed", type=int, default=5)
    options = parser.parse_args()
    base = bases.load_base(mobilestylegan.NAME, Studio().models, device=pick_device())
    loop = base.load_encoder(None)
    assert isinstance(loop, FeedbackLoop)
    curvature = measure_curvature(
        loop,
        base.load_perceptual(),
        faces=options.faces,
        directions=options.directions,
        seed=options.seed,
        on_face=report,
    )
    record = {
        "base": mobilestylegan.NAME,
        "data": f"{PER_FACE} gradients of each of {options.faces} faces that the base draws from random codes",
        "seed": options.seed,
        "licence": "as the base: Apache-2.0, distilled from NVIDIA's StyleGAN2-FFHQ (non-commercial)",
        "consequence": "treat what you make with it as non-commercial",
    }
    write_shipped(mobilestylegan.NAME, "curvature", curvature.tensors(), record)


def report(number: int) -> None:
    """Print how many faces are done, now and then."""
    if number % 20 == 0:
        sys.stdout.write(f"{number} faces\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
