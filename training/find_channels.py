"""Find the channels of shift-tolerant LPIPS that some picture wakes, and write them where jojo finds them.

    python training/find_channels.py [FOLDER...]

It looks at faces that the embedded base draws, at the portraits and references of this repository, at the pictures in
the folders, at noise from fine to coarse, and at stripes and plain colours: a channel that stays 0 through all of them
is dead. It prints how many are left of each convolution.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from jojo_cli import bases
from jojo_cli.bases import mobilestylegan
from jojo_cli.bases.critic_channels import FILE, write_mask
from jojo_cli.bases.loading import loaded
from jojo_cli.device import pick_device
from jojo_cli.images import READ_SUFFIXES, read_image, square_crop, to_tensor
from jojo_cli.nets.lpips import ShiftTolerantLPIPS
from jojo_cli.studio import Studio
from jojo_cli.stylize.mixing import sample_code

ROOT = Path(__file__).parent.parent
SIDE = 256
FACES = 100
MULTIPLE = 16
"""Dead channels fill a convolution up to a multiple of this, which processors are fast at."""


def main() -> None:
    """Look at everything, and write the channels."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", type=Path)
    folders = [ROOT / "tests" / "data", ROOT / "demo", *parser.parse_args().folders]
    models, device = Studio().models, pick_device("cpu")
    net = loaded(ShiftTolerantLPIPS(), models.ensure(mobilestylegan.CRITIC), device)
    layers = net.convolutions()
    living = [torch.zeros(layer.out_channels, dtype=torch.bool) for layer in layers]
    for layer, flags in zip(layers, living, strict=True):
        layer.register_forward_hook(partial(note, flags))
    base = bases.load_base(bases.EMBEDDED_BASE, models, device=device)
    with torch.inference_mode():
        for number in range(FACES):
            for image in views(base.generator.synthesis(sample_code(base, number, 1.0))):
                net.features(image)
        for folder in folders:
            for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in READ_SUFFIXES):
                for image in views(to_tensor([square_crop(read_image(path), 1024)])):
                    net.features(image)
        for image in patterns(torch.Generator().manual_seed(0)):
            net.features(image)
    for flags in living:
        sys.stdout.write(f"{int(flags.sum())} of {len(flags)}\n")
        flags[(~flags).nonzero().flatten()[: -int(flags.sum()) % MULTIPLE]] = True
    target = ROOT / "src" / "jojo_cli" / "bases" / FILE
    kept = {"of": mobilestylegan.CRITIC, "channels": [write_mask(flags) for flags in living]}
    target.write_text(json.dumps(kept, indent=2) + "\n")


def note(living: Tensor, layer: nn.Module, inputs: object, seen: Tensor) -> None:
    """Set the flags [C] of the channels that [N,C,H,W] has something positive in: the next ReLU lets it pass."""
    living |= seen.amax((0, 2, 3)) > 0


def views(image: Tensor) -> Iterator[Tensor]:
    """Yield an image [1,3,1024,1024] as training sees it [1,3,256,256]: whole, and closer in two steps."""
    for scale in (256, 512, 1024):
        small = F.avg_pool2d(image, 1024 // scale) if scale < 1024 else image
        edge = (scale - SIDE) // 2
        yield small[..., edge : edge + SIDE, edge : edge + SIDE]


def patterns(rng: torch.Generator) -> Iterator[Tensor]:
    """Yield pictures [N,3,256,256] that nobody would draw: noise of all sizes, stripes, plain colours."""
    for amount in (0.05, 0.3, 1.0, 3.0):
        for grain in (1, 2, 4, 16, 64):
            noise = torch.randn(2, 3, SIDE // grain, SIDE // grain, generator=rng) * amount
            noise = F.interpolate(noise, size=SIDE, mode="nearest" if grain < 4 else "bicubic").clamp(-1, 1)
            yield noise
            yield noise.sign()
    y, x = torch.meshgrid(torch.arange(SIDE), torch.arange(SIDE), indexing="ij")
    for number in range(120):
        colours = torch.rand(2, 3, 1, 1, generator=rng) * 2 - 1
        angle, frequency = torch.rand(2, generator=rng) * torch.pi
        wave = torch.sin((x * angle.cos() + y * angle.sin()) * frequency)
        yield colours[:1] * wave if number % 2 else torch.where(wave > 0, colours[:1], colours[1:])


if __name__ == "__main__":
    main()
