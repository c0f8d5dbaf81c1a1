"""Draw a picture for each of the tools for codes.

    python demo/codes.py -o docs/images/codes [NAME...]

Every picture comes from the command line, as a user would make it, from random faces and the portraits of the tests.
The styles poster and ink must exist, as demo/gallery.py leaves them.
"""

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path

from gallery import PHOTOS, jojo
from PIL import Image, ImageDraw
from reference_robot import robot

from jojo_cli.images import contact_sheet, read_image, save_image

CELL = 208
SMALL = 72
"""Side of the face that is enlarged, in pixels."""

ASTRONAUT, ADMIRAL = PHOTOS


class Bench:
    """A folder to draw in, and the way there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def face(self, source: str, *options: object) -> Path:
        """Return the picture of a face, as the base draws it or in a style."""
        file = self.folder / f"face-{len(list(self.folder.iterdir()))}.png"
        # A mix with itself is the face.
        jojo("code", "mix", source, source, *options, "-o", file)
        return file

    def drawn(self, command: str, *arguments: object) -> Path:
        """Return the picture that `jojo code` draws."""
        file = self.folder / f"{command}-{len(list(self.folder.iterdir()))}.png"
        jojo("code", command, *arguments, "-o", file)
        return file

    def mask(self, box: Sequence[float], *, size: tuple[int, int] = (256, 256), name: str = "mask.png") -> Path:
        """Return a mask with an ellipse in a box: left, top, right, bottom, in shares of the picture."""
        mask = Image.new("L", size)
        ImageDraw.Draw(mask).ellipse([share * size[axis % 2] for axis, share in enumerate(box)], fill=255)
        mask.save(self.folder / name)
        return self.folder / name

    def crop(self, photo: Path) -> Path:
        """Return the face of a photo."""
        file = self.folder / f"crop-{photo.stem}.png"
        if not file.exists():
            jojo("align", photo, "-o", file)
        return file


def morph(bench: Bench) -> list[list[Path]]:
    """Three faces, and what lies between them."""
    return [[bench.drawn("morph", "seed:13", "seed:2", "seed:21", "--frames", 7, "--even", "--size", CELL)]]


def mix(bench: Bench) -> list[list[Path]]:
    """All with all."""
    return [[bench.drawn("mix", "seed:8", "seed:13", "seed:2", "--from", 32, "--grid")]]


def transfer(bench: Bench) -> list[list[Path]]:
    """A smile, from one face to another."""
    smiling = bench.drawn("edit", "seed:15", "--direction", "smile", "--strength", 3)
    code = smiling.with_suffix(".code.safetensors")
    other = bench.drawn("transfer", "seed:15", code, "seed:22")
    return [[bench.face("seed:15"), smiling, bench.face("seed:22"), other]]


def edit(bench: Bench) -> list[list[Path]]:
    """Lighter hair, which takes the skin along, and which does not."""
    plain = bench.drawn("edit", "seed:22", "--direction", "hair-light", "--sweep", "0:4:5")
    kept = ("--keep", "skin-light,background-light,yaw,smile")
    return [[plain], [bench.drawn("edit", "seed:22", "--direction", "hair-light", *kept, "--sweep", "0:4:5")]]


def crossover(bench: Bench) -> list[list[Path]]:
    """One half of one face, the other of the other."""
    half = Image.new("L", (256, 256))
    half.paste(255, (128, 0, 256, 256))
    half.save(bench.folder / "half.png")
    new = bench.drawn("crossover", "seed:3", "seed:14", "--mask", bench.folder / "half.png")
    return [[bench.face("seed:3"), bench.face("seed:14"), bench.folder / "half.png", new]]


def local(bench: Bench) -> list[list[Path]]:
    """The mouth of another face."""
    mask = bench.mask((0.2, 0.52, 0.8, 0.95))
    new = bench.drawn("local", "seed:22", "--target", "seed:3", "--mask", mask, "--refine", 60)
    return [[bench.face("seed:22"), bench.face("seed:3"), mask, new]]


def frontal(bench: Bench) -> list[list[Path]]:
    """Faces turned to the front."""
    return [
        [path for seed in (17, 20) for path in (bench.face(f"seed:{seed}"), bench.drawn("frontal", f"seed:{seed}"))]
    ]


def restore(bench: Bench) -> list[list[Path]]:
    """A face with something over its eye, filled."""
    crop = read_image(bench.crop(ASTRONAUT))
    mask = bench.mask((0.5, 0.36, 0.8, 0.6), size=crop.size)
    hidden = Image.composite(Image.new("RGB", crop.size, (90, 90, 90)), crop, Image.open(mask))
    hidden.save(bench.folder / "hidden.png")
    new = bench.drawn("restore", bench.folder / "hidden.png", "--mask", mask, "--no-align")
    return [[bench.crop(ASTRONAUT), bench.folder / "hidden.png", new]]


def enlarge(bench: Bench) -> list[list[Path]]:
    """A small face, drawn large."""
    crop = read_image(bench.crop(ADMIRAL))
    small = crop.resize((SMALL, SMALL), Image.Resampling.BOX).resize(crop.size, Image.Resampling.BICUBIC)
    small.save(bench.folder / "small.png")
    new = bench.drawn("enlarge", bench.folder / "small.png", "--factor", crop.width / SMALL, "--no-align")
    return [[bench.crop(ADMIRAL), bench.folder / "small.png", new]]


def noise(bench: Bench) -> list[list[Path]]:
    """A photo's code, and with noise beside it; both in a style."""
    row = [bench.crop(ASTRONAUT)]
    for name, options in (("code", ()), ("noise", ("--noise",))):
        file = bench.folder / f"{name}.png"
        (found,) = jojo("invert", bench.crop(ASTRONAUT), "--no-align", *options, "-o", file)
        jojo("apply", "poster", found["output"], "-o", bench.folder / f"{name}-poster.png")
        row += [file, bench.folder / f"{name}-poster.png"]
    return [row]


