"""The pictures that a style keeps of its training."""

from collections.abc import Sequence

from PIL import Image, ImageDraw

from jojo_cli.bases.base import Base
from jojo_cli.images import contact_sheet, to_image
from jojo_cli.nets.generator import Generator
from jojo_cli.stylize.draw import draw
from jojo_cli.stylize.invert import Inversion
from jojo_cli.stylize.mixing import sample_code

SAMPLES = 5
TRUNCATION = 0.7
CELL = 256


def preview_sheet(
    base: Base, styled: Generator, references: Sequence[Image.Image], inversions: Sequence[Inversion]
) -> Image.Image:
    """Return what a style does at one look.

    A row for each reference: itself, its inversion, and that in the style. Then random faces of the base, and below
    them the same faces in the style.
    """
    rows = [
        [reference, to_image(inversion.reconstruction[0]), to_image(draw(base, styled, inversion.w_plus)[0])]
        for reference, inversion in zip(references, inversions, strict=True)
    ]
    codes = [sample_code(base, seed, TRUNCATION) for seed in range(SAMPLES)]
    rows += [[to_image(draw(base, styled, code, strength=strength)[0]) for code in codes] for strength in (0, 1)]
    return contact_sheet(rows, cell=CELL)


def loss_curve(losses: Sequence[float], *, size: tuple[int, int] = (640, 360)) -> Image.Image:
    """Return a chart of the loss of every step, from 0 up."""
    width, height = size
    margin = 40
    image = Image.new("RGB", size, "white")
    pen = ImageDraw.Draw(image)
    top = max(losses) or 1.0

    def place(step: int, loss: float) -> tuple[float, float]:
        x = margin + (width - 2 * margin) * step / max(len(losses) - 1, 1)
        return x, height - margin - (height - 2 * margin) * loss / top

    for share in (0, 0.25, 0.5, 0.75, 1):
        _, y = place(0, share * top)
        pen.line([(margin, y), (width - margin, y)], fill="lightgrey")
        pen.text((4, y - 6), f"{share * top:.2f}", fill="black")
    pen.line([place(step, loss) for step, loss in enumerate(losses)], fill="navy", width=2)
    pen.text((margin, height - margin + 12), "step 1", fill="black")
    pen.text((width - margin, height - margin + 12), f"step {len(losses)}", fill="black", anchor="ra")
    return image
