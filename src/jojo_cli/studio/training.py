"""A style from pictures: cut, invert, finetune, register."""

import io
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from jojo_cli.bases.base import Base
from jojo_cli.bases.settings import FinetuneChoice, FinetuneSettings, InvertChoice, InvertSettings, recorded
from jojo_cli.errors import JojoError, UsageError
from jojo_cli.events import Caution, Detail, Listener, Note, progress
from jojo_cli.faces import FaceChoice, NoFaceError, Points
from jojo_cli.faces.drawn import landmarks_of_drawing
from jojo_cli.images import read_image, to_tensor
from jojo_cli.nets.generator import Generator
from jojo_cli.studio.photos import Photo, Source, find_photos
from jojo_cli.studio.preview import loss_curve, preview_sheet
from jojo_cli.styles import ReferenceRecord, Style, StyleRecord, StyleStore
from jojo_cli.stylize.draw import changed_weights
from jojo_cli.stylize.finetune import Reference, finetune
from jojo_cli.stylize.invert import Inversion
from jojo_cli.stylize.mixing import towards_mean

if TYPE_CHECKING:
    from PIL.Image import Image

    from jojo_cli.faces.align import FloatArray
    from jojo_cli.studio.studio import Studio


_LACKING = "the style draws eyes and mouths less cleanly, and keeps everybody's proportions and irises"
"""What a style lacks whose reference's landmarks are not known."""


@dataclass(frozen=True)
class TrainedStyle(Style):
    """A style that was trained just now."""

    seconds_per_step: float  # of finetuning


def train(
    studio: "Studio",
    name: str,
    references: Sequence[Photo],
    choice: FinetuneChoice,
    *,
    base: str | None,
    how: InvertChoice,
    face: FaceChoice | None,
    overwrite: bool,
) -> TrainedStyle:
    """Learn a style, register it, and return it; arguments and errors as in `Studio.train`."""
    store = studio.styles
    with store.reserve(name, overwrite=overwrite):
        started = time.perf_counter()
        # Before anything is fetched or computed, and all at once: a file may be gone when the training ends.
        pictures = [_read(source) for source in _sources(references, face, studio.listener)]
        loaded_base = studio.base(
            base, needs=lambda entry: entry.to_train(how, choice.loss, identity=bool(choice.identity))
        )
        crops = [
            (crop, name, digest)
            for name, picture, digest in pictures
            for crop in _cut(studio, name, picture, face, loaded_base.generator.resolution)
        ]
        images = [crop for crop, _, _ in crops]
        how_to_invert, settings = how.among(loaded_base.reference_inversions), choice.among(loaded_base.finetunings)
        learnt = _learn(studio, loaded_base, name, images, how_to_invert, settings)
        record = StyleRecord(
            name=name,
            base=loaded_base.name,
            base_sha256=loaded_base.sha256,
            base_fingerprint=loaded_base.fingerprint,
            critic_sha256=loaded_base.load_critic(settings.loss).sha256,
            references=tuple(
                ReferenceRecord.of(number, name, digest) for number, (_, name, digest) in enumerate(crops, 1)
            ),
            settings={
                "finetune": asdict(settings),
                "invert": asdict(how_to_invert),
                "face": str(face or "largest"),
                "align": face is not None,
            },
            seed=settings.seed,
            device=str(loaded_base.device.torch_device),
            precision=loaded_base.device.precision,
            seconds=time.perf_counter() - started,
            losses=learnt.losses,
        )
        return learnt.saved(store, record, overwrite=overwrite)


def train_more(studio: "Studio", name: str, steps: int) -> TrainedStyle:
    """Go on with the training of a style, and return what it has become; errors as in `Studio.train_more`."""
    store = studio.styles
    with store.reserve(name, overwrite=True):
        started = time.perf_counter()
        style = store.load(name)
        record = style.record
        if not record.trained:
            raise UsageError(f"style {name!r} was not trained from references", hint="train one from a picture")
        source = f"style {name!r}"
        how = recorded(InvertSettings, record.settings.get("invert"), source=source)
        before = recorded(FinetuneSettings, record.settings.get("finetune"), source=source)
        more = [*record.more, steps]
        # Other faces than before: the seed is that of a training of its own.
        settings = replace(before, steps=steps, seed=before.seed + len(more))
        choice = InvertChoice(how.method, encoder=how.encoder)
        loaded = studio.style(
            name, needs=lambda entry: entry.to_train(choice, settings.loss, identity=bool(settings.identity))
        )
        images = [read_image(style.folder / reference.file) for reference in record.references]
        learnt = _learn(studio, loaded.base, name, images, how, settings, start=loaded.generator)
        record = replace(
            record,
            settings={**record.settings, "more": more},
            device=str(loaded.base.device.torch_device),
            precision=loaded.base.device.precision,
            seconds=(record.seconds or 0) + time.perf_counter() - started,
            losses=(*record.losses, *learnt.losses),
        )
        return learnt.saved(store, record, overwrite=True)


