"""Time what putting a face back takes in a photo of 12 megapixels, beside finding, inverting and drawing it.

    python benchmarks/pasting.py [--repeat 5]

The photo is the portrait of Grace Hopper among the tests' data, enlarged; what is put back is its own crop. Weights are
fetched.
"""

import argparse
import io
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from measures import PORTRAITS, report
from PIL import Image

from jojo_cli.faces import crop_face, face_quad
from jojo_cli.faces.paste import blended, face_shape, head_shape, put_back
from jojo_cli.originals import Original
from jojo_cli.studio import Studio

SIDE = 3464
"""Of a square of 12 megapixels."""


def main() -> None:
    """Print the seconds of each step, medians over repetitions."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=5)
    options = parser.parse_args()
    stream = io.BytesIO()
    with Image.open(Path(PORTRAITS) / "grace_hopper.png") as portrait:
        portrait.convert("RGB").resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(stream, "JPEG", quality=92)

    def timed(work: Callable[[], Any]) -> tuple[float, Any]:
        spans = []
        for _ in range(options.repeat):
            started = time.perf_counter()
            result = work()
            spans.append(time.perf_counter() - started)
        return median(spans), result

    finder = Studio().finder
    reading, original = timed(lambda: Original.read(io.BytesIO(stream.getvalue())))
    finding, faces = timed(lambda: finder.find(original.picture))
    quad = face_quad(faces[0].landmarks)
    cutting, crop = timed(lambda: crop_face(original.picture, quad))
    head = np.zeros((64, 64), dtype=np.float32)
    head[6:58, 12:52] = 1
    as_face, _ = timed(lambda: face_shape([finder.landmarks(picture) for picture in (crop, crop)]))
    as_head, weights = timed(lambda: head_shape(head, head, crop))
    blending, drawing = timed(lambda: blended(crop, crop, weights, 1.0))
    pixels = original.pixels.copy()
    putting, _ = timed(lambda: put_back(pixels, drawing, quad, weights))
    writing, _ = timed(lambda: original.changed(pixels).encode(".jpg"))
    report(f"a photo: read {reading:.2f} s, faces found {finding:.2f} s, written {writing:.2f} s")
    side = np.hypot(*(quad[1] - quad[0]))
    report(
        f"a face of {side:.0f} px: cut {cutting:.2f} s, outlined {as_head:.2f} s (the face alone {as_face:.2f} s), "
        f"colours {blending:.2f} s, put back {putting:.2f} s"
    )


if __name__ == "__main__":
    main()
