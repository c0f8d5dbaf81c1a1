"""Draw a film in a style of the demo: a random face that turns and smiles, beside itself redrawn.

    python demo/film.py -o docs/images/film.webp

The style must exist, as demo/gallery.py leaves it.
"""

import argparse
import math
import tempfile
from pathlib import Path

import torch
from gallery import REFERENCES, jojo
from PIL import Image

from jojo_cli.bases import EMBEDDED_BASE
from jojo_cli.films import open_film
from jojo_cli.images import to_image
from jojo_cli.studio import Studio
from jojo_cli.stylize.mixing import mix_codes, sample_code

SEEDS = (4, 11)
"""Of the face, and of the one towards which and away from which its coarse codes go."""

FRAMES = 24
DURATION = 80  # milliseconds of a frame


def main() -> None:
    """Draw it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--style", default=REFERENCES[0].stem)
    parser.add_argument("--cell", type=int, default=256, help="side of a frame in pixels")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        clip = Path(scratch) / "clip.webp"
        frames = moving_face(2 * options.cell)
        frames[0].save(clip, save_all=True, append_images=frames[1:], duration=DURATION, loop=0, lossless=True)
        ((result,),) = [jojo("apply", options.style, clip, "-o", scratch)]
        pairs = zip(open_film(clip), open_film(Path(result["output"])), strict=True)
        sheets = [side_by_side(before.picture, after.picture, options.cell) for before, after in pairs]
    sheets[0].save(options.output, save_all=True, append_images=sheets[1:], duration=DURATION, loop=0, quality=75)


def moving_face(side: int) -> list[Image.Image]:
    """Return the frames of a face that the base draws, from codes that go there and back."""
    base = Studio(device="cpu").base(EMBEDDED_BASE)
    person, other = (sample_code(base, seed, 0.7) for seed in SEEDS)
    coarse = [number for number, pixels in enumerate(base.generator.code_resolutions) if pixels <= 16]
    frames = []
    for number in range(FRAMES):
        code = mix_codes(person, other, coarse, 0.4 * math.sin(2 * math.pi * number / FRAMES))
        with torch.inference_mode():
            face = to_image(base.generator.synthesis(code)[0])
        frames.append(face.resize((side, side), Image.Resampling.LANCZOS))
    return frames


def side_by_side(left: Image.Image, right: Image.Image, cell: int) -> Image.Image:
    """Return two frames beside one another."""
    sheet = Image.new("RGB", (2 * cell, cell))
    for number, picture in enumerate((left, right)):
        sheet.paste(picture.resize((cell, cell), Image.Resampling.LANCZOS), (number * cell, 0))
    return sheet


if __name__ == "__main__":
    main()
