"""Measure what `jojo code enlarge` and `restore` reach, beside plain enlarging and a plain fill.

    python benchmarks/retouching.py FOLDER [--factor 8]

Faces of the photos in a folder are cut. Each is shrunk and enlarged again, by jojo and by bicubic interpolation; and
its eye on the right is taken out and filled again, by jojo and by the colours around. Of each: shift-tolerant LPIPS at
256 px and the distance of dlib's descriptors to the face as it was; lower is nearer. Weights are fetched.
"""

import argparse
from pathlib import Path
from statistics import mean
from tempfile import TemporaryDirectory

import torch
from measures import Describer, gap, read_crops, report
from PIL import Image, ImageDraw

from jojo_cli.bases.settings import InvertChoice
from jojo_cli.bases.views import whole_view
from jojo_cli.images import to_tensor
from jojo_cli.studio import Studio
from jojo_cli.studio.coding import Coder, Look, Source
from jojo_cli.studio.retouching import enlarged, restored, smoothed_over
from jojo_cli.stylize.losses import Targets

EYE = (0.53, 0.41, 0.73, 0.55)
"""The hole, left, top, right, bottom in shares of the side."""


def main() -> None:
    """Print the means over the photos."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--factor", type=float, default=8.0)
    options = parser.parse_args()
    studio = Studio()
    coder = Coder(studio, Look(), [Source("photo")], InvertChoice())
    describe = Describer(studio)
    perceptual = coder.base.load_perceptual()
    found: dict[str, list[tuple[float, float]]] = {}

    def judge(name: str, crop: Image.Image, result: Image.Image) -> None:
        view = whole_view(crop.width)
        with torch.inference_mode():
            lpips = Targets(perceptual, [to_tensor([crop])], [view]).distance(to_tensor([result]), view).item()
        found.setdefault(name, []).append((lpips, gap(describe(crop), describe(result))))

    with TemporaryDirectory() as scratch:
        folder = Path(scratch)
        for crop in read_crops(options.folder, describe, coder.base.generator.resolution).values():
            side = crop.width
            small = crop.resize((round(side / options.factor),) * 2, Image.Resampling.BOX)
            large = small.resize((side, side), Image.Resampling.BICUBIC)
            large.save(folder / "small.png")
            judge("enlarged by bicubic interpolation", crop, large)
            _, picture = enlarged(coder, Source(str(folder / "small.png"), None), options.factor)
            judge("enlarged by jojo", crop, picture)
            hole = Image.new("L", crop.size)
            ImageDraw.Draw(hole).ellipse([side * share for share in EYE], fill=255)
            hole.save(folder / "hole.png")
            crop.save(folder / "photo.png")
            judge("a hole filled by the colours around", crop, smoothed_over(crop, hole))
            _, filled = restored(coder, Source(str(folder / "photo.png"), None), folder / "hole.png")
            judge("a hole filled by jojo", crop, filled)
    for name, figures in found.items():
        lpips, descriptor = (mean(values) for values in zip(*figures, strict=True))
        report(f"{name}: LPIPS {lpips:.3f}, descriptor distance {descriptor:.3f} ({len(figures)} photos)")


if __name__ == "__main__":
    main()
