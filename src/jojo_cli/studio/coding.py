"""Work on codes: mixed, changed, and drawn on the way from one to another."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from PIL import Image
from torch import Tensor

from jojo_cli import disk
from jojo_cli.bases.settings import STYLEGAN2_FFHQ, InvertChoice
from jojo_cli.codes import SUFFIX, read_code, write_code
from jojo_cli.errors import JojoError, UsageError
from jojo_cli.events import Caution
from jojo_cli.faces import FaceChoice, crop_face, find_quads
from jojo_cli.faces.align import FloatArray
from jojo_cli.formats.foreign_codes import ENDINGS, STYLEGAN2_CODES, Form, code_writer, read_codes, rows_for
from jojo_cli.images import WRITE_FORMATS, contact_sheet, read_image, save_image, square_crop, to_image
from jojo_cli.studio.studio import DEFAULT_INVERSION
from jojo_cli.stylize.directions import edited, place_along
from jojo_cli.stylize.draw import draw
from jojo_cli.stylize.invert import Inversion
from jojo_cli.stylize.mixing import codes_at, mix_codes, sample_code
from jojo_cli.stylize.steps import Visible
from jojo_cli.stylize.strength import Strength

if TYPE_CHECKING:
    from jojo_cli.bases.base import Base
    from jojo_cli.nets.generator import Generator, NoiseMaps
    from jojo_cli.studio.studio import Studio

SEED = "seed:"
"""What the name of a random face begins with."""

FAR = 4.0
"""The distance from the mean face from which on what is drawn seldom looks like a face: photos' codes have 1.2 to 1.6,
and with the head turned to the side up to 4."""

CELL = 256
"""Side of a face on a sheet, in pixels."""


@dataclass(frozen=True)
class Look:
    """How codes are drawn.

    Attributes:
        style: the name of a style; None draws as the base does.
        base: the name of the base, without a style; None is what suits the device.
        strength: how much of the style shows: from 0 to 1; or from which pixels on how much, {64: 1.0, 512: 0.3}.
        color: how far faces take the colours of the style's reference, from 0 to 1; None is what suits the base.
    """

    style: str | None = None
    base: str | None = None
    strength: Strength = 1.0
    color: float | None = None


DEFAULT_LOOK = Look()


@dataclass(frozen=True)
class Source:
    """What a code is taken from.

    Attributes:
        text: the path of a photo or of a code, or seed:N.
        face: which of a photo: largest, a number by size, from 1, or `Points`; None takes it as a crop.
        truncation: of a seed: 0 is the mean face, 1 the most varied ones.
    """

    text: str
    face: FaceChoice | None = "largest"
    truncation: float = 0.7

    @property
    def seed(self) -> int | None:
        """The seed of a random face, if it is one.

        Raises:
            UsageError: it is no number.
        """
        if not self.text.startswith(SEED):
            return None
        number = self.text.removeprefix(SEED)
        if not (number.isascii() and number.isdigit() and int(number) < 2**63):
            raise UsageError(f"{self.text!r} is no seed", hint="write seed:42")
        return int(number)

    @property
    def is_code(self) -> bool:
        """Whether it is a file of a code."""
        return self.text.endswith(SUFFIX)

    @property
    def is_photo(self) -> bool:
        """Whether its code has to be found first."""
        return self.seed is None and not self.is_code

    @property
    def stem(self) -> str:
        """What names of results are made of."""
        if self.seed is not None:
            return f"seed-{self.seed}"
        return Path(self.text).name.removesuffix(SUFFIX).removesuffix(".code") if self.is_code else Path(self.text).stem


class Coder:
    """Codes of one base, and what draws them.

    Args:
        studio: opens what is needed.
        look: how codes are drawn.
        sources: what codes will be taken from: what photos need is then fetched before, all together.
        how: the way to find their codes.
        searches: codes will be sought of other pictures than photos, too.
    """

    def __init__(
        self,
        studio: "Studio",
        look: Look = DEFAULT_LOOK,
        sources: Sequence[Source] = (),
        how: InvertChoice = DEFAULT_INVERSION,
        *,
        searches: bool = False,
    ) -> None:
        self.studio, self._look, self._how = studio, look, how
        photos = searches or any(source.is_photo for source in sources)

        def needs(entry: Any) -> tuple[str, ...]:
            return tuple(entry.to_invert(how) if photos else entry.draw)

        if look.style:
            loaded = studio.style(look.style, needs=needs, color=look.color)
            self.base: Base = loaded.base
            self._generator: Generator = loaded.generator
        else:
            self.base = studio.base(look.base, needs=needs)
            self._generator = self.base.generator

    @property
    def styled(self) -> bool:
        """Whether codes are drawn in a style."""
        return self._look.style is not None

    def code(self, source: Source) -> Tensor:
        """Return the code w_plus [1,L,D] of a source.

        Raises:
            JojoError: the photo has no face, or can't be read; or the file holds no code of the base.
        """
        if source.seed is not None:
            return sample_code(self.base, source.seed, source.truncation)
        if source.is_code:
            try:
                return read_code(Path(source.text), self.base)
            except JojoError as error:
                raise type(error)(f"{source.text!r} {error}", hint=error.hint) from error
        return self.find(self.crop(source)[0], f"inverting {source.text}").w_plus

    def crop(self, source: Source, picture: Image.Image | None = None) -> tuple[Image.Image, FloatArray | None]:
        """Return the crop of a photo, and the square [4,2] that it was cut out of, unless it was one already.

        `picture` stands for the photo.

        Raises:
            JojoError: it has no face, or can't be read.
        """
        if not source.is_photo:
            raise UsageError(f"{source.text!r} is no photo", hint="name one")
        size = self.base.generator.resolution
        picture = picture or read_image(Path(source.text))
        if source.face is None:
            return square_crop(picture, size), None
        (_, quad), *_ = find_quads(picture, source.face, self.studio.finder)
        return crop_face(picture, quad, size=size), quad

    def face(self, source: Source) -> Image.Image:
        """Return the crop of a photo, or what the base draws from a code or a seed."""
        if source.is_photo:
            return self.crop(source)[0]
        return self.plain(self.code(source))

    def plain(self, w_plus: Tensor) -> Image.Image:
        """Return what the base draws of a code w_plus [1,L,D]."""
        return to_image(draw(self.base, self.base.generator, w_plus, strength=0)[0])

    def find(
        self,
        crop: Image.Image,
        title: str,
        *,
        start: Tensor | None = None,
        seen: Visible | None = None,
        noise: bool = False,
    ) -> Inversion:
        """Return the code of a crop, and if it is asked for the noise; the rest as in `Studio.find_code`."""
        settings = replace(self._how, noise=noise).among(self.base.photo_inversions)
        return self.studio.find_code(crop, self.base, settings, start=start, seen=seen, title=title)

    def edited(
        self,
        w_plus: Tensor,
        direction: str,
        strength: float,
        *,
        keep: Sequence[str] = (),
        at: Sequence[int] | None = None,
    ) -> Tensor:
        """Return w_plus [1,L,D] after some steps along a direction.

        Args:
            w_plus: a code.
            direction: its name.
            strength: how far, in standard deviations of random faces.
            keep: names of directions along which nothing shall change.
            at: the resolutions, in pixels, whose codes move; None is all.

        Raises:
            UsageError: nothing of the direction is left beside what shall stay; or no code is of these resolutions.
            JojoError: there is no such direction.
        """
        step, *others = (self.studio.directions.load(name, self.base).vector for name in (direction, *keep))
        new = edited(w_plus, step, strength, others)
        if at is not None:
            new = mix_codes(w_plus, new, codes_at(self.base, at), 1.0)
        far, before = (self.distance(code) for code in (new, w_plus))
        if far > max(FAR, before):
            said = f"{far:.1f} standard deviations of random faces from the mean, and was {before:.1f}"
            self.studio.listener(Caution(f"{direction} {strength:+g} may draw no face: its code is {said}"))
        return new

    def distance(self, w_plus: Tensor) -> float:
        """Return how far a code w_plus [1,L,D] is from the mean face, in standard deviations of random faces: they
        have 1.
        """
        return self.base.latents.whiten(w_plus).square().mean().sqrt().item()

    def draw(self, w_plus: Tensor, *, side: int | None = None, noise: "NoiseMaps | None" = None) -> Image.Image:
        """Return the picture of a code w_plus [1,L,D], of `side` pixels where that is less than the base's.

        `noise` takes the place of the base's own.
        """
        look = self._look
        image = draw(
            self.base,
            self._generator,
            w_plus,
            strength=look.strength,
            color=look.color,
            noise=noise,
            at_least=side,
        )
        picture = to_image(image[0])
        if side and side < picture.width:
            picture = picture.resize((side, side), Image.Resampling.LANCZOS)
        return picture


def save_face(
    coder: Coder,
    w_plus: Tensor,
    name: str,
    output: Path | None,
    *,
    overwrite: bool,
    picture: Image.Image | None = None,
    noise: "NoiseMaps | None" = None,
) -> Path:
    """Write a code and its picture, NAME.code.safetensors and NAME.png, and return the first.

    Args:
        coder: draws it.
        w_plus: [1,L,D].
        name: what the files are called.
        output: a folder; or a file with that of codes, or of pictures; None is the current folder.
        overwrite: the files may exist.
        picture: in place of what is drawn of the code.
        noise: that belongs to the code.
    """
    suffix = "" if output is None else "".join(output.suffixes[-1:]).lower()
    if output is not None and (suffix == SUFFIX or suffix in WRITE_FORMATS):
        stem = output.with_suffix("")
        code = output if suffix == SUFFIX else stem.with_suffix(f".code{SUFFIX}")
        shown = output if suffix != SUFFIX else stem.with_suffix(".png")
    else:
        folder = output or Path()
        code, shown = folder / f"{name}.code{SUFFIX}", folder / f"{name}.png"
    for path in (code, shown):
        if path.exists() and not overwrite:
            raise JojoError(f"{str(path)!r} exists", hint="add --overwrite to replace it")
    write_code(code, w_plus, coder.base, noise, overwrite=overwrite)
    save_image(picture or coder.draw(w_plus, noise=noise), shown, overwrite=overwrite, made="picture")
    return code


def mixed(coder: Coder, a: Tensor, b: Tensor, *, since: int, amount: float = 1.0) -> Tensor:
    """Return a code with all that is finer than `since` pixels, it included, of another one (StyleGAN, section 3.1)."""
    fine = [number for number, side in enumerate(coder.base.generator.code_resolutions) if side >= since]
    if not fine or len(fine) == coder.base.generator.codes:
        sides = coder.base.generator.code_resolutions
        raise UsageError(f"nothing is mixed from {since} pixels on", hint=f"choose from {sides[1]} to {sides[-1]}")
    return mix_codes(a, b, fine, amount)


def grid(coder: Coder, codes: Sequence[Tensor], *, since: int) -> Image.Image:
    """Return a sheet of all codes mixed with all: a row has the coarse part of its first picture."""
    faces = [coder.draw(code, side=CELL) for code in codes]
    corner = Image.new("RGB", (CELL, CELL), "white")
    rows = [[corner, *faces]]
    for face, coarse in zip(faces, codes, strict=True):
        rows.append([face, *(coder.draw(mixed(coder, coarse, fine, since=since), side=CELL) for fine in codes)])
    return contact_sheet(rows, cell=CELL)


def described(coder: Coder, w_plus: Tensor) -> dict[str, Any]:
    """Return what can be said of a code w_plus [1,L,D], in standard deviations of random faces.

    `distance` is how far it is from the mean face, by resolution in pixels: random faces have 1. `directions` says
    where it stands along each, the mean face being 0.
    """
    base = coder.base
    straight = base.latents.whiten(w_plus)[0]  # [L,D]
    away = straight.square().mean(dim=1).sqrt().tolist()
    sides = base.generator.code_resolutions
    distance = {
        side: round(sum(x for x, other in zip(away, sides, strict=True) if other == side) / sides.count(side), 2)
        for side in sorted(set(sides))
    }
    stands = {
        direction.name: round(place_along(w_plus, direction.vector, base.latents.mean_w), 2)
        for direction in coder.studio.directions.list(base)
    }
    return {"base": base.name, "codes": len(sides), "distance": distance, "directions": stands}


def convert(
    file: Path, base: "Base", form: "Form | Literal['jojo']", folder: Path, *, overwrite: bool
) -> Iterator[Path]:
    """Write the codes of a file in another form, and give the new files.

    Args:
        file: one of ours, or of another program.
        base: whose codes ours are, or become.
        form: of the new files.
        folder: for them.
        overwrite: they may exist.

    Raises:
        CheckpointError: the file holds no code, or none of this base.
        JojoError: the base has another w than StyleGAN2-FFHQ; or a new file exists, or can't be written.
    """
    if base.codes_of != STYLEGAN2_FFHQ:
        raise JojoError(f"base {base.name!r} has codes of its own", hint="other programs' are of StyleGAN2-FFHQ")
    sides = base.generator.code_resolutions
    if file.suffix == SUFFIX:
        name = file.name.removesuffix(SUFFIX).removesuffix(".code")
        try:
            codes = {name: rows_for(read_code(file, base)[0], STYLEGAN2_CODES, sides)}
        except JojoError as error:
            raise type(error)(f"{str(file)!r} {error}", hint=error.hint) from error
    else:
        codes = read_codes(file)
    for name, rows in codes.items():
        if form == "jojo":
            path = folder / f"{name}.code{SUFFIX}"
            write_code(path, rows_for(rows, sides, STYLEGAN2_CODES)[None], base, overwrite=overwrite)
        else:
            path = folder / f"{name}.{form}{ENDINGS[form]}"
            disk.save_file(path, code_writer(form)(name, rows), overwrite=overwrite)
        yield path
