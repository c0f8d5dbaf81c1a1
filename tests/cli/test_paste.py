"""`jojo apply --paste`: faces redrawn in their photos, as a user types it."""

import io
import json
import sys
from pathlib import Path

import numpy as np
import pytest
import style_kit
from conftest import Finished, Jojo
from face_kit import photo
from PIL import Image
from style_kit import names, pixels, same

from jojo_cli.codes import write_code
from jojo_cli.stylize.mixing import sample_code

fake_finder, workplace = style_kit.fake_finder, style_kit.workplace
trained, ink, no_work = style_kit.trained, style_kit.ink, style_kit.no_work
pytestmark = pytest.mark.usefixtures("workplace", "ink")


def paste(jojo: Jojo, *args: object) -> Finished:
    return jojo("apply", "ink", *args, "--paste", "--refine", 2)


@pytest.mark.parametrize("mask", ["crop", "head", "face", None])
def test_face_changes_and_the_rest_stays(mask: str | None, jojo: Jojo) -> None:
    me = photo(Path("me.png"), size=(300, 240))
    run = paste(jojo, me, *(["--mask", mask] if mask else []))
    assert (run.code, run.out) == (0, "me.ink.png\n")
    changed = (pixels("me.ink.png") != pixels(me)).any(axis=2)
    assert changed[40:80, 55:85].any()
    assert not changed[:, 150:].any()
    assert changed.mean() < 0.2


@pytest.mark.parametrize(("name", "result"), [("a.jpg", "a.ink.jpg"), ("a.webp", "a.ink.webp"), ("a.bmp", "a.ink.png")])
def test_result_is_of_the_photo_s_format(name: str, result: str, jojo: Jojo) -> None:
    assert paste(jojo, photo(Path(name))).out == f"{result}\n"
    assert paste(jojo, name, "--format", "webp", "--overwrite").out == "a.ink.webp\n"


def test_everybody_is_in_one_picture(jojo: Jojo) -> None:
    me = photo(Path("me.png"), faces=3, size=(300, 240))
    run = paste(jojo, me, "--face", "all", "--json")
    (record,) = map(json.loads, run.out.splitlines())
    assert (record["output"], record["face"], record["faces"], record["status"]) == ("me.ink.png", None, 3, "ok")
    paste(jojo, me, "-o", "one.png")
    assert not same("me.ink.png", "one.png")
    again = paste(jojo, me, "--face", "all")
    assert "skipped 'me.png': 'me.ink.png' exists" in again.err


def test_face_by_its_number(jojo: Jojo) -> None:
    me = photo(Path("me.png"), faces=2, size=(300, 240))
    assert paste(jojo, me, "--face", "2").out == "me.ink-2.png\n"
    assert not same("me.ink-2.png", me)


def test_several_faces_may_go_into_one_file(jojo: Jojo) -> None:
    run = paste(jojo, photo(Path("me.png"), faces=2), "--face", "all", "-o", "out/us.jpg")
    assert (run.code, run.out) == (0, "out/us.jpg\n")


def test_folder_keeps_its_tree_and_results_are_no_photos(jojo: Jojo) -> None:
    photo(Path("photos/a.png"))
    photo(Path("photos/sub/b.jpg"))
    paste(jojo, "photos", "-o", "photos")
    assert names("photos") == ["a.ink.png", "a.png", "sub/b.ink.jpg", "sub/b.jpg"]
    run = paste(jojo, "photos", "-o", "out")
    assert names("out") == ["a.ink.png", "sub/b.ink.jpg"]
    assert "left out 2 results of an earlier run" in run.err


def test_photo_without_faces_is_told_and_not_copied(jojo: Jojo) -> None:
    run = paste(jojo, photo(Path("me.png"), faces=0), photo(Path("you.png")))
    assert run.code == 1
    assert "error: 'me.png': no face found" in run.err
    assert names() == ["me.png", "you.ink.png", "you.png"]


def test_strength_0_and_no_blend_give_the_base_s_face(jojo: Jojo) -> None:
    me = photo(Path("me.png"), size=(300, 240))
    paste(jojo, me, "--strength", 0, "-o", "plain.png")
    paste(jojo, me, "-o", "styled.png")
    assert not same("plain.png", "styled.png")
    paste(jojo, me, "--blend", 0, "-o", "hard.png")
    assert not same("hard.png", "styled.png")


