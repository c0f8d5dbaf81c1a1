"""Clips for tests, made on the spot."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.stream import VideoStream
from numpy.typing import NDArray
from PIL import Image

UNIT = Fraction(1, 12800)
VARIABLE = (0, 512, 1024, 2048, 2560, 3584, 4096, 5120)
"""Times of frames, in units, of a phone that skips some."""


def picture(number: int, size: tuple[int, int] = (64, 48)) -> Image.Image:
    """Return a frame that is told from others by its bar."""
    width, height = size
    across, down = np.meshgrid(np.linspace(40, 200, width), np.linspace(60, 180, height))
    image = Image.fromarray(np.stack([across, down, across], axis=2).round().astype(np.uint8))
    image.paste((225, 225, 225), (20 + 3 * (number % 12), 0, 24 + 3 * (number % 12), height))
    return image


def clip(
    path: Path,
    pictures: Sequence[Image.Image] = (),
    *,
    times: Sequence[int] | None = None,
    codec: str = "libx264",
    format: str = "yuv420p",
    sound: str | None = None,
    rotation: int = 0,
    metadata: dict[str, str] | None = None,
    **context: Any,
) -> Path:
    """Write a clip; the times of its frames are in `UNIT`, or 25 a second."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pictures = pictures or [picture(number) for number in range(8)]
    with av.open(path, "w", options={"movflags": "+use_metadata_tags"} if metadata else {}) as container:
        container.metadata.update(metadata or {})
        options = {"crf": "1"} if codec == "libx264" else {}
        video = container.add_stream(codec, rate=25, options=options)
        assert isinstance(video, VideoStream)
        video.width, video.height = pictures[0].size
        video.pix_fmt = format
        video.codec_context.time_base = UNIT
        for name, value in context.items():
            setattr(video.codec_context, name, value)
        if rotation:
            video.set_display_rotation(rotation)
        audio: Any = container.add_stream(sound, rate=44100) if sound else None
        for number, image in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(np.asarray(image), format="rgb24").reformat(
                format=format, dst_colorspace=context.get("colorspace"), dst_color_range=context.get("color_range")
            )
            frame.pts, frame.time_base = times[number] if times else 512 * number, UNIT
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if audio:
            tone = (8000 * np.sin(np.arange(44100 // 2) / 16)).astype(np.int16)
            for start in range(0, len(tone) - 1024, 1024):
                samples = av.AudioFrame.from_ndarray(tone[None, start : start + 1024], format="s16", layout="mono")
                samples.sample_rate, samples.pts = 44100, start
                container.mux(audio.encode(samples))
            container.mux(audio.encode(None))
    return path


def sound_of(path: Path) -> list[tuple[bytes, Fraction]]:
    """Return the packets of a film's sound, each with its time."""
    with av.open(path) as container:
        packets = list(container.demux(container.streams.audio[0]))
    return [(bytes(packet), (packet.pts or 0) * Fraction(packet.time_base)) for packet in packets if packet.size]


def pixels_of(path: Path) -> NDArray[Any]:
    """Return the frames of a film [T,H,W,3], as others decode them."""
    with av.open(path) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]).astype(int)
