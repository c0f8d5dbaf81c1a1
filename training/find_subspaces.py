"""Find the spaces that shift-tolerant LPIPS draws faces in, and write them where jojo finds them.

    python training/find_subspaces.py [--faces N] [--share SHARE] [--seed SEED]

It prints how many dimensions each convolution has, and takes about two minutes on two CPU cores.
"""

import argparse
import sys

from jojo_cli import bases
from jojo_cli.bases import mobilestylegan
from jojo_cli.bases.encoder import FeedbackLoop
from jojo_cli.bases.shipped import write_shipped
from jojo_cli.device import pick_device
from jojo_cli.nets.lpips import Subspace
from jojo_cli.studio import Studio
from jojo_cli.training.subspaces import find_subspaces


def main() -> None:
    """Find them as the command line says, and install them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=int, default=200)
    parser.add_argument("--share", type=float, default=0.99)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    base = bases.load_base(mobilestylegan.NAME, Studio().models, device=pick_device())
    loop = base.load_encoder(None)
    assert isinstance(loop, FeedbackLoop)
    critic = base.load_perceptual()
    subspaces = find_subspaces(loop, critic, faces=options.faces, share=options.share, seed=options.seed)
    for number, layer in enumerate(critic.convolutions()):
        rank = len(subspaces[number].directions) if number in subspaces else layer.out_channels
        sys.stdout.write(f"{rank} of {layer.out_channels}\n")
    record = {
        "base": mobilestylegan.NAME,
        "of": mobilestylegan.CRITIC,
        "data": f"{options.faces} faces that the base draws from random codes, changed and spoilt as photos are",
        "share": options.share,
        "seed": options.seed,
        "licence": "as the base: Apache-2.0, distilled from NVIDIA's StyleGAN2-FFHQ (non-commercial)",
        "consequence": "treat what you make with it as non-commercial",
    }
    write_shipped(mobilestylegan.NAME, "subspaces", Subspace.tensors(subspaces), record)


if __name__ == "__main__":
    main()
