"""A photo that is written again keeps what its file says, but for where it was taken."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms, JpegImagePlugin

from jojo_cli.images import read_image
from jojo_cli.originals import Original

MAKE, SOFTWARE, ORIENTATION, LOCATION = 0x010F, 0x0131, 0x0112, 0x8825


def noise(mode: str = "RGB", size: tuple[int, int] = (64, 48)) -> Image.Image:
    shape = (size[1], size[0], len(mode)) if len(mode) > 1 else (size[1], size[0])
    return Image.fromarray(np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8), mode)


def exif(*, orientation: int = 1) -> Image.Exif:
    tags = Image.Exif()
    tags[MAKE] = "Box"
    tags[ORIENTATION] = orientation
    tags[LOCATION] = {1: "N", 2: (48.0, 51.0, 0.0)}
    return tags


def again(path: Path, suffix: str, **options: Any) -> Image.Image:
    """Return a photo as it is written again, with nothing changed."""
    return Image.open(io.BytesIO(Original.read(path).encode(suffix, **options)))


def values(image: Image.Image) -> NDArray[np.int64]:
    return np.asarray(image).astype(np.int64)


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_pixels_stay_to_the_bit(suffix: str, tmp_path: Path) -> None:
    noise().save(path := tmp_path / f"a{suffix}", lossless=True)
    assert np.array_equal(values(again(path, suffix).convert("RGB")), values(noise()))


@pytest.mark.parametrize("frames", [{}, {"format": "MPO", "save_all": True, "append_images": [noise(size=(160, 120))]}])
def test_jpeg_is_written_as_finely_as_it_was(frames: dict[str, Any], tmp_path: Path) -> None:
    soft = noise(size=(8, 6)).resize((160, 120), Image.Resampling.BICUBIC)
    soft.save(path := tmp_path / "a.jpg", quality=83, subsampling=1, **frames)
    with Image.open(path) as before:
        after = again(path, ".jpg")
        assert isinstance(before, JpegImagePlugin.JpegImageFile)
        assert isinstance(after, JpegImagePlugin.JpegImageFile)
        assert after.quantization == before.quantization
        assert JpegImagePlugin.get_sampling(after) == JpegImagePlugin.get_sampling(before) == 1
        assert np.abs(values(after) - values(before)).mean() < 0.5


def test_quality_that_was_asked_for_counts(tmp_path: Path) -> None:
    noise().save(path := tmp_path / "a.jpg", quality=95)
    for suffix in (".jpg", ".webp"):
        small, large = (len(Original.read(path).encode(suffix, quality=quality)) for quality in (40, None))
        assert small < large / 2


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_exif_stays_without_the_place(suffix: str, tmp_path: Path) -> None:
    noise().save(path := tmp_path / f"a{suffix}", exif=exif())
    tags = again(path, suffix).getexif()
    assert tags[MAKE] == "Box"
    assert LOCATION not in tags
    data = Original.read(path, location=True).encode(suffix)
    assert Image.open(io.BytesIO(data)).getexif().get_ifd(LOCATION)[1] == "N"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_photo_is_stored_the_way_round_that_it_was(orientation: int, tmp_path: Path) -> None:
    noise().save(path := tmp_path / "a.png", exif=exif(orientation=orientation))
    result = again(path, ".png")
    assert result.getexif().get(ORIENTATION, 1) == orientation
    assert np.array_equal(values(result), values(noise()))
    original = Original.read(path)
    assert original.pixels.size == original.picture.size == read_image(path).size


def test_small_copy_of_the_photo_goes(tmp_path: Path) -> None:
    """It would show the face as it was."""
    thumbnail = io.BytesIO()
    noise(size=(16, 12)).save(thumbnail, "JPEG")
    block = b"Exif\0\0" + _exif_with(thumbnail.getvalue())
    noise().save(path := tmp_path / "a.jpg", exif=block)
    assert thumbnail.getvalue() in path.read_bytes()
    data = Original.read(path).encode(".jpg")
    assert thumbnail.getvalue() not in data
    assert Image.open(io.BytesIO(data)).getexif()[MAKE] == "Box"


def _exif_with(thumbnail: bytes) -> bytes:
    """Return EXIF of two directories, the second with a small copy."""

    def entry(tag: int, kind: int, count: int, value: int) -> bytes:
        return b"".join(
            number.to_bytes(size, "little") for number, size in ((tag, 2), (kind, 2), (count, 4), (value, 4))
        )

    make = b"\x0f\x01\x02\x00\x04\x00\x00\x00Box\0"
    first = (1).to_bytes(2, "little") + make + (26).to_bytes(4, "little")
    second = (
        (2).to_bytes(2, "little")
        + entry(0x0201, 4, 1, 26 + 2 + 24 + 4)
        + entry(0x0202, 4, 1, len(thumbnail))
        + bytes(4)
    )
    return b"II*\0\x08\0\0\0" + first + second + thumbnail


@pytest.mark.parametrize("suffix", [".png", ".webp"])
def test_transparency_stays(suffix: str, tmp_path: Path) -> None:
    noise("RGBA").save(path := tmp_path / f"a{suffix}", lossless=True, exact=True)
    changed = Original.read(path).changed(Image.new("RGB", (64, 48), "red"))
    result = Image.open(io.BytesIO(changed.encode(suffix)))
    assert np.array_equal(values(result)[..., 3], values(noise("RGBA"))[..., 3])
    assert (values(result)[..., :3] == (255, 0, 0)).all()
    assert Image.open(io.BytesIO(changed.encode(".jpg"))).mode == "RGB"


def test_colours_are_those_of_the_photo_s_profile(tmp_path: Path) -> None:
    """A drawing in sRGB looks the same in a photo of another profile, whose own pixels stay."""
    given = _swapped_profile()
    noise().save(path := tmp_path / "a.png", icc_profile=given)
    original = Original.read(path)
    drawing = Image.new("RGB", original.picture.size, (200, 120, 40))
    written = original.changed(original.coloured(drawing)).encode(".png")
    assert Image.open(io.BytesIO(written)).info["icc_profile"] == given
    (tmp_path / "b.png").write_bytes(written)
    assert np.abs(values(read_image(tmp_path / "b.png")) - (200, 120, 40)).max() <= 2
    assert np.array_equal(values(again(path, ".png")), values(noise()))


def _swapped_profile() -> bytes:
    """Return sRGB's profile with its red and its green primary exchanged."""
    data = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    marks = (b"rXYZ", b"gXYZ")
    places = [data.index(mark, 128) for mark in marks]
    swapped = bytearray(data)
    for place, mark in zip(places, reversed(marks), strict=True):
        swapped[place : place + 4] = mark
    return bytes(swapped)


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "I;16", "1"])
def test_rare_kinds_become_plain_colours(mode: str, tmp_path: Path) -> None:
    grey = noise("L")
    image = Image.fromarray(values(grey).astype(np.uint16) * 257) if mode == "I;16" else grey.convert(mode)
    image.save(path := tmp_path / ("a.jpg" if mode == "CMYK" else "a.png"))
    assert np.array_equal(values(again(path, ".png")), values(read_image(path)))


def test_damaged_exif_is_left_out(tmp_path: Path) -> None:
    noise().save(path := tmp_path / "a.jpg", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")
    assert again(path, ".jpg").size == (64, 48)
