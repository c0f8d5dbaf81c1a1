"""Random faces in a style: files and a contact sheet."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jojo_cli.errors import JojoError
from jojo_cli.events import Note, progress
from jojo_cli.images import contact_sheet, save_image

if TYPE_CHECKING:
    from jojo_cli.studio.studio import Studio

MAX_COLUMNS = 8


@dataclass(frozen=True)
class Samples:
    """Where random faces go."""

    files: Mapping[int, Path]  # by the seed
    sheet: Path


def plan_samples(name: str, count: int, output: Path | None, *, seed: int, overwrite: bool) -> Samples:
    """Return the files of so many faces in the style `name`; arguments and errors as in `Studio.sample`."""
    folder = output or Path(f"{name}-samples")
    samples = Samples(
        {number: folder / f"{name}-{number:04d}.png" for number in range(seed, seed + count)},
        folder / f"{name}-sheet.png",
    )
    for file in (*samples.files.values(), samples.sheet):
        if file.exists() and not overwrite:
            raise JojoError(f"{str(file)!r} exists", hint="add --overwrite to replace it, or choose a folder with -o")
    return samples


def sample(
    studio: "Studio",
    name: str,
    samples: Samples,
    *,
    truncation: float,
    strength: float,
    color: float | None,
    overwrite: bool,
) -> Iterator[tuple[int, Path]]:
    """Draw the faces one by one, and the sheet at the end; arguments as in `Studio.sample`."""
    from jojo_cli.stylize.mixing import sample_code

    loaded = studio.style(name, color=color)
    count = len(samples.files)
    columns = min(MAX_COLUMNS, round(count**0.5 + 0.49))
    cell = min(256, loaded.base.generator.resolution)
    small = []
    with progress(studio.listener, f"drawing {name}", count, "faces") as advance:
        for seed, file in samples.files.items():
            code = sample_code(loaded.base, seed, truncation)
            (image,) = loaded.draw(code, strength=strength, color=color)
            save_image(image, file, overwrite=overwrite)
            small.append(image.resize((cell, cell)))
            advance(len(small))
            yield seed, file
    rows = [small[start : start + columns] for start in range(0, count, columns)]
    save_image(contact_sheet(rows, cell=cell), samples.sheet, overwrite=overwrite)
    studio.listener(Note(f"all on one sheet: {samples.sheet}"))
