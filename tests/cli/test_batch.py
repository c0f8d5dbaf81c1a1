"""Where results go, and the loop: what every command that takes photos shares."""

import io
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import face_kit
import pytest
from conftest import Finished, Jojo
from face_kit import held_elsewhere, photo
from PIL import Image

from jojo_cli.cli.output import Output
from jojo_cli.cli.photos import parse_face, report
from jojo_cli.errors import JojoError, UsageError
from jojo_cli.events import nobody
from jojo_cli.images import made_by_jojo, read_image
from jojo_cli.studio import Studio
from jojo_cli.studio.batch import Batch, Save, Tools
from jojo_cli.studio.plan import Job, plan

fake_finder = face_kit.fake_finder
TWO_FILES = (".safetensors", ".png")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake_finder: None) -> Path:
    """Work in an empty folder."""
    path = tmp_path / "work"
    path.mkdir()
    monkeypatch.chdir(path)
    return path


def align(jojo: Jojo, *args: object) -> Finished:
    return jojo("align", *args, "--size", 32)


def outputs(run: Finished) -> list[str]:
    return run.out.splitlines()


def test_results_go_to_the_current_folder(jojo: Jojo) -> None:
    run = align(jojo, photo(Path("photos/me.jpg")), photo(Path("photos/sub/you.two.png")))
    assert outputs(run) == ["me.aligned.png", "you.two.aligned.png"]


def test_folder_keeps_its_tree(jojo: Jojo) -> None:
    for name in ("b.png", "A.JPG", "sub/a.webp", "sub/deep/c.tif"):
        photo(Path("photos", name))
    Path("photos/notes.txt").write_text("no picture")
    photo(Path("photos/.hidden.png"))
    run = align(jojo, "photos", "-o", "out")
    assert outputs(run) == [
        "out/A.aligned.png",
        "out/b.aligned.png",
        "out/sub/a.aligned.png",
        "out/sub/deep/c.aligned.png",
    ]
    assert run.err == "4 of 4 done\n"


def test_empty_folder_is_a_note(jojo: Jojo) -> None:
    Path("empty").mkdir()
    run = align(jojo, "empty", "-o", "out")
    assert (run.code, run.out, run.err) == (0, "", "no pictures in 'empty'\n")
    assert not Path("out").exists()


def test_photo_given_twice_is_done_once(jojo: Jojo) -> None:
    photo(Path("photos/me.png"))
    assert outputs(align(jojo, "photos/me.png", "photos", "./photos/me.png")) == ["me.aligned.png"]


def test_empty_name_is_refused(jojo: Jojo) -> None:
    photo(Path("me.png"))
    run = align(jojo, "")
    assert (run.code, run.out) == (2, "")


@pytest.mark.parametrize("name", ["face.png", "new/face.jpg", "face.webp"])
def test_single_result_goes_to_the_file_named(name: str, jojo: Jojo) -> None:
    run = align(jojo, photo(Path("me.png")), "-o", name)
    assert outputs(run) == [name]
    assert read_image(Path(name)).size == (32, 32)


def test_folder_named_like_a_picture_is_a_folder(jojo: Jojo) -> None:
    Path("x.png").mkdir()
    assert outputs(align(jojo, photo(Path("me.png")), "-o", "x.png")) == ["x.png/me.aligned.png"]


def test_folder_with_a_dot_is_a_folder(jojo: Jojo) -> None:
    assert outputs(align(jojo, photo(Path("me.png")), "-o", "v1.5")) == ["v1.5/me.aligned.png"]


