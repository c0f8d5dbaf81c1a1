"""`jojo apply`, as a user types it."""

import errno
import io
import json
import os
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import face_kit
import numpy as np
import pytest
import style_kit
from conftest import Finished, Jojo
from face_kit import photo
from PIL import Image
from style_kit import names, pixels, same

from jojo_cli.codes import read_code, write_code
from jojo_cli.images import read_image, square_crop
from jojo_cli.studio import Studio
from jojo_cli.stylize.mixing import sample_code

if TYPE_CHECKING:
    from jojo_cli.bases.base import Base

fake_finder, workplace = style_kit.fake_finder, style_kit.workplace
trained, ink, no_work = style_kit.trained, style_kit.ink, style_kit.no_work
pytestmark = pytest.mark.usefixtures("workplace", "ink")

DATA = Path(__file__).parents[1] / "data"


def apply(jojo: Jojo, *args: object) -> Finished:
    return jojo("apply", "ink", *args, "--refine", 2)


def records(run: Finished) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run.out.splitlines()]


def test_photo_is_redrawn(jojo: Jojo) -> None:
    run = apply(jojo, photo(Path("photos/me.jpg")))
    assert (run.code, run.out, run.err) == (0, "me.ink.png\n", "base tiny on cpu in float32\n")
    with Image.open("me.ink.png") as picture:
        assert (picture.format, picture.mode, picture.size) == ("PNG", "RGB", (128, 128))
    assert pixels("me.ink.png").std() > 2  # not blank


def test_json_record(jojo: Jojo) -> None:
    (record,) = records(apply(jojo, photo(Path("me.jpg")), "--json", "-o", "out"))
    assert record.pop("seconds") > 0
    assert record == {"input": "me.jpg", "face": 1, "output": "out/me.ink.png", "status": "ok", "reason": None}


def test_photos_and_folders(jojo: Jojo) -> None:
    for name in ("a.png", "photos/b.jpg", "photos/sub/c.webp"):
        photo(Path(name))
    run = apply(jojo, "a.png", "photos", "-o", "out")
    assert run.out.splitlines() == ["out/a.ink.png", "out/b.ink.png", "out/sub/c.ink.png"]
    assert run.err.endswith("3 of 3 done\n")
    assert names("out") == ["a.ink.png", "b.ink.png", "sub/c.ink.png"]


def test_base_is_opened_once_for_all_photos(jojo: Jojo) -> None:
    run = apply(jojo, photo(Path("a.png")), photo(Path("b.png")))
    assert run.err.count("base tiny") == 1


def test_same_photo_same_picture_and_another_one_another(jojo: Jojo) -> None:
    a, b = photo(Path("a.png")), photo(Path("b.png"), size=(300, 140))
    apply(jojo, a, "-o", "alone")
    apply(jojo, b, a, "-o", "among")
    assert Path("alone/a.ink.png").read_bytes() == Path("among/a.ink.png").read_bytes()
    assert not same("among/a.ink.png", "among/b.ink.png")


def test_bad_photos_are_lines_in_the_report(jojo: Jojo) -> None:
    Path("empty.jpg").touch()
    Path("cut.png").write_bytes((DATA / "astronaut.png").read_bytes()[:9999])
    Path("page.png").write_text("<html>")
    photo(Path("landscape.png"), faces=0)
    photo(Path("good.png"))
    bad = {
        "missing.jpg": "not found",
        "empty.jpg": "is empty",
        "cut.png": "is truncated or damaged",
        "page.png": "is not a picture that jojo can read",
        "landscape.png": "no face found",
    }
    run = apply(jojo, *bad, "good.png", "-o", "out", "--json")
    assert run.code == 1
    assert {record["input"]: record["reason"] for record in records(run)} == bad | {"good.png": None}
    assert all(f"error: {name!r}: {reason}\n" in run.err for name, reason in bad.items())
    assert run.err.endswith("1 of 6 done, 5 failed\n")
    assert names("out") == ["good.ink.png"]


@pytest.mark.parametrize(
    ("choice", "outputs"),
    [
        ("largest", ["us.ink.png"]),
        ("2", ["us.ink-2.png"]),
        ("all", ["us.ink-1.png", "us.ink-2.png", "us.ink-3.png"]),
    ],
)
def test_choice_among_several_faces(choice: str, outputs: list[str], jojo: Jojo) -> None:
    run = apply(jojo, photo(Path("us.png"), faces=3), "--face", choice)
    assert run.out.splitlines() == outputs
    assert len({Path(output).read_bytes() for output in outputs}) == len(outputs)


