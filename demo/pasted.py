"""Draw faces that were put back into their photos, in the styles of the demo.

    python demo/pasted.py -o docs/images/pasted.jpg

Two photos, and a picture made of both, each in two styles. The styles must exist, as demo/gallery.py leaves them.
"""

import argparse
import tempfile
from pathlib import Path

from gallery import PHOTOS, REFERENCES, jojo
from PIL import Image

from jojo_cli.images import contact_sheet, read_image, save_image


def main() -> None:
    """Draw them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--cell", type=int, default=320, help="side of a picture in pixels")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        photos = [*PHOTOS, both(folder / "both.png")]
        columns = [
            jojo("apply", style.stem, *photos, "--paste", "--face", "all", "-o", folder / style.stem)
            for style in REFERENCES[:2]
        ]
        rows = [[photo, *(column[i]["output"] for column in columns)] for i, photo in enumerate(photos)]
        sheet = contact_sheet([[read_image(Path(file)) for file in row] for row in rows], cell=options.cell)
        save_image(sheet, options.output, overwrite=True)


def both(path: Path) -> Path:
    """Write the two portraits side by side, as one photo of a group."""
    left, right = map(read_image, PHOTOS)
    right = right.resize((round(right.width * left.height / right.height), left.height), Image.Resampling.LANCZOS)
    group = Image.new("RGB", (left.width + right.width, left.height))
    group.paste(left, (0, 0))
    group.paste(right, (left.width, 0))
    save_image(group, path, overwrite=True)
    return path


if __name__ == "__main__":
    main()
