"""What is done with each photo of a batch: cut, inverted, redrawn. Each function opens what its work needs."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
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
from jojo_cli.studio.batch import Open, Work
from jojo_cli.studio.plan import Job
from jojo_cli.stylize.strength import Strength

if TYPE_CHECKING:
    from torch import Tensor

    from jojo_cli.faces.align import FloatArray
    from jojo_cli.nets.generator import NoiseMaps
    from jojo_cli.studio.pasting import Paste
    from jojo_cli.studio.studio import Studio

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


def aligning(studio: "Studio", jobs: Sequence[Job], size: int, stack: ExitStack) -> tuple[Open[Image], Work[Image]]:
    """Return what writes the crops of photos."""
    return cutting(studio, jobs, size, stack), lambda crop, job: job.save(crop, made="crop")


Marks = tuple[Image, Sequence["FloatArray"], Sequence["FloatArray"]]
"""A photo, the squares of its faces, and their points."""


def showing(studio: "Studio") -> tuple[Open[Marks], Work[Marks]]:
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

    def work(marks: Marks, job: Job) -> Mapping[str, Any]:
        job.save(marked(*marks))
        return {"faces": len(marks[1])}

    return open_, work


def inverting(
    studio: "Studio", jobs: Sequence[Job], base: str | None, how: InvertChoice, stack: ExitStack
) -> tuple[Open[Image], Work[Image]]:
    """Return what finds the codes of faces, and writes them beside what the base draws from them."""
    model = studio.base(base, needs=lambda entry: entry.to_invert(how))
    settings = how.among(model.photo_inversions)

    def work(crop: Image, job: Job) -> Mapping[str, Any]:
        inversion = studio.find_code(crop, model, settings, title=f"inverting {job.input}")
        if job.lacks(SUFFIX):
            write_code(job.files[SUFFIX], inversion.w_plus, model, inversion.noise, overwrite=job.overwrite)
        job.save(to_image(inversion.reconstruction[0]), ".png")
        return {
            "reconstruction": str(job.files[".png"]),
            "lpips": round(inversion.lpips, 4),
            "mse": round(inversion.mse, 4),
        }

    return cutting(studio, jobs, model.generator.resolution, stack), work


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
) -> tuple[Open[Any], Work[Any]]:
    """Return what redraws the faces of photos and films."""
    from jojo_cli.studio.filming import filming
    from jojo_cli.studio.pasting import Paste, pasting

    def tools_for(film: bool) -> tuple[Open[Any], Work[Any]]:
        if film:
            placed = Paste() if paste is None else paste or None
            return filming(studio, style, how, strength=strength, color=color, paste=placed)
        if paste:
            return pasting(studio, style, how, strength=strength, color=color, paste=paste)
        photos = [job for job in jobs if not job.film]
        return redrawing(studio, photos, style, how, stack, strength=strength, color=color)

    tools = {film: tools_for(film) for film in {job.film for job in jobs}}

    def open_(job: Job) -> Sequence[tuple[int | None, Any]]:
        return tools[job.film][0](job)

    def work(found: Any, job: Job) -> Mapping[str, Any] | None:
        return tools[job.film][1](found, job)

    return open_, work


def redrawing(
    studio: "Studio",
    jobs: Sequence[Job],
    style: str,
    how: InvertChoice,
    stack: ExitStack,
    *,
    strength: Strength,
    color: float | None,
) -> "tuple[Open[Image | Code], Work[Image | Code]]":
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

    def work(face: "Image | Code", job: Job) -> None:
        if isinstance(face, Image):
            found = studio.find_code(face, base, settings, title=f"inverting {job.input}")
            w_plus, noise = found.w_plus, found.noise
        else:
            w_plus, noise = face

        def drawn(strength: Strength) -> Image:
            return loaded.draw(w_plus, strength=strength, color=color, noise=noise)[0]

        result = drawn(strength)
        job.save(result)
        for suffix in list(job.files)[1:]:
            if suffix.startswith(SWEEP):
                row = [drawn(amount) for amount in SWEPT]
                cell = min(SWEPT_SIDE, result.width)
            else:
                row = [face if isinstance(face, Image) else drawn(0), result]
                cell = result.width
            job.save(contact_sheet([row], cell=cell), suffix)

    return open_, work


def is_code(job: Job) -> bool:
    """Return whether a job is about a code in place of a photo."""
    return job.input.endswith(SUFFIX)
