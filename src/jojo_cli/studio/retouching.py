"""Faces put together, repaired, enlarged and turned, by finding codes for what is known of them."""

from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageChops, ImageFilter
from torch import Tensor

from jojo_cli.errors import UsageError
from jojo_cli.faces import crop_face
from jojo_cli.faces.align import quad_side
from jojo_cli.images import read_image, square_crop, to_image
from jojo_cli.nets.resampling import averages, resampled
from jojo_cli.studio.coding import Coder, Source
from jojo_cli.stylize.directions import edited, place_along
from jojo_cli.stylize.invert import Inversion

_SOFT = 0.02
"""How far the edge of a mask is softened, as a share of the side: the sigma of a Gaussian."""

_BACK = 2
"""How often an enlarged face is brought nearer to the photo: more adds nothing but rings along edges."""

_COARSE = 128
"""Pixels along the longer side of what a hole is filled in by its surroundings."""


def read_mask(path: Path, side: int) -> Image.Image:
    """Return a mask for crops of a side, in grey: white is where something happens.

    Raises:
        UsageError: it is no square, or has nothing in it, or all.
        JojoError: it can't be read.
    """
    mask = read_image(path).convert("L")
    if mask.width != mask.height:
        raise UsageError(f"mask {str(path)!r} is no square", hint="crops of faces are: jojo align shows them")
    return _checked(mask.resize((side, side), Image.Resampling.BILINEAR), path)


def _checked(mask: Image.Image, path: Path) -> Image.Image:
    low, high = mask.getextrema()
    if high < 128 or low >= 128:  # type: ignore[operator]
        hint = "paint white where something shall happen, black where not"
        raise UsageError(f"mask {str(path)!r} is {'empty' if high < 128 else 'full'}", hint=hint)  # type: ignore[operator]
    return mask


def crossed(coder: Coder, a: Source, b: Source, mask: Path) -> Tensor:
    """Return the code of a face that is another one's under a mask: found where both are put together.

    Raises:
        JojoError: as `Coder.crop` and `read_mask`.
    """
    side = coder.base.generator.resolution
    soft = read_mask(mask, side).filter(ImageFilter.GaussianBlur(_SOFT * side))
    together = Image.composite(coder.face(b), coder.face(a), soft)
    return coder.find(together, f"crossing {a.text} and {b.text}").w_plus


def changed_locally(coder: Coder, face: Source, target: Source, mask: Path, *, noise: bool = False) -> Inversion:
    """Return the code of a face that becomes another one under a mask, and stays what it is elsewhere.

    The search starts from its own code, and ends near it; `noise` is found after it (Image2StyleGAN++, arXiv
    1911.11544).

    Raises:
        JojoError: as `crossed`.
    """
    side = coder.base.generator.resolution
    soft = read_mask(mask, side).filter(ImageFilter.GaussianBlur(_SOFT * side))
    code = coder.code(face)
    together = Image.composite(coder.face(target), coder.plain(code), soft)
    return coder.find(together, f"changing {face.text}", start=code, noise=noise)


def restored(coder: Coder, photo: Source, mask: Path) -> tuple[Tensor, Image.Image]:
    """Return the code of a face with a hole, and its crop with the hole filled; in a style, all is drawn.

    The code is found by what is around the hole.

    Args:
        coder: draws the rest.
        photo: with the hole.
        mask: of the photo's size, white where the hole is.

    Raises:
        UsageError: the mask is of another size, or has nothing in it, or all of the face.
        JojoError: as `Coder.crop`.
    """
    picture, whole = read_image(Path(photo.text)), read_image(mask).convert("L")
    if whole.size != picture.size:
        sizes = " and ".join("{} x {}".format(*image.size) for image in (whole, picture))
        hint = "paint it on a copy of the photo"
        raise UsageError(f"mask {str(mask)!r} and the photo are of different sizes: {sizes} pixels", hint=hint)
    _checked(whole, mask)
    # Else no face is found in the photo, and the encoder sees no person.
    filled, quad = coder.crop(photo, smoothed_over(picture, whole))
    crop, cut = (
        square_crop(image, filled.width) if quad is None else crop_face(image.convert("RGB"), quad, size=filled.width)
        for image in (picture, whole)
    )
    hole = cut.convert("L").filter(ImageFilter.MaxFilter(5))
    if hole.getextrema()[1] < 128:  # type: ignore[operator]
        raise UsageError(f"mask {str(mask)!r} does not touch the face", hint="choose another one with --face")
    known = 1 - torch.from_numpy(np.asarray(hole, dtype=np.float32) / 255)[None, None].to(
        coder.base.device.torch_device
    )

    def seen(images: Tensor) -> Tensor:
        return images * F.interpolate(known, size=images.shape[-2:], mode="area")

    code = coder.find(filled, f"restoring {photo.text}", seen=seen).w_plus
    if coder.styled:
        return code, coder.draw(code)
    edge = hole.filter(ImageFilter.GaussianBlur(_SOFT / 2 * crop.width))
    return code, Image.composite(coder.draw(code), crop, ImageChops.lighter(edge, hole))


