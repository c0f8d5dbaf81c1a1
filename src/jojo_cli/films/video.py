"""Films as cameras make them, by PyAV: pictures at their times, and the sound as it is."""

import heapq
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from fractions import Fraction
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import numpy as np
from av.video.reformatter import ColorRange, Colorspace, Interpolation
from av.video.stream import VideoStream
from PIL import Image

from jojo_cli.films.film import Film, FilmError, Frame, reading
from jojo_cli.images import MAX_PIXELS

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.packet import Packet
    from av.video.frame import VideoFrame

_CONTAINERS = {".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm"}

# Without frames that look ahead, parts can follow one another, whatever the times of the frames.
_H264 = ("libx264", {"crf": "17", "preset": "medium", "bf": "0"})
_VP9 = ("libvpx-vp9", {"crf": "24", "b": "0", "deadline": "good", "cpu-used": "4", "row-mt": "1"})

_EXACT = Interpolation.BILINEAR | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT
"""How colours are converted: else every film gets a grey level darker."""

_HD = 720
"""Rows from which on colours are those of high definition, where a film does not say."""

_UNKNOWN_CODEC = "is in a codec that the PyAV that is installed can't decode"


class Video:
    """A film in a container of FFmpeg's.

    Raises:
        FilmError: it can't be read, has no pictures, or none that can be decoded.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self.opened() as container:
            stream = _pictures(container)
            context = stream.codec_context
            if context.width * context.height > MAX_PIXELS:
                raise FilmError(f"has frames of {context.width} x {context.height} pixels, which is too large")
            self.count: int | None = stream.frames or None
            self.rate = stream.average_rate or Fraction(25)
            self.colours = (context.colorspace, context.color_primaries, context.color_trc)
            guessed = Colorspace.ITU709 if context.height >= _HD else Colorspace.ITU601  # as players do
            self.matrix = context.colorspace if context.colorspace in list(Colorspace) else int(guessed)

    def __iter__(self) -> Iterator[Frame]:
        """Go through the frames."""
        number, last, end = -1, 0, 0
        with reading(), self.opened() as container:
            stream = _pictures(container)
            stream.thread_type = "AUTO"
            for number, frame in enumerate(container.decode(stream)):
                unit = Fraction(frame.time_base or 1 / self.rate)
                duration = frame.duration or max(1, round(1 / self.rate / unit))
                # Times that are missing, or go back, would be no film.
                start = end if frame.pts is None else frame.pts if not number else max(frame.pts, last + 1)
                last, end = start, start + duration
                yield Frame(number, start, duration, unit, self._upright(frame))
        # Some containers count a few at the end that are never shown.
        if number + 1 < (self.count or 1) - 3:
            raise FilmError(f"is truncated: it ends after {number + 1} of {self.count} frames")

    def _upright(self, frame: "VideoFrame") -> Image.Image:
        rgb = frame.reformat(
            format="rgb24", src_colorspace=self.matrix, src_color_range=frame.color_range, interpolation=_EXACT
        )
        return Image.fromarray(rgb.to_ndarray()).rotate(frame.rotation, expand=True)

    @contextmanager
    def opened(self) -> "Iterator[InputContainer]":
        """Open the file; what FFmpeg says of it becomes a FilmError."""
        try:
            with av.open(self.path) as container:
                yield container
        except FileNotFoundError as error:
            raise FilmError("not found") from error
        except av.DecoderNotFoundError as error:
            raise FilmError(_UNKNOWN_CODEC) from error
        except av.InvalidDataError as error:
            raise FilmError("is truncated or damaged, or no film that jojo can read") from error


class VideoWriter:
    """Writes films in containers of FFmpeg's: H.264, or VP9 in WebM.

    Args:
        film: the one whose frames are replaced; its sound is copied to the byte. None: there is none.
        suffix: one of the endings that name such a container.

    Raises:
        FilmError: its sound can't be in such a container.
    """

    part = 50

    def __init__(self, film: Film | None, suffix: str) -> None:
        self._source = film if isinstance(film, Video) else None
        self._matrix = self._source.matrix if self._source else int(Colorspace.ITU709)
        self._suffix = suffix
        if self._source and suffix != self._source.path.suffix.lower():
            with self._source.opened() as container:
                for stream in _sound(container):
                    self._check_sound(stream)

    def _check_sound(self, stream: Any) -> None:
        try:
            with av.open(io.BytesIO(), "w", format=_CONTAINERS[self._suffix]) as container:
                container.add_stream_from_template(stream)
                container.start_encoding()
        except (av.FFmpegError, ValueError) as error:
            name, hint = stream.codec_context.name, "name a result in .mkv with -o"
            raise FilmError(f"has {name} sound, which can't be in {self._suffix}", hint=hint) from error

    def write_part(self, path: Path, pictures: Iterable[tuple[Frame, Image.Image]]) -> None:
        """Write a part: pictures, each in the place of a frame."""
        codec, options = _VP9 if self._suffix == ".webm" else _H264
        even = codec == "libx264"  # takes no other sides
        pictures = iter(pictures)
        first = next(pictures)
        with av.open(path, "w", format="nut") as container:  # counts time in any unit
            stream = container.add_stream(codec, rate=self._source.rate if self._source else 25, options=options)
            assert isinstance(stream, VideoStream)
            self._describe(stream, _even(first[1]) if even else first[1], first[0].unit)
            for frame, picture in chain([first], pictures):
                pixels = np.asarray(_even(picture) if even else picture)
                drawn = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(
                    format="yuv420p",
                    dst_colorspace=self._matrix,
                    dst_color_range=ColorRange.MPEG,
                    interpolation=_EXACT,
                )
                drawn.pts, drawn.duration, drawn.time_base = frame.start, frame.duration, frame.unit
                container.mux(stream.encode(drawn))
            container.mux(stream.encode(None))

    def _describe(self, stream: VideoStream, picture: Image.Image, unit: Fraction) -> None:
        source, context = self._source, stream.codec_context
        stream.width, stream.height = picture.size
        stream.pix_fmt = "yuv420p"
        context.time_base, context.gop_size = unit, self.part
        context.color_range = int(ColorRange.MPEG)
        # What the film does not say, this one does not either: then both are understood in the same way.
        colours = source.colours if source else (self._matrix, context.color_primaries, context.color_trc)
        context.colorspace, context.color_primaries, context.color_trc = colours

    def join(self, parts: Sequence[Path], path: Path, *, location: bool) -> None:
        """Write the film of all parts, with the sound of the first one."""
        options = {"movflags": "+faststart"} if _CONTAINERS[self._suffix] in ("mp4", "mov") else {}
        with ExitStack() as stack:
            first = stack.enter_context(av.open(parts[0]))
            source = stack.enter_context(self._source.opened()) if self._source else None
            container = stack.enter_context(av.open(path, "w", format=_CONTAINERS[self._suffix], options=options))
            stream = container.add_stream_from_template(_pictures(first))
            stream.time_base = _pictures(first).time_base
            packets = [((packet, stream) for packet in _packets_of(parts))]
            if source:
                said = source.metadata.items()
                container.metadata.update({k: v for k, v in said if location or "location" not in k.lower()})
                copies = {each.index: container.add_stream_from_template(each) for each in _sound(source)}
                copied = _packets(source, *_sound(source))
                packets.append((packet, copies[packet.stream_index]) for packet in copied)
            for packet, target in heapq.merge(*packets, key=lambda pair: _when(pair[0])):
                packet.stream = target
                container.mux_one(packet)


def _pictures(container: "InputContainer") -> VideoStream:
    """Return the stream of a film's pictures."""
    for stream in container.streams.video:
        if not stream.disposition & av.stream.Disposition.attached_pic:
            if stream.codec_context is None:
                raise FilmError(_UNKNOWN_CODEC)
            return stream
    raise FilmError("has no pictures, only sound" if container.streams.audio else "has no pictures")


def _sound(container: "InputContainer") -> list[Any]:
    return list(container.streams.audio)


def _packets(container: "InputContainer", *streams: Any) -> "Iterator[Packet[Any]]":
    """Return the packets of streams; the last of each, which is empty, is none."""
    return (packet for packet in container.demux(*streams) if packet.size) if streams else iter(())


def _packets_of(parts: Sequence[Path]) -> "Iterator[Packet[Any]]":
    for part in parts:
        with av.open(part) as container:
            yield from _packets(container, _pictures(container))


def _when(packet: "Packet[Any]") -> Fraction:
    stamp = packet.pts if packet.dts is None else packet.dts
    return (stamp or 0) * Fraction(packet.time_base)


def _even(picture: Image.Image) -> Image.Image:
    """Return a picture of even sides, its last column and row once more where they were odd."""
    width, height = picture.size
    if not (width % 2 or height % 2):
        return picture
    return Image.fromarray(np.pad(np.asarray(picture), ((0, height % 2), (0, width % 2), (0, 0)), mode="edge"))
