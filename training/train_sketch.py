"""Train the sketch of the embedded base, and write it where jojo finds it.

    python training/train_sketch.py [--steps N] [--seed SEED]

It takes about ten minutes on two CPU cores.
"""

import argparse
import sys

from torch import Tensor

from jojo_cli import bases
from jojo_cli.bases import mobilestylegan
from jojo_cli.bases.encoder import FeedbackLoop
from jojo_cli.bases.shipped import write_shipped
from jojo_cli.device import pick_device
from jojo_cli.studio import Studio
from jojo_cli.training.sketch import train_sketch

REPORT_EVERY = 200


def main() -> None:
    """Train as the command line says, and install."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    base = bases.load_base(mobilestylegan.NAME, Studio().models, device=pick_device())
    loop = base.load_encoder(None)
    assert isinstance(loop, FeedbackLoop)
    losses: list[float] = []

    def report(step: int, loss: Tensor) -> None:
        losses.append(loss.item())
        if step % REPORT_EVERY == 0:
            sys.stdout.write(f"{step}: {sum(losses[-REPORT_EVERY:]) / REPORT_EVERY:.6f}\n")
            sys.stdout.flush()

    sketch = train_sketch(loop, steps=options.steps, seed=options.seed, on_step=report)
    record = {
        "base": mobilestylegan.NAME,
        "data": f"{options.steps} faces that the base draws from random codes",
        "seed": options.seed,
        "figures": {"of": f"the last {REPORT_EVERY} of them", "loss": sum(losses[-REPORT_EVERY:]) / REPORT_EVERY},
        "licence": "as the base: Apache-2.0, distilled from NVIDIA's StyleGAN2-FFHQ (non-commercial)",
        "consequence": "treat what you make with it as non-commercial",
    }
    write_shipped(mobilestylegan.NAME, "sketch", sketch.state_dict(), record)


if __name__ == "__main__":
    main()
