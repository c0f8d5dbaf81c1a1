"""Draw a group photo, and everybody in it put back in two styles of the demo.

    python demo/pasted.py -o docs/images/pasted.jpg

The photo is made up: random faces of the base, cut out along what the base knows of them. The styles must exist, as
demo/gallery.py leaves them.
"""

import argparse
import tempfile
from pathlib import Path

import numpy as np
import torch
from gallery import REFERENCES, jojo
from PIL import Image, ImageFilter

from jojo_cli.bases import EMBEDDED_BASE, BaseEntry
from jojo_cli.bases.base import Base
from jojo_cli.bases.regions import REGIONS, states_of
from jojo_cli.images import read_image, save_image, to_image
from jojo_cli.studio import Studio
from jojo_cli.stylize.mixing import sample_code

PEOPLE = ((17, 0, 520), (21, 350, 580), (4, 770, 470), (2, 1040, 560), (10, 1390, 620))
"""Seed, place from the left and side in pixels of each."""

SIZE = (1960, 690)


def main() -> None:
    """Draw it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--width", type=int, default=1000, help="of the pictures, in pixels")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        group = Path(scratch) / "group.png"
        save_image(group_photo(), group)
        rows = [group]
        for style in REFERENCES[:2]:
            (result,) = jojo("apply", style.stem, group, "--paste", "--face", "all", "-o", scratch)
            rows.append(Path(result["output"]))
        height = round(options.width * SIZE[1] / SIZE[0])
        sheet = Image.new("RGB", (options.width, len(rows) * (height + 8) - 8), "white")
        for number, row in enumerate(rows):
            picture = read_image(row).resize((options.width, height), Image.Resampling.LANCZOS)
            sheet.paste(picture, (0, number * (height + 8)))
        save_image(sheet, options.output, overwrite=True)


def group_photo() -> Image.Image:
    """Return people before a wall."""
    base = Studio(device="cpu").base(EMBEDDED_BASE, needs=BaseEntry.needs)
    light = np.linspace(1.1, 0.8, SIZE[0])[None, :, None] * np.linspace(1.0, 0.85, SIZE[1])[:, None, None]
    wall = Image.fromarray((light * (164, 158, 146)).clip(0, 255).astype(np.uint8))
    for seed, left, side in sorted(PEOPLE, key=lambda person: person[2]):
        person, mask = cut_out(base, seed, side)
        wall.paste(person, (left, SIZE[1] - side), mask)
    return wall


def cut_out(base: Base, seed: int, side: int) -> tuple[Image.Image, Image.Image]:
    """Return a random face, and where it is no background."""
    assert base.load_regions
    code = sample_code(base, seed, 0.7)
    with torch.inference_mode():
        face = to_image(base.generator.synthesis(code)[0])
        background = base.load_regions()(states_of(base.generator, code))[REGIONS.index("background")]
    shape = Image.fromarray((255 * (2 - 2.6 * background).clamp(0, 1)).byte().numpy())
    shape = shape.resize((side, side), Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(side / 300))
    return face.resize((side, side), Image.Resampling.LANCZOS), shape


if __name__ == "__main__":
    main()
