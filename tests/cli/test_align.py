"""`jojo align`, as a user types it."""

import errno
import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import face_kit
import numpy as np
import pytest
from conftest import Finished, Jojo
from face_kit import photo
from PIL import Image

from jojo_cli.faces import FaceFinder
from jojo_cli.studio import Studio
from jojo_cli.weights.manager import ModelManager

fake_finder = face_kit.fake_finder
DATA = Path(__file__).parents[1] / "data"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake_finder: None) -> Path:
    """Work in an empty folder."""
    path = tmp_path / "work"
    path.mkdir()
    monkeypatch.chdir(path)
    return path


def records(run: Finished) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run.out.splitlines()]


def names(folder: str = ".") -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in Path(folder).rglob("*") if path.is_file())


def in_process(*args: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-W", "error", face_kit.__file__, *args]
    return subprocess.run(command, input=stdin, capture_output=True, check=False, timeout=60)


def test_crop_of_a_photo(jojo: Jojo) -> None:
    run = jojo("align", photo(Path("me.jpg")))
    assert (run.code, run.out, run.err) == (0, "me.aligned.png\n", "")
    with Image.open("me.aligned.png") as crop:
        assert (crop.format, crop.mode, crop.size) == ("PNG", "RGB", (1024, 1024))


def test_size_of_the_crop(jojo: Jojo) -> None:
    assert jojo("align", photo(Path("me.jpg")), "--size", 64).code == 0
    with Image.open("me.aligned.png") as crop:
        assert crop.size == (64, 64)


@pytest.mark.parametrize("size", ["0", "-4", "31", "5000", "big"])
def test_size_out_of_range(size: str, jojo: Jojo) -> None:
    run = jojo("align", photo(Path("me.jpg")), "--size", size)
    assert run.code == 2
    assert names() == ["me.jpg"]


def test_json_record(jojo: Jojo) -> None:
    run = jojo("align", photo(Path("me.jpg")), "--json", "-o", "out")
    (record,) = records(run)
    assert 0 <= record.pop("seconds") < 10
    assert [record] == [{"input": "me.jpg", "face": 1, "output": "out/me.aligned.png", "status": "ok", "reason": None}]


@pytest.mark.parametrize(
    ("choice", "found", "outputs"),
    [
        ("largest", [1], ["me.aligned.png"]),
        ("2", [2], ["me.aligned-2.png"]),
        ("all", [1, 2, 3], ["me.aligned-1.png", "me.aligned-2.png", "me.aligned-3.png"]),
    ],
)
def test_choice_among_several_faces(choice: str, found: list[int], outputs: list[str], jojo: Jojo) -> None:
    run = jojo("align", photo(Path("me.png"), faces=3), "--face", choice, "--json", "--size", 64)
    assert run.code == 0
    assert [(record["face"], record["output"]) for record in records(run)] == list(zip(found, outputs, strict=True))
    assert names() == sorted([*outputs, "me.png"])
    assert len({Path(output).read_bytes() for output in outputs}) == len(outputs)


def test_face_number_that_is_not_there(jojo: Jojo) -> None:
    run = jojo("align", photo(Path("me.png"), faces=3), "--face", "9", "--json")
    assert run.code == 1
    assert records(run) == [
        {
            "input": "me.png",
            "face": 9,
            "output": None,
            "status": "failed",
            "reason": "no face 9, the picture has 3 faces",
        }
    ]
    assert run.err == ("error: 'me.png': no face 9, the picture has 3 faces\nhint: choose another one with --face\n")


def test_nonsense_face(jojo: Jojo) -> None:
    run = jojo("align", photo(Path("me.png")), "--face", "nose")
    assert run.code == 2
    assert run.err == "error: face 'nose' is not a choice\nhint: choose largest, all, or a number from 1\n"


@pytest.mark.parametrize("choice", ["largest", "all", "1"])
def test_no_face(choice: str, jojo: Jojo) -> None:
    run = jojo("align", photo(Path("me.png"), faces=0), "--face", choice)
    assert (run.code, run.out) == (1, "")
    assert run.err == (
        "error: 'me.png': no face found\n"
        "hint: show where it is with --points; face crops go into apply, invert and train with --no-align\n"
    )


BAD = {
    "empty.jpg": (b"", "is empty"),
    "text.jpg": (b"hello", "is not a picture that jojo can read"),
    "cut.png": ((DATA / "astronaut.png").read_bytes()[:9999], "is truncated or damaged"),
}


def test_bad_photos_are_lines_in_the_report(jojo: Jojo) -> None:
    for name, (content, _) in BAD.items():
        Path(name).write_bytes(content)
    photo(Path("good.png"))
    photo(Path("landscape.png"), faces=0)
    run = jojo("align", *BAD, "missing.jpg", "landscape.png", "good.png", "-o", "out", "--json")
    assert run.code == 1
    reasons = {name: reason for name, (_, reason) in BAD.items()}
    reasons |= {"missing.jpg": "not found", "landscape.png": "no face found"}
    failed = {record["input"]: record["reason"] for record in records(run) if record["status"] == "failed"}
    assert failed == reasons
    assert names("out") == ["good.aligned.png"]
    for name, reason in reasons.items():
        assert f"error: {name!r}: {reason}\n" in run.err
    assert run.err.endswith("1 of 6 done, 5 failed\n")


def test_hint_is_given_once(jojo: Jojo) -> None:
    for name in ("a.png", "b.png"):
        photo(Path(name), faces=0)
    run = jojo("align", ".")
    assert run.err.count("error: ") == 2
    assert run.err.count("hint: ") == 1


def test_quiet_says_only_what_failed(jojo: Jojo) -> None:
    photo(Path("a.png"))
    run = jojo("align", "a.png", "missing.png", "-q")
    assert (run.code, run.out, run.err) == (1, "", "error: 'missing.png': not found\n")


def test_verbose_tells_the_time(jojo: Jojo) -> None:
    assert "me.png: 0." in jojo("align", photo(Path("me.png")), "-v", "--size", 64).err


def test_exif_rotated_photo_gives_the_crop_of_the_upright_one(jojo: Jojo) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    upright = Image.open(photo(Path("upright.png"), size=(300, 200)))
    upright.transpose(Image.Transpose.ROTATE_90).save("rotated.png", exif=exif)
    assert jojo("align", "upright.png", "rotated.png", "--size", 128).code == 0
    assert Path("upright.aligned.png").read_bytes() == Path("rotated.aligned.png").read_bytes()


@pytest.mark.parametrize("mode", ["CMYK", "P", "RGBA", "L", "LA", "1", "I;16"])
def test_kinds_of_pictures(mode: str, jojo: Jojo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Studio, "finder", OneFace())
    grey = Image.linear_gradient("L")
    picture = Image.fromarray(np.asarray(grey).astype(np.uint16) * 257) if mode == "I;16" else grey.convert(mode)
    picture.save("me.tiff")
    grey.convert("1" if mode == "1" else "RGB").save("plain.png")
    assert jojo("align", "me.tiff", "plain.png", "--size", 64).code == 0
    result, expected = (np.asarray(Image.open(name)).astype(int) for name in ("me.aligned.png", "plain.aligned.png"))
    assert np.abs(result - expected).max() <= 8  # palettes and CMYK round
    assert result.std() > 20


class OneFace(face_kit.FakeFinder):
    def find(self, image: Image.Image, *, lying: bool = True, largest: bool = False) -> Any:
        return [self._face(1)]


def test_first_frame_of_an_animated_picture(jojo: Jojo) -> None:
    frame = Image.open(photo(Path("frame.png")))
    frame.save("moving.webp", save_all=True, append_images=[Image.new("RGB", frame.size)], lossless=True)
    assert jojo("align", "frame.png", "moving.webp", "--size", 64).code == 0
    assert Path("frame.aligned.png").read_bytes() == Path("moving.aligned.png").read_bytes()


def test_photo_30000_pixels_wide(jojo: Jojo) -> None:
    run = jojo("align", photo(Path("wide.png"), size=(30_000, 120)), "--size", 64)
    assert (run.code, run.err) == (0, "")


def test_photo_that_is_too_large(jojo: Jojo) -> None:
    Image.new("1", (30_000, 5_000)).save("huge.png")
    run = jojo("align", "huge.png")
    assert run.code == 1
    assert run.err == "error: 'huge.png': has 150 megapixels, the limit is 120\nhint: make it smaller first\n"


def test_folder_that_is_called_like_a_picture(jojo: Jojo) -> None:
    photo(Path("x.jpg/me.png"))
    assert jojo("align", "x.jpg", "--size", 64).out == "me.aligned.png\n"


def test_full_disk_leaves_no_half_picture(jojo: Jojo, monkeypatch: pytest.MonkeyPatch) -> None:
    photo(Path("a.png"))
    open_file = Path.open

    def open_on_full_disk(path: Path, mode: str = "r", **options: Any) -> Any:
        if "x" in mode:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return open_file(path, mode, **options)

    monkeypatch.setattr(Path, "open", open_on_full_disk)
    run = jojo("align", "a.png", "-o", "out")
    assert run.code == 1
    assert "'out/a.aligned.png' can't be written: no space left on device\nhint: free some space" in run.err
    assert names("out") == []


def test_folder_that_cannot_be_written_to(jojo: Jojo, monkeypatch: pytest.MonkeyPatch) -> None:
    photo(Path("a.png"))
    Path("out").mkdir()
    # Root may write everywhere, so the system is asked to say no.
    monkeypatch.setattr(os, "access", lambda path, mode: mode == os.R_OK)
    run = jojo("align", "a.png", "-o", "out")
    assert (run.code, run.out) == (1, "")
    assert run.err == "error: folder 'out' can't be written to\nhint: choose another one with -o\n"


@pytest.mark.parametrize("output", ["notes", "notes/out"])
def test_folder_that_is_a_file(output: str, jojo: Jojo) -> None:
    photo(Path("a.png"))
    Path("notes").write_text("mine")
    run = jojo("align", "a.png", "-o", output)
    assert run.code == 1
    assert f"folder {output!r} can't be made" in run.err
    assert Path("notes").read_text() == "mine"


def test_standard_input_to_standard_output() -> None:
    data = photo(Path("me.png")).read_bytes()
    run = in_process("align", "-", "-o", "-", "--size", "64", stdin=data)
    assert (run.returncode, run.stderr) == (0, b"")
    with Image.open(io.BytesIO(run.stdout)) as crop:
        assert (crop.format, crop.size) == ("PNG", (64, 64))


def test_standard_input_to_a_folder() -> None:
    run = in_process("align", "-", "-o", "out", stdin=photo(Path("me.png")).read_bytes())
    assert run.stdout.decode() == "out/stdin.aligned.png\n"
    assert in_process("align", "-").stderr.decode() == "error: '-': is empty\n"


def test_full_disk_behind_standard_output() -> None:
    photo(Path("a.png"))
    with Path("/dev/full").open("wb") as full:
        command = [sys.executable, face_kit.__file__, "align", "a.png", "-o", "-"]
        run = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False, timeout=60)
    assert run.returncode != 0
    assert b"error: 'a.png': standard output can't be written: no space left on device\n" in run.stderr


