"""Draw a random face along directions.

python demo/directions.py -o docs/images/directions.jpg
"""

import argparse
import tempfile
from pathlib import Path

from gallery import jojo
from PIL import Image

from jojo_cli.images import read_image, save_image

DIRECTIONS = ("smile", "yaw", "mouth-open", "hair-length", "hair-light", "skin-light")
FACE = "seed:7"


def main() -> None:
    """Draw it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--cell", type=int, default=144, help="side of a face in pixels")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        rows = []
        for name in DIRECTIONS:
            file = Path(scratch) / f"{name}.png"
            jojo("code", "edit", FACE, "--direction", name, "--sweep", "-3:3:7", "-o", file)
            row = read_image(file)
            rows.append(row.resize((7 * options.cell, round(7 * options.cell * row.height / row.width))))
    sheet = Image.new("RGB", (rows[0].width, sum(row.height for row in rows)), "white")
    for number, row in enumerate(rows):
        sheet.paste(row, (0, number * row.height))
    save_image(sheet, options.output, overwrite=True)


if __name__ == "__main__":
    main()