@dataclass(frozen=True)
class _Learnt:
    """What came of a training."""

    base: Base
    generator: Generator
    losses: tuple[float, ...]
    images: "Sequence[Image]"
    inversions: Sequence[Inversion]
    seconds_per_step: float

    def saved(self, store: StyleStore, record: StyleRecord, *, overwrite: bool) -> TrainedStyle:
        """Register the style, and return it."""
        drawn = {
            **{f"reference-{number}.png": image for number, image in enumerate(self.images, 1)},
            "preview.png": preview_sheet(self.base, self.generator, self.images, self.inversions),
            "loss.png": loss_curve(record.losses),
        }
        style = store.create(record, changed_weights(self.base, self.generator), drawn, overwrite=overwrite)
        return TrainedStyle(style.record, style.folder, self.seconds_per_step)


def _learn(
    studio: "Studio",
    base: Base,
    name: str,
    images: "Sequence[Image]",
    how: InvertSettings,
    settings: FinetuneSettings,
    *,
    start: Generator | None = None,
) -> _Learnt:
    """Learn the style of crops, from the base's generator or from `start` on."""
    landmarks = _landmarks(studio, images) if settings.proportions or settings.overlay else [None for _ in images]
    inversions = []
    for number, image in enumerate(images, 1):
        title = f"inverting reference {number} of {len(images)}"
        inversion = studio.find_code(image, base, how, title=title)
        inversion = replace(inversion, w_plus=towards_mean(base, inversion.w_plus, dict(settings.virtual)))
        studio.listener(Detail(f"{title}: LPIPS {inversion.lpips:.3f}, MSE {inversion.mse:.3f}"))
        inversions.append(inversion)
    before = time.perf_counter()
    lessons = [
        Reference(to_tensor([image]).to(base.device.torch_device), inversion.w_plus, face)
        for image, inversion, face in zip(images, inversions, landmarks, strict=True)
    ]
    with progress(studio.listener, f"training {name}", settings.steps, "steps") as advance:
        finetuned = finetune(
            base,
            lessons,
            settings,
            start=start,
            find_landmarks=studio.finder.landmarks if any(face is not None for face in landmarks) else None,
            on_step=lambda step, loss: advance(step, f"loss {loss:.3f}"),
        )
    seconds = (time.perf_counter() - before) / settings.steps
    return _Learnt(base, finetuned.generator, finetuned.losses, images, inversions, seconds)


def _sources(references: Sequence[Photo], face: FaceChoice | None, listener: Listener) -> list[Source]:
    """Return the pictures to learn from, at least one."""
    sources = find_photos(references, crops=face is None, listener=listener)
    if not sources:
        raise UsageError("there is no picture to learn from", hint="name a picture, or a folder that has some")
    if isinstance(face, Points) and len(sources) > 1:
        raise UsageError("--points are of one picture", hint="cut the others out with 'jojo align', and add --no-align")
    return sources


def _read(source: Source) -> "tuple[str, Image, str]":
    """Return what a picture is called, the picture, and the sha256 of its file."""
    if isinstance(source.content, str):
        path = Path(source.content)
        return source.content, read_image(path), sha256(path.read_bytes()).hexdigest()
    data = source.content.read()
    return source.name, read_image(io.BytesIO(data)), sha256(data).hexdigest()


def _cut(studio: "Studio", name: str, picture: "Image", face: FaceChoice | None, size: int) -> "list[Image]":
    try:
        return [crop for _, crop in studio.crops(picture, face, size=size)]
    except NoFaceError as error:
        hint = (
            "common with drawings: show where the face is with --points, or crop it like a passport photo and add "
            "--no-align; where there is no face at all, add --method mean too"
        )
        raise JojoError(f"{name!r}: {error}", hint=hint) from error
    except JojoError as error:
        raise JojoError(f"{name!r}: {error}", hint=error.hint) from error


def _landmarks(studio: "Studio", crops: "Sequence[Image]") -> "list[FloatArray | None]":
    """Return the landmarks [68,2] of each crop's largest face, in shares of its side; None where none is found."""
    try:
        finder = studio.finder
    except JojoError as error:  # a crop needs no finder for the rest
        studio.listener(Caution(f"{_LACKING}: {error}"))
        return [None for _ in crops]
    found = [(crop, finder.find(crop, lying=False)) for crop in crops]
    if not any(faces for _, faces in found):
        studio.listener(Note(f"no face is found in what was cut out: {_LACKING}"))
    return [
        landmarks_of_drawing(crop, (faces[0].landmarks + 0.5) / crop.width, finder.landmarks) if faces else None
        for crop, faces in found
    ]