def test_no_align_takes_the_picture_as_it_is(jojo: Jojo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Studio, "finder", None)
    run = apply(jojo, photo(Path("a.png"), faces=0), "--no-align", "--compare")
    assert (run.code, run.out) == (0, "a.ink.png\n")
    crop = square_crop(read_image(Path("a.png")), 128)
    assert np.array_equal(pixels("a.ink.compare.png")[:, :128], np.asarray(crop))


@pytest.mark.parametrize("output", [None, "face.jpg", "out"])
def test_compare_shows_photo_and_result_side_by_side(output: str | None, jojo: Jojo) -> None:
    apply(jojo, photo(Path("me.png")), "--compare", *(["-o", output] if output else []))
    jojo("align", "me.png", "-o", "crop.png", "--size", 128)
    result, sheet = {
        None: ("me.ink.png", "me.ink.compare.png"),
        "face.jpg": ("face.jpg", "face.compare.png"),
        "out": ("out/me.ink.png", "out/me.ink.compare.png"),
    }[output]
    both = pixels(sheet)
    assert both.shape == (128, 2 * 128 + 8, 3)
    assert np.array_equal(both[:, :128], pixels("crop.png"))
    assert np.abs(both[:, -128:] - pixels(result)).max() <= (100 if output == "face.jpg" else 0)


def test_strength_goes_from_the_base_to_the_style(jojo: Jojo) -> None:
    photo(Path("me.png"))
    jojo("invert", "me.png", "--refine", 2)
    for strength in ("0", "0.5", "1"):
        assert apply(jojo, "me.png", "--strength", strength, "-o", f"{strength}.png").code == 0
    apply(jojo, "me.png")
    assert same("0.png", "me.code.png")  # what the base draws
    assert same("1.png", "me.ink.png")
    plain, half, full = (pixels(f"{strength}.png") for strength in ("0", "0.5", "1"))
    assert 0 < np.abs(half - plain).mean() < np.abs(full - plain).mean()
    assert 0 < np.abs(half - full).mean() < np.abs(full - plain).mean()


def test_photos_take_the_colours_as_far_as_is_asked(jojo: Jojo, base: "Base") -> None:
    photo(Path("me.png"))
    jojo("invert", "me.png", "--refine", 2)
    for color in ("0", str(base.color), "1"):
        assert apply(jojo, "me.png", "--color", color, "-o", f"{color}.png").code == 0
        assert apply(jojo, "me.code.safetensors", "--color", color, "-o", f"{color}.code.png").code == 0
        assert same(f"{color}.png", f"{color}.code.png")
    apply(jojo, "me.png")
    assert same(f"{base.color}.png", "me.ink.png")
    none, some, full = (pixels(f"{color}.png") for color in ("0", str(base.color), "1"))
    assert 0 < np.abs(some - none).mean() < np.abs(full - none).mean()


def test_style_without_colours_to_give(jojo: Jojo, ink: Path) -> None:
    """Trained to keep them, or before styles had any: it draws, and says so when it is asked for more."""
    photo(Path("ref.png"))
    jojo("train", "own", "ref.png", "--preserve-color", *style_kit.QUICK)
    photo(Path("me.png"))
    assert jojo("apply", "own", "me.png", "--refine", 2).code == 0
    assert jojo("apply", "own", "me.png", "--refine", 2, "--color", 0, "-o", "0.png").code == 0
    assert same("me.own.png", "0.png")
    for command in (("apply", "own", "me.png"), ("sample", "own")):
        run = jojo(*command, "--color", 0.5, "-o", "out")
        assert (run.code, run.out) == (2, "")
        assert "'own' keeps no colours of a reference" in run.err
        assert "leave out --color" in run.err


def test_single_result_goes_to_the_file_named(jojo: Jojo) -> None:
    run = apply(jojo, photo(Path("me.png")), "-o", "new/face.webp")
    assert (run.code, run.out) == (0, "new/face.webp\n")
    assert pixels("new/face.webp").shape == (128, 128, 3)


def test_standard_input_to_standard_output(jojo: Jojo, monkeypatch: pytest.MonkeyPatch) -> None:
    content, drawn = photo(Path("me.png")).read_bytes(), io.BytesIO()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        patch.setattr(sys, "stdout", io.TextIOWrapper(drawn))
        assert apply(jojo, "-", "-o", "-").code == 0
        with Image.open(io.BytesIO(drawn.getvalue())) as picture:
            assert (picture.format, picture.size) == ("PNG", (128, 128))
    assert names() == ["me.png"]