@pytest.mark.parametrize("option", ["--overwrite", "--json"])
def test_closed_output_ends_quietly(option: str) -> None:
    for number in range(3):
        photo(Path(f"{number}.png"))
    command = [sys.executable, face_kit.__file__, "align", ".", "-o", "out", option]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == b""
        assert process.wait(timeout=60) == 1


@pytest.mark.parametrize(("faces", "code"), [(face_kit.INTERRUPT, 130), (face_kit.TERMINATE, 143)])
def test_ended_work_says_how_far_it_came(faces: int, code: int, jojo: Jojo) -> None:
    photo(Path("a.png"))
    photo(Path("b.png"), faces=faces)
    photo(Path("c.png"))
    run = jojo("align", ".", "-o", "out")
    assert run.code == code
    assert "1 of 3 done" in run.err
    assert names("out") == ["a.aligned.png"]


def test_dlib_that_is_missing(jojo: Jojo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Studio, "finder", property(lambda studio: FaceFinder(Path("landmarks.dat"))))
    monkeypatch.setitem(sys.modules, "dlib", None)
    photo(Path("a.png"))
    photo(Path("b.png"))
    run = jojo("align", "a.png", "b.png")
    assert run.code == 1
    assert run.err.startswith("error: dlib can't be loaded")
    assert run.err.count("error:") == 1


