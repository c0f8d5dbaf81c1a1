"""Faces redrawn in their photos."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from jojo_cli.bases.settings import InvertChoice
from jojo_cli.errors import UsageError
from jojo_cli.faces import crop_face, find_quads, needs_finder
from jojo_cli.faces.align import FloatArray
from jojo_cli.faces.paste import Mask, blended, face_shape, head_shape, put_back, square
from jojo_cli.images import contact_sheet
from jojo_cli.originals import Original
from jojo_cli.studio.batch import Found, Save, Tools
from jojo_cli.studio.plan import Job
from jojo_cli.stylize.strength import Strength, strength_at

if TYPE_CHECKING:
    from torch import Tensor

    from jojo_cli.bases.regions import RegionFinder
    from jojo_cli.studio.loaded import LoadedStyle
    from jojo_cli.studio.studio import Studio

COMPARED = 1024
"""Pixels along the longer side of photo and result, side by side."""


@dataclass(frozen=True)
class Paste:
    """How faces go back into their photos.

    Attributes:
        mask: what of each goes back: crop, the square without its border; head, with its hair; or face. None is head,
            where the base knows heads.
        blend: how far colours at the seam follow the photo, 0 to 1.
        location: whether results say where the photo was taken, if it does.
    """

    mask: Mask | None = None
    blend: float = 1.0
    location: bool = False


Placed = tuple[Original, list[FloatArray]]
"""A photo, and the squares [4,2] of its faces that were chosen, the largest first."""


class Paster:
    """Puts redrawn faces back into their pictures.

    Args:
        studio: finds landmarks, where the mask wants them.
        loaded: the style.
        paste: in which way.
        strength: as in `Studio.apply`.
        color: likewise.

    Raises:
        UsageError: the base does not know heads.
    """

    def __init__(
        self, studio: "Studio", loaded: "LoadedStyle", paste: Paste, *, strength: Strength, color: float | None
    ) -> None:
        self._studio, self._loaded, self._paste = studio, loaded, paste
        self._strength, self._color = strength, color
        self._regions = loaded.base.load_regions
        self._mask = paste.mask or ("head" if self._regions else "face")
        if self._mask == "head" and not self._regions:
            raise UsageError(f"base {loaded.base.name!r} does not know heads", hint="choose --mask crop or face")

    def put(
        self,
        pixels: Image,
        crop: Image,
        quad: FloatArray,
        code: "Tensor",
        *,
        share: float = 1.0,
        side: int | None = None,
        coloured: Callable[[Image], Image] = lambda drawing: drawing,
    ) -> None:
        """Put a redrawn face in the place of a quad.

        Args:
            pixels: the picture, in RGB, changed in place.
            crop: what it showed there, as `crop_face` returns it.
            quad: the square of the face [4,2].
            code: the face's, w_plus [1,L,D].
            share: how much of the face shows, 0 to 1.
            side: of the drawing in pixels, or more; None is the base's.
            coloured: brings a drawing into the colours of the picture.
        """
        # The reference's background has no place in a photo: nothing of it shall shine through at the border of hair.
        drawing = self.draw(code, side, background=False)
        weights = self._weights(crop, drawing, code)
        drawing = blended(drawing, crop, weights, self._paste.blend)
        put_back(pixels, coloured(drawing), quad, weights if share == 1 else np.float32(share) * weights)

    def draw(self, code: "Tensor", side: int | None = None, *, background: bool = True) -> Image:
        """Return the drawing of a code, of `side` pixels or more; `background` is that of `LoadedStyle.draw`."""
        (drawing,) = self._loaded.draw(
            code, strength=self._strength, color=self._color, at_least=side, background=background
        )
        return drawing

    def _weights(self, crop: Image, drawing: Image, code: "Tensor") -> NDArray[np.float32]:
        if self._mask == "crop":
            return square()
        if self._mask == "face" or not self._regions:
            return face_shape([self._studio.finder.landmarks(picture) for picture in (crop, drawing)])
        head, drawn = heads(self._loaded, self._regions(), code, self._strength)
        return head_shape(head, drawn, crop)


def pasting(
    studio: "Studio", style: str, how: InvertChoice, *, strength: Strength, color: float | None, paste: Paste
) -> Tools[Placed]:
    """Return what redraws the faces of photos where they are."""
    loaded = studio.style(style, needs=lambda entry: entry.to_invert(how), color=color)
    settings = how.among(loaded.base.photo_inversions)
    size = loaded.base.generator.resolution
    paster = Paster(studio, loaded, paste, strength=strength, color=color)

    def open_(job: Job) -> list[tuple[int | None, Placed]]:
        original = job.read_original(location=paste.location)
        assert job.choice
        finder = studio.finder if needs_finder(job.choice) else None
        return [(job.face, (original, [quad for _, quad in find_quads(original.picture, job.choice, finder)]))]

    def work(photos: Found[Placed]) -> list[Save]:
        return [redrawn(*found, job) for found, job in photos]

    def redrawn(original: Original, quads: Sequence[FloatArray], job: Job) -> Save:
        pixels = original.pixels.convert("RGB")  # a copy
        crops = [crop_face(original.picture, quad, size=size) for quad in quads]
        title = f"inverting {job.input}"
        found = studio.find_codes(crops, loaded.base, settings, title=title)
        # Each as the photo shows it; what is large is near, and in front.
        for crop, quad, inversion in reversed(list(zip(crops, quads, found, strict=True))):
            paster.put(pixels, crop, quad, inversion.w_plus, coloured=original.coloured)

        def save() -> Mapping[str, Any]:
            result = original.changed(pixels)
            job.write(lambda suffix: result.encode(suffix, quality=job.quality))
            for compare in list(job.files)[1:]:
                sheet = contact_sheet([[original.picture, result.picture]], cell=min(COMPARED, max(pixels.size)))
                job.save(sheet, compare)
            return {"faces": len(quads)}

        return save

    return Tools(open_, work)


def heads(
    loaded: "LoadedStyle", regions: "RegionFinder", code: "Tensor", strength: Strength
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return where a code's head is [G,G], 0 to 1, as the base draws it, and in the style."""
    import torch

    from jojo_cli.bases.regions import REGIONS, states_of
    from jojo_cli.nets.generator import moved

    with torch.inference_mode():
        found = regions(states_of(loaded.base.generator, code))
        head = found[[REGIONS.index("face"), REGIONS.index("hair")]].sum(dim=0)
        moves = loaded.generator.displacement
        coarse = strength_at(strength, loaded.generator.stage_resolutions[0])
        drawn = head if moves is None else moved(head[None, None], coarse * moves)[0, 0]
    return head.cpu().numpy(), drawn.cpu().numpy()