def test_existing_outputs_are_skipped(jojo: Jojo, no_work: None) -> None:
    photo(Path("a.png"))
    for kept in ("a.ink.png", "a.ink.compare.png"):
        Path(kept).write_text("mine")
    run = apply(jojo, "a.png", "--compare", "--json")
    assert run.code == 0
    assert [(record["status"], record["reason"]) for record in records(run)] == [("skipped", "exists")]
    assert "hint: add --overwrite" in run.err
    assert Path("a.ink.png").read_text() == Path("a.ink.compare.png").read_text() == "mine"


@pytest.mark.parametrize(("output", "file"), [([], "a.ink.png"), (["-o", "face.png"], "face.png")])
def test_comparison_can_be_made_later(output: list[str], file: str, jojo: Jojo) -> None:
    photo(Path("a.png"))
    apply(jojo, "a.png", *output)
    result = Path(file).read_bytes()
    run = apply(jojo, "a.png", "--compare", *output)
    assert (run.code, run.out) == (0, f"{file}\n")
    assert pixels(Path(file).with_suffix(".compare.png")).shape == (128, 264, 3)
    assert Path(file).read_bytes() == result
    assert apply(jojo, "a.png", "--compare", *output).code == (1 if output else 0)


def test_folder_of_codes_is_drawn_and_the_pictures_beside_them_are_not(jojo: Jojo) -> None:
    photo(Path("photos/a.png"))
    photo(Path("photos/b.png"))
    assert jojo("invert", "photos", "-o", "codes", "--method", "encoder").code == 0
    run = jojo("apply", "ink", "codes", "-o", "out")
    assert (run.code, run.out.splitlines()) == (0, ["out/a.code.ink.png", "out/b.code.ink.png"])
    assert "left out 2 results of an earlier run" in run.err
    direct = jojo("apply", "ink", "photos/a.png", "--method", "encoder")
    assert same(direct.out.strip(), "out/a.code.ink.png")


def test_results_in_another_format(jojo: Jojo) -> None:
    photo(Path("a.png"))
    run = apply(jojo, "a.png", "--compare", "--format", "webp", "--quality", 80)
    assert run.out == "a.ink.webp\n"
    for name in ("a.ink.webp", "a.ink.compare.webp"):
        with Image.open(name) as picture:
            assert picture.format == "WEBP"


def test_overwrite_replaces_results_and_leaves_them_out_of_the_photos(jojo: Jojo) -> None:
    photo(Path("a.png"))
    Path("a.ink.png").write_text("old")
    run = apply(jojo, ".", "--overwrite")
    assert (run.code, run.out) == (0, "a.ink.png\n")
    assert pixels("a.ink.png").shape == (128, 128, 3)


@pytest.mark.parametrize("args", [["a.png", "-o", "a.png"], ["a.png", "a.ink.png"], ["a.png", "sub/a.png"]])
def test_results_that_would_fall_on_a_photo_or_on_one_another(args: list[str], jojo: Jojo, no_work: None) -> None:
    before = {name: photo(Path(name)).read_bytes() for name in ("a.png", "a.ink.png", "sub/a.png")}
    run = apply(jojo, *args, "--overwrite")
    assert (run.code, run.out) == (2, "")
    assert run.err.startswith("error: ")
    assert {name: Path(name).read_bytes() for name in before} == before


def test_compare_does_not_fit_standard_output(jojo: Jojo, no_work: None) -> None:
    run = apply(jojo, photo(Path("a.png")), "--compare", "-o", "-")
    assert run.code == 2
    assert run.err.startswith("error: -o - takes one file")


def test_unknown_style_has_the_nearest_names_in_the_hint(jojo: Jojo, no_work: None) -> None:
    run = jojo("apply", "inq", photo(Path("a.png")))
    assert (run.code, run.out) == (1, "")
    assert run.err == "error: style 'inq' not found\nhint: did you mean ink? see 'jojo styles list'\n"
    assert names() == ["a.png"]


def test_bad_style_name(jojo: Jojo) -> None:
    run = jojo("apply", "../ink", photo(Path("a.png")))
    assert run.code == 2
    assert "error: style name '../ink' is not allowed" in run.err


@pytest.mark.parametrize(
    "option",
    [
        "--strength 2",
        "--strength -1",
        "--strength nan",
        "--refine 0",
        "--face 0",
        "--device warp",
        "-o x.gif",
        "--refine 3 --method mean",
    ],
)
def test_numbers_out_of_range_and_other_nonsense(option: str, jojo: Jojo) -> None:
    run = jojo("apply", "ink", photo(Path("a.png")), *option.split())
    assert (run.code, run.out) == (2, "")
    assert "error" in run.err.lower()
    assert names() == ["a.png"]


