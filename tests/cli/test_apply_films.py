"""`jojo apply` with films, as a user types it."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import film_kit
import numpy as np
import pytest
import style_kit
from conftest import Finished, Jojo
from face_kit import FakeFinder, photo
from film_kit import pixels_of, sound_of
from PIL import Image
from style_kit import names

from jojo_cli.faces import Face
from jojo_cli.films import film, open_film
from jojo_cli.images import read_image
from jojo_cli.studio import Studio
from jojo_cli.studio.loaded import LoadedStyle
from jojo_cli.studio.pasting import Paster

fake_finder, workplace = style_kit.fake_finder, style_kit.workplace
trained, ink, no_work = style_kit.trained, style_kit.ink, style_kit.no_work
pytestmark = pytest.mark.usefixtures("workplace", "ink")


class Apart(FakeFinder):
    """Finds faces that do not overlap."""

    def _face(self, number: int) -> Face:
        face = super()._face(1)
        return replace(face, number=number, landmarks=face.landmarks + np.array([90 * (number - 1), 0]))


@pytest.fixture(autouse=True)
def finder(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Studio, "finder", Apart())


def frames(counts: list[int], size: tuple[int, int] = (300, 240)) -> list[Image.Image]:
    """Return frames in which so many faces are found; something moves on the right."""
    pictures = {count: read_image(photo(Path("frame.png"), faces=count, size=size)) for count in set(counts)}
    Path("frame.png").unlink()
    moving = [pictures[count].copy() for count in counts]
    for number, picture in enumerate(moving):
        picture.paste((9, 200, 9), (260, 3 * number, 290, 3 * number + 30))
    return moving


def clip(name: str = "clip.mp4", counts: list[int] | None = None, **options: Any) -> Path:
    """Write a clip in whose frames so many faces are found."""
    return film_kit.clip(Path(name), frames(counts or [1] * 12), **options)


def apply(jojo: Jojo, *args: object) -> Finished:
    return jojo("apply", "ink", *args, "--refine", 2)


def test_faces_are_redrawn_where_they_are(jojo: Jojo) -> None:
    clip(sound="aac", times=[512 * number + 100 * (number % 3) for number in range(12)])
    run = apply(jojo, "clip.mp4", "--json")
    (record,) = map(json.loads, run.out.splitlines())
    assert record.pop("seconds") > 0
    assert record == {
        "input": "clip.mp4",
        "face": None,
        "output": "clip.ink.mp4",
        "status": "ok",
        "reason": None,
        "frames": 12,
        "redrawn": 12,
        "faces": 1,
        "scenes": 1,
    }
    before, after = pixels_of(Path("clip.mp4")), pixels_of(Path("clip.ink.mp4"))
    changed = abs(after - before).mean(axis=3) > 12
    assert changed[:, 45:75, 60:80].mean() > 0.1
    assert not changed[:, :, 150:250].any()
    times = [[frame.start * frame.unit for frame in open_film(Path(name))] for name in ("clip.mp4", "clip.ink.mp4")]
    assert times[0] == times[1]
    assert sound_of(Path("clip.mp4")) == sound_of(Path("clip.ink.mp4"))
    assert names() == ["clip.ink.mp4", "clip.mp4"]


def test_everybody_is_redrawn(jojo: Jojo) -> None:
    clip(counts=[2] * 6)
    apply(jojo, "clip.mp4", "-o", "one.mp4")
    run = apply(jojo, "clip.mp4", "--face", "all", "-o", "all.mp4", "--json")
    assert json.loads(run.out)["faces"] == 2
    assert abs(pixels_of(Path("one.mp4")) - pixels_of(Path("all.mp4"))).max() > 30


def test_frames_without_a_face_stay(jojo: Jojo) -> None:
    """The face is out of sight too long to be anywhere."""
    clip(counts=[1] * 10 + [0] * 30 + [1] * 10)
    run = apply(jojo, "clip.mp4", "--json")
    record = json.loads(run.out)
    assert record["frames"] == 50
    assert 14 <= record["redrawn"] <= 20  # a face that comes is seen within a quarter of a second
    before, after = pixels_of(Path("clip.mp4")), pixels_of(Path("clip.ink.mp4"))
    changed = (abs(after - before).mean(axis=3) > 12)[:, 40:80, 55:85].mean(axis=(1, 2))
    assert (changed[12:38] < 0.02).all()
    assert (changed[:5] > 0.1).all()


def test_who_comes_back_keeps_the_code(jojo: Jojo, monkeypatch: pytest.MonkeyPatch) -> None:
    clip(counts=[1] * 10 + [0] * 30 + [1] * 10)
    find, titles = Studio.find_code, []

    def counted(self: Studio, *args: Any, title: str, **options: Any) -> Any:
        titles.append(title)
        return find(self, *args, title=title, **options)

    monkeypatch.setattr(Studio, "find_code", counted)
    assert json.loads(apply(jojo, "clip.mp4", "--json").out)["faces"] == 2
    assert titles == ["inverting face 1 of 2 in clip.mp4"]


def test_scenes_have_people_of_their_own(jojo: Jojo) -> None:
    first, second = frames([1, 1])
    second.paste((250, 20, 0), (20, 0, 300, 240))
    film_kit.clip(Path("clip.mp4"), [first] * 8 + [second] * 8)
    record = json.loads(apply(jojo, "clip.mp4", "--json").out)
    assert (record["scenes"], record["faces"], record["redrawn"]) == (2, 2, 16)


def test_square_of_the_face(jojo: Jojo) -> None:
    clip(counts=[0] * 3 + [1] * 10)
    assert apply(jojo, "clip.mp4", "--crop").out == "clip.ink.mp4\n"
    result = pixels_of(Path("clip.ink.mp4"))
    assert result.shape == (13, 128, 128, 3)
    assert abs(result[12] - result[0]).mean() > 5


@pytest.mark.parametrize(("options", "drawn"), [(["--crop"], True), ([], False)])
def test_background_of_the_style_is_for_squares(
    options: list[str], drawn: bool, jojo: Jojo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Put back into the film, it would shine through at the border of hair."""
    draw, seen = LoadedStyle.draw, []

    def watched(self: LoadedStyle, *args: Any, background: bool, **how: Any) -> list[Image.Image]:
        seen.append(background)
        return draw(self, *args, background=background, **how)

    monkeypatch.setattr(LoadedStyle, "draw", watched)
    clip(counts=[1] * 4)
    apply(jojo, "clip.mp4", *options)
    assert seen[-4:] == [drawn] * 4


