"""Clock the embedded base's networks, one picture at a time and several at once: what a GPU makes of them.

    python benchmarks/networks.py [--device cuda] [--at-once 12]

In Markdown: seconds a picture of the encoder, of `hybrid` and of drawing in a style, and of finetuning as a whole, with
the default settings. Faces that the base draws from random codes stand for photos. Each is done twice, and the second
time counts: the first, networks are loaded, and a GPU chooses how to compute them.
"""

import argparse
import time
from collections.abc import Callable

import torch
from measures import report

from jojo_cli.bases import EMBEDDED_BASE, BaseEntry
from jojo_cli.process import keep_memory
from jojo_cli.studio import Studio
from jojo_cli.stylize.draw import draw
from jojo_cli.stylize.finetune import Reference, finetune
from jojo_cli.stylize.invert import invert
from jojo_cli.stylize.mixing import sample_code


def main() -> None:
    """Clock them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--at-once", type=int, default=12)
    options = parser.parse_args()
    keep_memory()
    studio = Studio(device=options.device)
    base = studio.base(EMBEDDED_BASE, needs=BaseEntry.needs)
    encode, device = base.load_encoder(None), base.device.torch_device
    codes = [sample_code(base, seed, 0.7) for seed in range(options.at_once)]
    photos = [draw(base, base.generator, code).clamp(-1, 1) for code in codes]

    def seconds(work: Callable[[], object]) -> float:
        for _ in range(2):
            _wait(device)
            start = time.perf_counter()
            work()
            _wait(device)
        return time.perf_counter() - start

    lesson, how = Reference(photos[0], codes[0]), base.finetunings[0]
    styled = finetune(base, [lesson], how).generator
    many, all_codes = torch.cat(photos), torch.cat(codes)
    rows = (
        ("the encoder, a photo", lambda: encode(photos[0]), lambda: encode(many)),
        ("`hybrid`, a photo", lambda: invert(base, photos[0], base.photo_inversions[0]), None),
        ("drawing in a style", lambda: draw(base, styled, codes[0]), lambda: draw(base, styled, all_codes)),
        (f"{how.steps} steps of finetuning", lambda: finetune(base, [lesson], how), None),
    )
    report(f"{base.device}\n\n| what | one at a time | {options.at_once} at once |\n|---|---|---|")
    for what, one, several in rows:
        at_once = f"{seconds(several) / options.at_once:.3f} s" if several else ""
        report(f"| {what} | {seconds(one):.3f} s | {at_once} |")


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


if __name__ == "__main__":
    main()
