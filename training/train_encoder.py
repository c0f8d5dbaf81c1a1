"""Train the encoder of the embedded base, and write it where jojo finds it.

    python training/train_encoder.py FOLDER [--go-on] [--steps N] [--batch N] [--rate R] [--seed N] [--device DEVICE]

FOLDER keeps checkpoints: run the command again and it goes on where it stopped. With --go-on, it starts from the
encoder that jojo ships, and not from nothing. Seed, settings, device and versions decide the result. It is for a GPU
with 32 GB: a step of 64 faces takes a third of a second on an H200, and minutes on two CPU cores.
"""

import argparse
import sys
from dataclasses import asdict, replace
from pathlib import Path

import torch
from torch import Tensor

from jojo_cli import bases
from jojo_cli.bases import mobilestylegan
from jojo_cli.bases.encoder import FeedbackLoop
from jojo_cli.bases.shipped import shipped_weights, write_shipped
from jojo_cli.device import pick_device
from jojo_cli.nets.mobilestylegan import MobileStyleGAN
from jojo_cli.studio import Studio
from jojo_cli.training.encoder import EncoderTraining, TrainingSettings


def main() -> None:
    """Train in the folder named on the command line, and install the encoder."""
    defaults = TrainingSettings()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--go-on", action="store_true", help="from the encoder that jojo ships")
    parser.add_argument("--steps", type=int, default=defaults.finish_steps, help="of the second stage")
    parser.add_argument("--batch", type=int, default=defaults.finish_batch, help="faces a step, of the second stage")
    parser.add_argument("--rate", type=float, default=defaults.finish_rate, help="of Adam, at first, likewise")
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument("--device", default="auto")
    options = parser.parse_args()
    settings = replace(
        defaults,
        finish_steps=options.steps,
        finish_batch=options.batch,
        finish_rate=options.rate,
        seed=options.seed,
    )

    torch.manual_seed(settings.seed)
    device = pick_device(options.device)
    base = bases.load_base(mobilestylegan.NAME, Studio().models, device=device)
    assert isinstance(base.generator, MobileStyleGAN)
    net = mobilestylegan.new_encoder(base.generator)
    net.to(device.torch_device).to(memory_format=torch.channels_last)
    loop = FeedbackLoop(net, base.generator, base.latents, device)
    training = EncoderTraining(options.folder, loop, base.load_perceptual(), base.load_recogniser(), settings)
    if options.go_on:
        net.load_state_dict(shipped_weights(mobilestylegan.NAME, "encoder"))
    else:
        training.fit(report)
    training.finish(report)
    install(training, starts_from="the encoder that jojo shipped before" if options.go_on else "")


def report(stage: str, step: int, steps: int, loss: Tensor) -> None:
    """Print how far a stage is, now and then."""
    if step % 20 == 0 or step == steps:
        sys.stdout.write(f"{stage}: step {step} of {steps}, loss {loss:.4f}\n")
        sys.stdout.flush()


def install(training: EncoderTraining, *, starts_from: str) -> None:
    """Write the encoder in bytes, and its record, into the package."""
    record = {
        "base": mobilestylegan.NAME,
        "data": "faces that the base draws from random codes, changed and spoilt as photos are; no photo of a person",
        "starts_from": starts_from or "dlib_face_recognition_resnet_model_v1 (CC0-1.0)",
        "licence": "as the base: Apache-2.0, distilled from NVIDIA's StyleGAN2-FFHQ (non-commercial)",
        "consequence": "treat what you make with it as non-commercial",
        "settings": asdict(training.settings),
        "figures": {"of": "faces that it never saw, drawn, changed and spoilt likewise", **training.measure()},
        "made_on": f"{training.loop.device}, torch {torch.__version__}",
    }
    write_shipped(mobilestylegan.NAME, "encoder", training.loop.net.state_dict(), record, in_bytes=True)


if __name__ == "__main__":
    main()