def strength(bench: Bench) -> list[list[Path]]:
    """A style in all that is drawn, in shapes only, and in strokes only."""
    return [[bench.face("seed:15", "--style", "poster", "--strength", at) for at in ("0", "1", "4:1,64:0", "64:1")]]


def blend(bench: Bench) -> list[list[Path]]:
    """Two styles, the one halfway between them, and the one with the shapes of one and the strokes of the other."""
    ways = {"blended-evenly": "0.5", "blended-by-pixels": "4:0,64:1"}
    for name, amount in ways.items():
        jojo("styles", "blend", "poster", "ink", name, "-t", amount, "--overwrite")
    return [[bench.face("seed:15", "--style", style) for style in ("poster", "ink", *ways)]]


def virtual(bench: Bench) -> list[list[Path]]:
    """A reference that is no face; two faces in its style, and with its code taken nearer to a face's."""
    reference = bench.folder / "robot.png"
    robot().save(reference)
    known = {style["name"] for style in jojo("styles", "list")[0]}
    row = [reference]
    for name, options in (("robot", ()), ("robot-virtual", ("--virtual", "4-32=0.7"))):
        if name not in known:
            jojo("train", name, reference, "--no-align", *options)
        row += [bench.face(f"seed:{seed}", "--style", name) for seed in (15, 1)]
    return [row]


PICTURES = (morph, mix, transfer, edit, crossover, local, frontal, restore, enlarge, noise, strength, blend, virtual)


def main() -> None:
    """Draw them, or those that were named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="some of " + ", ".join(draw.__name__ for draw in PICTURES))
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    for draw in PICTURES:
        if options.names and draw.__name__ not in options.names:
            continue
        with tempfile.TemporaryDirectory() as scratch:
            rows = [[read_image(file) for file in row] for row in draw(Bench(Path(scratch)))]
            save_image(stacked(rows), options.output / f"{draw.__name__}.jpg", overwrite=True, quality=88)


def stacked(rows: Sequence[Sequence[Image.Image]]) -> Image.Image:
    """Return rows of faces; or sheets, as large as they are, below one another."""
    if len(rows[0]) > 1:
        return contact_sheet(rows, cell=CELL)
    sheets = [row[0] for row in rows]
    whole = Image.new("RGB", (sheets[0].width, sum(sheet.height + 8 for sheet in sheets) - 8), "white")
    for number, sheet in enumerate(sheets):
        whole.paste(sheet, (0, number * (sheet.height + 8)))
    return whole


if __name__ == "__main__":
    main()