@pytest.mark.parametrize(
    ("args", "problem"),
    [
        (["a.png", "b.png", "-o", "face.png"], "'face.png' takes one result"),
        (["photos", "-o", "face.png"], "'face.png' takes one result"),
        (["a.png", "--face", "all", "-o", "face.png"], "'face.png' takes one result"),
        (["a.png", "b.png", "-o", "-"], "'-' takes one result"),
        (["a.png", "-o", "face.tiff"], "'face.tiff' names no format that jojo writes"),
        (["a.png", "-o", "face.avif"], "'face.avif' names no format that jojo writes"),
        (["a.png", "--json", "-o", "-"], "--json and -o - both write to standard output"),
        (["a.png", "photos/a.png"], "'a.png' and 'photos/a.png' would both become 'a.aligned.png'"),
        (["a.png", "-o", "a.png"], "'a.png' would be overwritten by the result of 'a.png'"),
        (["a.png", "-o", "photos/../a.png"], "'a.png' would be overwritten by the result of 'a.png'"),
        (["a.png", "a.aligned.png"], "'a.aligned.png' would be overwritten by the result of 'a.png'"),
        (
            ["a.png", "a.aligned-2.png", "--face", "all"],
            "'a.aligned-2.png' would be overwritten by the result of 'a.png'",
        ),
    ],
)
@pytest.mark.parametrize("overwrite", [[], ["--overwrite"]])
def test_plan_that_would_lose_something_is_refused_before_any_work(
    args: list[str], problem: str, overwrite: list[str], jojo: Jojo
) -> None:
    for name in ("a.png", "b.png", "c.png", "c.jpg", "photos/a.png", "a.aligned.png", "a.aligned-2.png"):
        photo(Path(name))
    before = {path: path.read_bytes() for path in Path().rglob("*.*")}
    run = align(jojo, *args, *overwrite)
    assert (run.code, run.out) == (2, "")
    assert run.err.startswith(f"error: {problem}\nhint: ")
    assert {path: path.read_bytes() for path in Path().rglob("*.*")} == before


