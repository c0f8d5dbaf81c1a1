"""Films, redrawn in a style: who is in them, a code for each, and every frame."""

import json
import time
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from jojo_cli import __version__, disk
from jojo_cli.bases.settings import InvertChoice, InvertSettings
from jojo_cli.codes import SUFFIX, read_code, write_code
from jojo_cli.events import STOPPED, Advance, Note, progress
from jojo_cli.faces import NoFaceError, Points, crop_face
from jojo_cli.faces.align import FloatArray
from jojo_cli.faces.follow import FaceFollower, Sight
from jojo_cli.faces.tracks import Seen, Track, find_tracks, smoothed
from jojo_cli.films import Film, FilmError, FilmWriter, Frame, open_film, open_writer
from jojo_cli.images import read_image, save_image, to_tensor
from jojo_cli.studio.batch import Found, Save, Tools
from jojo_cli.studio.pasting import Paste, Paster
from jojo_cli.studio.plan import Job
from jojo_cli.stylize.strength import Strength

if TYPE_CHECKING:
    from jojo_cli.bases.base import Base
    from jojo_cli.studio.studio import Studio

_MOVING = 32
"""Pixels up to which codes follow a face from frame to frame: they make its pose and its expression. Finer ones stay
as they are, so that strokes do."""

_OFTEN = 0.08
"""Seconds from one frame that a face is read from to the next, or a little more."""

_STEADY = 0.12
"""Seconds over which what is read is smoothed: the sigma of a Gaussian."""

_REACH = 3.5 * _STEADY
"""How far before and after a frame its codes are looked at, in seconds."""

_SMALL = 256
"""Side of the crops that faces are read from, and put back by, in pixels."""

_PART = "part-{}"
_NO_FACE = "faces are found from about 40 pixels on, and upright"


def filming(
    studio: "Studio", style: str, how: InvertChoice, *, strength: Strength, color: float | None, paste: Paste | None
) -> Tools[Film]:
    """Return what redraws the faces of films: where they are, or without `paste` as squares."""
    loaded = studio.style(style, needs=lambda entry: entry.to_film(how), color=color)
    base = loaded.base
    settings = how.among(base.photo_inversions)
    paster = Paster(studio, loaded, paste or Paste("crop"), strength=strength, color=color)
    choices = {
        "jojo": __version__,
        "weights": [loaded.style.record.weights_sha256, base.sha256],
        "choices": repr((settings, strength, color, paste)),
    }

    def open_(job: Job) -> list[tuple[int | None, Film]]:
        return [(job.face, open_film(Path(job.input)))]

    def redraw(film: Film, job: Job) -> Mapping[str, Any]:
        assert job.choice
        assert not isinstance(job.choice, Points)
        output = Path(job.output)
        writer = open_writer(film, output.suffix.lower())
        source = Path(job.input).stat()
        about = {**choices, "film": [job.input, source.st_size, source.st_mtime_ns], "face": job.choice}
        with _bench(studio, output, about) as bench:
            seen = _look(studio, film, job.input, bench / "faces.npz")
            tracks = find_tracks(seen, job.choice)
            if not tracks:
                raise NoFaceError(f"no face found in {len(seen)} frames", hint=_NO_FACE)
            codes = _codes(studio, base, settings, film, tracks, job.input, bench)
            painter = _Painter(tracks, _Motion(base, settings, codes), paster, as_squares=paste is None)
            _draw(studio, film, painter, writer, seen, job.input, bench)
            whole = bench / f"whole{output.suffix}"
            writer.join(sorted(bench.glob(_PART.format("*"))), whole, location=bool(paste and paste.location))
            disk.put_file(whole, output, overwrite=job.overwrite)
        redrawn = len(set().union(*(track.frames.tolist() for track in tracks)))
        scenes = sum(one.begins for one in seen)
        return {"frames": len(seen), "redrawn": redrawn, "faces": len(tracks), "scenes": scenes}

    def work(films: Found[Film]) -> list[Save]:
        return [partial(dict, redraw(film, job)) for film, job in films]  # saved part by part

    return Tools(open_, work)


@contextmanager
def _bench(studio: "Studio", output: Path, about: Mapping[str, Any]) -> Iterator[Path]:
    """Give a folder for what is not finished: that of an earlier run, if it was about the same.

    It stays where the work was stopped, or failed for want of something, and the next run goes on there.
    """
    folder = output.with_name(f".{output.name}.work")
    said = json.dumps(about, sort_keys=True)
    notes = folder / "about.json"
    with disk.writing(output):
        if not (notes.exists() and notes.read_text("utf-8") == said):
            if folder.exists():
                disk.delete(folder)
            folder.mkdir(parents=True)
            notes.write_text(said, "utf-8")
        try:
            yield folder
        except (FilmError, NoFaceError):  # it would be the same again
            disk.delete(folder)
            raise
        except STOPPED:
            studio.listener(Note(f"what is done of {output.name!r} is kept: the same command goes on"))
            raise
        disk.delete(folder)


