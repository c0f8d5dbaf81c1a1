"""GIF and animated WebP, by Pillow."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageSequence
from PIL.PngImagePlugin import PngInfo

from jojo_cli.films.film import Film, FilmError, Frame, reading
from jojo_cli.images import SOFTWARE, mark, to_rgb

_MILLISECOND = Fraction(1, 1000)
_UNSAID = 100
"""Milliseconds for which browsers show a frame that is to be shown for none."""

_SHOWN = "Shown"
"""What a part, a PNG, calls when it is shown, and for how long."""

_SAMPLED = 32
"""Frames that the colours of a GIF are chosen from."""

_UNITS = {".gif": Fraction(1, 100), ".webp": _MILLISECOND}
"""In which times are counted, in seconds."""

_QUALITY = 92
"""Of WebP."""


class Animation:
    """A film in a picture's file.

    Raises:
        FilmError: it can't be read.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._opened() as image:
            self.count: int | None = image.n_frames
            self.loops: int | None = image.info.get("loop")  # 0: for ever; None: it is shown once

    def __iter__(self) -> Iterator[Frame]:
        """Go through the frames."""
        start = 0
        with reading(), self._opened() as image:
            for number, frame in enumerate(ImageSequence.Iterator(image)):
                frame.load()  # of a WebP, that says how long, too
                duration = int(frame.info.get("duration", 0)) or _UNSAID
                seen = frame.convert("RGBA") if frame.has_transparency_data else frame
                alpha = seen.getchannel("A") if seen.mode == "RGBA" else None
                yield Frame(number, start, duration, _MILLISECOND, to_rgb(seen), alpha)
                start += duration

    @contextmanager
    def _opened(self) -> Iterator[Any]:
        try:
            with Image.open(self.path, formats=["GIF", "WEBP"]) as image:
                yield image
        except FileNotFoundError as error:
            raise FilmError("not found") from error
        except (OSError, SyntaxError, EOFError) as error:
            if isinstance(error, OSError) and error.errno:
                raise
            raise FilmError("is truncated or damaged") from error


class AnimationWriter:
    """Writes GIF and animated WebP; each frame is a part."""

    part = 1

    def __init__(self, film: Film | None, suffix: str) -> None:
        self._film, self._suffix = film, suffix

    def write_part(self, path: Path, pictures: Iterable[tuple[Frame, Image.Image]]) -> None:
        """Write a picture in the place of a frame."""
        for frame, picture in pictures:
            if frame.alpha and frame.alpha.size == picture.size:
                picture.putalpha(frame.alpha)
            shown = PngInfo()
            shown.add_text(_SHOWN, f"{frame.start * frame.unit} {frame.duration * frame.unit}")
            picture.save(path, "PNG", compress_level=1, pnginfo=shown)

    def join(self, parts: Sequence[Path], path: Path, *, location: bool) -> None:
        """Write the film of all parts."""
        unit = _UNITS[self._suffix]
        # Where a frame ends the next one begins: what is rounded does not add up.
        times = [_times(part) for part in parts]
        starts = [round(start / unit) for start, _ in times]
        ends = [*starts[1:], round(sum(times[-1]) / unit)]
        milliseconds = [round(1000 * unit * (end - start)) for start, end in zip(starts, ends, strict=True)]
        loops = self._film.loops if isinstance(self._film, Animation) else 0
        options: dict[str, Any] = {"duration": milliseconds} | ({} if loops is None else {"loop": loops})
        pictures: Iterator[Image.Image] = map(_read, parts)
        if self._suffix == ".gif":
            options["comment"] = mark("picture").encode()
            palette = _palette(parts)
            pictures = (_in_colours(picture, palette) for picture in pictures)
        else:
            options |= {"quality": _QUALITY, "exif": Image.Exif()}
            options["exif"][SOFTWARE] = mark("picture")
        name = self._suffix[1:].upper()
        next(pictures).save(path, name, save_all=True, append_images=pictures, **options)


def _times(part: Path) -> tuple[Fraction, Fraction]:
    """Return when a part begins, and how long it is shown, in seconds."""
    with Image.open(part) as picture:
        start, duration = picture.info[_SHOWN].split()
    return Fraction(start), Fraction(duration)


def _read(part: Path) -> Image.Image:
    with Image.open(part) as picture:
        picture.load()
    return picture


def _palette(parts: Sequence[Path]) -> Image.Image:
    """Return a picture with 256 colours for all frames: so what stands still does not flicker."""
    some = parts[:: -(-len(parts) // _SAMPLED)]
    rows = [np.asarray(_read(part).convert("RGB").resize((128, 128), Image.Resampling.NEAREST)) for part in some]
    return Image.fromarray(np.concatenate(rows)).quantize(256, Image.Quantize.MEDIANCUT)


def _in_colours(picture: Image.Image, palette: Image.Image) -> Image.Image:
    if picture.mode != "RGB":
        return picture  # transparent: Pillow chooses colours that leave one for that
    return picture.quantize(palette=palette, dither=Image.Dither.NONE)
