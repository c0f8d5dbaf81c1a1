"""Films: what is read from a file, and what stays when its frames are written again."""

from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import film_kit
import numpy as np
import pytest
from film_kit import VARIABLE, clip, picture, pixels_of, sound_of
from PIL import Image

from jojo_cli import films
from jojo_cli.errors import JojoError
from jojo_cli.films import FilmError, film_ending, is_film, open_film, open_writer

Turned = Callable[[Image.Image], Image.Image]


def rewritten(source: Path, result: Path, *, location: bool = False, turned: Turned = lambda image: image) -> Path:
    """Write a film again as another one, in parts of three frames or fewer."""
    film = open_film(source)
    writer = open_writer(film, result.suffix)
    frames = list(film)
    step = min(3, writer.part)
    parts = []
    for first in range(0, len(frames), step):
        parts.append(result.with_name(f"part-{first:03}"))
        writer.write_part(parts[-1], ((frame, turned(frame.picture)) for frame in frames[first : first + step]))
    writer.join(parts, result, location=location)
    return result


def starts(path: Path) -> list[Fraction]:
    return [frame.start * frame.unit for frame in open_film(path)]


@pytest.mark.parametrize("ending", [".mp4", ".mov", ".mkv", ".m4v"])
def test_times_of_frames_stay_exactly(ending: str, tmp_path: Path) -> None:
    source = clip(tmp_path / f"a{ending}", times=VARIABLE)
    result = rewritten(source, tmp_path / f"b{ending}")
    assert len(starts(source)) == 8
    assert starts(result) == starts(source)


@pytest.mark.parametrize("ending", [".mp4", ".mov", ".mkv"])
def test_sound_stays_to_the_byte(ending: str, tmp_path: Path) -> None:
    source = clip(tmp_path / f"a{ending}", sound="aac")
    assert len(sound_of(source)) > 10
    assert sound_of(rewritten(source, tmp_path / f"b{ending}")) == sound_of(source)


def test_sound_that_does_not_fit_is_refused_before_any_work(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mp4", sound="aac")
    with pytest.raises(FilmError, match=r"has aac sound, which can't be in \.webm") as caught:
        open_writer(open_film(source), ".webm")
    assert ".mkv" in str(caught.value.hint)
    assert sound_of(rewritten(source, tmp_path / "b.mkv"))


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"colorspace": 1, "color_range": 1},
        {"colorspace": 5},
        {"format": "yuvj420p", "color_range": 2},
        {"format": "yuv420p10le"},
    ],
)
def test_colours_stay(how: dict[str, int], tmp_path: Path) -> None:
    """In the eyes of whoever decodes both, whatever the film says of its colours, or does not."""
    before = pixels_of(clip(tmp_path / "a.mp4", **how))  # type: ignore[arg-type]
    after = pixels_of(rewritten(tmp_path / "a.mp4", tmp_path / "b.mp4"))
    assert abs((after - before).mean()) < 0.6
    assert abs(after - before).mean() < 2


def test_frames_are_upright(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mp4", rotation=90)
    first = next(iter(open_film(source)))
    assert first.picture.size == (48, 64)
    upright = np.asarray(picture(0).rotate(90, expand=True)).astype(int)
    assert abs(np.asarray(first.picture) - upright).mean() < 3
    result = rewritten(source, tmp_path / "b.mp4")
    assert pixels_of(result).shape[1:3] == (64, 48)


@pytest.mark.parametrize(("ending", "size"), [(".mp4", (34, 18)), (".webm", (33, 17)), (".webp", (33, 17))])
def test_odd_sizes(ending: str, size: tuple[int, int], tmp_path: Path) -> None:
    frames = [picture(number, (33, 17)) for number in range(4)]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:], duration=40)
    result = rewritten(tmp_path / "a.gif", tmp_path / f"b{ending}")
    assert next(iter(open_film(result))).picture.size == size


def test_place_is_left_out_unless_it_is_asked_for(tmp_path: Path) -> None:
    tags = {"title": "At home", "com.apple.quicktime.location.ISO6709": "+52.5+013.4/"}
    source = clip(tmp_path / "a.mov", metadata=tags)
    with av.open(source) as container:
        assert any("location" in key for key in container.metadata)
    for location in (False, True):
        result = rewritten(source, tmp_path / f"{location}.mkv", location=location)
        with av.open(result) as container:
            said = {key.lower() for key in container.metadata}
        assert "title" in said
        assert any("location" in key for key in said) is location


def test_animation_keeps_times_and_loops(tmp_path: Path) -> None:
    frames = [picture(number) for number in range(5)]
    durations = [40, 40, 120, 40, 500]
    for name in ("a.gif", "a.webp"):
        frames[0].save(tmp_path / name, save_all=True, append_images=frames[1:], duration=durations, loop=3)
        result = rewritten(tmp_path / name, tmp_path / f"b{name[1:]}")
        assert [frame.duration for frame in open_film(result)] == durations
        with Image.open(result) as image:
            assert image.info["loop"] == 3


