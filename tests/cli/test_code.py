"""`jojo code`, as a user types it."""

import io
import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import style_kit
import tiny
import torch
from conftest import Finished, Jojo
from face_kit import photo
from numpy.typing import NDArray
from PIL import Image
from style_kit import names, pixels, same
from weights_kit import form_of, good, running_server, web_of

from jojo_cli import directions
from jojo_cli.bases.latents import sample_w
from jojo_cli.codes import read_code, write_code
from jojo_cli.errors import UsageError
from jojo_cli.films import open_film
from jojo_cli.images import read_image, square_crop
from jojo_cli.stylize.directions import in_codes, in_weights, one_deviation, past
from jojo_cli.stylize.mixing import sample_code
from jojo_cli.weights.catalog import load_catalog

if TYPE_CHECKING:
    from jojo_cli.bases.base import Base

fake_finder, workplace = style_kit.fake_finder, style_kit.workplace
trained, ink, no_work = style_kit.trained, style_kit.ink, style_kit.no_work
pytestmark = pytest.mark.usefixtures("workplace", "ink")


def code(jojo: Jojo, *args: object) -> Finished:
    return jojo("code", *args)


def saved(path: str, base: "Base") -> torch.Tensor:
    return read_code(Path(path), base)


@pytest.fixture
def like_stylegan2(workplace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the tiny base have codes of StyleGAN2-FFHQ's w."""
    base = style_kit.make_base()
    monkeypatch.setattr(tiny, "make_base", lambda *args, **options: replace(base, codes_of="stylegan2-ffhq"))
    monkeypatch.setattr(directions, "shipped", lambda base: [])


def test_morph_is_an_animation_from_one_face_to_the_other(jojo: Jojo) -> None:
    run = code(jojo, "morph", "seed:1", "seed:2", "--frames", 5, "--rate", 10, "--size", 64)
    assert (run.code, run.out) == (0, "seed-1-seed-2.morph.webp\n")
    frames = list(open_film(Path("seed-1-seed-2.morph.webp")))
    assert [(frame.picture.size, frame.duration) for frame in frames] == [((64, 64), 100)] * 5
    first, last = (np.asarray(frames[number].picture).astype(int) for number in (0, -1))
    assert abs(first - last).mean() > 3
    assert names() == ["seed-1-seed-2.morph.webp"]


@pytest.mark.parametrize("ending", [".gif", ".mp4", ".webm"])
def test_morph_in_other_formats(ending: str, jojo: Jojo) -> None:
    run = code(jojo, "morph", "seed:1", "seed:2", "seed:3", "--frames", 7, "--size", 64, "-o", f"a{ending}")
    assert run.out == f"a{ending}\n"
    assert len(list(open_film(Path(f"a{ending}")))) == 7


def test_morph_begins_and_ends_at_the_faces(jojo: Jojo, base: "Base") -> None:
    code(jojo, "morph", "seed:1", "seed:2", "--frames", 9, "--size", 128, "-o", "sheet.png")
    code(jojo, "mix", "seed:1", "seed:2", "--amount", 0, "-o", "first.png")
    sheet, first = pixels("sheet.png"), pixels("first.png")
    assert sheet.shape == (256, 1024, 3)
    assert abs(sheet[:128, :128] - first).max() <= 1


def test_loop_comes_back_and_does_not_stand_still(jojo: Jojo) -> None:
    code(jojo, "morph", "seed:1", "seed:2", "--frames", 8, "--loop", "--even", "--size", 128, "-o", "sheet.png")
    frames = np.split(pixels("sheet.png"), 8, axis=1)
    steps = [abs(a - b).mean() for a, b in zip(frames, [*frames[1:], frames[0]], strict=True)]
    assert max(steps) < 2 * min(steps)


def test_spherical_morph_is_of_seeds_only(jojo: Jojo) -> None:
    run = code(jojo, "morph", "seed:1", "seed:2", "--spherical", "--frames", 3, "--size", 64, "-o", "a.gif")
    assert run.code == 0
    run = code(jojo, "morph", "seed:1", photo(Path("me.png")), "--spherical", "-o", "b.gif")
    assert run.code == 2
    assert run.err.endswith("error: only seeds have a z\nhint: leave out --spherical, or give seeds\n")


def test_morph_of_photos_and_codes_in_a_style(jojo: Jojo, base: "Base") -> None:
    write_code(Path("you.code.safetensors"), sample_code(base, 5, 0.7), base)
    faces = (photo(Path("me.png")), "you.code.safetensors")
    run = code(jojo, "morph", *faces, "--refine", 2, "--style", "ink", "--frames", 2, "--size", 128, "-o", "ink.png")
    assert run.code == 0
    code(jojo, "morph", *faces, "--refine", 2, "--frames", 2, "--size", 128, "-o", "plain.png")
    assert not same("ink.png", "plain.png")


def test_mix_takes_what_is_fine_from_the_second(jojo: Jojo, base: "Base") -> None:
    run = code(jojo, "mix", "seed:1", "seed:2", "--from", 32, "--json")
    assert json.loads(run.out) == {"inputs": ["seed:1", "seed:2"], "output": "seed-1-seed-2.mix.code.safetensors"}
    mixed = saved("seed-1-seed-2.mix.code.safetensors", base)
    for number, side in enumerate(base.generator.code_resolutions):
        wanted = sample_code(base, 2 if side >= 32 else 1, 0.7)
        torch.testing.assert_close(mixed[:, number], wanted[:, number])
    assert names() == ["seed-1-seed-2.mix.code.safetensors", "seed-1-seed-2.mix.png"]


def test_grid_has_all_with_all(jojo: Jojo) -> None:
    assert (
        code(jojo, "mix", "seed:1", "seed:2", "seed:3", "--grid", "--from", 32).out == "seed-1-seed-2-seed-3.mix.png\n"
    )
    with Image.open("seed-1-seed-2-seed-3.mix.png") as sheet:
        assert sheet.size == (4 * 264 - 8, 4 * 264 - 8)


def test_transfer_adds_what_changed(jojo: Jojo, base: "Base") -> None:
    run = code(jojo, "transfer", "seed:1", "seed:2", "seed:3", "--strength", 0.5, "-o", "out/new.png")
    assert run.out == "out/new.code.safetensors\n"
    one, two, three = (sample_code(base, seed, 0.7) for seed in (1, 2, 3))
    torch.testing.assert_close(saved("out/new.code.safetensors", base), three + 0.5 * (two - one))
    assert names("out") == ["new.code.safetensors", "new.png"]


@pytest.mark.usefixtures("like_stylegan2")
def test_edit_moves_along_a_direction_that_was_found(jojo: Jojo, base: "Base") -> None:
    run = code(jojo, "directions", "find", "--pca", "-n", 2, "--json")
    assert [json.loads(line)["name"] for line in run.out.splitlines()] == ["pca-1", "pca-2"]
    run = code(jojo, "edit", "seed:1", "seed:2", "--direction", "pca-1", "--strength", -1.5)
    assert run.out == "seed-1.pca-1-1.5.code.safetensors\nseed-2.pca-1-1.5.code.safetensors\n"
    moved = saved("seed-1.pca-1-1.5.code.safetensors", base) - sample_code(base, 1, 0.7)
    torch.testing.assert_close(moved, moved[:, :1].expand_as(moved), atol=1e-5, rtol=1e-4)
    codes = sample_w(base.generator)
    along = moved[0, 0] / moved[0, 0].norm()
    assert (codes @ along).std() * 1.5 == pytest.approx(moved[0, 0].norm().item(), rel=0.05)


@pytest.mark.usefixtures("like_stylegan2")
def test_sweep_draws_a_row_for_each_face(jojo: Jojo) -> None:
    code(jojo, "directions", "find", "--sefa", "-n", 1)
    run = code(jojo, "edit", "seed:1", "seed:2", "--direction", "sefa-1", "--sweep", "-2:2:5", "-o", "row.png")
    assert run.out == "row.png\n"
    with Image.open("row.png") as sheet:
        assert sheet.size == (5 * 136 - 8, 2 * 136 - 8)
    assert names() == ["row.png"]


def kept(jojo: Jojo) -> list[tuple[str, str]]:
    """Return the names and origins of the directions that are here."""
    listed = json.loads(code(jojo, "directions", "list", "--json").out)
    return [(one["name"], one["origin"]) for one in listed if one["name"] not in directions.PUBLISHED]


@pytest.mark.usefixtures("like_stylegan2")
def test_imported_direction(jojo: Jojo, base: "Base") -> None:
    vector = torch.randn(1, base.generator.w_dim, generator=torch.Generator().manual_seed(0))
    torch.save(vector, "smile.pt")
    np.save("turned.npy", np.tile(vector.numpy(), (18, 1)))
    assert code(jojo, "directions", "import", "smile.pt").code == 0
    assert code(jojo, "directions", "import", "turned.npy", "--name", "turn").code == 0
    listed = kept(jojo)
    assert listed == [("smile", "smile.pt"), ("turn", "turned.npy")]
    for name in ("smile", "turn"):
        code(jojo, "edit", "seed:1", "--direction", name, "-o", f"{name}.png")
    torch.testing.assert_close(saved("smile.code.safetensors", base), saved("turn.code.safetensors", base))
    assert "exists" in code(jojo, "directions", "import", "smile.pt").err
    assert code(jojo, "directions", "rm", "turn").code == 0
    assert "direction 'turn' not found\nhint: known: smile" in code(jojo, "edit", "seed:1", "--direction", "turn").err


@pytest.mark.usefixtures("like_stylegan2")
def test_components_of_other_programs(jojo: Jojo, base: "Base") -> None:
    size = base.generator.w_dim
    found = torch.linalg.qr(torch.randn(size, size, generator=torch.Generator().manual_seed(0)))[0]
    torch.save({"mean": torch.zeros(1, size), "comp": found[:, None], "std": torch.ones(size)}, "e4e.pt")
    np.savez("ganspace.npz", lat_comp=found[:, None].numpy(), act_comp=np.zeros(3))
    torch.save({"ckpt": {}, "eigvec": found.T}, "factor.pt")
    for file in ("e4e.pt", "ganspace.npz", "factor.pt"):
        run = code(jojo, "directions", "import", file, "-n", 3, "--json")
        imported = [json.loads(line)["name"] for line in run.out.splitlines()]
        assert imported == [f"{Path(file).stem}-{number}" for number in (1, 2, 3)]
    start = sample_code(base, 1, 0.7)
    for name in ("e4e-3", "ganspace-3", "factor-3"):
        code(jojo, "edit", "seed:1", "--direction", name, "-o", f"{name}.png")
        moved = saved(f"{name}.code.safetensors", base) - start
        assert torch.cosine_similarity(moved[0, 0], found[2], dim=0) > 0.999


def test_edit_moves_the_codes_that_were_named(jojo: Jojo, base: "Base") -> None:
    code(jojo, "directions", "find", "--pca", "-n", 1)
    code(jojo, "edit", "seed:1", "--direction", "pca-1", "--at", "8,32-", "-o", "some.png")
    moved = (saved("some.code.safetensors", base) - sample_code(base, 1, 0.7))[0].norm(dim=1)
    for step, side in zip(moved, base.generator.code_resolutions, strict=True):
        assert (step > 0) == (side == 8 or side >= 32)
    assert code(jojo, "edit", "seed:1", "--direction", "pca-1", "--at", "9").code == 2


def test_edit_to_where_no_face_is_drawn_is_warned_of(jojo: Jojo) -> None:
    code(jojo, "directions", "find", "--pca", "-n", 1)
    near = code(jojo, "edit", "seed:1", "--direction", "pca-1", "--strength", 20, "-o", "near.png")
    assert "may draw no face" not in near.err
    far = code(jojo, "edit", "near.code.safetensors", "--direction", "pca-1", "--strength", 20)
    assert far.code == 0
    assert "warning: pca-1 +20 may draw no face: its code is " in far.err
    assert " standard deviations of random faces from the mean, and was 3." in far.err


@pytest.mark.usefixtures("like_stylegan2")
def test_published_direction_is_fetched_and_checked(
    jojo: Jojo, base: "Base", tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = io.BytesIO()
    vector = torch.randn(1, base.generator.w_dim, generator=torch.Generator().manual_seed(0))
    torch.save(vector, stream)
    body = stream.getvalue()
    with running_server() as server:
        catalog = load_catalog()
        web = web_of(server.serve("/age.pt", good(body)), "age.pt", body)
        id = directions.PUBLISHED["e4e-age"]
        catalog[id] = replace(catalog[id], forms=(form_of({"age.pt": body}, web),))
        monkeypatch.setattr("jojo_cli.weights.manager.load_catalog", lambda: catalog)
        run = code(jojo, "edit", "seed:1", "--direction", "e4e-age")
    assert run.out == "seed-1.e4e-age+2.code.safetensors\n"
    assert "makes faces younger or older" in run.err
    moved = saved("seed-1.e4e-age+2.code.safetensors", base) - sample_code(base, 1, 0.7)
    assert torch.cosine_similarity(moved[0, 0], vector[0], dim=0) > 0.999
    listed = {one["name"]: one["origin"] for one in json.loads(code(jojo, "directions", "list", "--json").out)}
    assert listed["e4e-smile"] == "e4e, fetched when it is first used"


@pytest.mark.usefixtures("like_stylegan2")
@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("stylegan_ffhq_smile_w_boundary.npy", np.zeros((1, 512)), "is of StyleGAN1 or PGGAN"),
        ("smile.npy", np.zeros((3, 512)), "3x512 numbers are no direction"),
        ("smile.npy", np.zeros((1, 32)), "a direction of no length leads nowhere"),
        ("smile.npy", np.full((1, 32), np.nan), "1x32 numbers are no direction"),
        ("smile.npy", np.array([{"a": 1}], dtype=object), "is damaged, or no plain numbers"),
        ("smile.pt", {"a": torch.zeros(1, 32)}, "a dict, and not a tensor"),
    ],
)
def test_what_is_no_direction(name: str, content: Any, said: str, jojo: Jojo) -> None:
    torch.save(content, name) if name.endswith(".pt") else np.save(name, content, allow_pickle=True)
    run = code(jojo, "directions", "import", name)
    assert run.code != 0
    assert said in run.err
    assert kept(jojo) == []


