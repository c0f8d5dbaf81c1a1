"""Measure films in a style: how fast, in how much memory, and how they flicker beside the same clip frame by frame.

    python benchmarks/films.py STYLE [PHOTO] [--clips still panned turning] [--frames 50] [--method encoder]

Three clips of 1280 x 720 pixels are made: a photo that stands still, with camera noise; the same photo, over which the
camera moves; and a random face of the base that turns and changes its expression. Each is redrawn as a film, and frame
by frame as photos are. Weights are fetched.

- *difference*: the mean of |(S_t - S_t-1) - (I_t - I_t-1)| in grey levels around the face, of the styled S and the
  original I: what moves that did not. What the codec adds to the original, written once more, is taken off.
- *LPIPS*: shift-tolerant LPIPS between neighbours, over that of the original's.
- *person*: distance of dlib's descriptors between neighbours.
- *trembling*: on the clip that stands still, the mean of |S_t - S_t-1| over that of |I_t - I_t-1|.
"""

import argparse
import resource
import time
from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch
from judges import Array
from measures import PORTRAITS, Describer, gap, report
from PIL import Image, ImageFilter

from jojo_cli.bases.settings import InvertChoice
from jojo_cli.bases.views import whole_view
from jojo_cli.faces import crop_face, face_quad
from jojo_cli.films import Frame, open_film
from jojo_cli.films.video import VideoWriter
from jojo_cli.images import read_image, to_image, to_tensor
from jojo_cli.process import keep_memory
from jojo_cli.studio import Studio
from jojo_cli.studio.pasting import Paste
from jojo_cli.stylize.losses import Targets
from jojo_cli.stylize.mixing import mix_codes, sample_code

CLIPS = ("still", "panned", "turning")
SIZE = (1280, 720)
RATE = 25
NOISE = 3.0  # of the camera, in grey levels


def main() -> None:
    """Make the clips, redraw them in both ways, and print the figures."""
    keep_memory()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("style")
    parser.add_argument("photo", nargs="?", type=Path, default=PORTRAITS / "astronaut.png")
    parser.add_argument("--clips", nargs="+", choices=CLIPS, default=CLIPS)
    parser.add_argument("--frames", type=int, default=50)
    parser.add_argument("--method", default="encoder", help="how codes are found, for films and for frames")
    parser.add_argument("--keep", type=Path, help="a folder that keeps clips and results")
    options = parser.parse_args()
    studio = Studio()
    with TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        for kind in options.clips:
            clip = folder / f"{kind}.mp4"
            _write(clip, _noisy(_pictures(kind, studio, options.photo, options.frames)))
            report(f"{kind}: " + _measured(studio, options.style, InvertChoice(options.method), kind, folder))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    report(f"peak memory {peak:.1f} GB")


def _measured(studio: Studio, style: str, how: InvertChoice, kind: str, folder: Path) -> str:
    """Return the figures of a clip, as a film and frame by frame."""
    clip = folder / f"{kind}.mp4"
    began = time.perf_counter()
    (outcome,) = studio.apply(style, [clip], folder, how=how, overwrite=True)
    seconds = time.perf_counter() - began
    assert outcome.output, outcome.reason
    original = [frame.picture for frame in open_film(clip)]
    frames = folder / clip.stem
    for number, picture in enumerate(original):
        frames.mkdir(parents=True, exist_ok=True)
        picture.save(frames / f"{number:04}.png")
    alone = list(studio.apply(style, [frames], frames, how=how, paste=Paste(), overwrite=True))
    for one in alone:
        assert one.output, one.reason
    # Through the same codec.
    apart = folder / f"{clip.stem}.frames.mp4"
    _write(apart, (read_image(Path(str(one.output))) for one in alone))
    again = folder / f"{clip.stem}.again.mp4"
    _write(again, iter(original))
    judge = _Judge(studio, original, _moves(kind, len(original)))
    films = ([frame.picture for frame in open_film(Path(path))] for path in (outcome.output, apart, again))
    *said, codec = map(judge, films)
    said = [(difference - codec[0], *others) for difference, *others in said]
    lines = [f"{len(original) / seconds:.2f} frames a second"]
    for name, film, photos in zip(_Judge.names, *said, strict=True):
        lines.append(f"{name} {film:.2f}, frame by frame {photos:.2f}: {film / photos:.2f} of it")
    return "; ".join(lines)


