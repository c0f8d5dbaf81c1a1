"""Random faces in a style: files and contact sheets."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from jojo_cli.errors import JojoError
from jojo_cli.events import Note, progress
from jojo_cli.images import contact_sheet, made_by_jojo, read_comment, read_image, save_image
from jojo_cli.stylize.strength import Strength

if TYPE_CHECKING:
    from jojo_cli.studio.studio import Format, Studio
    from jojo_cli.styles import Style

COLUMNS = 8
SHEET = COLUMNS**2
"""The most faces on one sheet."""

CELL = 256
"""The largest side of a face on a sheet, in pixels."""


@dataclass(frozen=True)
class Samples:
    """Random faces to draw: in which style, where they go, and how they look."""

    style: "Style"
    files: Mapping[int, Path]  # by the seed
    sheets: Sequence[Path]
    truncation: float
    strength: Strength
    color: float | None
    quality: int | None
    overwrite: bool

    def comment(self, seed: int) -> str:
        """Return what the picture of a face says of itself: the same for the same picture."""
        style = self.style.record.weights_sha256
        quality = f", quality {self.quality}" if self.quality else ""
        look = f"truncation {self.truncation}, strength {self.strength}, color {self.color}{quality}"
        return f"seed {seed}, {look} of {style}"

    def there(self) -> set[int]:
        """Return the seeds whose faces an earlier run has drawn already.

        Raises:
            JojoError: a file exists that is something else, and must not be replaced.
        """
        if self.overwrite:
            return set()
        there = {seed for seed, file in self.files.items() if file.exists()}
        other = [self.files[seed] for seed in there if read_comment(self.files[seed]) != self.comment(seed)]
        other += [sheet for sheet in self.sheets if sheet.exists() and not made_by_jojo(sheet)]
        if other:
            hint = "add --overwrite to replace it, or choose a folder with -o"
            raise JojoError(f"{str(min(other))!r} exists", hint=hint)
        return there


def plan_samples(
    style: "Style",
    count: int,
    folder: Path | None,
    *,
    seed: int,
    truncation: float,
    strength: Strength,
    color: float | None,
    format: "Format",
    quality: int | None,
    overwrite: bool,
) -> Samples:
    """Return what is to be drawn; arguments as in `Studio.sample`."""
    name = style.name
    folder = folder or Path(f"{name}-samples")
    files = {number: folder / f"{name}-{number:04d}.{format}" for number in range(seed, seed + count)}
    sheets = (count - 1) // SHEET + 1
    numbers = [f"-{number}" for number in range(1, sheets + 1)] if sheets > 1 else [""]
    paths = [folder / f"{name}-sheet{number}.{format}" for number in numbers]
    return Samples(style, files, paths, truncation, strength, color, quality, overwrite)


def sample(studio: "Studio", samples: Samples, there: set[int]) -> Iterator[tuple[int, Path]]:
    """Draw the faces that are not `there` one by one, and each sheet when it is full; yield all with their seeds."""
    from jojo_cli.stylize.mixing import sample_code

    name = samples.style.name
    loaded = studio.style(name, color=samples.color)
    cell = min(CELL, loaded.base.generator.resolution)
    on_sheet = min(SHEET, len(samples.files))
    columns = min(COLUMNS, round(on_sheet**0.5 + 0.49))
    sheets = iter(samples.sheets)
    small: list[Image.Image] = []
    with progress(studio.listener, f"drawing {name}", len(samples.files), "faces") as advance:
        for done, (seed, file) in enumerate(samples.files.items(), 1):
            if seed in there:
                image = read_image(file)
            else:
                code = sample_code(loaded.base, seed, samples.truncation)
                (image,) = loaded.draw(code, strength=samples.strength, color=samples.color)
                save_image(
                    image,
                    file,
                    overwrite=samples.overwrite,
                    made="picture",
                    comment=samples.comment(seed),
                    quality=samples.quality,
                )
            small.append(image.resize((cell, cell)))
            advance(done)
            yield seed, file
            if len(small) == SHEET or done == len(samples.files):
                rows = [small[start : start + columns] for start in range(0, len(small), columns)]
                sheet = contact_sheet(rows, cell=cell)
                save_image(sheet, next(sheets), overwrite=True, made="picture", quality=samples.quality)
                small = []
    if there:
        studio.listener(Note(f"{len(there)} of {len(samples.files)} were there already"))
    first, *rest = samples.sheets
    studio.listener(Note(f"on sheets: {first} and {len(rest)} more" if rest else f"all on one sheet: {first}"))