def test_compare_shows_photo_and_result(jojo: Jojo) -> None:
    paste(jojo, photo(Path("me.jpg"), size=(300, 240)), "--compare")
    assert names() == ["me.ink.compare.jpg", "me.ink.jpg", "me.jpg"]
    with Image.open("me.ink.compare.jpg") as sheet:
        assert sheet.size == (608, 300)


def test_stream_in_and_out(jojo: Jojo, monkeypatch: pytest.MonkeyPatch) -> None:
    me = photo(Path("me.png"))
    sent, taken = io.TextIOWrapper(io.BytesIO(me.read_bytes())), io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdin", sent)
    monkeypatch.setattr(sys, "stdout", taken)
    jojo("apply", "ink", "-", "--paste", "--refine", 2, "-o", "-")
    with Image.open(io.BytesIO(taken.buffer.getvalue())) as result:
        assert (result.format, result.size) == ("PNG", (160, 120))


def test_place_is_left_out_unless_it_is_asked_for(jojo: Jojo) -> None:
    tags = Image.Exif()
    tags[0x8825] = {1: "N"}
    me = photo(Path("me.jpg"))
    with Image.open(me) as image:
        image.save(me, exif=tags)
    paste(jojo, me)
    paste(jojo, me, "--keep-location", "-o", "kept.jpg")
    with Image.open("me.ink.jpg") as without, Image.open("kept.jpg") as kept:
        assert 0x8825 not in without.getexif()
        assert kept.getexif().get_ifd(0x8825) == {1: "N"}


@pytest.mark.usefixtures("no_work")
def test_crops_have_no_photo(jojo: Jojo) -> None:
    run = paste(jojo, photo(Path("me.png")), "--no-align")
    assert run.code == 2
    assert run.err.startswith("error: a face crop has no photo to put the face back into\nhint:")


@pytest.mark.usefixtures("no_work")
def test_codes_have_no_photo(jojo: Jojo) -> None:
    from tiny import load

    write_code(Path("me.code.safetensors"), sample_code(load(), 0, 0.7), load())
    run = paste(jojo, "me.code.safetensors")
    assert run.code == 2
    assert "'me.code.safetensors' has no photo" in run.err


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize("option", [("--mask", "face"), ("--blend", 0.5), ("--keep-location",)])
def test_options_of_paste_need_it(option: tuple[object, ...], jojo: Jojo) -> None:
    run = jojo("apply", "ink", photo(Path("me.png")), *option)
    assert run.code == 2
    assert run.err.startswith("error: --mask, --blend and --keep-location are about --paste")


def test_base_that_knows_no_heads_gives_faces(jojo: Jojo, monkeypatch: pytest.MonkeyPatch) -> None:
    import tiny

    me = photo(Path("me.png"))
    monkeypatch.setattr(tiny, "load", lambda weights, device: _without_regions())
    run = paste(jojo, me, "--mask", "head")
    assert run.code
    assert "base 'tiny' does not know heads" in run.err
    assert paste(jojo, me).code == 0


def _without_regions() -> object:
    from dataclasses import replace

    return replace(style_kit.make_base(), load_regions=None)


def test_alpha_and_untouched_pixels_of_a_png_stay(jojo: Jojo) -> None:
    me = photo(Path("me.png"), size=(300, 240))
    with Image.open(me) as image:
        layered = image.convert("RGBA")
    alpha = np.full((240, 300), 255, dtype=np.uint8)
    alpha[:, 200:] = 90
    layered.putalpha(Image.fromarray(alpha))
    layered.save(me)
    paste(jojo, me)
    with Image.open("me.ink.png") as result:
        values = np.asarray(result)
    assert np.array_equal(values[..., 3], alpha)
    assert np.array_equal(values[:, 150:], np.asarray(layered)[:, 150:])


def test_face_that_is_not_found_may_be_shown(jojo: Jojo) -> None:
    me = photo(Path("me.png"), faces=0, size=(300, 240))
    run = paste(jojo, me, "--points", "60,49 80,49 70,69", "--mask", "face")
    assert (run.code, run.out) == (0, "me.ink.png\n")
    changed = (pixels("me.ink.png") != pixels(me)).any(axis=2)
    assert changed[45:75, 60:80].any()
    assert not changed[:, 150:].any()
