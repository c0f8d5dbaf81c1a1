"""Where faces were found in a picture, for people to look at."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from jojo_cli.faces.align import FloatArray

_SIDE = 1600
"""Pixels along the longer side of what is shown, at most."""

_LIGHT, _DARK = "yellow", "black"


def marked(picture: Image.Image, quads: Sequence[FloatArray], points: Sequence[FloatArray]) -> Image.Image:
    """Return a picture, made smaller, with faces marked on it.

    Args:
        picture: RGB.
        quads: the squares [4,2] that are cut out, numbered from 1; a stroke is their upper side.
        points: the landmarks [K,2] of each.
    """
    shown = picture.copy()
    shown.thumbnail((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    scale = shown.width / picture.width
    width = max(1, round(max(shown.size) / 400))
    pen = ImageDraw.Draw(shown)
    # The small ones last: they may lie inside the others.
    for number, (quad, marks) in enumerate(zip(quads, points, strict=True), 1):
        corners = [(float(x), float(y)) for x, y in (quad + 0.5) * scale]
        for colour, thickness in ((_DARK, 3 * width), (_LIGHT, width)):
            pen.line([*corners, *corners[:2]], fill=colour, width=thickness, joint="curve")
        pen.line([corners[0], corners[3]], fill=_LIGHT, width=3 * width)
        for x, y in (marks + 0.5) * scale:
            pen.ellipse((x - width, y - width, x + width, y + width), fill=_LIGHT, outline=_DARK)
        side = float(np.hypot(*(quad[1] - quad[0]))) * scale
        font = ImageFont.load_default(size=max(10, side / 6))
        # Where the picture has it, if the corner lies outside.
        left, top = (min(max(c, 0.0), end - side / 6) for c, end in zip(corners[0], shown.size, strict=True))
        pen.text((left, top), str(number), fill=_LIGHT, font=font, stroke_width=width, stroke_fill=_DARK)
    return shown