def _look(studio: "Studio", film: Film, name: str, path: Path) -> list[Seen]:
    """Return what is seen in each frame of a film; `path` keeps it."""
    if not path.exists():
        follower = FaceFollower(studio.finder)
        seen: list[Seen] = []
        with _progress(studio, f"looking for faces in {name}", film.count or 0) as advance:
            for frame in film:
                seen.append(Seen(frame.time, *follower.see(frame.picture, frame.time)))
                advance(len(seen))
        if not seen:
            raise FilmError("has no frames")
        faces = [face for one in seen for face in one.faces]
        new = path.with_name("new.npz")
        np.savez(
            new,
            times=[one.time for one in seen],
            begins=[one.begins for one in seen],
            counts=[len(one.faces) for one in seen],
            who=np.array([face.who for face in faces], dtype=np.int64),
            landmarks=np.array([face.landmarks for face in faces], dtype=np.float64).reshape(-1, 68, 2),
        )
        new.replace(path)
    with np.load(path) as kept:
        sights = iter([Sight(who, points) for who, points in zip(kept["who"].tolist(), kept["landmarks"], strict=True)])
        frames = zip(*(kept[key].tolist() for key in ("times", "begins", "counts")), strict=True)
        return [Seen(when, begins, list(islice(sights, count))) for when, begins, count in frames]


@dataclass(frozen=True)
class _Code:
    """The best frame of a track: its crop, and the code w_plus [1,L,D] of that."""

    crop: Image.Image
    w_plus: Tensor


def _codes(
    studio: "Studio",
    base: "Base",
    settings: InvertSettings,
    film: Film,
    tracks: Sequence[Track],
    name: str,
    bench: Path,
) -> list[_Code]:
    """Return the codes of tracks, by their best frames; the bench keeps them.

    Who was out of sight for long comes back as another track, and keeps the code.
    """

    def same_person(a: int, b: int) -> bool:
        apart = tracks[a].scene != tracks[b].scene or np.intersect1d(tracks[a].frames, tracks[b].frames).size
        return not apart and torch.cosine_similarity(people[a], people[b]).item() >= recogniser.same

    crops = [bench / f"face-{number}.png" for number in range(len(tracks))]
    if not all(crop.exists() for crop in crops):
        wanted = defaultdict(list)
        for track, path in zip(tracks, crops, strict=True):
            wanted[track.best].append((track, path))
        for frame in islice(film, max(wanted) + 1):
            for track, path in wanted.get(frame.number, ()):
                save_image(crop_face(frame.picture, track.quad, size=base.generator.resolution), path, overwrite=True)
    codes: list[_Code] = []
    recogniser, people = base.load_recogniser(), list[Tensor]()
    for number, path in enumerate(crops, 1):
        crop, kept = read_image(path), path.with_suffix(SUFFIX)
        with torch.inference_mode():
            people.append(recogniser(to_tensor([crop]).to(base.device.torch_device)))
        known = next((i for i in range(number - 1) if same_person(i, number - 1)), None)
        if known is not None:
            codes.append(codes[known])
            continue
        if not kept.exists():
            title = f"inverting face {number} of {len(tracks)} in {name}"
            write_code(kept, studio.find_code(crop, base, settings, title=title).w_plus, base)
        codes.append(_Code(crop, read_code(kept, base)))
    return codes


class _Motion:
    """The codes of faces as they move: those of their best frames, and what the encoder sees change.

    Only coarse codes move, and smoothly: an encoder trembles.
    """

    def __init__(self, base: "Base", settings: InvertSettings, codes: Sequence[_Code]) -> None:
        self._base = base
        self._encoder = base.load_encoder(settings.encoder)
        self._moving = [i for i, side in enumerate(base.generator.code_resolutions) if side <= _MOVING]
        self._codes = [code.w_plus for code in codes]
        self._origins = [self._read(code.crop) for code in codes]
        # Of each face: when it was read, and what.
        self._times: list[list[float]] = [[] for _ in codes]
        self._values: list[list[FloatArray]] = [[] for _ in codes]

    def is_due(self, number: int, time: float) -> bool:
        """Return whether a face is to be read at a time, in seconds."""
        times = self._times[number]
        return not times or time - times[-1] >= _OFTEN

    def read(self, number: int, time: float, crop: Image.Image) -> None:
        """Take notice of a face at a time."""
        times, values = self._times[number], self._values[number]
        times.append(time)
        values.append(self._read(crop))
        while times[0] < time - 3 * _REACH:
            del times[0], values[0]

    def at_best(self, number: int) -> Tensor:
        """Return the code w_plus [1,L,D] of a face in its best frame."""
        return self._codes[number]

    def code(self, number: int, time: float) -> Tensor:
        """Return the code of a face at a time around which it was read."""
        seen = smoothed(np.array(self._times[number]), np.stack(self._values[number]), time, _STEADY)
        w_plus, latents = self._codes[number].clone(), self._base.latents
        moving = latents.straighten(w_plus[0, self._moving])
        change = torch.from_numpy(seen - self._origins[number]).to(moving).view_as(moving)
        w_plus[0, self._moving] = latents.bend(moving + change)
        return w_plus

    def _read(self, crop: Image.Image) -> FloatArray:
        """Return the codes that move of what a crop shows, straightened [M*D]."""
        device = self._base.device
        pixels = to_tensor([crop.resize((_SMALL, _SMALL), Image.Resampling.BOX)]).to(device.torch_device)
        with torch.inference_mode(), device.enough_memory():
            straight = self._base.latents.straighten(self._encoder(pixels)[0, self._moving])
        values: FloatArray = straight.flatten().cpu().double().numpy()
        return values