@pytest.mark.parametrize("name", ["clip.gif", "clip.webp"])
def test_animation(name: str, jojo: Jojo) -> None:
    pictures = frames([1] * 4)
    pictures[0].save(name, save_all=True, append_images=pictures[1:], duration=[40, 80, 40, 200], loop=0)
    result = Path(f"clip.ink{name[4:]}")
    assert apply(jojo, name).out == f"{result}\n"
    assert [frame.duration for frame in open_film(result)] == [40, 80, 40, 200]
    first = [np.asarray(next(iter(open_film(path))).picture).astype(int) for path in (Path(name), result)]
    assert abs(first[1] - first[0])[45:75, 60:80].mean() > 4


def test_ending_says_the_format(jojo: Jojo) -> None:
    clip(counts=[1] * 4)
    for ending in (".gif", ".webm", ".mkv"):
        assert apply(jojo, "clip.mp4", "-o", f"out/a{ending}").out == f"out/a{ending}\n"
        assert len(list(open_film(Path(f"out/a{ending}")))) == 4


def test_photos_and_films_together(jojo: Jojo) -> None:
    clip(counts=[1] * 4)
    run = apply(jojo, photo(Path("me.png")), "clip.mp4", "-o", "out")
    assert run.out == "out/me.ink.png\nout/clip.ink.mp4\n"
    with Image.open("out/me.ink.png") as square:
        assert square.size == (128, 128)
    run = apply(jojo, "me.png", "clip.mp4", "--paste", "-o", "out", "--overwrite")
    with Image.open("out/me.ink.png") as whole:
        assert whole.size == (160, 120)