def test_picture_on_a_terminal_is_refused(jojo: Jojo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    run = align(jojo, photo(Path("a.png")), "-o", "-")
    assert run.code == 2
    assert "error: -o - would write a picture to the terminal" in run.err


def test_a_link_to_a_photo_is_a_photo(jojo: Jojo) -> None:
    photo(Path("photos/a.png"))
    Path("link").symlink_to("photos")
    assert align(jojo, "photos/a.png", "-o", "link/a.png", "--overwrite").code == 2


@pytest.mark.parametrize("choice", ["largest", "2", "all"])
def test_second_run_skips_what_exists(choice: str, jojo: Jojo) -> None:
    for name in ("a.png", "sub/b.png"):
        photo(Path(name), faces=2)
    first = align(jojo, ".", "--face", choice)
    done = {path: path.stat().st_mtime_ns for path in Path().rglob("*aligned*")}
    assert (first.code, len(done)) == (0, 4 if choice == "all" else 2)
    second = align(jojo, ".", "--face", choice, "--json")
    records = [json.loads(line) for line in second.out.splitlines()]
    assert second.code == 0
    assert sorted(record["output"] for record in records) == sorted(map(str, done))
    assert {(record["status"], record["reason"]) for record in records} == {("skipped", "exists")}
    assert {path: path.stat().st_mtime_ns for path in Path().rglob("*aligned*")} == done
    assert f"left out {len(done)} results of an earlier run" in second.err
    assert "0 of 2 done, 2 skipped" in second.err
    assert second.err.count("hint: add --overwrite") == 1


def test_overwrite_replaces(jojo: Jojo) -> None:
    photo(Path("a.png"))
    Path("a.aligned.png").write_text("old")
    assert outputs(align(jojo, "a.png", "--overwrite")) == ["a.aligned.png"]
    assert read_image(Path("a.aligned.png")).size == (32, 32)


def test_file_named_that_exists_is_an_error(jojo: Jojo) -> None:
    photo(Path("a.png"))
    Path("face.png").write_text("mine")
    run = align(jojo, "a.png", "-o", "face.png")
    assert run.code == 1
    assert run.err == "error: 'face.png' exists\nhint: add --overwrite to replace it\n"
    assert Path("face.png").read_text() == "mine"


def test_nothing_is_opened_when_all_is_done(jojo: Jojo, monkeypatch: pytest.MonkeyPatch) -> None:
    photo(Path("a.png"))
    align(jojo, "a.png")
    monkeypatch.setattr(Studio, "finder", None)
    assert align(jojo, "a.png").code == 0


def test_names_of_any_bytes_and_markup(jojo: Jojo) -> None:
    names = [b"caf\xe9.png", b"[red]x.png", "smile \U0001f600.png".encode()]
    for name in names:
        photo(Path(os.fsdecode(name)))
    run = align(jojo, ".", "-o", "out", "--json")
    assert run.code == 0
    assert [json.loads(line)["output"] for line in run.out.splitlines()] == [
        "out/[red]x.aligned.png",
        "out/caf\\udce9.aligned.png",
        "out/smile \U0001f600.aligned.png",
    ]
    assert align(jojo, ".", "-o", "out").code == 0
    Path(os.fsdecode(b"bad\xff.png")).write_text("no picture")
    assert align(jojo, ".", "-o", "out").err.count("is not a picture") == 1


def test_name_that_is_too_long_for_its_result(jojo: Jojo) -> None:
    photo(Path("n" * 250 + ".png"))
    run = align(jojo, ".")
    assert run.code == 1
    assert "file name too long" in run.err


def test_two_files_a_photo() -> None:
    photo(Path("photos/sub/a.png"))
    (job,) = plan(["photos"], Path("out"), label="inverted", suffixes=TWO_FILES, listener=nobody).jobs
    assert job.files == {
        ".safetensors": Path("out/sub/a.inverted.safetensors"),
        ".png": Path("out/sub/a.inverted.png"),
    }
    assert job.output == "out/sub/a.inverted.safetensors"
    assert job.for_face(2).files == job.files


@pytest.mark.parametrize("choice", [2, "all"])
def test_two_pictures_a_face(choice: Any) -> None:
    photo(Path("photos/a.png"))
    for _ in range(2):  # the second time among its own results
        (job,) = plan(
            ["photos"], Path("photos"), label="ink", suffixes=(".png", ".compare.png"), choice=choice, listener=nobody
        ).jobs
        files = job.for_face(2).files.values()
        assert list(files) == [Path("photos/a.ink-2.png"), Path("photos/a.ink-2.compare.png")]
        for file in files:
            photo(file)


def test_photos_that_differ_by_their_ending_keep_it(jojo: Jojo) -> None:
    for name in ("photos/a.png", "photos/a.jpg", "photos/b.png", "photos/sub/a.png"):
        photo(Path(name))
    assert outputs(align(jojo, "photos", "-o", "out")) == [
        "out/a.jpg.aligned.png",
        "out/a.png.aligned.png",
        "out/b.aligned.png",
        "out/sub/a.aligned.png",
    ]


@pytest.mark.parametrize("existing", TWO_FILES)
def test_of_two_files_the_one_that_is_missing_is_made(existing: str) -> None:
    photo(Path("a.png"))
    Path(f"a.inverted{existing}").touch()
    (job,) = plan(["a.png"], None, label="inverted", suffixes=TWO_FILES, listener=nobody).jobs
    assert not job.is_done()
    assert [suffix for suffix in TWO_FILES if job.lacks(suffix)] == [
        suffix for suffix in TWO_FILES if suffix != existing
    ]
    job.save(Image.new("RGB", (8, 8)), ".png")
    assert Path("a.inverted.png").stat().st_size == 0 or existing != ".png"  # what was there stays
    (again,) = plan(["a.png"], None, label="inverted", suffixes=TWO_FILES, overwrite=True, listener=nobody).jobs
    assert all(map(again.lacks, TWO_FILES))


def test_what_jojo_made_is_no_photo(jojo: Jojo) -> None:
    photo(Path("photos/a.png"))
    align(jojo, "photos", "-o", "photos/crops")
    Path("photos/crops/a.aligned.png").rename("photos/me.png")
    assert [json.loads(line)["input"] for line in align(jojo, "photos", "--json").out.splitlines()] == ["photos/a.png"]
    alone = align(jojo, "photos/me.png")  # unless it is named
    assert outputs(alone) == ["me.aligned.png"]
    Path("photos/a.png").unlink()
    assert "left out 1 results of an earlier run (face crops go in with --no-align)" in align(jojo, "photos").err


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".webp"])
def test_every_format_says_that_jojo_wrote_it(suffix: str, jojo: Jojo) -> None:
    photo(Path("photos/a.png"))
    assert outputs(align(jojo, "photos", "-o", "photos", "--format", suffix[1:])) == [f"photos/a.aligned{suffix}"]
    Path(f"photos/a.aligned{suffix}").rename(f"photos/b{suffix}")
    assert made_by_jojo(Path(f"photos/b{suffix}")) == "crop"
    assert made_by_jojo(Path("photos/a.png")) is None


