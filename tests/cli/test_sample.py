"""`jojo sample`, as a user types it."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import style_kit
from conftest import Jojo
from style_kit import names, pixels, same

from jojo_cli.images import save_image, to_image
from jojo_cli.studio import LoadedStyle, Studio
from jojo_cli.stylize.mixing import sample_code

if TYPE_CHECKING:
    from jojo_cli.bases.base import Base

fake_finder, workplace = style_kit.fake_finder, style_kit.workplace
trained, ink, no_work = style_kit.trained, style_kit.ink, style_kit.no_work
pytestmark = pytest.mark.usefixtures("workplace", "ink")


def base_picture(base: "Base", path: str, *, seed: int, truncation: float) -> str:
    """Write what the base draws of a random face."""
    drawn = base.generator.synthesis(sample_code(base, seed, truncation))
    save_image(to_image(drawn[0]), Path(path))
    return path


def test_files_and_sheet(jojo: Jojo) -> None:
    run = jojo("sample", "ink", "-n", 3)
    files = [f"ink-samples/ink-000{number}.png" for number in range(3)]
    assert (run.code, run.out.splitlines()) == (0, files)
    assert run.err == "base tiny on cpu in float32\nall on one sheet: ink-samples/ink-sheet.png\n"
    assert names("ink-samples") == ["ink-0000.png", "ink-0001.png", "ink-0002.png", "ink-sheet.png"]
    assert all(pixels(file).shape == (128, 128, 3) for file in files)
    assert len({Path(file).read_bytes() for file in files}) == 3


def test_sheet_shows_every_face(jojo: Jojo) -> None:
    jojo("sample", "ink", "-n", 4, "-o", "out")
    sheet = pixels("out/ink-sheet.png")
    assert sheet.shape == (2 * 128 + 8, 2 * 128 + 8, 3)
    for number, (top, left) in enumerate([(0, 0), (0, 136), (136, 0), (136, 136)]):
        face = sheet[top : top + 128, left : left + 128]
        assert np.array_equal(face, pixels(f"out/ink-000{number}.png"))


def test_json_has_a_line_a_face(jojo: Jojo) -> None:
    run = jojo("sample", "ink", "-n", 2, "--seed", 41, "-o", "out", "--json")
    assert [json.loads(line) for line in run.out.splitlines()] == [
        {"seed": 41, "output": "out/ink-0041.png"},
        {"seed": 42, "output": "out/ink-0042.png"},
    ]


def test_faces_take_the_colours_as_far_as_is_asked(jojo: Jojo, base: "Base") -> None:
    for color in (0, base.color, 1):
        jojo("sample", "ink", "--color", color, "-o", str(color))
    jojo("sample", "ink", "-o", "suited")
    none, some, full = (pixels(f"{color}/ink-0000.png") for color in (0, base.color, 1))
    assert same("suited/ink-0000.png", f"{base.color}/ink-0000.png")
    assert 0 < np.abs(some - none).mean() < np.abs(full - none).mean()


def test_quiet_says_nothing(jojo: Jojo) -> None:
    run = jojo("sample", "ink", "-q")
    assert (run.code, run.out, run.err) == (0, "", "")
    assert len(names("ink-samples")) == 2


def test_seed_draws_the_same_face_alone_and_among_others(jojo: Jojo) -> None:
    jojo("sample", "ink", "-n", 3, "--seed", 5, "-o", "many")
    jojo("sample", "ink", "--seed", 6, "-o", "one")
    assert Path("one/ink-0006.png").read_bytes() == Path("many/ink-0006.png").read_bytes()
    assert Path("many/ink-0005.png").read_bytes() != Path("many/ink-0006.png").read_bytes()


def test_no_truncation_left_draws_the_mean_face_whatever_the_seed(jojo: Jojo, base: "Base") -> None:
    jojo("sample", "ink", "-n", 2, "--truncation", 0, "--strength", 0, "-o", "mean")
    assert same("mean/ink-0000.png", "mean/ink-0001.png")
    assert same("mean/ink-0000.png", base_picture(base, "mean.png", seed=0, truncation=0))


def test_truncation_pulls_faces_to_the_mean(jojo: Jojo) -> None:
    for truncation in ("0", "0.3", "0.7", "1"):
        jojo("sample", "ink", "--truncation", truncation, "-o", truncation)
    jojo("sample", "ink")
    mean, near, usual, far = (pixels(f"{truncation}/ink-0000.png") for truncation in ("0", "0.3", "0.7", "1"))
    distances = [np.abs(face - mean).mean() for face in (near, usual, far)]
    assert 0 < distances[0] < distances[1] < distances[2]
    assert np.array_equal(usual, pixels("ink-samples/ink-0000.png"))


def test_strength_goes_from_the_base_to_the_style(jojo: Jojo, base: "Base") -> None:
    for strength in ("0", "0.5", "1"):
        jojo("sample", "ink", "--seed", 2, "--strength", strength, "-o", strength)
    jojo("sample", "ink", "--seed", 2)
    assert same("0/ink-0002.png", base_picture(base, "base.png", seed=2, truncation=0.7))
    assert same("1/ink-0002.png", "ink-samples/ink-0002.png")
    plain, half, full = (pixels(f"{strength}/ink-0002.png") for strength in ("0", "0.5", "1"))
    assert 0 < np.abs(half - plain).mean() < np.abs(full - plain).mean()
    assert 0 < np.abs(half - full).mean() < np.abs(full - plain).mean()


@pytest.mark.parametrize(
    "option",
    [
        "-n 0",
        "-n -1",
        "-n 100000",
        "-n few",
        "--seed -1",
        "--truncation 1.5",
        "--truncation -0.1",
        "--truncation nan",
        "--strength 1.01",
        "--strength nan",
        "--device warp",
    ],
)
def test_numbers_out_of_range_and_other_nonsense(option: str, jojo: Jojo) -> None:
    run = jojo("sample", "ink", *option.split())
    assert (run.code, run.out) == (2, "")
    assert "error" in run.err.lower()
    assert names() == []


@pytest.mark.parametrize("existing", ["ink-0001.png", "ink-sheet.png"])
def test_existing_file_is_an_error_before_any_work(existing: str, jojo: Jojo, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("out").mkdir()
    Path("out", existing).write_text("mine")
    with monkeypatch.context() as patch:
        patch.setattr(Studio, "base", None)
        run = jojo("sample", "ink", "-n", 2, "-o", "out")
    assert (run.code, run.out) == (1, "")
    assert run.err.startswith(f"error: 'out/{existing}' exists\nhint: add --overwrite")
    assert names("out") == [existing]
    assert Path("out", existing).read_text() == "mine"

    assert jojo("sample", "ink", "-n", 2, "-o", "out", "--overwrite").code == 0
    assert len(pixels(Path("out", existing))) >= 128


def test_folder_that_is_a_file(jojo: Jojo) -> None:
    Path("out").write_text("mine")
    run = jojo("sample", "ink", "-o", "out")
    assert (run.code, run.out) == (1, "")
    assert "error: 'out/ink-0000.png' can't be written: " in run.err
    assert Path("out").read_text() == "mine"


def test_unknown_style_has_the_nearest_names_in_the_hint(jojo: Jojo) -> None:
    run = jojo("sample", "inc")
    assert (run.code, run.out) == (1, "")
    assert run.err == "error: style 'inc' not found\nhint: did you mean ink? see 'jojo styles list'\n"


def test_bad_style_name(jojo: Jojo) -> None:
    assert jojo("sample", "Ink!").code == 2


def test_damaged_style(jojo: Jojo, ink: Path) -> None:
    file = ink / "weights.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    run = jojo("sample", "ink")
    assert run.code == 1
    assert run.err.startswith(f"error: {str(file)!r}: ")
    assert names() == []


def test_closed_output_ends_quietly() -> None:
    with style_kit.start("sample", "ink", "-n", 3, "-q", "--json") as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == ""
        assert process.wait(timeout=120) == 1


def test_folder_whose_name_is_no_unicode(jojo: Jojo) -> None:
    run = jojo("sample", "ink", "-n", 1, "-o", os.fsdecode(b"caf\xe9"), "--json")
    assert (run.code, json.loads(run.out)["output"]) == (0, "caf\\udce9/ink-0000.png")
    assert "caf\\udce9/ink-sheet.png" in run.err


def test_interrupted_run_goes_on_where_it_stopped(jojo: Jojo, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = jojo("sample", "ink", "-n", 4, "-o", "whole")
    assert whole.code == 0
    draw, drawn = LoadedStyle.draw, []

    def counted(*args: Any, **options: Any) -> Any:
        drawn.append(1)
        if len(drawn) == 3:
            raise KeyboardInterrupt
        return draw(*args, **options)

    monkeypatch.setattr(LoadedStyle, "draw", counted)
    assert jojo("sample", "ink", "-n", 4, "-o", "out").code == 130
    run = jojo("sample", "ink", "-n", 4, "-o", "out")
    assert (run.code, len(drawn)) == (0, 5)  # the two that were missing
    assert run.out.splitlines() == [line.replace("whole", "out") for line in whole.out.splitlines()]
    assert "2 of 4 were there already" in run.err
    assert names("out") == names("whole")
    assert all(same(f"out/{name}", f"whole/{name}") for name in names("out"))


@pytest.mark.parametrize("option", ["--strength 0.5", "--truncation 0.5", "--color 0.5"])
def test_faces_that_look_otherwise_are_not_mixed_in(option: str, jojo: Jojo) -> None:
    jojo("sample", "ink", "-n", 1)
    run = jojo("sample", "ink", "-n", 2, *option.split())
    assert run.code == 1
    assert run.err.startswith("error: 'ink-samples/ink-0000.png' exists\nhint: add --overwrite")


@pytest.mark.parametrize("ending", ["jpg", "webp"])
def test_other_formats_are_known_again(ending: str, jojo: Jojo) -> None:
    small = ("--format", ending, "--quality", 60)
    assert jojo("sample", "ink", "-n", 1, *small, "-o", "out").out == f"out/ink-0000.{ending}\n"
    run = jojo("sample", "ink", "-n", 2, *small, "-o", "out")
    assert (run.code, "1 of 2 were there already" in run.err) == (0, True)
    assert names("out") == [f"ink-0000.{ending}", f"ink-0001.{ending}", f"ink-sheet.{ending}"]
    jojo("sample", "ink", "-n", 1, "--format", ending, "-o", "best")
    assert Path(f"best/ink-0000.{ending}").stat().st_size > 1.1 * Path(f"out/ink-0000.{ending}").stat().st_size
    run = jojo("sample", "ink", "-n", 1, "--format", ending, "-o", "out")
    assert (run.code, run.err.startswith(f"error: 'out/ink-0000.{ending}' exists\n")) == (1, True)


def test_many_faces_take_several_sheets(jojo: Jojo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("jojo_cli.studio.sampling.SHEET", 4)
    monkeypatch.setattr("jojo_cli.studio.sampling.COLUMNS", 2)
    run = jojo("sample", "ink", "-n", 6, "-o", "out")
    assert run.err.endswith("on sheets: out/ink-sheet-1.png and 1 more\n")
    assert pixels("out/ink-sheet-1.png").shape == (264, 264, 3)
    assert pixels("out/ink-sheet-2.png").shape == (128, 264, 3)