def test_films_in_folders_are_left_out(jojo: Jojo) -> None:
    clip("all/clip.mp4", counts=[1] * 2)
    moving = frames([1, 2])
    moving[0].save("all/moving.gif", save_all=True, append_images=moving[1:])
    photo(Path("all/me.png"))
    run = apply(jojo, "all")
    assert run.out == "me.ink.png\n"
    assert "left out 2 films, which take long: name those to redraw" in run.err


def stopped_at(number: int, patch: pytest.MonkeyPatch, by: BaseException | None = None) -> list[None]:
    """Stop once, by Ctrl-C or else `by`, when so many faces are put back; return a list that grows with each."""
    put, drawn, stopped = Paster.put, list[None](), False

    def counted(self: Paster, *args: Any, **options: Any) -> None:
        nonlocal stopped
        drawn.append(None)
        if len(drawn) == number and not stopped:
            stopped = True
            raise by or KeyboardInterrupt
        put(self, *args, **options)

    patch.setattr(Paster, "put", counted)
    return drawn


@pytest.mark.parametrize(("by", "code"), [(KeyboardInterrupt(), 130), (SystemExit(143), 143)])
def test_stopped_film_goes_on(by: BaseException, code: int, jojo: Jojo, monkeypatch: pytest.MonkeyPatch) -> None:
    clip(counts=[1] * 60)
    drawn = stopped_at(55, monkeypatch, by)
    run = apply(jojo, "clip.mp4")
    assert run.code == code
    assert "what is done of 'clip.ink.mp4' is kept: the same command goes on" in run.err
    assert not Path("clip.ink.mp4").exists()
    drawn.clear()
    assert apply(jojo, "clip.mp4").code == 0
    assert len(drawn) == 10  # the last of sixty
    assert len(list(open_film(Path("clip.ink.mp4")))) == 60
    assert names() == ["clip.ink.mp4", "clip.mp4"]


def test_stopped_film_begins_anew_when_something_changed(jojo: Jojo, monkeypatch: pytest.MonkeyPatch) -> None:
    clip(counts=[1] * 60)
    drawn = stopped_at(55, monkeypatch)
    assert apply(jojo, "clip.mp4").code == 130
    drawn.clear()
    assert apply(jojo, "clip.mp4", "--strength", 0.5).code == 0
    assert len(drawn) == 60


def test_film_that_is_done_is_skipped(jojo: Jojo) -> None:
    clip(counts=[1] * 2)
    apply(jojo, "clip.mp4")
    content = Path("clip.ink.mp4").read_bytes()
    assert "skipped 'clip.mp4': 'clip.ink.mp4' exists" in apply(jojo, "clip.mp4").err
    assert Path("clip.ink.mp4").read_bytes() == content
    assert apply(jojo, "clip.mp4", "--overwrite", "--strength", 0).code == 0
    assert Path("clip.ink.mp4").read_bytes() != content


def test_what_can_not_be_redrawn_leaves_nothing(jojo: Jojo) -> None:
    clip("nobody.mp4", counts=[0] * 5)
    Path("broken.mp4").write_bytes(b"no film")
    clip("fine.mp4", counts=[1] * 2)
    run = apply(jojo, "nobody.mp4", "broken.mp4", "gone.mp4", "fine.mp4")
    assert run.code == 1
    assert "error: 'nobody.mp4': no face found in 5 frames" in run.err
    assert "error: 'broken.mp4': is truncated or damaged, or no film that jojo can read" in run.err
    assert "error: 'gone.mp4': not found" in run.err
    assert run.out == "fine.ink.mp4\n"
    assert names() == ["broken.mp4", "fine.ink.mp4", "fine.mp4", "nobody.mp4"]


