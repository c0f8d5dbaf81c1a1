"""Draw the reference pictures of the demo beside this file: all of them, or those named.

    python demo/draw_references.py [poster] [sketch] [ink] [cartoon] [oil] [comic]

The people are invented and every line is code. The faces sit as in an FFHQ crop, so they need no aligning.
The light comes from the left.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image
from reference_cartoon import cartoon
from reference_comic import comic
from reference_ink import ink
from reference_oil import oil
from reference_poster import poster
from reference_sketch import sketch

PICTURES = {"poster": poster, "sketch": sketch, "ink": ink, "cartoon": cartoon, "oil": oil, "comic": comic}
GREYS = {"sketch": 48, "ink": 48}  # the size of the palette that does for these


def main() -> None:
    """Write the pictures that the command line names, without names all."""
    names = sys.argv[1:] or list(PICTURES)
    if unknown := sorted(set(names) - set(PICTURES)):
        raise SystemExit(f"no such picture: {', '.join(unknown)}; there are {', '.join(PICTURES)}")
    for name in names:
        picture = PICTURES[name]()
        if name in GREYS:
            picture = picture.quantize(GREYS[name], dither=Image.Dither.NONE)
        picture.save(Path(__file__).parent / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