def test_times_that_a_gif_can_not_have_do_not_add_up(tmp_path: Path) -> None:
    source = clip(tmp_path / "a.mp4", [picture(number) for number in range(9)], times=[427 * n for n in range(9)])
    result = starts(rewritten(source, tmp_path / "b.gif"))
    assert all(abs(a - b) <= Fraction(1, 200) for a, b in zip(result, starts(source), strict=True))


def test_animation_keeps_what_is_transparent(tmp_path: Path) -> None:
    frames = [picture(number).convert("RGBA") for number in range(3)]
    for frame in frames:
        frame.paste((0, 0, 0, 0), (0, 0, 20, 20))
    for ending in (".webp", ".gif"):
        source = tmp_path / f"a{ending}"
        frames[0].save(source, save_all=True, append_images=frames[1:], duration=40, disposal=2)
        result = rewritten(source, tmp_path / f"b{ending}")
        with Image.open(result) as image:
            alpha = np.asarray(image.convert("RGBA"))[..., 3]
        assert alpha[5, 5] == 0
        assert alpha[30, 40] == 255


def test_still_parts_of_a_gif_do_not_flicker(tmp_path: Path) -> None:
    frames = [picture(0) for _ in range(6)]
    for number, frame in enumerate(frames):
        frame.paste((10 * number, 250 - 20 * number, 40 * number), (0, 0, 30, 48))
    source = clip(tmp_path / "a.mp4", frames)
    result = [np.asarray(frame.picture) for frame in open_film(rewritten(source, tmp_path / "b.gif"))]
    assert all(np.array_equal(frame[:, 40:], result[0][:, 40:]) for frame in result)


def test_result_that_a_gif_is_made_of_is_known_again(tmp_path: Path) -> None:
    from jojo_cli.images import made_by_jojo

    source = clip(tmp_path / "a.mp4")
    assert made_by_jojo(rewritten(source, tmp_path / "b.gif")) == "picture"
    assert made_by_jojo(rewritten(source, tmp_path / "b.webp")) == "picture"


def test_truncated_film(tmp_path: Path) -> None:
    source = clip(tmp_path / "whole.mkv", [picture(number, (320, 240)) for number in range(40)])
    fast = tmp_path / "a.mp4"
    film = open_film(source)
    writer = open_writer(film, ".mp4")
    writer.write_part(tmp_path / "part", ((frame, frame.picture) for frame in film))
    writer.join([tmp_path / "part"], fast, location=False)
    data = fast.read_bytes()
    fast.write_bytes(data[: len(data) * 2 // 3])
    with pytest.raises(FilmError, match="truncated"):
        list(open_film(fast))


@pytest.mark.parametrize("content", [b"", b"no film", b"\x00" * 4000])
def test_what_is_no_film(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    with pytest.raises(FilmError, match="no film that jojo can read"):
        open_film(path)


def test_missing_film(tmp_path: Path) -> None:
    with pytest.raises(FilmError, match="not found"):
        open_film(tmp_path / "a.mp4")


def test_film_without_pictures(tmp_path: Path) -> None:
    with av.open(tmp_path / "a.mp4", "w") as container:
        audio = container.add_stream("aac", rate=44100)
        for start in range(0, 8192, 1024):
            samples = av.AudioFrame.from_ndarray(np.zeros((1, 1024), dtype=np.int16), format="s16", layout="mono")
            samples.sample_rate, samples.pts = 44100, start
            container.mux(audio.encode(samples))
        container.mux(audio.encode(None))
    with pytest.raises(FilmError, match="has no pictures, only sound"):
        open_film(tmp_path / "a.mp4")


def test_codec_that_is_not_there(tmp_path: Path) -> None:
    path = clip(tmp_path / "a.mp4")
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzzz"))
    with pytest.raises(FilmError, match="in a codec that"):
        open_film(path)


def test_without_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(films, "find_spec", lambda name: None)
    with pytest.raises(JojoError, match="PyAV") as caught:
        open_film(film_kit.clip(tmp_path / "a.mp4"))
    assert caught.value.hint == "pip install 'jojo-cli[video]'"


def test_what_is_a_film(tmp_path: Path) -> None:
    picture(0).save(tmp_path / "still.gif")
    picture(0).save(tmp_path / "moving.gif", save_all=True, append_images=[picture(1)])
    (tmp_path / "broken.gif").write_bytes(b"GIF89a")
    known = {"still.gif": False, "moving.gif": True, "broken.gif": False, "a.MP4": True, "a.png": False}
    assert {name: is_film(tmp_path / name) for name in known} == known


@pytest.mark.parametrize(
    ("name", "ending"), [("a.MOV", ".MOV"), ("a.avi", ".mp4"), ("a.gif", ".gif"), ("a.webm", ".webm")]
)
def test_ending_of_a_result(name: str, ending: str) -> None:
    assert film_ending(name) == ending