def test_truncated_film_leaves_nothing(jojo: Jojo, monkeypatch: pytest.MonkeyPatch) -> None:
    clip(counts=[1] * 12)

    def ends(self: Any) -> Any:
        for frame in whole(self):
            if frame.number == 7:
                raise film.FilmError("is truncated: it ends after 7 of 12 frames")
            yield frame

    from jojo_cli.films.video import Video

    whole = Video.__iter__
    monkeypatch.setattr(Video, "__iter__", ends)
    run = apply(jojo, "clip.mp4")
    assert (run.code, names()) == (1, ["clip.mp4"])
    assert "error: 'clip.mp4': is truncated: it ends after 7 of 12 frames" in run.err


def test_disk_that_fails_in_reading_is_not_told_as_one_that_can_not_be_written(
    jojo: Jojo, monkeypatch: pytest.MonkeyPatch
) -> None:
    from jojo_cli.films.video import Video

    clip(counts=[1] * 4)

    def broken(self: Any, frame: Any) -> Any:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(Video, "_upright", broken)
    run = apply(jojo, "clip.mp4")
    assert (run.code, names()) == (1, ["clip.mp4"])
    assert "error: 'clip.mp4': can't be read: input/output error" in run.err


def test_full_disk_is_told_and_the_work_kept(jojo: Jojo, monkeypatch: pytest.MonkeyPatch) -> None:
    from jojo_cli.films.video import VideoWriter

    clip(counts=[1] * 4)
    write = VideoWriter.write_part

    def full(self: Any, path: Path, pictures: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(VideoWriter, "write_part", full)
    run = apply(jojo, "clip.mp4")
    assert run.code == 1
    assert "'clip.ink.mp4' can't be written: no space left on device\nhint: free some space" in run.err
    monkeypatch.setattr(VideoWriter, "write_part", write)
    assert Path(".clip.ink.mp4.work/face-0.safetensors").exists()
    assert apply(jojo, "clip.mp4").code == 0
    assert names() == ["clip.ink.mp4", "clip.mp4"]


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--compare"], "'clip.mp4' is a film, and --compare and --sweep are about photos"),
        (["--no-align"], "'clip.mp4' is a film, and its faces move"),
        (["--points", "1,1 9,1 5,9"], "'clip.mp4' is a film, and its faces move"),
        (["--crop", "--face", "all"], "'clip.mp4' is a film, and a square shows one face"),
        (["-o", "-"], "-o - takes a picture, and this writes a film"),
        (["-o", "a.png"], "'a.png' names no format of films that jojo writes"),
        (["-o", "a.avi"], "'a.avi' names no format of films that jojo writes"),
        (["--mask", "face", "--crop"], "--mask, --blend and --keep-location are about --paste"),
    ],
)
def test_options_that_do_not_fit(options: list[str], said: str, jojo: Jojo) -> None:
    clip(counts=[1])
    run = apply(jojo, "clip.mp4", *options)
    assert run.code == 2
    assert run.err.startswith(f"error: {said}\nhint: ")


@pytest.mark.usefixtures("no_work")
def test_photo_is_no_film(jojo: Jojo) -> None:
    run = apply(jojo, photo(Path("me.png")), "-o", "a.mp4")
    assert run.code == 2
    assert "'a.mp4' names no format that jojo writes" in run.err


def test_without_the_extra(jojo: Jojo, monkeypatch: pytest.MonkeyPatch) -> None:
    from jojo_cli import films

    clip(counts=[1])
    monkeypatch.setattr(films, "find_spec", lambda name: None)
    run = apply(jojo, "clip.mp4", photo(Path("me.png")))
    assert run.code == 1
    assert (
        "error: 'clip.mp4': films are read with PyAV, which is missing\nhint: pip install 'jojo-cli[video]'" in run.err
    )
    assert run.out == "me.ink.png\n"


def test_dry_run(jojo: Jojo) -> None:
    clip(counts=[1])
    assert apply(jojo, "clip.mp4", "--dry-run").out == "clip.ink.mp4\n"
    assert names() == ["clip.mp4"]