class _Judge:
    """What changes from frame to frame, beside what changes in the original, as the camera moves [T,2] in pixels."""

    names = ("difference", "LPIPS", "person", "trembling")

    def __init__(self, studio: Studio, original: list[Image.Image], moves: Array) -> None:
        self.studio = studio
        self.describe = Describer(studio)
        base = studio.base()
        self.perceptual = base.load_perceptual()
        self.view = whole_view(256)
        first = face_quad(studio.finder.find(original[0])[0].landmarks)
        self.quads = [first - move + moves[0] for move in moves]
        self.original = self._changes(original)

    def __call__(self, film: list[Image.Image]) -> tuple[float, ...]:
        """Return the figures of a film, in the order of their names."""
        changes, lpips, person = self._changes(film)
        before, lpips_before, _ = self.original
        difference = float(np.mean([np.abs(a - b).mean() for a, b in zip(changes, before, strict=True)]))
        size = [float(np.mean([np.abs(change).mean() for change in each])) for each in (changes, before)]
        return difference, lpips / lpips_before, person, size[0] / size[1]

    def _changes(self, film: list[Image.Image]) -> tuple[list[Array], float, float]:
        """Return the changes from frame to frame around the face, their mean LPIPS, and that of the person."""
        crops = [crop_face(picture, quad, size=256) for picture, quad in zip(film, self.quads, strict=True)]
        pixels = [np.asarray(crop, dtype=float) for crop in crops]
        changes = [after - before for before, after in pairwise(pixels)]
        with torch.inference_mode():
            lpips = [
                Targets(self.perceptual, [to_tensor([a])], [self.view]).distance(to_tensor([b]), self.view).item()
                for a, b in pairwise(crops)
            ]
        persons = [self.describe(crop) for crop in crops]
        gaps = [gap(a, b) for a, b in pairwise(persons)]
        return changes, float(np.mean(lpips)), float(np.mean(gaps))


def _pictures(kind: str, studio: Studio, photo: Path, frames: int) -> Iterator[Image.Image]:
    """Give the frames of a clip, without noise."""
    if kind == "turning":
        yield from _turning(studio, frames)
        return
    width, height = SIZE
    picture = read_image(photo)
    scale = 1.25 * max(width / picture.width, height / picture.height)
    face = studio.finder.find(picture)[0].landmarks.mean(axis=0)
    middle = face * scale - (width / 2, height / 2)
    room = np.array((picture.width * scale - width, picture.height * scale - height))
    middle = np.clip(middle, _WIDEST, room - _WIDEST)
    for x, y in middle + _moves(kind, frames):  # by parts of a pixel
        look = (1 / scale, 0, x / scale, 0, 1 / scale, y / scale)
        yield picture.transform(SIZE, Image.Transform.AFFINE, look, Image.Resampling.BICUBIC)


_WIDEST = np.array((60.0, 30.0))


def _moves(kind: str, frames: int) -> Array:
    """Return how far the camera has moved [T,2], in pixels to the right and down."""
    turn = 2 * np.pi * np.arange(frames)[:, None] / (4 * RATE) * (1, 1.7)
    return _WIDEST * np.sin(turn) * (kind == "panned")


def _turning(studio: Studio, frames: int) -> Iterator[Image.Image]:
    base = studio.base()
    person, other = (sample_code(base, seed, 0.7) for seed in (7, 8))
    coarse = [number for number, side in enumerate(base.generator.code_resolutions) if side <= 16]
    around = Image.effect_noise(SIZE, 60).filter(ImageFilter.GaussianBlur(12)).convert("RGB")
    edge = Image.new("L", (600, 600))
    edge.paste(255, (40, 40, 560, 560))
    edge = edge.filter(ImageFilter.GaussianBlur(16))
    for number in range(frames):
        code = mix_codes(person, other, coarse, 0.35 * float(np.sin(2 * np.pi * number / (3 * RATE))))
        with torch.inference_mode():
            face = to_image(base.generator.synthesis(code)[0]).resize((600, 600), Image.Resampling.LANCZOS)
        picture = around.copy()
        picture.paste(face, (340, 60), edge)
        yield picture


def _noisy(pictures: Iterator[Image.Image]) -> Iterator[Image.Image]:
    rng = np.random.default_rng(0)
    for picture in pictures:
        noisy = np.asarray(picture, dtype=float) + rng.normal(0, NOISE, (*picture.size[::-1], 3))
        yield Image.fromarray(noisy.round().clip(0, 255).astype(np.uint8))


def _write(path: Path, pictures: Iterator[Image.Image]) -> None:
    """Write a clip."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unit = Fraction(1, 1000)
    step = 1000 // RATE
    writer = VideoWriter(None, path.suffix)
    part = path.with_suffix(".part")
    writer.write_part(part, ((Frame(n, n * step, step, unit, picture), picture) for n, picture in enumerate(pictures)))
    writer.join([part], path, location=False)
    part.unlink()


if __name__ == "__main__":
    main()