def test_without_a_photo_it_is_wrong_usage(jojo: Jojo) -> None:
    assert jojo("apply", "ink").code == 2


@pytest.mark.parametrize("damage", ["truncated", "altered", "empty", "missing"])
def test_damaged_style_is_an_error_before_the_base_is_opened(damage: str, jojo: Jojo, ink: Path, no_work: None) -> None:
    file = ink / "weights.safetensors"
    data = file.read_bytes()
    file.unlink()
    if damage != "missing":
        file.write_bytes({"truncated": data[:-9], "altered": data[:-1] + b"x", "empty": b""}[damage])
    run = apply(jojo, photo(Path("a.png")))
    assert (run.code, run.out) == (1, "")
    assert run.err.startswith(f"error: {str(file)!r}: ")
    assert "hint: " in run.err
    assert names() == ["a.png"]


def test_style_of_another_file_of_the_same_network_is_drawn(jojo: Jojo, ink: Path) -> None:
    file = ink / "style.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"base_sha256": "0" * 64}))
    assert apply(jojo, photo(Path("a.png"))).code == 0


@pytest.mark.parametrize("fingerprint", [None, [1.0] * 8])  # styles of before have none
def test_style_of_another_version_of_its_base(fingerprint: list[float] | None, jojo: Jojo, ink: Path) -> None:
    file = ink / "style.json"
    fields = {"base_sha256": "0" * 64, "base_fingerprint": fingerprint}
    file.write_text(json.dumps(json.loads(file.read_text()) | fields))
    run = apply(jojo, photo(Path("a.png")))
    assert (run.code, run.out) == (1, "")
    assert "error: style 'ink' belongs to another version of base 'tiny'\nhint: train it again" in run.err
    assert f"jojo train ink {ink / 'reference-1.png'} --no-align --overwrite" in run.err


def test_style_of_a_base_that_jojo_does_not_know(jojo: Jojo, ink: Path) -> None:
    file = ink / "style.json"
    file.write_text(file.read_text().replace('"base": "tiny"', '"base": "stylegan9"'))
    run = apply(jojo, photo(Path("a.png")))
    assert run.code == 1
    assert "error: base 'stylegan9' not found\nhint: known bases: " in run.err


