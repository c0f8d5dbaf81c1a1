"""Draw how strong a style is, by `--strength`, and by `--structure-weight` with `--proportions`.

    python demo/ladder.py -o docs/images/ladder.jpg

Two rows of a portrait in a style at growing strength, and one in styles trained to be faithful, as they are by default,
and bold. The first styles must exist, as demo/gallery.py leaves them; the others are trained where there are none of
that name.
"""

import argparse
import tempfile
from pathlib import Path

from gallery import PHOTOS, REFERENCES, jojo, learn
from PIL.Image import Image

from jojo_cli.images import contact_sheet, read_image, save_image

STRENGTHS = (0, 0.25, 0.5, 0.75, 1)
TRAININGS = {
    "-faithful": ("--structure-weight", 0.6, "--proportions", 0.2),
    "": (),
    "-bold": ("--structure-weight", 0.02, "--proportions", 0.8),
}
"""Options by what they add to the style's name."""


def main() -> None:
    """Draw it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--cell", type=int, default=256, help="side of a picture in pixels")
    options = parser.parse_args()
    ladders = [[(style.stem, strength) for strength in STRENGTHS] for style in REFERENCES[:2]]
    ink = REFERENCES[1]
    ladders.append([(ink.stem, 0)])
    for ending, trained_with in TRAININGS.items():
        learn(ink.stem + ending, ink, *trained_with)
        ladders[-1].append((ink.stem + ending, 1))
    with tempfile.TemporaryDirectory() as scratch:
        (found,) = jojo("invert", PHOTOS[1], "-o", scratch)

        def drawn(style: str, strength: float) -> Image:
            file = Path(scratch, f"{style}-{strength}.png")
            jojo("apply", style, found["output"], "--strength", strength, "-o", file, "--overwrite")
            return read_image(file)

        rows = [[drawn(*step) for step in ladder] for ladder in ladders]
        save_image(contact_sheet(rows, cell=options.cell), options.output, overwrite=True)


if __name__ == "__main__":
    main()