@pytest.mark.usefixtures("like_stylegan2")
def test_program_in_a_file_does_not_run(jojo: Jojo) -> None:
    class Program:
        def __reduce__(self) -> Any:
            return (Path.touch, (Path("ran"),))

    torch.save(Program(), "smile.pt")
    for args in (("directions", "import", "smile.pt"), ("convert", "smile.pt")):
        assert "damaged, or no plain numbers" in code(jojo, *args).err
    assert not Path("ran").exists()


def test_direction_of_other_codes_is_refused(jojo: Jojo, monkeypatch: pytest.MonkeyPatch) -> None:
    code(jojo, "directions", "find", "--pca", "-n", 1)
    base = style_kit.make_base()
    monkeypatch.setattr(tiny, "make_base", lambda *args, **options: replace(base, codes_of="other"))
    run = code(jojo, "edit", "seed:1", "--direction", "pca-1")
    assert "direction 'pca-1' is of other codes than those of base 'tiny'" in run.err


def test_show_says_where_a_code_stands(jojo: Jojo) -> None:
    code(jojo, "directions", "find", "--pca", "-n", 1)
    record = json.loads(code(jojo, "show", "seed:1", "--truncation", 1, "--json").out)
    assert (record["input"], record["base"]) == ("seed:1", "tiny")
    assert 0.5 < record["distance"]["4"] < 2
    assert set(record["directions"]) == {"pca-1"}
    mean = json.loads(code(jojo, "show", "seed:1", "--truncation", 0, "--json").out)
    assert mean["directions"]["pca-1"] == 0


