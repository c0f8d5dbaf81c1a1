"""Measure what styles do to faces: how much nearer to the reference, and how much is left of the person.

    python benchmarks/quality.py STYLE... [--samples 8]

For each style, in Markdown: shift-tolerant LPIPS (VGG, 256 px) to the reference, of random faces as the base draws them
and in the style; and the distance of dlib's face descriptors from each test photo to its reconstruction, to its result,
and to the other people's results (the same person is below 0.6). The styles must exist; weights are fetched.
"""

import argparse
import itertools
from statistics import mean

from measures import PORTRAITS, Describer, distance, gap, read_crops, report

from jojo_cli.bases import BaseEntry
from jojo_cli.bases.settings import InvertChoice
from jojo_cli.cli.output import Output
from jojo_cli.cli.session import invert_photo, open_style
from jojo_cli.cli.styles import open_styles
from jojo_cli.device import pick_device
from jojo_cli.images import read_image, to_image
from jojo_cli.stylize.draw import draw
from jojo_cli.stylize.mixing import sample_code


def main() -> None:
    """Measure the styles named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("styles", nargs="+")
    parser.add_argument("--samples", type=int, default=8, help="random faces a style")
    options = parser.parse_args()
    out = Output()
    describe = Describer(pick_device(), out)
    crops = read_crops(PORTRAITS, describe, size=1024)
    persons = {name: describe(crop) for name, crop in crops.items()}

    report(
        "| style | LPIPS base | LPIPS style | reconstruction | result | other people's results |\n" + "|---" * 6 + "|"
    )
    for name in options.styles:
        style = open_styles().load(name)
        base, styled = open_style(style, needs=BaseEntry.needs, device="auto", out=out)
        way = InvertChoice().among(base.photo_inversions)
        codes = {person: invert_photo(base, crop, way, title=person, out=out).w_plus for person, crop in crops.items()}
        samples = [sample_code(base, seed, 0.7) for seed in range(options.samples)]
        reference = read_image(style.folder / "reference-1.png")
        to_reference = [
            mean(
                distance(base, reference, to_image(draw(base, styled, code, strength=strength)[0])) for code in samples
            )
            for strength in (0, 1)
        ]
        again = {who: describe(to_image(draw(base, styled, code, strength=0)[0])) for who, code in codes.items()}
        drawn = {who: describe(to_image(draw(base, styled, code)[0])) for who, code in codes.items()}
        figures = [
            *to_reference,
            mean(gap(persons[who], again[who]) for who in codes),
            mean(gap(persons[who], drawn[who]) for who in codes),
            mean(gap(persons[a], drawn[b]) for a, b in itertools.permutations(codes, 2)),
        ]
        report(f"| {name} | " + " | ".join(f"{figure:.3f}" for figure in figures) + " |")


if __name__ == "__main__":
    main()
