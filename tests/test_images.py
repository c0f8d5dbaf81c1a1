"""Pictures in and out: every kind that people have, and every way in which they are broken."""

import errno
import io
import os
import resource
import struct
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms, ImageOps

from jojo_cli import images
from jojo_cli.errors import JojoError, UsageError
from jojo_cli.images import (
    ImageError,
    contact_sheet,
    read_image,
    save_image,
    square_crop,
    to_image,
    to_tensor,
)

GREY, COLOUR = (128, 128, 128), (200, 100, 50)
ORIENTATION = 0x0112


def colour_of(image: Image.Image) -> tuple[int, ...]:
    return tuple(int(value) for value in np.asarray(image).reshape(-1, 3).mean(axis=0).round())


def sixteen_bit(value: int) -> Image.Image:
    return Image.fromarray(np.full((8, 12), value, dtype=np.uint16))


KINDS: dict[str, tuple[Image.Image, str, dict[str, Any], tuple[int, int, int]]] = {
    "rgb": (Image.new("RGB", (12, 8), COLOUR), "PNG", {}, COLOUR),
    "grey": (Image.new("L", (12, 8), 128), "PNG", {}, GREY),
    "grey with alpha": (Image.new("LA", (12, 8), (0, 127)), "PNG", {}, GREY),
    "alpha": (Image.new("RGBA", (12, 8), (0, 0, 0, 127)), "PNG", {}, GREY),
    "alpha in webp": (Image.new("RGBA", (12, 8), (0, 0, 0, 127)), "WEBP", {"lossless": True}, GREY),
    "fully transparent": (Image.new("RGBA", (12, 8), (*COLOUR, 0)), "PNG", {}, (255, 255, 255)),
    "transparent colour": (
        Image.new("RGB", (12, 8), COLOUR),
        "PNG",
        {"transparency": COLOUR},
        (255, 255, 255),
    ),
    "palette": (Image.new("RGB", (12, 8), COLOUR).quantize(4), "PNG", {}, COLOUR),
    "palette with alpha": (
        Image.new("RGB", (12, 8), COLOUR).quantize(4),
        "PNG",
        {"transparency": 0},
        (255, 255, 255),
    ),
    "one bit": (Image.new("1", (12, 8), 1), "PNG", {}, (255, 255, 255)),
    "cmyk": (Image.new("CMYK", (12, 8), (0, 255, 255, 0)), "TIFF", {}, (255, 0, 0)),
    "16-bit png": (sixteen_bit(128 * 257), "PNG", {}, GREY),
    "16-bit tiff": (sixteen_bit(128 * 257), "TIFF", {}, GREY),
    "16-bit pgm": (sixteen_bit(128 * 257).convert("I"), "PPM", {}, GREY),
    "bmp": (Image.new("RGB", (12, 8), COLOUR), "BMP", {}, COLOUR),
    "tiff": (Image.new("RGB", (12, 8), COLOUR), "TIFF", {"compression": "tiff_lzw"}, COLOUR),
    "ppm": (Image.new("RGB", (12, 8), COLOUR), "PPM", {}, COLOUR),
    "animated gif": (
        Image.new("RGB", (12, 8), COLOUR),
        "GIF",
        {"save_all": True, "append_images": [Image.new("RGB", (12, 8))]},
        COLOUR,
    ),
    "animated webp": (
        Image.new("RGB", (12, 8), COLOUR),
        "WEBP",
        {"save_all": True, "append_images": [Image.new("RGB", (12, 8))], "lossless": True},
        COLOUR,
    ),
    "animated png": (
        Image.new("RGB", (12, 8), COLOUR),
        "PNG",
        {"save_all": True, "append_images": [Image.new("RGB", (12, 8))]},
        COLOUR,
    ),
    "mpo of a phone": (
        Image.new("RGB", (12, 8), GREY),
        "MPO",
        {"save_all": True, "append_images": [Image.new("RGB", (12, 8))]},
        GREY,
    ),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_becomes_8_bit_rgb(kind: str, tmp_path: Path) -> None:
    picture, name, options, colour = KINDS[kind]
    path = tmp_path / "photo.jpg"  # names may lie
    picture.save(path, name, **options)
    result = read_image(path)
    assert (result.mode, result.size) == ("RGB", (12, 8))
    assert colour_of(result) == colour


def test_cmyk_jpeg_keeps_its_colour(tmp_path: Path) -> None:
    path = tmp_path / "photo.jpg"
    Image.new("CMYK", (16, 16), (0, 255, 255, 0)).save(path)
    red, green, blue = colour_of(read_image(path))
    assert red > 250
    assert max(green, blue) < 5


@pytest.mark.parametrize("value", [0, 65535])
def test_16_bit_black_and_white_stay_so(value: int, tmp_path: Path) -> None:
    sixteen_bit(value).save(tmp_path / "a.png")
    assert colour_of(read_image(tmp_path / "a.png")) == (value // 257,) * 3


@pytest.mark.parametrize("mode", ["I", "F"])
def test_32_bit_samples_are_refused(mode: str, tmp_path: Path) -> None:
    Image.new(mode, (4, 4), 70_000).save(tmp_path / "a.tiff")
    with pytest.raises(ImageError, match="32-bit samples") as failure:
        read_image(tmp_path / "a.tiff")
    assert failure.value.hint


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp", "tiff"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied(orientation: int, suffix: str, tmp_path: Path) -> None:
    upright = Image.new("RGB", (16, 32), "black")
    upright.paste("white", (0, 0, 8, 16))
    # Each orientation says how to turn what is stored; its inverse gives what has to be stored.
    stored = upright.transpose(UNDO[orientation]) if orientation > 1 else upright
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    options: dict[str, Any] = {"quality": 100} if suffix == "jpg" else {}
    stored.save(tmp_path / f"a.{suffix}", exif=exif, **options)
    result = read_image(tmp_path / f"a.{suffix}")
    assert result.size == upright.size
    assert np.abs(np.asarray(result).astype(int) - np.asarray(upright)).max() < 20


UNDO = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def test_damaged_exif_does_not_matter(tmp_path: Path) -> None:
    Image.new("RGB", (12, 8), COLOUR).save(tmp_path / "a.png", exif=b"nonsense")
    assert colour_of(read_image(tmp_path / "a.png")) == COLOUR


def test_where_a_photo_was_taken_is_not_passed_on(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif.get_ifd(0x8825)[1] = "N"
    Image.new("RGB", (12, 8)).save(tmp_path / "a.jpg", exif=exif, comment=b"home")
    for suffix in images.WRITE_FORMATS:
        result = tmp_path / f"b{suffix}"
        save_image(read_image(tmp_path / "a.jpg"), result)
        with Image.open(result) as saved:
            assert not saved.getexif()
            assert "comment" not in saved.info


def test_a_stream_is_read_like_a_file() -> None:
    stream = io.BytesIO()
    Image.new("RGB", (12, 8), COLOUR).save(stream, "PNG")
    assert colour_of(read_image(stream)) == COLOUR
    with pytest.raises(ImageError, match="'-': is empty"):
        read_image(io.BytesIO())


def test_very_wide_picture_is_read(tmp_path: Path) -> None:
    Image.new("RGB", (30_000, 60), COLOUR).save(tmp_path / "a.png")
    assert read_image(tmp_path / "a.png").size == (30_000, 60)


def png_of(width: int, height: int) -> bytes:
    """Make the beginning of a PNG that claims a size."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack(">I", 13) + header + struct.pack(">I", zlib.crc32(header))
    return b"\x89PNG\r\n\x1a\n" + chunk + struct.pack(">I", 9) + b"IDAT"


@pytest.mark.parametrize(
    ("size", "megapixels"), [((12_000, 10_001), 121), ((20_000, 20_000), 400), ((100_000, 60_000), 6000)]
)
def test_too_large_picture_is_refused_by_its_header(size: tuple[int, int], megapixels: int, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(png_of(*size))
    with pytest.raises(ImageError, match=f"has {megapixels} megapixels, the limit is 120"):
        read_image(tmp_path / "a.png")


def saved(name: str) -> bytes:
    stream = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(stream, name)
    return stream.getvalue()


BROKEN: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "is empty"),
    "text": (b"a photo of me\n" * 9, "is not a picture"),
    "web page": (b"<!doctype html><p>not found", "is not a picture"),
    "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", "is not a picture"),
    **{
        f"half a {name}": (saved(name)[: len(saved(name)) // 2], "truncated or damaged")
        for name in ("JPEG", "PNG", "WEBP", "BMP", "TIFF", "GIF", "PPM")
    },
    "header of a PPM": (b"P6 ", "truncated or damaged"),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_file_is_refused_with_its_reason(case: str, tmp_path: Path) -> None:
    content, reason = BROKEN[case]
    (tmp_path / "a.jpg").write_bytes(content)
    with pytest.raises(ImageError, match=reason) as failure:
        read_image(tmp_path / "a.jpg")
    assert str(failure.value) == f"{str(tmp_path / 'a.jpg')!r}: {failure.value.reason}"


def make_folder(path: Path) -> None:
    path.mkdir()


def make_nothing(path: Path) -> None:
    pass


@pytest.mark.parametrize(
    ("make", "reason"),
    [(make_nothing, "not found"), (make_folder, "is a folder"), (os.mkfifo, "not a regular file")],
)
def test_what_is_no_file_is_refused(make: Callable[[Path], None], reason: str, tmp_path: Path) -> None:
    make(tmp_path / "x.jpg")
    with pytest.raises(ImageError, match=reason):
        read_image(tmp_path / "x.jpg")


def refuse(number: int) -> Callable[..., Any]:
    def fail(*_: object, **__: object) -> Any:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize(
    ("number", "reason"),
    [(errno.EACCES, "can't be read: permission denied"), (errno.EIO, "can't be read: input/output error")],
)
def test_unreadable_file_is_refused(number: int, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Image.new("RGB", (12, 8)).save(tmp_path / "a.png")
    monkeypatch.setattr(Path, "open", refuse(number))
    with pytest.raises(ImageError, match=reason):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".JPEG", ".webp"])
def test_saved_picture_reads_back_in_the_format_of_its_name(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / "new" / f"a{suffix}"
    save_image(Image.new("RGB", (12, 8), GREY), path)
    with Image.open(path) as image:
        assert image.format == images.WRITE_FORMATS[suffix.lower()]
    assert colour_of(read_image(path)) == GREY
    assert os.listdir(path.parent) == [path.name]  # noqa: PTH208


def test_saving_needs_a_known_format(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="names no format"):
        save_image(Image.new("RGB", (4, 4)), tmp_path / "a.pdf")


def test_saving_replaces_only_when_told(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    save_image(Image.new("RGB", (4, 4), COLOUR), path)
    with pytest.raises(JojoError, match="exists") as failure:
        save_image(Image.new("RGB", (4, 4), GREY), path)
    assert failure.value.hint == "add --overwrite to replace it"
    assert colour_of(read_image(path)) == COLOUR
    save_image(Image.new("RGB", (4, 4), GREY), path, overwrite=True)
    assert colour_of(read_image(path)) == GREY


@pytest.mark.parametrize(
    ("number", "reason", "hint"),
    [
        (errno.ENOSPC, "no space left on device", "free some space"),
        (errno.EROFS, "read-only file system", "choose another place with -o"),
    ],
)
def test_disk_that_takes_nothing_is_an_error(
    number: int, reason: str, hint: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "open", refuse(number))
    with pytest.raises(JojoError, match=f"can't be written: {reason}") as failure:
        save_image(Image.new("RGB", (4, 4), GREY), tmp_path / "a.png")
    assert failure.value.hint == hint


@pytest.mark.parametrize("suffix", images.WRITE_FORMATS)
def test_write_that_breaks_off_keeps_the_old_picture(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    save_image(Image.new("RGB", (4, 4), GREY), path)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, limits[1]))  # the disk, full after 2000 bytes
    try:
        with pytest.raises(JojoError, match="can't be written: file too large"):
            save_image(Image.effect_noise((99, 99), 50).convert("RGB"), path, overwrite=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert colour_of(read_image(path)) == GREY
    assert list(tmp_path.iterdir()) == [path]


def test_name_that_is_too_long_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(JojoError, match="file name too long"):
        save_image(Image.new("RGB", (4, 4)), tmp_path / ("a" * 300 + ".png"))


def test_tensor_is_rgb_from_minus_one_to_one() -> None:
    pixels = to_tensor([Image.new("RGB", (3, 2), (255, 0, 0)), Image.new("RGB", (3, 2), (0, 0, 255))])
    assert (pixels.dtype, pixels.shape) == (torch.float32, (2, 3, 2, 3))
    assert pixels[:, :, 0, 0].tolist() == [[1, -1, -1], [-1, -1, 1]]


def test_tensor_and_back_is_exact() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    picture = Image.fromarray(noise)
    assert np.array_equal(np.asarray(to_image(to_tensor([picture])[0])), noise)


def test_image_of_a_tensor_is_clipped() -> None:
    assert colour_of(to_image(torch.tensor([-7.0, 0.0, 7.0]).reshape(3, 1, 1))) == (0, 128, 255)
    assert colour_of(to_image(torch.ones(3, 1, 1, dtype=torch.bfloat16))) == (255, 255, 255)


def test_square_crop_keeps_the_middle() -> None:
    wide = ImageOps.expand(Image.new("RGB", (10, 10), COLOUR), (10, 0), "black")
    result = square_crop(wide, 20)
    assert result.size == (20, 20)
    assert colour_of(result.crop((8, 0, 12, 20))) == COLOUR


def test_contact_sheet_lays_rows_out() -> None:
    red, wide = Image.new("RGB", (8, 8), "red"), Image.new("RGB", (40, 20), "blue")
    sheet = contact_sheet([[red, red, wide], [red]], cell=10, gap=2)
    assert sheet.size == (34, 22)
    assert [sheet.getpixel(point) for point in [(5, 5), (17, 5), (29, 5), (29, 1), (11, 5), (29, 17)]] == [
        (255, 0, 0),
        (255, 0, 0),
        (0, 0, 255),
        (255, 255, 255),
        (255, 255, 255),
        (255, 255, 255),
    ]


@pytest.mark.parametrize("suffix", [".avif", ".heic"])
def test_what_phones_and_the_web_write_is_read(suffix: str, tmp_path: Path) -> None:
    assert suffix in images.read_suffixes()
    path = tmp_path / f"a{suffix}"
    Image.new("RGB", (64, 48), GREY).save(path, quality=95)
    picture = read_image(path)
    assert picture.size == (64, 48)
    assert max(abs(a - b) for a, b in zip(colour_of(picture), GREY, strict=True)) <= 3


@pytest.fixture
def unreadable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give the photo of a phone where the extra `heic` is missing."""
    images.read_suffixes()
    Image.new("RGB", (64, 48), GREY).save(tmp_path / "a.heic")
    monkeypatch.setitem(sys.modules, "pillow_heif", None)
    for known in (images.read_suffixes, images._read_formats):
        known.cache_clear()
    yield tmp_path / "a.heic"
    for known in (images.read_suffixes, images._read_formats):
        known.cache_clear()


def test_picture_that_needs_an_extra_says_so(unreadable: Path) -> None:
    with pytest.raises(ImageError, match="is not a picture that jojo can read") as failure:
        read_image(unreadable)
    assert failure.value.hint == "pip install 'jojo-cli[heic]' reads them"


def test_damaged_picture_needs_no_extra(tmp_path: Path) -> None:
    (tmp_path / "a.heic").write_text("a photo of me")
    with pytest.raises(ImageError, match="is not a picture that jojo can read") as failure:
        read_image(tmp_path / "a.heic")
    assert failure.value.hint
    assert failure.value.hint.startswith("jojo reads JPEG")


def display_p3() -> bytes:
    """Return the colour profile of phones: sRGB's, but for the primaries."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    data = bytearray(profile.tobytes())
    tags = {bytes(data[i : i + 4]): int.from_bytes(data[i + 4 : i + 8]) for i in range(132, 132 + 12 * data[131], 12)}
    primaries = (0.5151, 0.2412, -0.0011), (0.2919, 0.6922, 0.0419), (0.1572, 0.0666, 0.7841)
    for tag, xyz in zip((b"rXYZ", b"gXYZ", b"bXYZ"), primaries, strict=True):
        place = tags[tag] + 8
        data[place : place + 12] = b"".join(round(x * 65536).to_bytes(4, signed=True) for x in xyz)
    return bytes(data)


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".webp"])
def test_colours_mean_what_their_profile_says(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    Image.new("RGB", (16, 16), (200, 100, 100)).save(path, icc_profile=display_p3(), quality=100)
    red, green, _ = colour_of(read_image(path))
    assert red > 206  # the same colour is a stronger red in the smaller space
    assert green < 98
    Image.new("RGB", (16, 16), (120, 120, 120)).save(path, icc_profile=display_p3(), quality=100)
    assert max(abs(value - 120) for value in colour_of(read_image(path))) <= 2


@pytest.mark.parametrize("profile", [b"no profile", display_p3()[:200]])
def test_damaged_profile_does_not_matter(profile: bytes, tmp_path: Path) -> None:
    Image.new("RGB", (16, 16), GREY).save(tmp_path / "a.png", icc_profile=profile)
    assert colour_of(read_image(tmp_path / "a.png")) == GREY


def test_mark_of_a_damaged_file_is_none(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    save_image(Image.new("RGB", (64, 64)), path, made="crop")
    assert images.made_by_jojo(path) == "crop"
    path.write_bytes(path.read_bytes()[:20])
    assert images.made_by_jojo(path) is None
    assert images.made_by_jojo(tmp_path / "none.png") is None
