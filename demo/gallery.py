"""Draw the gallery of the README: photos and random faces, as the base draws them and in the styles of the demo.

    python demo/gallery.py [REFERENCE...] -o docs/images/gallery.jpg

Every picture comes from the command line, as a user would make it; styles that exist are not trained again.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from jojo_cli.bases import EMBEDDED_BASE
from jojo_cli.images import contact_sheet, read_image, save_image

HERE = Path(__file__).parent
PHOTOS = [HERE.parent / "tests" / "data" / name for name in ("astronaut.png", "grace_hopper.png")]
REFERENCES = [HERE / f"{name}.png" for name in ("poster", "ink", "cartoon", "oil", "comic", "sketch")]
SEEDS = (1, 4)
"""Of the random faces: first one, and how many."""


def main() -> None:
    """Draw it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("references", nargs="*", type=Path, default=REFERENCES)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--cell", type=int, default=224, help="side of a picture in pixels")
    options = parser.parse_args()

    for reference in options.references:
        learn(reference.stem, reference)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        codes = [one["output"] for one in jojo("invert", *PHOTOS, "-o", folder)]
        crops = [one["output"] for one in jojo("align", *PHOTOS, "-o", folder)]
        first = options.references[0].stem
        rows = [[None, *crops, *draw(first, [], folder, strength=0)]]
        rows += [[reference, *draw(reference.stem, codes, folder)] for reference in options.references]
        pictures = [[read_image(Path(file or crops[0])) for file in row] for row in rows]
        pictures[0][0].paste("white", (0, 0, *pictures[0][0].size))  # above the references there is nothing
        save_image(contact_sheet(pictures, cell=options.cell), options.output, overwrite=True)


def learn(style: str, reference: Path) -> None:
    """Train a style, unless there is one of that name."""
    if style not in {known["name"] for known in jojo("styles", "list")[0]}:
        jojo("train", style, reference, "--no-align")  # they were drawn as crops


def draw(style: str, codes: list[str], folder: Path, *, strength: float = 1) -> list[str]:
    """Return the files of the codes and of the random faces in a style."""
    start, count = SEEDS
    where = ("-o", folder / f"{style}-{strength}", "--strength", strength)
    applied = jojo("apply", style, *codes, *where) if codes else []
    return [one["output"] for one in [*applied, *jojo("sample", style, "-n", count, "--seed", start, *where)]]


def jojo(*arguments: object) -> list[Any]:
    """Return the results of `jojo` with these arguments, on the embedded base."""
    command = [sys.executable, "-m", "jojo_cli", *map(str, arguments), "--json"]
    environment = {**os.environ, "JOJO_BASE": EMBEDDED_BASE}
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env=environment)
    return [json.loads(line) for line in done.stdout.splitlines()]


if __name__ == "__main__":
    main()
