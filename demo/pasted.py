"""Draw faces that were put back into their photos, in the styles of the demo.

    python demo/pasted.py -o docs/images/pasted.jpg

Two photos, each in two styles. The styles must exist, as demo/gallery.py leaves them.
"""

import argparse
import tempfile
from pathlib import Path

from gallery import PHOTOS, REFERENCES, jojo

from jojo_cli.images import contact_sheet, read_image, save_image


def main() -> None:
    """Draw them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--cell", type=int, default=320, help="side of a picture in pixels")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        columns = [jojo("apply", style.stem, *PHOTOS, "--paste", "-o", folder / style.stem) for style in REFERENCES[:2]]
        rows = [[photo, *(column[i]["output"] for column in columns)] for i, photo in enumerate(PHOTOS)]
        sheet = contact_sheet([[read_image(Path(file)) for file in row] for row in rows], cell=options.cell)
        save_image(sheet, options.output, overwrite=True)


if __name__ == "__main__":
    main()
