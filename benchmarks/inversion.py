"""Measure how well photos are inverted, method by method.

    python benchmarks/inversion.py [FOLDER] [--generated N] [--methods encoder hybrid ...] [--base BASE] [--sheet FILE]

FOLDER holds photos, or FFHQ crops of 1024 px; without one, the two portraits among the tests' data are taken. In
Markdown: shift-tolerant LPIPS (VGG, 256 px) of photo and reconstruction, distance of dlib's face descriptors (the same
person is below 0.6), seconds; with --generated, the same for faces that the base drew from random codes, as they are
and spoilt. "hybrid, exact" takes the steps of `hybrid` without shortcuts. The sheet shows each photo over what each
method makes of it.
"""

import argparse
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import mean
from typing import NamedTuple, cast

import torch
from measures import PORTRAITS, Describer, distance, gap, read_crops, report
from PIL import Image

from jojo_cli.bases import BASES, EMBEDDED_BASE, BaseEntry
from jojo_cli.bases.base import Base
from jojo_cli.bases.settings import InvertChoice, Method
from jojo_cli.bases.views import whole_view
from jojo_cli.images import contact_sheet, to_image
from jojo_cli.process import keep_memory
from jojo_cli.studio import Studio
from jojo_cli.stylize.draw import draw
from jojo_cli.stylize.mixing import sample_code
from jojo_cli.training.faces import spoilt, varied

EXACT = "hybrid, exact"
METHODS = ("encoder", "hybrid", "optimize", EXACT)


class Measured(NamedTuple):
    """What came of one picture."""

    lpips: float
    gap: float
    seconds: float
    reconstruction: Image.Image


def main() -> None:
    """Measure what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", nargs="?", type=Path, default=PORTRAITS)
    parser.add_argument("--generated", type=int, default=0)
    parser.add_argument("--methods", nargs="+", choices=METHODS, default=METHODS[:3])
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--base", choices=BASES, default=EMBEDDED_BASE)
    options = parser.parse_args()
    keep_memory()
    studio = Studio()
    base, describe = studio.base(options.base, needs=BaseEntry.needs), Describer(studio)
    sets = {"photos": list(read_crops(options.folder, describe, base.generator.resolution).values())}
    if options.generated:
        faces = [draw(base, base.generator, sample_code(base, 10_000 + i, 0.7)) for i in range(options.generated)]
        rng = torch.Generator().manual_seed(0)
        changed = [spoilt(varied(face.cpu().clamp(-1, 1), rng), rng) for face in faces]
        sets["generated"] = [to_image(face[0]) for face in faces]
        sets["generated, spoilt"] = [to_image(face[0]) for face in changed]

    report("| pictures | method | LPIPS | descriptor distance | seconds |\n" + "|---" * 5 + "|")
    rows = [sets["photos"]]
    for name, crops in sets.items():
        for method in options.methods:
            results = [measure(studio, base, describe, crop, method) for crop in crops]
            lpips = mean(result.lpips for result in results)
            gaps = mean(result.gap for result in results)
            seconds = mean(result.seconds for result in results)
            report(f"| {len(crops)} {name} | {method} | {lpips:.3f} | {gaps:.3f} | {seconds:.1f} |")
            if name == "photos":
                rows.append([result.reconstruction for result in results])
    if options.sheet:
        contact_sheet(rows, cell=256).save(options.sheet)


def measure(studio: Studio, base: Base, describe: Describer, crop: Image.Image, method: str) -> Measured:
    """Invert a crop and compare it with what the base draws from its code."""
    how, seen = method, None
    if method == EXACT:
        how, base, seen = "hybrid", exact(base), lambda images: images  # so that all is drawn
    settings = InvertChoice(cast(Method, how)).among(base.photo_inversions)
    started = time.perf_counter()
    inversion = studio.find_code(crop, base, settings, seen=seen)
    seconds = time.perf_counter() - started
    drawn = to_image(inversion.reconstruction[0])
    return Measured(distance(base, crop, drawn), gap(describe(crop), describe(drawn)), seconds, drawn)


def exact(base: Base) -> Base:
    """Return a base that takes natural steps by its own critic and pictures."""
    assert base.load_shortcuts
    synthesis = partial(base.generator.synthesis, at_least=whole_view(base.generator.resolution).scale)
    own = replace(base.load_shortcuts(), critic=base.load_perceptual(), draw_small=synthesis)
    return replace(base, load_shortcuts=lambda: own)


if __name__ == "__main__":
    main()
