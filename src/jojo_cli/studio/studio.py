"""The studio: everything that jojo does, for the command line and for other programs."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from jojo_cli import paths
from jojo_cli.bases.settings import FinetuneChoice, InvertChoice
from jojo_cli.errors import CheckpointError, JojoError, UsageError
from jojo_cli.events import Listener, Note, nobody, progress

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from jojo_cli.bases import BaseEntry
    from jojo_cli.bases.base import Base
    from jojo_cli.bases.settings import InvertSettings
    from jojo_cli.device import Device
    from jojo_cli.directions import DirectionStore
    from jojo_cli.events import Advance
    from jojo_cli.faces import FaceChoice, FaceFinder
    from jojo_cli.studio.batch import Batch
    from jojo_cli.studio.loaded import LoadedStyle
    from jojo_cli.studio.pasting import Paste
    from jojo_cli.studio.photos import Photo
    from jojo_cli.studio.plan import Job, Target
    from jojo_cli.studio.training import TrainedStyle
    from jojo_cli.styles import Style, StyleStore
    from jojo_cli.stylize.invert import Inversion
    from jojo_cli.stylize.strength import Strength
    from jojo_cli.weights.manager import ModelManager

    Format = Literal["png", "jpg", "webp"]
    Needs = Callable[[BaseEntry], tuple[str, ...]]

LANDMARKS = "dlib-landmarks-68"
"""What finding a face needs, whatever the base."""

KEPT = 8
"""Styles whose weights stay in memory, up to 120 MB each."""

DEFAULT_INVERSION = InvertChoice()
DEFAULT_FINETUNING = FinetuneChoice()


def _drawing(entry: "BaseEntry") -> tuple[str, ...]:
    return entry.draw


class Studio:
    """Trains styles, and redraws faces in them, on one device. Weights that are missing are fetched.

    What was opened once (bases, the face finder, a few styles) stays open. A method that works on many photos returns a
    `Batch`, which does the work while one goes through it: a photo that fails is an outcome, and the next one follows.

    Args:
        device: auto, cpu, cuda, cuda:N or mps.
        models: the weights; by default those of the command line.
        styles: the styles, likewise.
        listener: told what happens, and may raise `Cancelled` to end the work.
        workers: processes that read and cut photos ahead of the networks, where there are many. As with all of
            Python's processes, a program that has some must keep its work behind `if __name__ == "__main__"`.
    """

    def __init__(
        self,
        *,
        device: str = "auto",
        models: "ModelManager | None" = None,
        styles: "StyleStore | None" = None,
        listener: Listener = nobody,
        workers: int = 0,
    ) -> None:
        self.listener, self.workers = listener, workers
        self._device, self._models, self._styles = device, models, styles
        self._bases: dict[str, Base] = {}
        self._weights: dict[str, tuple[Style, dict[str, Tensor]]] = {}  # of styles, the last asked for at the end

    @cached_property
    def device(self) -> "Device":
        """The device, and the precision of the work on it.

        Raises:
            UsageError: there is no such device.
            JojoError: it is not here.
        """
        from jojo_cli.device import pick_device

        return pick_device(self._device)

    @cached_property
    def models(self) -> "ModelManager":
        """The model manager."""
        from jojo_cli.weights.manager import ModelManager

        return self._models or ModelManager(paths.models_dir(), offline=paths.is_offline(), listener=self.listener)

    @cached_property
    def styles(self) -> "StyleStore":
        """The style registry."""
        from jojo_cli.styles import StyleStore

        return self._styles or StyleStore(paths.styles_dir())

    @cached_property
    def directions(self) -> "DirectionStore":
        """The directions that the user keeps, and those that come with jojo."""
        from jojo_cli.directions import DirectionStore

        return DirectionStore(paths.directions_dir(), self.models)

    @cached_property
    def finder(self) -> "FaceFinder":
        """What finds faces in pictures."""
        from jojo_cli.faces import FaceFinder

        return FaceFinder(self.landmarks)

    @cached_property
    def landmarks(self) -> Path:
        """The file of what faces are found with."""
        return self.models.ensure(LANDMARKS)

    def base(self, name: str | None = None, *, needs: "Needs" = _drawing) -> "Base":
        """Return the base called `name` (None: the one that suits the device).

        `needs` says which of its weights will be used: what is missing of them is fetched first, all together.

        Raises:
            UsageError: there is no such device, or the base lacks what was chosen.
            JojoError: the device is not here, there is no such base, or its weights can't be had.
        """
        from jojo_cli.bases import EMBEDDED_BASE, default_base, find_base, load_base

        entry = find_base(name or default_base(self.device.torch_device.type))
        ids = needs(entry)
        try:
            self.models.pull(ids)
        except JojoError as error:
            if name or entry.name == EMBEDDED_BASE:
                raise
            hints = [error.hint] if error.hint else []
            hint = "\nor ".join([*hints, f"add --base {EMBEDDED_BASE}, which needs less"])
            raise JojoError(str(error), hint=hint) from error
        if entry.name not in self._bases:
            with self.device.enough_memory():
                self._bases[entry.name] = load_base(entry.name, self.models, device=self.device)
            self.listener(Note(f"base {entry.name} on {self.device}"))
        return self._bases[entry.name]

    def style(self, name: str, *, needs: "Needs" = _drawing, color: float | None = None) -> "LoadedStyle":
        """Return the style called `name`, ready to draw; `needs` as in `base`, `color` if it will be asked for.

        Raises:
            StyleNotFoundError: there is none.
            CheckpointError: the style is damaged, or was trained on other weights than the base has now.
            UsageError: no style can have this name, or the style has no `color` to give.
            JojoError: as `base`.
        """
        from jojo_cli.studio.loaded import LoadedStyle
        from jojo_cli.stylize.draw import styled_generator

        style = self.styles.load(name)
        # Before the base: a style that can't be drawn as asked needs no download.
        weights = self._weights_of(style)
        if color and "palette" not in weights:
            raise UsageError(f"style {style.name!r} keeps no colours of a reference", hint="leave out --color")
        record = style.record
        base = self.base(record.base, needs=needs)
        if not base.made(record.base_sha256, record.base_fingerprint):
            raise CheckpointError(
                f"style {style.name!r} belongs to another version of base {base.name!r}",
                hint=f"import {record.origin.file!r} again, with --name {style.name} --overwrite"
                if record.origin
                else "train it again from the references in its folder: "
                f"jojo train {style.name} {style.folder / 'reference-1.png'} --no-align --overwrite",
            )
        return LoadedStyle(style, base, styled_generator(base, weights))

    def _weights_of(self, style: "Style") -> "dict[str, Tensor]":
        """Return the tensors of a style, kept until it is trained anew or others were asked for."""
        kept, weights = self._weights.pop(style.name, (None, {}))
        if kept != style:
            weights = style.load_weights()
        self._weights[style.name] = style, weights
        if len(self._weights) > KEPT:
            del self._weights[next(iter(self._weights))]
        return weights

    def crops(
        self, picture: "Image", face: "FaceChoice | None" = "largest", *, size: int = 1024
    ) -> "list[tuple[int | None, Image]]":
        """Return squares cut out of a picture, each with the number of its face.

        Args:
            picture: upright, in RGB, as `read_image` returns it.
            face: largest, all, a number by size, from 1, or `Points`; None takes the picture as a crop. Neither of the
                last two has a number.
            size: side of a square in pixels.

        Raises:
            NoFaceError: there is no face.
            JojoError: there are not so many, or the face finder can't be had.
        """
        from jojo_cli.faces import needs_finder
        from jojo_cli.studio.ahead import cut

        return cut(picture, face, size, self.finder if needs_finder(face) else None)

    def find_code(
        self,
        crop: "Image",
        base: "Base",
        settings: "InvertSettings | None" = None,
        *,
        start: "Tensor | None" = None,
        seen: "Callable[[Tensor], Tensor] | None" = None,
        title: str = "inverting",
    ) -> "Inversion":
        """Return the code from which a base draws a crop.

        Args:
            crop: a square as `crops` returns it, of the base's resolution.
            base: opened with what the settings need: `needs=lambda entry: entry.to_invert(choice)`.
            settings: how; by default as the base does with photos.
            start: a code w_plus [1,L,D] to start from, of a similar picture.
            seen: returns what is compared of images [N,3,S,S] of any size; None compares all.
            title: what the listener is told of this work.

        Raises:
            JojoError: the inversion diverges, or the device has too little memory.
        """
        (found,) = self.find_codes([crop], base, settings, start=start, seen=seen, title=title)
        return found

    def find_codes(
        self,
        crops: "Sequence[Image]",
        base: "Base",
        settings: "InvertSettings | None" = None,
        *,
        start: "Tensor | None" = None,
        seen: "Callable[[Tensor], Tensor] | None" = None,
        title: str = "inverting",
    ) -> "list[Inversion]":
        """Return the codes of crops, as `find_code` finds each; some together where the device is faster so.

        Args:
            crops: any number.
            base: as in `find_code`.
            settings: likewise.
            start: codes w_plus [N,L,D] to start from, one for each.
            seen: as in `find_code`.
            title: likewise.

        Raises:
            JojoError: one of the inversions diverges, or the device has too little memory for a single one.
        """
        from jojo_cli.device import OutOfMemoryError
        from jojo_cli.images import to_tensor
        from jojo_cli.stylize.invert import invert_together

        settings = settings or DEFAULT_INVERSION.among(base.photo_inversions)
        found: list[Inversion] = []
        at_once = base.device.at_once
        while len(found) < len(crops):
            some = slice(len(found), len(found) + at_once)
            pixels = to_tensor(crops[some]).to(base.device.torch_device)
            starts = None if start is None else start[some]
            with progress(self.listener, title, settings.steps + settings.noise, "steps") as advance:

                def tell(step: int, loss: float, advance: "Advance" = advance) -> None:
                    advance(step, f"loss {loss:.3f}")

                try:
                    found += invert_together(base, pixels, settings, start=starts, seen=seen, on_step=tell)
                    continue
                except OutOfMemoryError:
                    if len(pixels) == 1:
                        raise
            at_once = len(pixels) // 2  # out here, where the error is gone, and the tensors that it held
            base.device.give_back_memory()
        return found

    def align(
        self,
        photos: "Sequence[Photo]",
        output: "Target | None" = None,
        *,
        face: "FaceChoice" = "largest",
        size: int = 1024,
        show: bool = False,
        format: "Format" = "png",
        quality: int | None = None,
        overwrite: bool = False,
    ) -> "Batch":
        """Cut the faces out of photos, upright and placed as in the FFHQ dataset.

        Args:
            photos: files, folders, which keep their tree, and streams.
            output: a folder, the file or stream of a single result; None is the current folder.
            face: largest, all, a number by size, from 1, or the `Points` of a single photo.
            size: side of a crop in pixels.
            show: write each photo with all its faces marked and numbered on it, in place of the crops.
            format: png, jpg or webp, where no file is named.
            quality: of JPEG and WebP, 1 to 100; None is the best that shows.
            overwrite: results may replace files, though never a photo.

        Raises:
            UsageError: results would fall on one another or on a photo, or `output` does not fit the photos.
            JojoError: the output exists; that it can't be made comes with the first outcome.
        """
        from jojo_cli.studio.batch import Batch
        from jojo_cli.studio.plan import plan
        from jojo_cli.studio.work import aligning, showing

        planned = plan(
            photos,
            output,
            label="faces" if show else "aligned",
            suffixes=(f".{format}",),
            choice=face,
            overwrite=overwrite,
            quality=quality,
            together=show,
            listener=self.listener,
        )
        return Batch(
            planned,
            lambda stack: showing(self) if show else aligning(self, planned.jobs, size, stack),
            title="looking for faces" if show else "cutting",
            listener=self.listener,
        )

    def invert(
        self,
        photos: "Sequence[Photo]",
        output: "Target | None" = None,
        *,
        base: str | None = None,
        how: InvertChoice = DEFAULT_INVERSION,
        face: "FaceChoice | None" = "largest",
        measure: bool = False,
        overwrite: bool = False,
    ) -> "Batch":
        """Find the codes of the faces in photos, and write them beside what the base draws from them.

        Args:
            photos: as in `align`.
            output: a folder, or a file of a single result; None is the current folder.
            base: name of the base; None: the one that suits the device.
            how: the way to find codes.
            face: as in `align`; None takes the photos as crops.
            measure: the figures of an outcome say how far its reconstruction is from the photo: `lpips` and `mse`.
            overwrite: as in `align`.

        Raises:
            UsageError, JojoError: as `align`; what opening the base raises comes with the first outcome.
        """
        from jojo_cli.studio.batch import Batch
        from jojo_cli.studio.plan import plan
        from jojo_cli.studio.work import inverting

        suffixes = (".safetensors", ".png")
        planned = plan(
            photos, output, label="code", suffixes=suffixes, choice=face, overwrite=overwrite, listener=self.listener
        )
        return Batch(
            planned,
            lambda stack: inverting(self, planned.jobs, base, how, measure, stack),
            title="inverting",
            listener=self.listener,
        )

    def apply(
        self,
        style: str,
        photos: "Sequence[Photo]",
        output: "Target | None" = None,
        *,
        strength: "Strength" = 1.0,
        color: float | None = None,
        compare: bool = False,
        sweep: bool = False,
        paste: "Paste | Literal[False] | None" = None,
        how: InvertChoice = DEFAULT_INVERSION,
        face: "FaceChoice | None" = "largest",
        format: "Format | None" = None,
        quality: int | None = None,
        overwrite: bool = False,
    ) -> "Batch":
        """Redraw the faces in photos in a style; and in films.

        A film that is stopped goes on where it was, when it is asked for again.

        Args:
            style: its name.
            photos: as in `align`; files of codes, too, also in folders; films, but not in folders.
            output: likewise.
            strength: how much of the style shows: from 0 to 1; or from which pixels on how much, {64: 1.0, 512: 0.3}.
            color: how far faces take the colours of the style's reference, from 0 to 1; None is what suits the base.
            compare: write photo and result side by side as well.
            sweep: write the strengths 0, 0.25, 0.5, 0.75 and 1 side by side as well.
            paste: put the faces back into their photos, and in which way; False gives each as a square. None does so
                with those of photos, and puts those of films back.
            how: the way to find codes.
            face: as in `align`; None takes the photos as crops.
            format: as in `align`; None is png, or with `paste` as the photo, where jojo writes that.
            quality: likewise.
            overwrite: as in `align`.

        Raises:
            StyleNotFoundError: there is no such style.
            UsageError: as `align`; or `paste` is asked for crops or codes, which have no photo; or what only photos
                have for a film.
            JojoError: as `align`; what opening the base raises comes with the first outcome.
        """
        from jojo_cli.codes import SUFFIX
        from jojo_cli.studio.batch import Batch
        from jojo_cli.studio.plan import AS_PHOTO, plan
        from jojo_cli.studio.work import COMPARE, SWEEP, applying, is_code

        if paste and face is None:
            raise UsageError(
                "a face crop has no photo to put the face back into", hint="leave out --no-align or --paste"
            )
        if paste and sweep:
            raise UsageError("a sweep shows squares, and --paste shows photos", hint="leave one of them out")
        name = self.styles.load(style).name
        ending = f".{format}" if format else AS_PHOTO if paste else ".png"
        planned = plan(
            photos,
            output,
            label=name,
            suffixes=(ending, *[COMPARE + ending] * compare, *[SWEEP + ending] * sweep),
            choice=face,
            codes=None if paste else SUFFIX,
            overwrite=overwrite,
            quality=quality,
            together=bool(paste),
            films=True,
            listener=self.listener,
        )
        if paste and (code := next(filter(is_code, planned.jobs), None)):
            raise UsageError(f"{code.input!r} has no photo to put the face back into", hint="leave out --paste")
        if film := next((job for job in planned.jobs if job.film), None):
            self._check_film(film, sheets=compare or sweep, squares=paste is False)
        # A code is of one face, whatever the choice; where there are no photos, no face finder is needed.
        jobs = [replace(job, choice=None) if is_code(job) else job for job in planned.jobs]
        return Batch(
            replace(planned, jobs=jobs),
            lambda stack: applying(self, jobs, name, how, stack, strength=strength, color=color, paste=paste),
            title=f"drawing {name}",
            listener=self.listener,
        )

    @staticmethod
    def _check_film(job: "Job", *, sheets: bool, squares: bool) -> None:
        """Raise UsageError where a film is asked for what only photos have."""
        from jojo_cli.faces import needs_finder

        said = f"{job.input!r} is a film"
        if not needs_finder(job.choice):
            raise UsageError(f"{said}, and its faces move", hint="leave out --no-align or --points")
        if sheets:
            raise UsageError(f"{said}, and --compare and --sweep are about photos", hint="leave them out")
        if squares and job.choice == "all":
            raise UsageError(f"{said}, and a square shows one face", hint="leave out --crop or --face all")

    def sample(
        self,
        style: str,
        count: int = 1,
        output: str | Path | None = None,
        *,
        seed: int = 0,
        truncation: float = 0.7,
        strength: "Strength" = 1.0,
        color: float | None = None,
        format: "Format" = "png",
        quality: int | None = None,
        overwrite: bool = False,
    ) -> "Iterator[tuple[int, Path]]":
        """Draw random faces in a style, with the seeds `seed`, `seed + 1` and so on, and contact sheets of up to 64.

        What an interrupted call has drawn is not drawn again.

        Args:
            style: its name.
            count: how many.
            output: a folder; None is STYLE-samples in the current one.
            seed: of the first.
            truncation: 0 draws the mean face, 1 the most varied ones.
            strength: as in `apply`.
            color: likewise.
            format: png, jpg or webp.
            quality: as in `align`.
            overwrite: results may replace files.

        Returns:
            An iterator that draws while one goes through it: the seed of each face, and its file.

        Raises:
            StyleNotFoundError: there is no such style.
            JojoError: a file exists that is something else.
        """
        from jojo_cli.studio.sampling import plan_samples, sample

        samples = plan_samples(
            self.styles.load(style),
            count,
            None if output is None else Path(output),
            seed=seed,
            truncation=truncation,
            strength=strength,
            color=color,
            format=format,
            quality=quality,
            overwrite=overwrite,
        )
        return sample(self, samples, samples.there())

    def train(
        self,
        name: str,
        references: "Sequence[Photo]",
        choice: FinetuneChoice = DEFAULT_FINETUNING,
        *,
        base: str | None = None,
        how: InvertChoice = DEFAULT_INVERSION,
        face: "FaceChoice | None" = "largest",
        overwrite: bool = False,
    ) -> "TrainedStyle":
        """Learn a style from pictures, register it, and return it.

        It is saved whole at the end, or not at all.

        Args:
            name: what to call it.
            references: the pictures, in one style: files, folders of them, streams.
            choice: the way to finetune.
            base: as in `invert`.
            how: the way to find the code of a reference.
            face: as in `invert`; with all, each face is a reference.
            overwrite: the style may replace one of that name.

        Raises:
            UsageError: no style can have this name, or the choices don't fit.
            StyleExistsError: one has it.
            JojoError: a picture can't be read or has no face, or as `base`.
        """
        from jojo_cli.studio.training import train

        return train(self, name, references, choice, base=base, how=how, face=face, overwrite=overwrite)

    def train_more(self, name: str, steps: int) -> "TrainedStyle":
        """Go on with the training of a style, as it was trained before, and return what it has become.

        It is saved whole at the end, or stays as it was.

        Args:
            name: of the style.
            steps: how many more, 1 or more.

        Raises:
            StyleNotFoundError: there is no such style.
            UsageError: it was not trained, but imported or blended.
            CheckpointError: it is damaged.
            JojoError: as `base`.
        """
        from jojo_cli.studio.training import train_more

        return train_more(self, name, steps)

    def blend_styles(
        self, first: str, second: str, name: str, amount: "Strength" = 0.5, *, overwrite: bool = False
    ) -> "Style":
        """Register a style between two others of one base, and return it.

        Args:
            first: name of a style.
            second: that of another one.
            name: what to call the new one.
            amount: how much of the second: from 0 to 1; or from which pixels on how much, {4: 0.0, 64: 1.0}.
            overwrite: it may replace one of that name.

        Raises:
            StyleNotFoundError: there is no such style.
            StyleExistsError: there is one of the new name.
            UsageError: the styles are of different bases, or no style can have this name.
            JojoError: as `base`.
        """
        from jojo_cli.studio.blending import blend

        return blend(self, first, second, name, amount, overwrite=overwrite)

    def import_style(
        self, file: str | Path, name: str | None = None, *, base: str | None = None, overwrite: bool = False
    ) -> "Style":
        """Register a style from a file, and return it.

        Args:
            file: what `jojo styles export` wrote, or a checkpoint with a generator that was finetuned from a base.
                Nothing in it runs.
            name: what to call the style; None: as it, or the file, was called.
            base: the base of a checkpoint; None: the one that other programs finetune.
            overwrite: it may replace one of that name.

        Raises:
            UsageError: no style can have this name.
            StyleExistsError: one has it.
            CheckpointError: the file holds no style.
            JojoError: it can't be read, or as `base`.
        """
        from jojo_cli.studio.adoption import import_style

        return import_style(self, Path(file), name, base=base, overwrite=overwrite)

    def pull_styles(self, names: Sequence[str], *, overwrite: bool = False) -> "Iterator[Style]":
        """Fetch styles that others published, and register them while one goes through what is returned.

        Args:
            names: of published styles.
            overwrite: as in `import_style`.

        Raises:
            JojoError: there is no such style, it can't be fetched, or as `import_style`.
        """
        from jojo_cli.studio.adoption import pull_styles

        return pull_styles(self, names, overwrite=overwrite)
