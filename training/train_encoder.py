"""Train the encoder of the embedded base, and write it where jojo finds it.

    python training/train_encoder.py FOLDER [--seed N] [--workers N]

FOLDER keeps the faces that are learnt from (27 MB for 128) and checkpoints: run the command again and it goes on where
it stopped. Seed and settings decide the result, on one machine with one number of threads. It takes more than an hour
on two CPU cores, and 3 GB of disk.
"""

import argparse
import multiprocessing
import sys
from dataclasses import asdict
from pathlib import Path

import torch

from jojo_cli import bases
from jojo_cli.bases import mobilestylegan
from jojo_cli.bases.encoder import FeedbackLoop
from jojo_cli.bases.shipped import write_shipped
from jojo_cli.device import pick_device
from jojo_cli.nets.mobilestylegan import MobileStyleGAN
from jojo_cli.studio import Studio
from jojo_cli.training.encoder import EncoderTraining, TrainingSettings


def main() -> None:
    """Train in the folder named on the command line, and install the encoder."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=multiprocessing.cpu_count(), help="processes that draw faces")
    options = parser.parse_args()
    settings = TrainingSettings(seed=options.seed)

    # One thread each: two threads on one picture wait for each other more than they help.
    with multiprocessing.get_context("spawn").Pool(options.workers, torch.set_num_threads, (1,)) as pool:
        shares = [range(i, settings.shards, options.workers) for i in range(options.workers)]
        pool.starmap(draw, [(options.folder, settings, share) for share in shares])
    training = open_training(options.folder, settings)
    training.fit(report)
    training.finish(report)
    install(training)


def draw(folder: Path, settings: TrainingSettings, shards: range) -> None:
    """Draw some shards of faces."""
    training = open_training(folder, settings)
    for shard in shards:
        training.draw_faces(shard)


def open_training(folder: Path, settings: TrainingSettings) -> EncoderTraining:
    """Return the training in `folder`, its encoder new."""
    torch.manual_seed(settings.seed)
    device = pick_device()
    base = bases.load_base(mobilestylegan.NAME, Studio().models, device=device)
    assert isinstance(base.generator, MobileStyleGAN)
    net = mobilestylegan.new_encoder(base.generator)
    net.to(device.torch_device).to(memory_format=torch.channels_last)
    loop = FeedbackLoop(net, base.generator, base.latents, device)
    return EncoderTraining(folder, loop, base.load_perceptual(), base.load_recogniser(), settings)


def report(stage: str, step: int, steps: int, loss: float) -> None:
    """Print how far a stage is, now and then."""
    if step % 20 == 0 or step == steps:
        sys.stdout.write(f"{stage}: step {step} of {steps}, loss {loss:.4f}\n")
        sys.stdout.flush()


def install(training: EncoderTraining) -> None:
    """Write the encoder in half precision, and its record, into the package."""
    record = {
        "base": mobilestylegan.NAME,
        "data": "faces that the base draws from random codes, spoilt as photos are; no photo of a person",
        "starts_from": "dlib_face_recognition_resnet_model_v1 (CC0-1.0)",
        "licence": "as the base: Apache-2.0, distilled from NVIDIA's StyleGAN2-FFHQ (non-commercial)",
        "consequence": "treat what you make with it as non-commercial",
        "settings": asdict(training.settings),
        "figures": {"of": "faces that it never saw, drawn and spoilt likewise", **training.measure()},
    }
    write_shipped(mobilestylegan.NAME, "encoder", training.loop.net.state_dict(), record)


if __name__ == "__main__":
    main()