def smoothed_over(picture: Image.Image, hole: Image.Image) -> Image.Image:
    """Return a picture whose hole has the colours of its edge, as a membrane would: Laplace's equation, solved."""
    scale = _COARSE / max(picture.size)
    small = (max(1, round(scale * picture.width)), max(1, round(scale * picture.height)))
    pixels = np.asarray(picture.resize(small, Image.Resampling.BOX), dtype=np.float32)
    inside = np.asarray(hole.resize(small, Image.Resampling.BOX)) > 8
    values = np.where(inside[..., None], pixels[~inside].mean(axis=0) if not inside.all() else 0, pixels)
    for _ in range(4 * _COARSE):
        padded = np.pad(values, ((1, 1), (1, 1), (0, 0)), mode="edge")
        around = (padded[:-2, 1:-1] + padded[2:, 1:-1] + padded[1:-1, :-2] + padded[1:-1, 2:]) / 4
        values = np.where(inside[..., None], around, values)
    over = Image.fromarray(values.round().clip(0, 255).astype(np.uint8)).resize(picture.size, Image.Resampling.BICUBIC)
    return Image.composite(over, picture, hole)


def enlarged(coder: Coder, photo: Source, factor: float | None) -> tuple[Tensor, Image.Image]:
    """Return the code of a face that is small in its photo, and its picture: what looks the same when it is shrunk.

    The code says what is small. All that the photo shows is then taken from there, unless it is drawn in a style.
    `factor` says how many times smaller than the base draws it is; None takes that from the photo.

    Raises:
        UsageError: it is not smaller.
        JojoError: as `Coder.crop`.
    """
    crop, quad = coder.crop(photo)
    if factor is None:
        factor = crop.width / quad_side(quad) if quad is not None else 1.0
    small = round(crop.width / factor)
    if small >= crop.width or small < 8:
        hint = "say with --factor how many times smaller it is, from 1 to 64"
        raise UsageError(f"the face in {photo.text!r} is not small", hint=hint)

    def seen(images: Tensor) -> Tensor:
        return images if small >= images.shape[-1] else blurred(images, small)

    found = coder.find(crop, f"enlarging {photo.text}", seen=seen)
    if coder.styled:
        return found.w_plus, coder.draw(found.w_plus)
    image = found.reconstruction
    for _ in range(_BACK):  # back-projection (Irani and Peleg, 1991)
        image = image + blurred(found.image - image, small)
    return found.w_plus, to_image(image[0])


def blurred(images: Tensor, side: int) -> Tensor:
    """Return images [N,3,S,S] that were shrunk to `side` pixels, and enlarged again."""
    shrunk = resampled(images, averages(images.shape[-1], side))
    return F.interpolate(shrunk, size=images.shape[-2:], mode="bicubic", align_corners=False)


def turned_to_front(coder: Coder, w_plus: Tensor) -> Tensor:
    """Return a code that looks ahead: moved along the turn of the head until it stands where the mean face does.

    Raises:
        JojoError: nobody knows such a direction for this base.
    """
    for name in ("yaw", "pitch"):
        step = coder.studio.directions.load(name, coder.base).vector
        w_plus = edited(w_plus, step, -place_along(w_plus, step, coder.base.latents.mean_w))
    return w_plus