@pytest.mark.usefixtures("like_stylegan2")
@pytest.mark.parametrize("form", ["jojogan", "e4e", "rosinality", "nvidia", "numpy"])
def test_codes_go_to_other_programs_and_back(form: str, jojo: Jojo, base: "Base") -> None:
    new = sample_code(base, 3, 0.7)
    write_code(Path("me.code.safetensors"), new, replace(base, codes_of="stylegan2-ffhq"))
    file = code(jojo, "convert", "me.code.safetensors", "--to", form).out.strip()
    assert Path(file).suffix in (".pt", ".npz", ".npy")
    back = code(jojo, "convert", file, "-o", "back").out.strip()
    torch.testing.assert_close(saved(back, base), new)


@pytest.mark.usefixtures("like_stylegan2")
def test_stack_of_codes_becomes_several(jojo: Jojo, base: "Base") -> None:
    torch.save(torch.randn(3, 18, base.generator.w_dim), "all.pt")
    run = code(jojo, "convert", "all.pt")
    assert run.out.splitlines() == [f"all-{number}.code.safetensors" for number in (1, 2, 3)]


def test_base_with_codes_of_its_own_converts_nothing(jojo: Jojo) -> None:
    run = code(jojo, "convert", "any.pt")
    assert "base 'tiny' has codes of its own" in run.err


