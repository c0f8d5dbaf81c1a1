"""Draw how strong a style is: by `--strength`, and by `--structure-weight` while it is learnt.

    python demo/ladder.py -o docs/images/ladder.jpg

A row for each training, the portrait in it at growing strength. Styles that exist are not trained again.
"""

import argparse
import tempfile
from pathlib import Path

from gallery import PHOTOS, REFERENCES, jojo, learn

from jojo_cli.images import contact_sheet, read_image, save_image

STRENGTHS = (0, 0.25, 0.5, 0.75, 1)
MILDER = 2  # --structure-weight


def main() -> None:
    """Draw it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--cell", type=int, default=256, help="side of a picture in pixels")
    options = parser.parse_args()
    reference, portrait = REFERENCES[0], PHOTOS[1]
    styles = {reference.stem: (), f"{reference.stem}-mild": ("--structure-weight", MILDER)}
    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        (found,) = jojo("invert", portrait, "-o", scratch)
        for style, settings in styles.items():
            learn(style, reference, *settings)
            drawn = [
                jojo(
                    "apply", style, found["output"], "--strength", strength, "-o", Path(scratch, f"{style}-{strength}")
                )
                for strength in STRENGTHS
            ]
            rows.append([read_image(Path(one["output"])) for (one,) in drawn])
        save_image(contact_sheet(rows, cell=options.cell), options.output, overwrite=True)


if __name__ == "__main__":
    main()
