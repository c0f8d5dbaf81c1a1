"""`jojo invert`, as a user types it."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import style_kit
import tiny_full
import torch
from conftest import Finished, Jojo
from face_kit import photo
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from style_kit import names, pixels, same
from torch import Tensor

from jojo_cli.codes import read_code
from jojo_cli.images import save_image, to_image
from jojo_cli.studio import Studio
from jojo_cli.stylize.mixing import sample_code

if TYPE_CHECKING:
    from jojo_cli.bases.base import Base

fake_finder, workplace = style_kit.fake_finder, style_kit.workplace
pytestmark = pytest.mark.usefixtures("workplace")

QUICK = ("--refine", "3")


def records(run: Finished) -> list[dict[str, Any]]:
    return [json.loads(line) for line in run.out.splitlines()]


def drawn_face(base: "Base", path: Path) -> Path:
    """Write a picture that the base can draw."""
    save_image(to_image(base.generator.synthesis(sample_code(base, 3, 1.0))[0]), path)
    return path


def code(base: "Base", path: str) -> Tensor:
    return read_code(Path(path), base)[0]


def is_one_w(w_plus: Tensor) -> bool:
    return torch.equal(w_plus, w_plus[:1].expand_as(w_plus))


def test_code_and_what_the_base_draws_from_it(jojo: Jojo, base: "Base") -> None:
    run = jojo("invert", photo(Path("photos/me.jpg")), *QUICK)
    assert (run.code, run.out) == (0, "me.code.safetensors\n")
    assert names() == ["me.code.png", "me.code.safetensors", "photos/me.jpg"]
    w_plus = read_code(Path("me.code.safetensors"), base)
    save_image(to_image(base.generator.synthesis(w_plus)[0]), Path("drawn.png"))
    assert same("me.code.png", "drawn.png")


def test_code_says_which_base_it_belongs_to(jojo: Jojo, base: "Base") -> None:
    jojo("invert", photo(Path("me.jpg")), *QUICK)
    with safe_open("me.code.safetensors", "pt") as file:
        metadata = file.metadata()
        assert (metadata["base"], metadata["base_sha256"]) == ("tiny", base.sha256)
        assert list(file.keys()) == ["w_plus"]
        assert file.get_tensor("w_plus").shape == (1, base.generator.codes, base.generator.w_dim)


def test_figures_in_json(jojo: Jojo) -> None:
    (record,) = records(jojo("invert", photo(Path("me.jpg")), *QUICK, "--json", "-o", "out"))
    assert record.pop("seconds") > 0
    assert 0 < record.pop("lpips") < 2
    jojo("align", "me.jpg", "-o", "crop.png", "--size", 128)
    mse = np.square((pixels("crop.png") - pixels("out/me.code.png")) / 127.5).mean()
    assert record.pop("mse") == pytest.approx(mse, rel=0.02)
    assert record == {
        "input": "me.jpg",
        "face": 1,
        "output": "out/me.code.safetensors",
        "reconstruction": "out/me.code.png",
        "status": "ok",
        "reason": None,
    }


def test_names_of_any_bytes_in_json(jojo: Jojo) -> None:
    photo(Path(os.fsdecode(b"caf\xe9.png")))
    (record,) = records(jojo("invert", ".", *QUICK, "--json"))
    assert record["input"] == "caf\\udce9.png"
    assert record["output"] == "caf\\udce9.code.safetensors"
    assert record["reconstruction"] == "caf\\udce9.code.png"


def test_steps_bring_the_code_nearer(jojo: Jojo, base: "Base") -> None:
    drawn_face(base, Path("face.png"))
    first, last = (
        records(
            jojo(
                "invert",
                "face.png",
                "--no-align",
                "--method",
                "optimize",
                "--refine",
                steps,
                "--json",
                "-o",
                f"{steps}",
            )
        )[0]
        for steps in (1, 30)
    )
    assert last["lpips"] < 0.7 * first["lpips"]
    assert last["mse"] < 0.7 * first["mse"]


def test_encoder_takes_no_steps_and_hybrid_starts_from_it(jojo: Jojo, base: "Base") -> None:
    photo(Path("me.png"))
    for method, steps in (("encoder", ()), ("hybrid", ("--refine", 1)), ("hybrid", ("--refine", 9))):
        jojo("invert", "me.png", "--method", method, *steps, "-o", "".join(map(str, (method, *steps[1:]))))
    encoded, near, far = (code(base, f"{name}/me.code.safetensors") for name in ("encoder", "hybrid1", "hybrid9"))
    assert 0 < (near - encoded).norm() < (far - encoded).norm()


def test_what_suits_the_base_is_done_when_nothing_is_said(jojo: Jojo, base: "Base") -> None:
    photo(Path("me.png"))
    first = base.photo_inversions[0]
    jojo("invert", "me.png", "-o", "said", "--method", first.method, "--refine", first.steps)
    jojo("invert", "me.png", "-o", "unsaid")
    assert torch.equal(*(code(base, f"{folder}/me.code.safetensors") for folder in ("said", "unsaid")))


def test_methods_that_contradict_are_refused_with_a_hint(jojo: Jojo) -> None:
    run = jojo("invert", photo(Path("me.png")), "--method", "encoder", "--refine", 3)
    assert run.err.splitlines() == [
        "error: --method encoder has no steps to choose",
        "hint: --method hybrid refines what the encoder finds, --method optimize starts from the mean",
    ]
    run = jojo("invert", "me.png", "--space", "z")
    assert run.err == "error: only optimisation finds a z\nhint: add --method optimize\n"


@pytest.mark.parametrize("space", ["z", "w", "w+"])
def test_space_says_where_the_code_is_looked_for(space: str, jojo: Jojo, base: "Base") -> None:
    run = jojo("invert", photo(Path("me.png")), "--space", space, "--method", "optimize", *QUICK)
    assert run.code == 0
    assert is_one_w(code(base, "me.code.safetensors")) is (space != "w+")


def test_mean_code_whatever_the_photo(jojo: Jojo, base: "Base") -> None:
    run = jojo("invert", photo(Path("a.png")), photo(Path("b.png"), size=(300, 140)), "--method", "mean")
    assert run.code == 0
    for name in ("a.code.safetensors", "b.code.safetensors"):
        assert torch.allclose(code(base, name), base.latents.mean_w)


def test_every_face_has_its_files(jojo: Jojo) -> None:
    run = jojo("invert", photo(Path("us.png"), faces=2), "--face", "all", *QUICK)
    assert run.out.splitlines() == ["us.code-1.safetensors", "us.code-2.safetensors"]
    assert not same("us.code-1.png", "us.code-2.png")


@pytest.mark.parametrize("output", ["new/x.safetensors", "new/x.png"])
def test_single_result_goes_to_the_file_named(output: str, jojo: Jojo) -> None:
    run = jojo("invert", photo(Path("me.png")), "-o", output, *QUICK)
    assert (run.code, run.out) == (0, "new/x.safetensors\n")
    assert names("new") == ["x.png", "x.safetensors"]


def test_bad_photos_are_lines_in_the_report(jojo: Jojo) -> None:
    Path("empty.jpg").touch()
    photo(Path("landscape.png"), faces=0)
    run = jojo("invert", "empty.jpg", "landscape.png", photo(Path("good.png")), *QUICK, "-o", "out", "--json")
    assert run.code == 1
    assert [record["reason"] for record in records(run)] == ["is empty", "no face found", None]
    assert names("out") == ["good.code.png", "good.code.safetensors"]


def test_crop_of_no_face_works_and_the_figures_say_how_far_off_it_is(
    jojo: Jojo, base: "Base", monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Studio, "finder", None)
    photo(Path("stripes.png"), faces=0)
    drawn_face(base, Path("face.png"))
    run = jojo("invert", "stripes.png", "face.png", "--no-align", "--method", "optimize", "--refine", 20, "--json")
    stripes, face = records(run)
    assert (run.code, stripes["face"]) == (0, None)
    assert stripes["mse"] > 2 * face["mse"]


@pytest.mark.parametrize("existing", ["me.code.png", "me.code.safetensors"])
def test_existing_files_are_kept_and_what_is_missing_is_made(existing: str, jojo: Jojo, base: "Base") -> None:
    photo(Path("me.png"))
    Path(existing).write_text("mine")
    assert [record["status"] for record in records(jojo("invert", "me.png", *QUICK, "--json"))] == ["ok"]
    assert Path(existing).read_text() == "mine"
    assert {"me.code.png", "me.code.safetensors"} <= set(names())
    run = jojo("invert", "me.png", *QUICK, "--json")
    assert [(record["status"], record["reason"]) for record in records(run)] == [("skipped", "exists")]
    assert jojo("invert", "me.png", *QUICK, "--overwrite").code == 0
    assert code(base, "me.code.safetensors").isfinite().all()
    assert pixels("me.code.png").shape == (128, 128, 3)


@pytest.mark.parametrize(
    "option",
    [
        "--refine 0",
        "--refine -1",
        "--refine 3 --method encoder",
        "--refine 3 --method mean",
        "--space z",
        "--space v",
        "--method guess",
        "--face nose",
        "--device warp",
        "-o -",
        "-o me.png",
    ],
)
def test_numbers_out_of_range_and_other_nonsense(option: str, jojo: Jojo) -> None:
    run = jojo("invert", photo(Path("me.png")), *option.split())
    assert (run.code, run.out) == (2, "")
    assert "error" in run.err.lower()
    assert names() == ["me.png"]


def test_unknown_base(jojo: Jojo) -> None:
    run = jojo("invert", photo(Path("me.png")), "--base", "stylegan9")
    assert run.code == 1
    assert (
        run.err == "error: base 'stylegan9' not found\nhint: known bases: mobilestylegan-ffhq, stylegan2-ffhq, tiny\n"
    )


def test_codes_for_a_style_are_of_its_base(jojo: Jojo, jojo_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    photo(Path("me.png"))
    reference = photo(Path("ref.png"))
    assert jojo("train", "ink", reference, "--no-align", "--steps", 1, "--refine", 1, "--proportions", 0).code == 0
    monkeypatch.setenv("JOJO_BASE", "nobody-has-it")
    assert jojo("invert", "me.png", *QUICK, "--for", "ink").code == 0
    assert jojo("invert", "me.png", *QUICK, "--for", "ink", "--base", "tiny").code == 0
    run = jojo("invert", "me.png", *QUICK, "--for", "ink", "--base", "stylegan2-ffhq")
    assert (run.code, run.err) == (
        2,
        "error: style 'ink' has base 'tiny', not 'stylegan2-ffhq'\nhint: leave out --base\n",
    )
    run = jojo("invert", "me.png", *QUICK, "--for", "pen")
    assert (run.code, "style 'pen' not found" in run.err) == (1, True)


@pytest.mark.parametrize("which", ["tiny", "tiny-full"])
def test_noise_draws_the_photo_more_exactly(which: str, jojo: Jojo, monkeypatch: pytest.MonkeyPatch) -> None:
    tiny_full.register(monkeypatch)
    photo(Path("me.png"))
    options = ("--base", which, "--method", "encoder")
    plain, noisy = (
        records(jojo("invert", "me.png", *options, *noise, "-o", folder, "--json"))[0]
        for folder, noise in (("plain", []), ("noisy", ["--noise"]))
    )
    assert noisy["mse"] < 0.95 * plain["mse"]
    code, other = (load_file(f"{folder}/me.code.safetensors") for folder in ("noisy", "plain"))
    assert torch.equal(code["w_plus"], other["w_plus"])
    assert set(other) == {"w_plus"}
    assert len(code) > 4


def test_noise_of_a_code_is_drawn_wherever_the_code_is(jojo: Jojo) -> None:
    photo(Path("me.png"))
    reference = photo(Path("ref.png"))
    assert jojo("train", "ink", reference, "--no-align", "--steps", 1, "--refine", 1, "--proportions", 0).code == 0
    for folder, noise in (("plain", []), ("noisy", ["--noise"])):
        assert jojo("invert", "me.png", *QUICK, *noise, "-o", folder).code == 0
        code = f"{folder}/me.code.safetensors"
        assert jojo("apply", "ink", code, "--strength", 0, "-o", f"{folder}/none.png").code == 0
        assert jojo("apply", "ink", code, "-o", f"{folder}/all.png").code == 0
        assert same(f"{folder}/none.png", f"{folder}/me.code.png")
    assert not same("plain/all.png", "noisy/all.png")


def test_noise_of_another_generator_is_refused(jojo: Jojo) -> None:
    assert jojo("invert", photo(Path("me.png")), *QUICK, "--noise").code == 0
    reference = photo(Path("ref.png"))
    assert jojo("train", "ink", reference, "--no-align", "--steps", 1, "--refine", 1, "--proportions", 0).code == 0
    with safe_open("me.code.safetensors", "pt") as file:
        metadata = file.metadata()
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    name = next(key for key in tensors if key.startswith("noise:"))
    bad = {name: torch.zeros(1, 1, 3, 3), "noise:elsewhere.noise": torch.zeros(1), "other": torch.zeros(1)}
    for key, tensor in bad.items():
        save_file({**tensors, key: tensor}, "bad.safetensors", metadata)
        run = jojo("apply", "ink", "bad.safetensors")
        assert run.code == 1
        assert "holds" in run.err