def mask(name: str, box: tuple[int, int, int, int], size: tuple[int, int] = (64, 64)) -> Path:
    """Write a mask that is white in a box."""
    image = Image.new("L", size)
    image.paste(255, box)
    image.save(name)
    return Path(name)


def test_crossover_is_near_both_under_a_mask(jojo: Jojo, base: "Base") -> None:
    run = code(jojo, "crossover", "seed:1", "seed:2", "--mask", mask("right.png", (32, 0, 64, 64)), "--refine", 60)
    assert run.out == "seed-1-seed-2.crossover.code.safetensors\n"
    new, first, second = (pixels(name) for name in ("seed-1-seed-2.crossover.png", *drawn(jojo, "seed:1", "seed:2")))
    for half in (np.s_[:, :48], np.s_[:, 80:]):
        apart = [abs(new[half] - other[half]).mean() for other in (first, second)]
        assert apart.index(min(apart)) == (0 if half == np.s_[:, :48] else 1)


def drawn(jojo: Jojo, *faces: str) -> list[str]:
    """Return the files of what the base draws of faces."""
    files = [f"{face.replace(':', '-')}.plain.png" for face in faces]
    for face, file in zip(faces, files, strict=True):
        code(jojo, "mix", face, face, "--amount", 0, "--from", 32, "-o", file)
    return files