def test_quality_of_the_results(jojo: Jojo) -> None:
    photo(Path("a.png"))
    sizes = []
    for quality in (5, 95):
        jojo("align", "a.png", "--format", "jpg", "--quality", quality, "--overwrite")
        sizes.append(Path("a.aligned.jpg").stat().st_size)
    assert sizes[0] < 0.7 * sizes[1]


def test_what_is_left_out_of_a_folder_is_said(jojo: Jojo) -> None:
    photo(Path("photos/a.png"))
    for name in ("b.psd", "c.psd", "d.NEF", "notes.txt"):
        Path("photos", name).touch()
    run = align(jojo, "photos")
    assert "left out 1 .nef files: develop them first\nleft out 2 .psd files: save them as PNG\n" in run.err
    assert "txt" not in run.err


def test_dry_run_says_what_would_be_done(jojo: Jojo) -> None:
    photo(Path("photos/a.png"))
    photo(Path("photos/b.png"))
    align(jojo, "photos/a.png")
    run = align(jojo, "photos", "--dry-run", "--json")
    assert align(jojo, "photos", "-o", "new", "--dry-run").out == "new/a.aligned.png\nnew/b.aligned.png\n"
    assert not Path("new").exists()
    assert [(record["output"], record["status"]) for record in map(json.loads, run.out.splitlines())] == [
        ("a.aligned.png", "skipped"),
        ("b.aligned.png", "planned"),
    ]
    assert run.code == 0
    assert run.err.endswith("1 of 2 to be done\n")
    assert not Path("b.aligned.png").exists()


def test_photo_that_another_process_works_on_is_skipped(jojo: Jojo) -> None:
    photo(Path("a.png"))
    photo(Path("b.png"))
    (job,) = plan(["a.png"], None, label="aligned", listener=nobody).jobs
    with held_elsewhere(job.claimed):
        run = align(jojo, "a.png", "b.png")
    assert (run.code, outputs(run)) == (0, ["b.aligned.png"])
    assert "skipped 'a.png': another jojo works on it" in run.err
    assert sorted(path.name for path in Path().iterdir()) == ["a.png", "b.aligned.png", "b.png"]


@pytest.mark.parametrize(
    ("output", "code", "picture"),
    [
        ("x.safetensors", "x.safetensors", "x.png"),
        ("x.png", "x.safetensors", "x.png"),
        ("x.jpg", "x.safetensors", "x.jpg"),
    ],
)
def test_two_files_named_by_one(output: str, code: str, picture: str) -> None:
    photo(Path("a.png"))
    (job,) = plan(["a.png"], Path(output), label="inverted", suffixes=TWO_FILES, listener=nobody).jobs
    assert job.files == {".safetensors": Path(code), ".png": Path(picture)}


