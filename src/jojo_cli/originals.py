"""A photo that is written again, with a part of it changed: what its file holds beside what jojo looks at."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from PIL import Image, JpegImagePlugin

from jojo_cli.images import ORIENTATION, encode_image, from_srgb, read_stored, to_rgb

_LOCATION = 0x8825
"""The EXIF tag of where a picture was taken."""

_AS_STORED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}
"""What turns an upright picture as a file of this orientation stores it."""


@dataclass(frozen=True)
class Original:
    """A photo with all that its file says, but for where it was taken.

    Attributes:
        picture: as `read_image` returns it.
        pixels: upright, RGB or RGBA, in the photo's own colours.
        kept: what Pillow is told when it writes the photo again.
        orientation: as EXIF counts, 1 to 8.
    """

    picture: Image.Image
    pixels: Image.Image
    kept: Mapping[str, Any]
    orientation: int

    @classmethod
    def read(cls, source: Path | BinaryIO, *, location: bool = False) -> "Original":
        """Read a photo; what is too rare to be kept (more than 8 bits, CMYK, later frames) becomes plain RGB.

        Args:
            source: a file, or its content as a stream that can seek.
            location: keep where it was taken, too.

        Raises:
            ImageError: as `read_image`.
        """
        stored, orientation, picture = read_stored(source)
        kept: dict[str, Any] = {}
        with suppress(Exception):  # damaged EXIF raises a dozen kinds
            # Written again, it has no small copy of the photo: that would show the face as it was.
            exif = stored.getexif()
            if not location:
                exif.pop(_LOCATION, None)
            exif.tobytes()
            kept["exif"] = exif
        if isinstance(stored, JpegImagePlugin.JpegImageFile) and stored.mode in ("RGB", "L"):
            kept["qtables"] = stored.quantization
            kept["quality"] = -1  # else Pillow would scale the tables
            if stored.mode == "RGB":
                kept["subsampling"] = JpegImagePlugin.get_sampling(stored)
        if stored.mode != "RGB" and stored.has_transparency_data:
            pixels = stored.convert("RGBA")
        else:
            pixels = stored if stored.mode == "RGB" else picture
        if pixels is not picture and (profile := stored.info.get("icc_profile")):
            kept["icc_profile"] = profile
        return cls(picture, pixels, kept, orientation)

    def coloured(self, drawing: Image.Image) -> Image.Image:
        """Return a picture, sRGB, in the photo's own colours."""
        profile = self.kept.get("icc_profile")
        return from_srgb(drawing, profile) if profile else drawing

    def changed(self, pixels: Image.Image) -> "Original":
        """Return the photo with other pixels [RGB] of the same size; its transparency stays."""
        if self.pixels.mode == "RGBA":
            pixels = pixels.copy()
            pixels.putalpha(self.pixels.getchannel("A"))
        return replace(self, picture=to_rgb(pixels), pixels=pixels)

    def encode(self, suffix: str, *, quality: int | None = None) -> bytes:
        """Return the content of a file; a JPEG that was one is written as finely as it was, WebP without loss.

        Args:
            suffix: of the file, one of `WRITE_FORMATS`.
            quality: of JPEG and WebP, 1 to 100, in place of that.
        """
        kept = dict(self.kept)
        turn = _AS_STORED.get(self.orientation)
        if turn is not None and "exif" in kept:
            kept["exif"][ORIENTATION] = self.orientation
        else:
            turn = None
        pixels = self.pixels if turn is None else self.pixels.transpose(turn)
        jpeg = suffix in (".jpg", ".jpeg")
        if not jpeg or quality:
            kept = {name: value for name, value in kept.items() if name not in ("qtables", "quality", "subsampling")}
        if suffix == ".webp" and not quality:
            kept |= {"lossless": True, "exact": True}
        if jpeg:
            pixels = to_rgb(pixels)
        return encode_image(pixels, suffix=suffix, made="picture", quality=quality, kept=kept)