def test_local_change_is_under_the_mask(jojo: Jojo) -> None:
    old = pixels(drawn(jojo, "seed:1")[0])
    shares = []
    for box in ((0, 0, 32, 32), (32, 32, 64, 64)):
        run = code(jojo, "local", "seed:1", "--target", "seed:2", "--mask", mask("corner.png", box), "--overwrite")
        assert run.out == "seed-1.local.code.safetensors\n"
        change = abs(pixels("seed-1.local.png") - old).mean(axis=2)
        shares.append(change[:56, :56].mean() / change[72:, 72:].mean())
    assert shares[0] > 1.2 * shares[1]


def test_noise_brings_a_local_change_nearer_to_its_target(jojo: Jojo) -> None:
    options = ("local", "seed:1", "--target", "seed:2", "--mask", mask("half.png", (0, 0, 32, 64)), "--refine", 2)
    for name, noise in (("plain", []), ("near", ["--noise"])):
        assert code(jojo, *options, *noise, "-o", f"{name}.png").code == 0
    target = pixels(drawn(jojo, "seed:2")[0])
    plain, near = (abs(pixels(f"{name}.png") - target)[:, :56].mean() for name in ("plain", "near"))
    assert near < plain


@pytest.mark.parametrize("align", [[], ["--no-align"]])
def test_hole_is_filled_and_the_rest_stays(align: list[str], jojo: Jojo) -> None:
    me = photo(Path("me.png"), size=(300, 240))
    hole = mask("hole.png", (60, 45, 75, 60), size=(300, 240))
    run = code(jojo, "restore", me, "--mask", hole, "--refine", 2, *align)
    assert run.out == "me.restored.code.safetensors\n"
    code(
        jojo,
        "restore",
        me,
        "--mask",
        mask("other.png", (76, 60, 84, 70), (300, 240)),
        "--refine",
        2,
        "-o",
        "b.png",
        *align,
    )
    change = abs(pixels("me.restored.png") - pixels("b.png")).mean(axis=2)
    assert change.max() > 5
    assert (change[-20:, -20:] == 0).all()