def test_torch_is_not_loaded() -> None:
    photo(Path("me.png"))
    code = "import face_kit, sys; sys.argv[1:] = ['align', 'me.png']\ntry: face_kit.main()\n"
    code += "except SystemExit: sys.exit('torch' in sys.modules)"
    environment = os.environ | {"PYTHONPATH": str(Path(face_kit.__file__).parent)}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 0


@pytest.mark.real
def test_real_portraits(real_models: ModelManager, jojo: Jojo, monkeypatch: pytest.MonkeyPatch) -> None:
    real_finder = FaceFinder(real_models.path("dlib-landmarks-68"))
    monkeypatch.setattr(Studio, "finder", real_finder)
    run = jojo("align", DATA, "-o", "out", "--size", 256)
    assert run.code == 0
    assert names("out") == ["astronaut.aligned.png", "grace_hopper.aligned.png"]
    for name in names("out"):
        # The face of the crop is where FFHQ has it: cut again, it hardly moves.
        crop = Image.open(Path("out", name)).resize((512, 512))
        eyes = real_finder.find(crop)[0].landmarks[36:48].mean(axis=0) / 512
        assert eyes.tolist() == pytest.approx([0.5, 0.48], abs=0.04)


@pytest.mark.parametrize("text", ["60,49 80,49 70,69", "60 49 80 49 70 69", "60.0,49;80,49;70,69"])
def test_points_cut_a_face_that_is_not_found(text: str, jojo: Jojo) -> None:
    """As the one is cut that is found at these points."""
    assert jojo("align", photo(Path("found.png")), "--size", 64).code == 0
    run = jojo("align", photo(Path("me.png"), faces=0), "--points", text, "--size", 64, "--json")
    (record,) = records(run)
    assert (record["status"], record["face"], record["output"]) == ("ok", None, "me.aligned.png")
    with Image.open("found.aligned.png") as expected, Image.open("me.aligned.png") as crop:
        assert np.abs(np.asarray(crop).astype(int) - np.asarray(expected)).mean() < 1