def test_style_remembers_its_base(jojo: Jojo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOJO_BASE", "mobilestylegan-ffhq")
    run = apply(jojo, photo(Path("a.png")))
    assert (run.code, run.err) == (0, "base tiny on cpu in float32\n")


def test_code_in_place_of_a_photo_gives_the_same_picture(jojo: Jojo, monkeypatch: pytest.MonkeyPatch) -> None:
    photo(Path("me.png"))
    jojo("invert", "me.png", "--refine", 2)
    apply(jojo, "me.png")
    monkeypatch.setattr(Studio, "finder", None)  # a code needs none
    run = apply(jojo, "me.code.safetensors", "--compare", "--json")
    (record,) = records(run)
    assert (record["output"], record["face"], record["status"]) == ("me.code.ink.png", None, "ok")
    assert Path("me.code.ink.png").read_bytes() == Path("me.ink.png").read_bytes()
    assert np.array_equal(pixels("me.code.ink.compare.png")[:, :128], pixels("me.code.png"))


def test_code_is_of_one_face_whatever_is_chosen(jojo: Jojo) -> None:
    jojo("invert", photo(Path("us.png"), faces=2), "--face", "all", "--refine", 2)
    codes = ("us.code-1.safetensors", "us.code-2.safetensors")
    outputs = ["us.code-1.ink.png", "us.code-2.ink.png"]
    first, second = (apply(jojo, *codes, "--face", "all", "--json") for _ in range(2))
    for run, status in ((first, "ok"), (second, "skipped")):
        assert [(record["output"], record["status"]) for record in records(run)] == [(name, status) for name in outputs]
    assert not same(*outputs)


def test_bad_codes_are_lines_in_the_report(jojo: Jojo, base: "Base", ink: Path) -> None:
    w_plus = sample_code(base, 1, 1.0)
    write_code(Path("good.safetensors"), w_plus, base)
    write_code(Path("other base.safetensors"), w_plus, replace(base, name="stylegan2-ffhq"))
    write_code(Path("shape.safetensors"), w_plus[:, 1:], base)
    Path("cut.safetensors").write_bytes(Path("good.safetensors").read_bytes()[:-5])
    Path("text.safetensors").write_text("hello")
    bad = {
        "other base.safetensors": "is a code of base 'stylegan2-ffhq', not of 'tiny'",
        "shape.safetensors": f"holds {list(w_plus[:, 1:].shape)}, a code of base 'tiny' is {list(w_plus.shape)}",
        "cut.safetensors": "is not a code: ",
        "text.safetensors": "is not a code: ",
        "missing.safetensors": "not found",
        str(ink / "weights.safetensors"): "is not a code: it holds no 'w_plus'",
    }
    run = apply(jojo, *bad, "good.safetensors", photo(Path("me.png")), "-o", "out")
    assert run.code == 1
    assert all(f"error: {name!r}: {reason}" in run.err for name, reason in bad.items())
    assert run.err.endswith("2 of 8 done, 6 failed\n")
    assert names("out") == ["good.ink.png", "me.ink.png"]


def test_full_disk_is_a_line_in_the_report(jojo: Jojo, monkeypatch: pytest.MonkeyPatch) -> None:
    photo(Path("a.png"))
    open_file = Path.open

    def open_on_full_disk(path: Path, mode: str = "r", *args: Any, **kwargs: Any) -> Any:
        if "x" in mode:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return open_file(path, mode, *args, **kwargs)

    monkeypatch.setattr(Path, "open", open_on_full_disk)
    run = apply(jojo, "a.png", "-o", "out")
    assert run.code == 1
    assert "'out/a.ink.png' can't be written: no space left on device\nhint: free some space" in run.err
    assert names("out") == []


def test_ctrl_c_keeps_what_is_done(jojo: Jojo) -> None:
    photo(Path("a.png"))
    photo(Path("b.png"), faces=face_kit.INTERRUPT)
    photo(Path("c.png"))
    run = apply(jojo, ".", "-o", "out")
    assert run.code == 130
    assert "1 of 3 done" in run.err
    assert names("out") == ["a.ink.png"]


def test_mean_code_draws_every_photo_alike(jojo: Jojo, base: "Base") -> None:
    photo(Path("a.png"))
    photo(Path("b.png"), size=(300, 140))
    jojo("apply", "ink", "a.png", "b.png", "--method", "mean")
    assert same("a.ink.png", "b.ink.png")
    jojo("invert", "a.png", "--method", "mean")
    code = read_code(Path("a.code.safetensors"), base)
    assert np.allclose(code[0].numpy(), base.latents.mean_w.numpy())


def test_sweep_shows_strengths_side_by_side(jojo: Jojo) -> None:
    photo(Path("me.png"))
    run = apply(jojo, "me.png", "--sweep", "--strength", "0.5")
    assert (run.code, run.out) == (0, "me.ink.png\n")
    row = pixels("me.ink.sweep.png")
    assert row.shape == (128, 5 * 128 + 4 * 8, 3)
    assert np.array_equal(row[:, 2 * 136 : 2 * 136 + 128], pixels("me.ink.png"))
    first, last = row[:, :128], row[:, -128:]
    steps = [np.abs(row[:, at * 136 : at * 136 + 128] - first).mean() for at in range(5)]
    assert steps == sorted(steps)
    assert len(set(steps)) == 5
    apply(jojo, "me.png", "--overwrite")
    assert np.array_equal(last, pixels("me.ink.png"))


def test_strength_by_resolution_lies_between_none_and_all(jojo: Jojo) -> None:
    jojo("invert", photo(Path("me.png")), "--refine", 2)
    code = "me.code.safetensors"
    for name, strength in (("none", "0"), ("fine", "32:1"), ("half", "32:1,128:0"), ("all", "1"), ("every", "4:1")):
        assert apply(jojo, code, "--strength", strength, "-o", f"{name}.png").code == 0
    none, fine, half, all_ = (pixels(f"{name}.png") for name in ("none", "fine", "half", "all"))
    assert same("every.png", "all.png")
    assert np.abs(fine - none).mean() > 0
    assert np.abs(fine - all_).mean() > 0
    assert np.abs(half - fine).mean() > 0


@pytest.mark.parametrize("strength", ["64:2", "64", "coarse:1", "64:1,", ":"])
def test_strength_that_is_none(strength: str, jojo: Jojo, no_work: None) -> None:
    run = apply(jojo, photo(Path("a.png")), "--strength", strength)
    assert run.code == 2
    assert f"error: {strength!r} is no strength\nhint: write a number from 0 to 1" in run.err


def test_sweep_is_not_put_back(jojo: Jojo, no_work: None) -> None:
    run = apply(jojo, photo(Path("a.png")), "--sweep", "--paste")
    assert run.code == 2
    assert "error: a sweep shows squares" in run.err
