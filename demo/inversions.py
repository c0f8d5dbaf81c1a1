"""Draw what the ways of finding a code make of two portraits, as the base draws them and in the styles of the demo.

    python demo/inversions.py -o docs/images/inversions.jpg

A row for each way and portrait: the photo, the reconstruction, and the code in two styles. The styles must exist, as
demo/gallery.py leaves them.
"""

import argparse
import tempfile
from pathlib import Path

from gallery import PHOTOS, REFERENCES, jojo

from jojo_cli.images import contact_sheet, read_image, save_image

METHODS = ("encoder", "hybrid", "optimize")


def main() -> None:
    """Draw them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--cell", type=int, default=224, help="side of a picture in pixels")
    options = parser.parse_args()

    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        crops = [one["output"] for one in jojo("align", *PHOTOS, "-o", folder)]
        columns = []
        for method in METHODS:
            found = jojo("invert", *PHOTOS, "--method", method, "-o", folder / method)
            codes = [one["output"] for one in found]
            drawn = [jojo("apply", style.stem, *codes, "-o", folder / method) for style in REFERENCES[:2]]
            columns.append([[one["reconstruction"] for one in found], *([o["output"] for o in row] for row in drawn)])
        rows = [[photo, *(pictures[i] for pictures in column)] for i, photo in enumerate(crops) for column in columns]
        sheet = contact_sheet([[read_image(Path(file)) for file in row] for row in rows], cell=options.cell)
        save_image(sheet, options.output, overwrite=True)


if __name__ == "__main__":
    main()
