"""Finding faces and choosing among them."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from jojo_cli.errors import CheckpointError, JojoError, UsageError
from jojo_cli.faces import (
    Face,
    FaceFinder,
    NoFaceError,
    choose_faces,
    crop_face,
    face_quad,
    find_quads,
    parse_face_choice,
)
from jojo_cli.weights.manager import ModelManager

DATA = Path(__file__).parents[1] / "data"
GOLDEN = json.loads((DATA / "ffhq-alignment.json").read_text())


@pytest.fixture(scope="session")
def finder(real_models: ModelManager) -> FaceFinder:
    """Open the real detector."""
    return FaceFinder(real_models.path("dlib-landmarks-68"))


def portrait(name: str) -> Image.Image:
    return Image.open(DATA / f"{name}.png").convert("RGB")


def faces(count: int) -> list[Face]:
    return [Face(number + 1, (0, 0, 9, 9), np.zeros((68, 2))) for number in range(count)]


def numbers(chosen: Sequence[Face]) -> list[int]:
    return [face.number for face in chosen]


@pytest.mark.real
@pytest.mark.parametrize("name", GOLDEN)
def test_landmarks_and_quad_match_the_reference(name: str, finder: FaceFinder) -> None:
    face = finder.find(portrait(name))[0]
    assert face.landmarks.dtype == np.float64
    assert np.abs(face.landmarks - GOLDEN[name]["landmarks"]).max() < 0.01
    assert np.abs(face_quad(face.landmarks) - GOLDEN[name]["quad"]).max() < 0.01


@pytest.mark.real
@pytest.mark.parametrize("side", [512, 1065])  # at 1065, the emblem on the suit is a pixel wider than the face
def test_the_face_comes_before_the_emblem_on_the_suit(side: int, finder: FaceFinder) -> None:
    found = finder.find(portrait("astronaut").resize((side, side), Image.Resampling.LANCZOS))
    assert numbers(found) == [1, 2]
    assert found[0].box[1] < side / 4 < found[1].box[1]


@pytest.mark.real
def test_face_in_a_large_picture_is_found_where_it_is(finder: FaceFinder) -> None:
    large = portrait("astronaut").resize((4096, 4096), Image.Resampling.BICUBIC)
    face = finder.find(large)[0]
    quad = (face_quad(face.landmarks) + 0.5) / 8 - 0.5
    assert np.abs(quad - GOLDEN["astronaut"]["quad"]).max() < 3  # of 174 pixels


@pytest.mark.real
def test_face_in_a_very_wide_picture_is_found(finder: FaceFinder) -> None:
    wide = Image.new("RGB", (30_000, 512), "grey")
    wide.paste(portrait("astronaut"), (20_000, 0))
    boxes = [face.box for face in finder.find(wide)]
    assert any(20_150 < box[0] < 20_200 and 50 < box[1] < 100 for box in boxes)


@pytest.mark.real
@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (64, 64), (2000, 2000)])
def test_no_face_is_no_error(size: tuple[int, int], finder: FaceFinder) -> None:
    assert finder.find(Image.new("RGB", size, "grey")) == []


@pytest.mark.real
@pytest.mark.parametrize("scale", [0.5, 1, 2])  # the face is 45, 90 or 180 pixels wide; from 83, it is large
@pytest.mark.parametrize("turned", [False, True])
def test_the_largest_face_alone_is_that_of_a_full_search(scale: float, turned: bool, finder: FaceFinder) -> None:
    picture = portrait("astronaut").resize((round(512 * scale), round(512 * scale)), Image.Resampling.LANCZOS)
    if turned:
        picture = picture.transpose(Image.Transpose.ROTATE_90)
    expected, found = (face_quad(finder.find(picture, largest=largest)[0].landmarks) for largest in (False, True))
    assert np.abs(found - expected).max() < 0.03 * 174 * scale


@pytest.mark.real
def test_smaller_faces_are_found_beside_a_large_one(finder: FaceFinder) -> None:
    picture = portrait("astronaut").resize((1024, 1024), Image.Resampling.LANCZOS)
    picture.paste(portrait("grace_hopper").resize((120, 140), Image.Resampling.LANCZOS), (850, 850))
    assert [number for number, _ in find_quads(picture, "all", finder)] == [1, 2]
    ((_, quad),) = find_quads(picture, 2, finder)
    assert quad.min() > 840
    assert len(finder.find(picture, largest=True)) == 1  # they are not looked for where nobody asks


def test_missing_dlib_is_explained(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "dlib", None)
    with pytest.raises(JojoError, match="dlib can't be loaded") as failure:
        FaceFinder(tmp_path / "landmarks.dat")
    assert failure.value.hint
    assert "pip install dlib-bin" in failure.value.hint
    assert "--no-align" in failure.value.hint


@pytest.mark.parametrize("content", [None, b"", b"<html>", b"\0" * 1000])
def test_broken_landmark_model_is_explained(content: bytes | None, tmp_path: Path) -> None:
    path = tmp_path / "landmarks.dat"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"landmarks\.dat"):
        FaceFinder(path)


@pytest.mark.parametrize(("text", "choice"), [("largest", "largest"), ("all", "all"), ("1", 1), ("12", 12)])
def test_choice_of_faces_is_read(text: str, choice: str | int) -> None:
    assert parse_face_choice(text) == choice


@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "biggest", "ALL", "two", "²", "1 "])
def test_nonsense_choice_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="is not a choice") as failure:
        parse_face_choice(text)
    assert failure.value.hint


def test_chosen_faces() -> None:
    assert numbers(choose_faces(faces(3), "largest")) == [1]
    assert numbers(choose_faces(faces(3), "all")) == [1, 2, 3]
    assert numbers(choose_faces(faces(3), 3)) == [3]


@pytest.mark.parametrize("choice", ["largest", "all", 1])
def test_no_face_is_refused_with_the_way_out(choice: str) -> None:
    with pytest.raises(NoFaceError, match="no face found") as failure:
        choose_faces([], parse_face_choice(str(choice)))
    assert failure.value.hint
    assert "--no-align" in failure.value.hint


@pytest.mark.parametrize(("count", "has"), [(1, "1 face"), (2, "2 faces")])
def test_missing_face_number_is_refused(count: int, has: str) -> None:
    with pytest.raises(JojoError, match=f"no face 9, the picture has {has}$"):
        choose_faces(faces(count), 9)


@pytest.mark.real
@pytest.mark.parametrize("turn", [Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270])
def test_lying_face_is_found_as_an_upright_one(turn: Image.Transpose, finder: FaceFinder) -> None:
    upright = portrait("grace_hopper")
    (found,) = finder.find(upright.transpose(turn))
    (expected,) = finder.find(upright)
    width, height = upright.size
    x, y = (expected.landmarks + 0.5).T
    places = {
        Image.Transpose.ROTATE_90: (y, width - x),
        Image.Transpose.ROTATE_180: (width - x, height - y),
        Image.Transpose.ROTATE_270: (height - y, x),
    }
    assert np.abs(found.landmarks + 0.5 - np.stack(places[turn], axis=1)).max() <= 1
    assert finder.find(upright.transpose(turn), lying=False) == []
    left, top, right, bottom = found.box
    assert left < found.landmarks[30, 0] < right
    assert top < found.landmarks[30, 1] < bottom


@pytest.mark.real
def test_landmarks_of_a_crop_need_no_detection(finder: FaceFinder) -> None:
    image = portrait("grace_hopper")
    face = finder.find(image)[0]
    quad = face_quad(face.landmarks)
    across, down = quad[3] - quad[0], quad[1] - quad[0]
    places = quad[0] + finder.landmarks(crop_face(image, quad, size=512)) @ np.stack([across, down])
    assert np.abs(places - face.landmarks).max() < 0.04 * np.hypot(*across)