def test_points_follow_a_turned_face(jojo: Jojo) -> None:
    me = photo(Path("me.png"), size=(200, 200))
    with Image.open(me) as image:
        image.transpose(Image.Transpose.ROTATE_90).save("turned.png")
    jojo("align", me, "--points", "80,90 120,90 100,130", "--size", 64)
    jojo("align", "turned.png", "--points", "90,119 90,79 130,99", "--size", 64)
    with Image.open("me.aligned.png") as upright, Image.open("turned.aligned.png") as turned:
        assert np.abs(np.asarray(turned).astype(int) - np.asarray(upright)).mean() < 2


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "are not three pairs of numbers"),
        ("10,10 20,10", "are not three pairs of numbers"),
        ("a,b c,d e,f", "are not three pairs of numbers"),
        ("1,2 3,4 5,6x", "are not three pairs of numbers"),
        ("80,49 60,49 70,69", "no face has its eyes and its mouth at"),
        ("60,49 60,49 60,49", "no face has its eyes and its mouth at"),
        ("60,49 80,49 70,50", "no face has its eyes and its mouth at"),
    ],
)
def test_points_of_no_face(text: str, reason: str, jojo: Jojo) -> None:
    run = jojo("align", photo(Path("me.png")), "--points", text)
    assert run.code == 2
    assert reason in run.err
    assert "--points '412,388 596,390 503,602'" in run.err


def test_points_are_of_one_photo(jojo: Jojo) -> None:
    points = "60,49 80,49 70,69"
    run = jojo("align", photo(Path("a.png")), photo(Path("b.png")), "--points", points)
    assert (run.code, run.err) == (2, "error: --points are of one photo\nhint: give that photo alone\n")
    run = jojo("align", "a.png", "--face", "all", "--points", points)
    assert (run.code, run.err.splitlines()[0]) == (2, "error: --face all contradicts --points")


def test_show_marks_every_face_on_the_photo(jojo: Jojo) -> None:
    me = photo(Path("me.jpg"), faces=2, size=(320, 240))
    run = jojo("align", me, "--show", "--json")
    (record,) = records(run)
    assert (record["output"], record["face"], record["faces"]) == ("me.faces.png", None, 2)
    with Image.open("me.faces.png") as shown, Image.open(me) as plain:
        assert shown.size == plain.size
        changed = (np.asarray(shown).astype(int) != np.asarray(plain)).any(axis=2)
    assert changed[30:120, 20:120].any()
    assert not changed[:, 200:].any()
    assert "left out 1 results" in jojo("align", ".", "--show", "--overwrite").err


def test_show_makes_large_photos_smaller_and_tells_of_none(jojo: Jojo) -> None:
    run = jojo("align", photo(Path("big.png"), size=(4000, 3000)), photo(Path("no.png"), faces=0), "--show")
    assert run.code == 1
    assert "'no.png': no face found" in run.err
    with Image.open("big.faces.png") as shown:
        assert shown.size == (1600, 1200)
    assert jojo("align", "no.png", "--show", "--points", "60,49 80,49 70,69").out == "no.faces.png\n"