class _Painter:
    """Redraws frames in their order."""

    def __init__(self, tracks: Sequence[Track], motion: _Motion, paster: Paster, *, as_squares: bool) -> None:
        self._tracks, self._motion, self._paster = tracks, motion, paster
        self._as_squares = as_squares
        # No larger than the film shows them.
        self._side = round(max(_SMALL, *(float(track.sides.max()) for track in tracks)))
        self._size = paster.draw(motion.at_best(0), self._side).width

    def redrawn(self, frames: Iterable[Frame], first: int) -> Iterator[tuple[Frame, Image.Image]]:
        """Give frames from the number `first` on with their new pictures, when those around them were seen."""
        waiting: deque[Frame] = deque()
        for frame in chain(frames, [None]):
            if frame:
                waiting.append(frame)
                for number, track in enumerate(self._tracks):
                    place = track.place(frame.number)
                    if place is not None and self._motion.is_due(number, frame.time):
                        self._motion.read(number, frame.time, crop_face(frame.picture, track.quads[place], size=_SMALL))
            while waiting and (frame is None or waiting[0].time + _REACH <= frame.time):
                ready = waiting.popleft()
                if ready.number >= first:
                    yield ready, self._square(ready) if self._as_squares else self._pasted(ready)

    def _pasted(self, frame: Frame) -> Image.Image:
        present = [(track.place(frame.number), number) for number, track in enumerate(self._tracks)]
        faces = [(self._tracks[number], place, number) for place, number in present if place is not None]
        pixels = frame.picture.copy()
        # What is large is near, and in front.
        for track, place, number in sorted(faces, key=lambda face: face[0].sides[face[1]]):
            quad, code = track.quads[place], self._motion.code(number, frame.time)
            crop = crop_face(frame.picture, quad, size=_SMALL)
            self._paster.put(pixels, crop, quad, code, share=float(track.shares[place]), side=self._side)
        return pixels

    def _square(self, frame: Frame) -> Image.Image:
        """Return the face as a square; where there is none, what the film shows where it was last, or will be."""
        away = [np.abs(track.frames - frame.number) for track in self._tracks]
        number = min(range(len(away)), key=lambda i: int(away[i].min()))
        track, place = self._tracks[number], int(away[number].argmin())
        crop = crop_face(frame.picture, track.quads[place], size=self._size)
        if away[number][place]:
            return crop
        drawing = self._paster.draw(self._motion.code(number, frame.time), self._side)
        return Image.blend(crop, drawing, float(track.shares[place]))


def _draw(
    studio: "Studio", film: Film, painter: _Painter, writer: FilmWriter, seen: Sequence[Seen], name: str, bench: Path
) -> None:
    """Write the parts of a film that the bench does not have yet."""
    firsts = range(0, len(seen), writer.part)
    parts = [bench / _PART.format(f"{first:08}") for first in firsts]
    missing = [number for number, part in enumerate(parts) if not part.exists()]
    if not missing:
        return
    first = firsts[missing[0]]
    since = seen[first].time - 2 * _REACH
    drawn = painter.redrawn((frame for frame in film if frame.time >= since), first)
    with _progress(studio, f"drawing {name}", len(seen), first) as advance:
        told = _told(drawn, advance)
        for part in parts[missing[0] :]:
            new = part.with_name("new")
            writer.write_part(new, islice(told, writer.part))
            new.replace(part)


def _told(drawn: Iterable[tuple[Frame, Image.Image]], advance: Advance) -> Iterator[tuple[Frame, Image.Image]]:
    for frame, picture in drawn:
        yield frame, picture
        advance(frame.number + 1)


@contextmanager
def _progress(studio: "Studio", title: str, total: int, first: int = 0) -> Iterator[Advance]:
    """Tell the studio's listener how many frames of a film are done, and how fast."""
    began = time.monotonic()
    with progress(studio.listener, title, total, "frames") as advance:

        def tell(done: int) -> None:
            speed = (done - first) / max(time.monotonic() - began, 1e-3)
            advance(done, f"{speed:.1f} a second")

        yield tell