def test_what_is_in_the_hole_does_not_matter(jojo: Jojo, base: "Base") -> None:
    hole = mask("hole.png", (60, 45, 75, 60), size=(300, 240))
    for name, colour in (("a.png", (0, 255, 0)), ("b.png", (255, 0, 255))):
        me = photo(Path(name), size=(300, 240))
        with Image.open(me) as image:
            image.paste(colour, (60, 45, 75, 60))
            image.save(me)
        code(jojo, "restore", me, "--mask", hole, "--refine", 3)
    torch.testing.assert_close(
        saved("a.restored.code.safetensors", base), saved("b.restored.code.safetensors", base), atol=1e-3, rtol=1e-2
    )


def test_small_face_is_enlarged(jojo: Jojo, base: "Base") -> None:
    assert code(jojo, "enlarge", photo(Path("me.png")), "--refine", 2).out == "me.enlarged.code.safetensors\n"
    run = code(jojo, "enlarge", "me.png", "--no-align", "--refine", 2, "-o", "b.png")
    assert run.code == 2
    assert "the face in 'me.png' is not small\nhint: say with --factor" in run.err
    assert code(jojo, "enlarge", "me.png", "--no-align", "--factor", 4, "--refine", 2, "-o", "b.png").code == 0
    assert not torch.equal(saved("me.enlarged.code.safetensors", base), saved("b.code.safetensors", base))
    # What the photo shows is there, whatever the code draws.
    small, enlarged, drawn_ = (
        shrunk(path, 32) for path in (Path("me.png"), Path("b.png"), drawn(jojo, "b.code.safetensors")[0])
    )
    assert abs(enlarged - small).mean() < 0.2 * abs(drawn_ - small).mean()


def test_face_is_enlarged_on_a_device_that_pools_evenly_only(jojo: Jojo, pooling_of_mps: None) -> None:
    me = photo(Path("me.png"))
    run = code(jojo, "enlarge", me, "--no-align", "--factor", 3, "--refine", 2)
    assert (run.code, run.out) == (0, "me.enlarged.code.safetensors\n")


def shrunk(path: Path | str, side: int) -> NDArray[Any]:
    """Return the pixels of a picture's middle square, `side` of them."""
    picture = square_crop(read_image(Path(path)), 128).resize((side, side), Image.Resampling.BOX)
    return np.asarray(picture).astype(int)


def test_what_is_repaired_in_a_style_is_all_drawn(jojo: Jojo) -> None:
    me = photo(Path("me.png"))
    hole = mask("hole.png", (60, 45, 75, 60), size=(160, 120))
    for command, options in (("restore", ("--mask", hole)), ("enlarge", ("--factor", 4))):
        run = code(jojo, command, me, *options, "--no-align", "--refine", 2, "--style", "ink", "-o", f"{command}.png")
        assert run.code == 0, run.err
        jojo("apply", "ink", f"{command}.code.safetensors", "-o", "all.png", "--overwrite")
        assert same(f"{command}.png", "all.png")


@pytest.mark.usefixtures("like_stylegan2")
def test_face_is_turned_to_the_front(jojo: Jojo, base: "Base") -> None:
    for seed, name in enumerate(("yaw", "pitch")):
        torch.save(torch.randn(1, base.generator.w_dim, generator=torch.Generator().manual_seed(seed)), f"{name}.pt")
        code(jojo, "directions", "import", f"{name}.pt")
    before = json.loads(code(jojo, "show", "seed:3", "--json").out)["directions"]
    code(jojo, "frontal", "seed:3")
    after = json.loads(code(jojo, "show", "seed-3.frontal.code.safetensors", "--json").out)["directions"]
    assert abs(before["yaw"]) > 0.1
    assert abs(after["pitch"]) < 0.02
    assert abs(after["yaw"]) < 0.5 * abs(before["yaw"]) + 0.1