def test_two_files_do_not_fit_a_stream() -> None:
    with pytest.raises(UsageError, match="takes one file"):
        plan([photo(Path("a.png"))], io.BytesIO(), label="inverted", suffixes=TWO_FILES, listener=nobody)


def test_pictures_that_are_crops_already(capsys: pytest.CaptureFixture[str]) -> None:
    image = Image.new("RGB", (300, 100), "red")
    image.paste("blue", (100, 0, 200, 100))
    image.save("a.png")
    seen: list[Image.Image] = []

    def work(squares: Sequence[tuple[Image.Image, Job]]) -> list[Save]:
        seen.extend(square for square, _ in squares)
        return [lambda: {"size": seen[0].width}]

    studio, choice = Studio(), parse_face("largest", no_align=True)
    planned = plan(["a.png"], None, label="ink", choice=choice, listener=nobody)
    report(
        Batch(
            planned,
            lambda stack: Tools(lambda job: studio.crops(job.read(), job.choice, size=64), work),
            title="cutting",
            listener=nobody,
        ),
        Output(as_json=True),
        dry_run=False,
    )
    assert seen[0].size == (64, 64)
    assert seen[0].getpixel((32, 32)) == seen[0].getpixel((8, 8)) == (0, 0, 255)
    record = json.loads(capsys.readouterr().out)
    assert 0 <= record.pop("seconds") < 10
    assert record == {
        "input": "a.png",
        "face": None,
        "output": "a.ink.png",
        "status": "ok",
        "reason": None,
        "size": 64,
    }


def test_face_contradicts_no_align() -> None:
    with pytest.raises(UsageError, match="--face 2 contradicts --no-align"):
        parse_face("2", no_align=True)


def test_work_that_fails_on_one_face_goes_on_with_the_next(jojo: Jojo, monkeypatch: pytest.MonkeyPatch) -> None:
    def save(job: Job, image: Image.Image, **options: Any) -> None:
        if job.face == 1:
            raise JojoError("not this one", hint="do something")

    monkeypatch.setattr(Job, "save", save)
    run = align(jojo, photo(Path("a.png"), faces=2), "--face", "all", "--json")
    assert run.code == 1
    assert [json.loads(line)["status"] for line in run.out.splitlines()] == ["failed", "ok"]
    assert run.err == "error: 'a.png': not this one\nhint: do something\n"


@pytest.mark.parametrize(
    "error",
    [RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"), MemoryError(), ValueError("of somebody's decoder")],
)
@pytest.mark.parametrize("step", ["read", "save"])
def test_any_error_ends_one_photo_and_not_the_batch(
    step: str, error: Exception, jojo: Jojo, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = getattr(Job, step)

    def fail(job: Job, *args: Any, **options: Any) -> Any:
        if job.input == "a.png":
            raise error
        return work(job, *args, **options)

    monkeypatch.setattr(Job, step, fail)
    run = align(jojo, photo(Path("a.png")), photo(Path("b.png")))
    assert (run.code, outputs(run)) == (1, ["b.aligned.png"])
    assert run.err.startswith(f"error: 'a.png': {type(error).__name__}: {error}\nhint: JOJO_DEBUG=1")
    assert run.err.endswith("1 of 2 done, 1 failed\n")
    assert "Traceback" not in run.err
    monkeypatch.setenv("JOJO_DEBUG", "1")
    assert "Traceback" in align(jojo, "a.png").err


def test_folder_that_cannot_be_listed_is_a_warning(jojo: Jojo, monkeypatch: pytest.MonkeyPatch) -> None:
    photo(Path("photos/a.png"))
    photo(Path("photos/closed/b.png"))
    scandir = os.scandir

    def deny(path: Any) -> Any:
        if str(path).endswith("closed"):
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", deny)
    run = align(jojo, "photos")
    assert outputs(run) == ["a.aligned.png"]
    assert "warning: folder 'photos/closed' can't be read: permission denied" in run.err
