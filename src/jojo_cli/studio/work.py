"""What is done with each photo of a batch: cut, inverted, redrawn. Each function opens what its work needs."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from PIL.Image import Image

from jojo_cli.bases import BaseEntry
from jojo_cli.bases.settings import InvertChoice
from jojo_cli.codes import SUFFIX, read_code, read_noise, write_code
from jojo_cli.faces import Points, choose_faces, face_quad, find_quads, needs_finder
from jojo_cli.images import contact_sheet, to_image
from jojo_cli.studio.ahead import Ahead
from jojo_cli.studio.batch import Found, Open, Save, Tools
from jojo_cli.studio.plan import Job
from jojo_cli.stylize.strength import Strength

if TYPE_CHECKING:
    from torch import Tensor

    from jojo_cli.faces.align import FloatArray
    from jojo_cli.nets.generator import NoiseMaps
    from jojo_cli.studio.pasting import Paste
    from jojo_cli.studio.studio import Studio
    from jojo_cli.stylize.invert import Inversion

COMPARE, SWEEP = ".compare", ".sweep"
"""What the suffixes of a second and a third file begin with: photo and result, and some strengths, side by side."""

SWEPT = (0.0, 0.25, 0.5, 0.75, 1.0)

SWEPT_SIDE = 512
"""Of a picture of a sweep, in pixels."""

Code = tuple["Tensor", "NoiseMaps"]
"""A w_plus [1,L,D], and the noise that belongs to it."""

MANY = 8
"""Photos from which on processes are started: that takes as long as cutting a few."""


def cutting(studio: "Studio", jobs: Sequence[Job], size: int, stack: ExitStack) -> Open[Image]:
    """Return the function from a job to the crops of its photo, `size` pixels a side.

    The face finder is opened, if a job needs it; the processes that read ahead are closed by the stack.
    """
    finds = any(needs_finder(job.choice) for job in jobs)
    _ = finds and studio.finder
    if studio.workers and len(jobs) >= MANY:
        ahead = Ahead(jobs, size, studio.landmarks if finds else None, studio.workers)
        stack.callback(ahead.close)
        return ahead
    return lambda job: studio.crops(job.read(), job.choice, size=size)


def aligning(studio: "Studio", jobs: Sequence[Job], size: int, stack: ExitStack) -> Tools[Image]:
    """Return what writes the crops of photos."""

    def work(crops: Found[Image]) -> list[Save]:
        return [partial(job.save, crop, made="crop") for crop, job in crops]

    return Tools(cutting(studio, jobs, size, stack), work)


Marks = tuple[Image, Sequence["FloatArray"], Sequence["FloatArray"]]
"""A photo, the squares of its faces, and their points."""


def showing(studio: "Studio") -> Tools[Marks]:
    """Return what writes photos with their faces marked on them."""
    from jojo_cli.faces.show import marked

    def open_(job: Job) -> Sequence[tuple[int | None, Marks]]:
        picture = job.read()
        if isinstance(job.choice, Points):
            shown = np.array([job.choice.left_eye, job.choice.right_eye, job.choice.mouth])
            quads, points = [quad for _, quad in find_quads(picture, job.choice, None)], [shown]
        else:
            faces = choose_faces(studio.finder.find(picture), "all")
            quads, points = [face_quad(face.landmarks) for face in faces], [face.landmarks for face in faces]
        return [(None, (picture, quads, points))]

    def save(marks: Marks, job: Job) -> Mapping[str, Any]:
        job.save(marked(*marks))
        return {"faces": len(marks[1])}

    return Tools(open_, lambda photos: [partial(save, marks, job) for marks, job in photos])


def inverting(
    studio: "Studio", jobs: Sequence[Job], base: str | None, how: InvertChoice, measure: bool, stack: ExitStack
) -> Tools[Image]:
    """Return what finds the codes of faces, and writes them beside what the base draws from them."""
    loaded_base = studio.base(base, needs=lambda entry: entry.to_invert(how))
    settings = how.among(loaded_base.photo_inversions)

    def work(crops: Found[Image]) -> list[Save]:
        found = studio.find_codes([crop for crop, _ in crops], loaded_base, settings, title=_title(crops))
        return [drawn(inversion, job) for inversion, (_, job) in zip(found, crops, strict=True)]

    def drawn(inversion: "Inversion", job: Job) -> Save:
        reconstruction = to_image(inversion.reconstruction[0])
        figures: dict[str, Any] = {"reconstruction": str(job.files[".png"])}
        if measure:
            figures |= {"lpips": round(inversion.lpips, 4), "mse": round(inversion.mse, 4)}

        def save() -> Mapping[str, Any]:
            if job.lacks(SUFFIX):
                write_code(job.files[SUFFIX], inversion.w_plus, loaded_base, inversion.noise, overwrite=job.overwrite)
            job.save(reconstruction, ".png")
            return figures

        return save

    return Tools(cutting(studio, jobs, loaded_base.generator.resolution, stack), work, loaded_base.device.at_once)


def applying(
    studio: "Studio",
    jobs: Sequence[Job],
    style: str,
    how: InvertChoice,
    stack: ExitStack,
    *,
    strength: Strength,
    color: float | None,
    paste: "Paste | Literal[False] | None",
) -> Tools[Any]:
    """Return what redraws the faces of photos and films."""
    from jojo_cli.studio.filming import filming
    from jojo_cli.studio.pasting import Paste, pasting

    def tools_for(film: bool) -> Tools[Any]:
        if film:
            placed = Paste() if paste is None else paste or None
            return filming(studio, style, how, strength=strength, color=color, paste=placed)
        if paste:
            return pasting(studio, style, how, strength=strength, color=color, paste=paste)
        photos = [job for job in jobs if not job.film]
        return redrawing(studio, photos, style, how, stack, strength=strength, color=color)

    tools = {film: tools_for(film) for film in {job.film for job in jobs}}
    if len(tools) == 1:
        return next(iter(tools.values()))

    def work(found: Found[Any]) -> Sequence[Save]:
        ((_, job),) = found
        return tools[job.film].work(found)

    return Tools(lambda job: tools[job.film].open(job), work)


def redrawing(
    studio: "Studio",
    jobs: Sequence[Job],
    style: str,
    how: InvertChoice,
    stack: ExitStack,
    *,
    strength: Strength,
    color: float | None,
) -> "Tools[Image | Code]":
    """Return what redraws faces in a style, and what a job has more files for."""
    photos = [job for job in jobs if not is_code(job)]

    def needs(entry: BaseEntry) -> tuple[str, ...]:
        return entry.to_invert(how) if photos else entry.draw

    loaded = studio.style(style, needs=needs, color=color)
    base = loaded.base
    settings = how.among(base.photo_inversions)
    cut = cutting(studio, photos, base.generator.resolution, stack)

    def open_(job: Job) -> "Sequence[tuple[int | None, Image | Code]]":
        if not is_code(job):
            return cut(job)
        path = Path(job.input)
        return [(None, (read_code(path, base), read_noise(path, base)))]

    def work(faces: "Found[Image | Code]") -> list[Save]:
        crops = [(face, job) for face, job in faces if isinstance(face, Image)]
        inversions = studio.find_codes([crop for crop, _ in crops], base, settings, title=_title(crops))
        found = iter([(inversion.w_plus, inversion.noise) for inversion in inversions])
        return [
            redrawn(job, *next(found), crop=face) if isinstance(face, Image) else redrawn(job, *face)
            for face, job in faces
        ]

    def redrawn(job: Job, w_plus: "Tensor", noise: "NoiseMaps", *, crop: Image | None = None) -> Save:
        def drawn(strength: Strength) -> Image:
            return loaded.draw(w_plus, strength=strength, color=color, noise=noise)[0]

        result = drawn(strength)
        pictures: dict[str | None, Image] = {None: result}
        for suffix in list(job.files)[1:]:
            if suffix.startswith(SWEEP):
                row = [drawn(amount) for amount in SWEPT]
                cell = min(SWEPT_SIDE, result.width)
            else:
                row = [crop or drawn(0), result]
                cell = result.width
            pictures[suffix] = contact_sheet([row], cell=cell)

        def save() -> None:
            for suffix, picture in pictures.items():
                job.save(picture, suffix)

        return save

    return Tools(open_, work, base.device.at_once if photos else 1)


def _title(crops: Found[Image]) -> str:
    """Return what is told of the work on crops."""
    if not crops:
        return ""
    (_, job), *more = crops
    return f"inverting {job.input}" + (f" and {len(more)} more" if more else "")


def is_code(job: Job) -> bool:
    """Return whether a job is about a code in place of a photo."""
    return job.input.endswith(SUFFIX)
