"""A reference that is far from a face: a robot, for demo/codes.py."""

from __future__ import annotations

from drawing import SCALE, SIZE, Colour
from PIL import Image, ImageDraw

NIGHT, INK = (38, 44, 66), (24, 22, 30)
STEEL, LIGHT, DARK = (176, 182, 190), (204, 210, 216), (120, 126, 136)
RED, YELLOW, CREAM, WHITE = (226, 74, 52), (244, 214, 90), (250, 244, 214), (255, 255, 255)


def robot() -> Image.Image:
    """Draw it: eyes, nose and mouth about where those of an FFHQ crop are."""
    picture = Image.new("RGB", (SIZE * SCALE, SIZE * SCALE), NIGHT)
    pen = ImageDraw.Draw(picture)

    def box(left: int, top: int, right: int, bottom: int, radius: int, fill: Colour, line: int = 0) -> None:
        corners = [side * SCALE for side in (left, top, right, bottom)]
        pen.rounded_rectangle(corners, radius * SCALE, fill=fill, outline=INK if line else None, width=line * SCALE)

    def disc(x: int, y: int, radius: int, fill: Colour, line: int = 0) -> None:
        box(x - radius, y - radius, x + radius, y + radius, radius, fill, line)

    box(500, 40, 524, 200, 8, DARK, 6)
    disc(512, 60, 44, RED, 10)
    for left in (120, 794):
        box(left, 420, left + 110, 640, 30, DARK, 12)
    box(200, 170, 824, 900, 70, STEEL, 16)
    box(236, 206, 788, 330, 40, LIGHT)
    for x in (250, 774):
        for y in (230, 860):
            disc(x, y, 14, DARK, 5)
    for x in (372, 652):
        disc(x, 480, 104, YELLOW, 16)
        disc(x, 480, 56, CREAM)
        disc(x, 480, 34, INK)
        disc(x - 30, 450, 16, WHITE)
    pen.polygon([(x * SCALE, y * SCALE) for x, y in ((512, 560), (470, 660), (554, 660))], fill=RED)
    box(330, 710, 694, 830, 26, INK)
    for tooth in range(7):
        box(346 + 49 * tooth, 724, 386 + 49 * tooth, 816, 8, CREAM)
    box(420, 900, 604, 1024, 10, DARK, 12)
    return picture.resize((SIZE, SIZE), Image.Resampling.LANCZOS)