def test_masks_that_make_no_sense(jojo: Jojo) -> None:
    me = photo(Path("me.png"))
    for name, size, box, said in (
        ("empty.png", (64, 64), (0, 0, 0, 0), "mask 'empty.png' is empty"),
        ("full.png", (64, 64), (0, 0, 64, 64), "mask 'full.png' is full"),
        ("wide.png", (64, 32), (0, 0, 9, 9), "mask 'wide.png' is no square"),
    ):
        run = code(jojo, "crossover", "seed:1", "seed:2", "--mask", mask(name, box, size))
        assert (run.code, said in run.err) == (2, True)
    run = code(jojo, "restore", me, "--mask", mask("a.png", (0, 0, 9, 9)))
    assert "of different sizes: 64 x 64 and 160 x 120 pixels" in run.err
    run = code(jojo, "restore", me, "--mask", mask("b.png", (150, 0, 160, 9), (160, 120)))
    assert "mask 'b.png' does not touch the face" in run.err


@pytest.mark.usefixtures("no_work")
@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["morph", "seed:1"], "a morph needs two faces or more"),
        (["mix", "seed:1"], "mix takes two faces, or with --grid more"),
        (["mix", "seed:1", "seed:2", "seed:3"], "mix takes two faces, or with --grid more"),
        (["edit", "seed:1", "--direction", "a", "--sweep", "1:2"], "'1:2' is no sweep"),
        (["edit", "seed:1", "seed:2", "--direction", "a", "-o", "a.png"], "'a.png' takes one result"),
        (["directions", "find"], "find takes --sefa or --pca"),
        (["morph", "seed:x", "seed:1"], "'seed:x' is no seed"),
    ],
)
def test_what_makes_no_sense(args: list[str], said: str, jojo: Jojo) -> None:
    run = code(jojo, *args)
    assert run.code == 2
    assert run.err.startswith(f"error: {said}\nhint: ")


def test_bad_input_is_told(jojo: Jojo) -> None:
    Path("a.code.safetensors").write_bytes(b"nothing")
    assert "'a.code.safetensors' is not a code" in code(jojo, "mix", "a.code.safetensors", "seed:1").err
    run = code(jojo, "mix", "seed:1", photo(Path("me.png"), faces=0), "--refine", 2)
    assert "no face found" in run.err
    assert "nothing is mixed from 4096 pixels on" in code(jojo, "mix", "seed:1", "seed:2", "--from", 4096).err
    assert "names no format" in code(jojo, "morph", "seed:1", "seed:2", "-o", "a.avi").err
    code(jojo, "mix", "seed:1", "seed:2", "--from", 32, "-o", "a.png")
    assert "exists" in code(jojo, "mix", "seed:1", "seed:2", "--from", 32, "-o", "a.png").err


def test_directions_in_weights_are_at_right_angles(base: "Base") -> None:
    found = torch.cat(in_weights(base.generator, 6, up_to=32))
    torch.testing.assert_close(found @ found.T, torch.eye(6), atol=1e-4, rtol=0)
    assert not torch.allclose(torch.cat(in_weights(base.generator, 6, up_to=8)).abs(), found.abs(), atol=1e-3)


def test_codes_spread_most_along_the_first() -> None:
    codes = torch.randn(4000, 4, generator=torch.Generator().manual_seed(0)) * torch.tensor([1.0, 5.0, 2.0, 0.1])
    found = in_codes(codes, 2)
    assert found[0][0][0, 1] > 0.99
    assert abs(found[1][0][0, 2]) > 0.99
    assert found[0][1] == pytest.approx(25 / 30, abs=0.03)
    assert one_deviation(found[0][0], codes).norm() == pytest.approx(5, rel=0.05)


def test_what_shall_stay_stays() -> None:
    wanted, keep = torch.tensor([[1.0, 1.0, 0.0]]), [torch.tensor([[1.0, 0.0, 0.0]])]
    rest = past(wanted, keep)
    torch.testing.assert_close(rest, torch.tensor([[0.0, 2**0.5, 0.0]]))
    with pytest.raises(UsageError, match="nothing of the direction is left"):
        past(wanted, [torch.tensor([[2.0, 2.0, 0.0]])])
