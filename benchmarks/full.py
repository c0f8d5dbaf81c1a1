"""Measure the full base: a finetuning step, the encoders, drawing; and the memory they take.

    python benchmarks/full.py [--device auto] [--steps N] [--references 16]

Prints a table in Markdown. Networks have the published sizes and random weights: they take as long as the real ones,
and nothing is fetched. Each row is measured in a process of its own; memory is the largest resident set, on a GPU what
torch allocated there. Loading Python and torch is not in the seconds.
"""

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from typing import TypeVar

import torch
from measures import report
from torch import Tensor

from jojo_cli.bases import stylegan2
from jojo_cli.bases.base import Base
from jojo_cli.bases.settings import FinetuneChoice
from jojo_cli.device import Device, pick_device
from jojo_cli.nets.arcface import ArcFace
from jojo_cli.nets.discriminator import Discriminator
from jojo_cli.nets.lpips import ShiftTolerantLPIPS
from jojo_cli.nets.stylegan2 import StyleGAN2, published_channels
from jojo_cli.stylize.draw import draw
from jojo_cli.stylize.finetune import Reference, finetune
from jojo_cli.stylize.mixing import sample_code

Net = TypeVar("Net", bound=torch.nn.Module)

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}


def main() -> None:
    """Measure everything, or the one row that a process was started for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--steps", type=int, default=None, help="of a finetuning; else 3, on a GPU 300")
    parser.add_argument("--references", type=int, default=16)
    parser.add_argument("--row", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    device = pick_device(options.device)
    on_gpu = device.torch_device.type == "cuda"
    steps = options.steps or (300 if on_gpu else 3)
    rows: dict[str, Callable[[Base], dict[str, float]]] = {
        "a finetuning step, 1 reference": lambda base: finetuning(base, steps, 1),
        f"a finetuning step, {options.references} references": lambda base: finetuning(
            base, max(2, steps // 30), options.references
        ),
        "e4e, one photo": lambda base: encoding(base, 1),
        "e4e and drawing, a photo of 1": lambda base: encoding(base, 1, drawn=True),
        "e4e and drawing, a photo of 8": lambda base: encoding(base, 8, drawn=True),
    }
    if options.row:
        name, dtype = options.row
        base = random_base(Device(device.torch_device, DTYPES[dtype]))
        report(json.dumps(rows[name](base) | {"gb": peak_gb(device)}))
        return
    machine = torch.cuda.get_device_name(device.torch_device) if on_gpu else f"{os.cpu_count()} cores"
    report(f"{platform.machine()}, {machine}, Python {platform.python_version()}, torch {version('torch')}")
    report("\n| what | precision | seconds | first | memory |\n|---|---|---|---|---|")
    for name in rows:
        # Codes and pictures are found and drawn in float32, whatever finetuning runs in.
        for dtype in DTYPES if "step" in name else ("float32",):
            command = [sys.executable, __file__, *sys.argv[1:], "--row", name, dtype]
            found = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
            report(f"| {name} | {dtype} | {found['seconds']:.3f} | {found['first']:.1f} | {found['gb']:.1f} GB |")


def finetuning(base: Base, steps: int, references: int) -> dict[str, float]:
    """Return the seconds of a step as released, and of the first one with all that comes before it."""
    pictures = [torch.rand(1, 3, 1024, 1024, device=base.device.torch_device) * 2 - 1 for _ in range(references)]
    learnt = [Reference(picture, sample_code(base, i, 0.7)) for i, picture in enumerate(pictures)]
    started = time.perf_counter()
    ends: list[float] = []
    settings = replace(FinetuneChoice().among(base.finetunings), steps=steps)
    finetune(base, learnt, settings, on_step=lambda step, loss: ends.append(time.perf_counter()))
    return {"seconds": (ends[-1] - ends[0]) / (steps - 1), "first": ends[0] - started}


def encoding(base: Base, batch: int, *, drawn: bool = False) -> dict[str, float]:
    """Return the seconds for a photo, of several at once, and of the first time."""
    photos = torch.rand(batch, 3, 1024, 1024, device=base.device.torch_device) * 2 - 1
    encoder = base.load_encoder(None)

    def work() -> Tensor:
        w_plus = encoder(photos)
        return draw(base, base.generator, w_plus) if drawn else w_plus

    seconds = []
    for _ in range(20 if base.device.torch_device.type == "cuda" else 4):
        started = time.perf_counter()
        work().cpu()  # waits until it is done
        seconds.append((time.perf_counter() - started) / batch)
    return {"seconds": sorted(seconds[1:])[len(seconds) // 2 - 1], "first": seconds[0] * batch}


def random_base(device: Device) -> Base:
    """Return the full base with random weights."""
    torch.manual_seed(0)
    channels = published_channels(stylegan2.RESOLUTION)

    def settled(net: Net) -> Net:
        net.to(device.torch_device).to(memory_format=torch.channels_last)
        return net.eval().requires_grad_(False)

    return stylegan2.assemble(
        "random",
        settled(StyleGAN2(channels)),
        sha256="",
        load_perceptual=lambda: settled(ShiftTolerantLPIPS()),
        load_recogniser=lambda: settled(ArcFace()),
        load_encoder=lambda name: settled(stylegan2.ENCODERS[name]()),
        load_comparer=lambda loss: settled(Discriminator(channels[::-1])),
        critic_sha256=lambda loss: "",
        device=device,
    )


def peak_gb(device: Device) -> float:
    """Return the most memory that this process had at a time."""
    if device.torch_device.type == "cuda":
        return torch.cuda.max_memory_allocated(device.torch_device) / 1e9
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


if __name__ == "__main__":
    main()
