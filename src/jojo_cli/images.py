"""The door for pictures: everything behind it is upright 8-bit RGB, or float32 [N,3,H,W] in [-1,1]."""

import io
import math
import re
import stat
import warnings
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, NamedTuple, get_args

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError, features
from PIL.PngImagePlugin import PngInfo

from jojo_cli.disk import save_file
from jojo_cli.errors import JojoError, UsageError

if TYPE_CHECKING:
    from torch import Tensor

READ_SUFFIXES = frozenset(
    {
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".mpo",
        ".png",
        ".webp",
        ".bmp",
        ".tif",
        ".tiff",
        ".gif",
        ".ppm",
        ".pgm",
    }
)
"""What the name of a picture ends in that jojo always reads (lower case); `read_suffixes` has the others."""

UNREADABLE = {
    **dict.fromkeys((".heic", ".heif"), "pip install 'jojo-cli[heic]' reads them"),
    ".avif": "the Pillow that is installed can't read them",
    **dict.fromkeys((".jxl", ".jp2", ".psd", ".svg", ".tga", ".exr"), "save them as PNG"),
    **dict.fromkeys((".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".raf", ".rw2"), "develop them first"),
}
"""What the names of pictures end in that jojo does not read, or not everywhere, and what can be done about it."""

WRITE_FORMATS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
"""What the name of a result may end in, and Pillow's name for it."""

MAX_PIXELS = 120_000_000
"""The largest picture that is decoded: the 108-megapixel sensors of phones fit."""

# MPO, the JPEG of many phones, is opened through JPEG.
_READ_FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM")
_SAVE_OPTIONS: dict[str, dict[str, Any]] = {
    "PNG": {"compress_level": 1},  # five times as fast as the default, 13 % larger
    "JPEG": {"quality": 95, "subsampling": 0},
    "WEBP": {"quality": 95},
}


Made = Literal["picture", "crop"]
"""What jojo makes of a photo: a crop of it, or something else."""

ORIENTATION = 0x0112
"""The EXIF tag of how a picture is stored."""

DESCRIPTION = 0x010E
"""The EXIF tag of what a picture shows."""

SOFTWARE = 0x0131
"""The EXIF tag of the program that wrote a picture."""


class ImageError(JojoError):
    """A picture that can't be read.

    Attributes:
        reason: why, without the name of the file.
    """

    def __init__(self, name: str, reason: str, *, hint: str | None = None) -> None:
        super().__init__(f"{name!r}: {reason}", hint=hint)
        self.reason = reason


def read_image(source: Path | BinaryIO) -> Image.Image:
    """Return a picture as upright 8-bit RGB: the first frame, over white where it is transparent.

    Args:
        source: a file, or its content as a stream that can seek.

    Raises:
        ImageError: it is missing, no picture, damaged, or larger than `MAX_PIXELS`.
    """
    return read_stored(source).picture


class Stored(NamedTuple):
    """A picture as a file holds it, turned upright, and as jojo looks at it."""

    image: Image.Image  # of any mode, in its own colours; EXIF and the rest of what the file says in its attributes
    orientation: int  # in the file, as EXIF counts, 1 to 8
    picture: Image.Image  # as `read_image` returns it


def read_stored(source: Path | BinaryIO) -> Stored:
    """Return what a file holds; the rest as in `read_image`."""
    name = str(source) if isinstance(source, Path) else "-"
    if not isinstance(source, Path):
        return _decode(source, name)
    try:
        info = source.stat()
        if stat.S_ISDIR(info.st_mode):
            raise ImageError(name, "is a folder, not a picture")
        if not stat.S_ISREG(info.st_mode):  # reading a pipe that nobody writes to would wait for ever
            raise ImageError(name, "is not a regular file", hint="use '-' to read from standard input")
        with source.open("rb") as stream:
            return _decode(stream, name)
    except FileNotFoundError as error:
        raise ImageError(name, "not found") from error
    except OSError as error:
        raise ImageError(name, f"can't be read: {_reason(error)}") from error


@cache
def read_suffixes() -> frozenset[str]:
    """Return what the names of pictures end in that this installation reads (lower case)."""
    others = {"AVIF": {".avif"}, "HEIF": {".heic", ".heif"}}
    return READ_SUFFIXES.union(*(others.get(name, ()) for name in _read_formats()))


def made_by_jojo(path: Path) -> Made | None:
    """Return what jojo says it made in a picture that it wrote; None where it wrote none, or one that is damaged."""
    with warnings.catch_warnings(), suppress(Exception):  # damaged headers raise a dozen kinds
        warnings.simplefilter("ignore")
        with Image.open(path, formats=[*WRITE_FORMATS.values(), "GIF"]) as image:
            said = {"PNG": image.info.get("Software"), "GIF": image.info.get("comment", b"").decode(errors="replace")}
            written = said.get(image.format or "") or image.getexif().get(SOFTWARE)
        kinds: tuple[Made, ...] = get_args(Made)
        return next((kind for kind in kinds if written == mark(kind)), None)
    return None


def read_comment(path: Path) -> str | None:
    """Return the comment that jojo saved a picture with; None where it has none, or is none."""
    with suppress(Exception), Image.open(path, formats=[*WRITE_FORMATS.values()]) as image:
        comment = image.info.get("Comment") if image.format == "PNG" else image.getexif().get(DESCRIPTION)
        return comment if isinstance(comment, str) else None
    return None


def save_image(
    image: Image.Image,
    path: Path,
    *,
    overwrite: bool = False,
    made: Made | None = None,
    comment: str | None = None,
    quality: int | None = None,
) -> None:
    """Write a picture in the format that `path` ends in, whole or not at all; folders are made when missing.

    Args:
        image: in RGB.
        path: ends in one of `WRITE_FORMATS`.
        overwrite: it may exist.
        made: what of a photo this is, so that jojo knows it again.
        comment: what else it says of itself.
        quality: of JPEG and WebP, 1 to 100; None is the best that shows.

    Raises:
        UsageError: the name ends in none of `WRITE_FORMATS`.
        JojoError: `path` exists and `overwrite` is not set, or it can't be written.
    """
    if path.suffix.lower() not in WRITE_FORMATS:
        known = ", ".join(WRITE_FORMATS)
        raise UsageError(f"{str(path)!r} names no format that jojo writes", hint=f"end it in one of {known}")
    data = encode_image(image, suffix=path.suffix, made=made, comment=comment, quality=quality)
    save_file(path, data, overwrite=overwrite)


def encode_image(
    image: Image.Image,
    *,
    suffix: str = ".png",
    made: Made | None = None,
    comment: str | None = None,
    quality: int | None = None,
    kept: Mapping[str, Any] = MappingProxyType({}),
) -> bytes:
    """Return the content of a file that holds a picture, in the format of `suffix`.

    `kept` is what else Pillow is told; the rest as in `save_image`.
    """
    name = WRITE_FORMATS[suffix.lower()]
    options = {**_SAVE_OPTIONS[name], **kept}
    if quality and "quality" in options:
        options["quality"] = quality
    if made and name == "PNG":
        options["pnginfo"] = PngInfo()
        options["pnginfo"].add_text("Software", mark(made))
        if comment:
            options["pnginfo"].add_text("Comment", comment)
    elif made:
        exif = options.setdefault("exif", Image.Exif())
        exif[SOFTWARE] = mark(made)
        if comment:
            exif[DESCRIPTION] = comment
    stream = io.BytesIO()  # written to a file, Pillow does not say why it fails
    image.save(stream, name, **options)
    return stream.getvalue()


def mark(made: Made) -> str:
    """Return what a file says of itself that jojo made."""
    return f"jojo ({made})"


def square_crop(image: Image.Image, size: int) -> Image.Image:
    """Return the largest square in the middle of a picture, resized to `size` pixels a side."""
    return ImageOps.fit(image, (size, size), Image.Resampling.LANCZOS)


def to_tensor(images: Sequence[Image.Image]) -> "Tensor":
    """Return pictures of one size as float32 [N,3,H,W] in [-1,1], RGB."""
    import torch

    pixels = np.stack([np.asarray(image.convert("RGB")) for image in images])  # [N,H,W,3]
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float().contiguous() / 127.5 - 1


def to_image(pixels: "Tensor") -> Image.Image:
    """Return `pixels`, [3,H,W] in [-1,1] of any float type, as a picture; what lies outside is clipped."""
    import torch

    values = ((pixels.detach().float() + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return Image.fromarray(values.permute(1, 2, 0).contiguous().cpu().numpy())


def contact_sheet(rows: Sequence[Sequence[Image.Image]], *, cell: int, gap: int = 8) -> Image.Image:
    """Return rows of pictures on one white sheet, each fitted into a square of `cell` pixels.

    Args:
        rows: may differ in length.
        cell: side of a square in pixels.
        gap: pixels between the squares.
    """
    columns = max(len(row) for row in rows)
    step = cell + gap
    sheet = Image.new("RGB", (columns * step - gap, len(rows) * step - gap), "white")
    for y, row in enumerate(rows):
        for x, image in enumerate(row):
            fitted = ImageOps.pad(image, (cell, cell), Image.Resampling.LANCZOS, color="white")
            sheet.paste(fitted, (x * step, y * step))
    return sheet


def _decode(stream: BinaryIO, name: str) -> Stored:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about damaged EXIF, and about sizes that are fine here
            image = Image.open(stream, formats=_read_formats())
            check_size(name, image.width * image.height)
            image.load()
            profile = image.info.get("icc_profile")
            orientation = _turn_upright(image)
            picture = _to_rgb(image, name)
            if profile:
                picture = _to_srgb(image, picture, profile)
    except Image.DecompressionBombError as error:
        check_size(name, int(re.findall(r"\d+", str(error))[0]))
        raise
    except UnidentifiedImageError as error:
        if stream.seek(0, io.SEEK_END) == 0:
            raise ImageError(name, "is empty") from error
        suffix = Path(name).suffix.lower()
        hint = UNREADABLE.get(suffix) if suffix not in read_suffixes() else None
        hint = hint or f"jojo reads {', '.join(_read_formats())}"
        raise ImageError(name, "is not a picture that jojo can read", hint=hint) from error
    except MemoryError as error:
        raise ImageError(name, "does not fit into memory") from error
    except JojoError:
        raise
    except Exception as error:  # Pillow's decoders raise a dozen kinds
        if isinstance(error, OSError) and error.errno:
            raise  # the disk, not the picture
        raise ImageError(name, "is truncated or damaged") from error
    picture.info.clear()  # EXIF, and with it where the photo was taken, ends here
    return Stored(image, orientation, picture)


def check_size(name: str, pixels: int) -> None:
    if pixels > MAX_PIXELS:
        reason = f"has {math.ceil(pixels / 1e6)} megapixels, the limit is {MAX_PIXELS // 10**6}"
        raise ImageError(name, reason, hint="make it smaller first")


def _turn_upright(image: Image.Image) -> int:
    """Turn and mirror the picture as its EXIF orientation says, and return that."""
    # Damaged EXIF raises a dozen kinds; such a picture stays as it is stored.
    with suppress(Exception):
        orientation = int(image.getexif().get(ORIENTATION, 1))
        ImageOps.exif_transpose(image, in_place=True)
        return orientation
    return 1


def _to_rgb(image: Image.Image, name: str) -> Image.Image:
    if image.mode.startswith("I;16") or (image.mode == "I" and image.format == "PPM"):
        # Pillow would clip to 255. The high byte is what it keeps of 16-bit RGB.
        return Image.fromarray((np.asarray(image) >> 8).astype(np.uint8)).convert("RGB")
    if image.mode in {"I", "F"}:
        hint = "save it as an 8-bit or 16-bit picture"
        raise ImageError(name, "has 32-bit samples, which have no defined white", hint=hint)
    return to_rgb(image)


def to_rgb(image: Image.Image) -> Image.Image:
    """Return an 8-bit picture in RGB, over white where it is transparent."""
    if image.has_transparency_data:
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return image.convert("RGB")


def _to_srgb(image: Image.Image, picture: Image.Image, profile: bytes) -> Image.Image:
    """Return a picture in sRGB: `picture`, which is `image` in RGB, as the colour profile of the image means it.

    Where the profile is damaged, or of another kind of picture, it stays as it is.
    """
    from PIL import ImageCms

    with suppress(Exception):  # of lcms, a dozen kinds
        given = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = given.profile.xcolor_space.strip()
        source = image if (space, image.mode) == ("CMYK", "CMYK") else picture if space == "RGB" else None
        if source:
            converted = ImageCms.profileToProfile(source, given, ImageCms.createProfile("sRGB"), outputMode="RGB")
            return converted or picture
    return picture


def from_srgb(picture: Image.Image, profile: bytes) -> Image.Image:
    """Return a picture, sRGB, in the colours of a profile; as it is, where that is damaged, or not of RGB."""
    from PIL import ImageCms

    with suppress(Exception):
        wanted = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.profileToProfile(picture, ImageCms.createProfile("sRGB"), wanted, outputMode="RGB") or picture
    return picture


@cache
def _read_formats() -> tuple[str, ...]:
    """Return Pillow's names of what is read."""
    formats: tuple[str, ...] = _READ_FORMATS
    if features.check("avif"):
        formats = (*formats, "AVIF")
    try:
        from pillow_heif import register_heif_opener  # the extra `heic`
    except ImportError:
        return formats
    register_heif_opener()
    return (*formats, "HEIF")


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
