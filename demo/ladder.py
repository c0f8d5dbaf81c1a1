"""Draw how strong a style is, by `--strength`.

    python demo/ladder.py -o docs/images/ladder.jpg

A portrait in two styles at growing strength. The styles must exist, as demo/gallery.py leaves them.
"""

import argparse
import tempfile
from pathlib import Path

from gallery import PHOTOS, REFERENCES, jojo
from PIL.Image import Image

from jojo_cli.images import contact_sheet, read_image, save_image

STRENGTHS = (0, 0.25, 0.5, 0.75, 1)


def main() -> None:
    """Draw it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--cell", type=int, default=256, help="side of a picture in pixels")
    options = parser.parse_args()
    ladders = [[(style.stem, strength) for strength in STRENGTHS] for style in REFERENCES[:2]]
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
