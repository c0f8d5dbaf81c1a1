"""What comes with jojo of a base: whole, small, and noticed when it is not."""

import json
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from jojo_cli import bases
from jojo_cli.bases import EMBEDDED_BASE, shipped
from jojo_cli.bases.base import Base
from jojo_cli.bases.critic_channels import without_dead_channels
from jojo_cli.bases.curvature import Curvature
from jojo_cli.bases.regions import REGIONS, RegionFinder
from jojo_cli.bases.shipped import Part, shipped_record, shipped_weights, write_shipped
from jojo_cli.errors import CheckpointError
from jojo_cli.faces import FaceFinder
from jojo_cli.images import square_crop, to_tensor
from jojo_cli.nets.feedback_encoder import FeedbackEncoder
from jojo_cli.nets.lpips import ShiftTolerantLPIPS, Subspace
from jojo_cli.stylize.directions import edited
from jojo_cli.stylize.mixing import sample_code
from jojo_cli.training.directions import measured
from jojo_cli.weights.manager import ModelManager

PARTS: tuple[Part, ...] = ("encoder", "curvature", "subspaces", "sketch", "regions", "directions")


@pytest.fixture(scope="module")
def portraits() -> list[Tensor]:
    """Give photos of people [1,3,256,256]."""
    folder = Path(__file__).parent.parent / "data"
    return [to_tensor([square_crop(Image.open(folder / name), 256)]) for name in ("astronaut.png", "grace_hopper.png")]


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a copy of the installed parts for a test to damage."""
    for part in PARTS:
        for ending in ("safetensors", "json"):
            name = f"{EMBEDDED_BASE}.{part}.{ending}"
            (tmp_path / name).write_bytes((files(bases) / name).read_bytes())
    monkeypatch.setattr(shipped, "files", lambda package: tmp_path)
    return tmp_path


def test_tensors_are_those_of_the_record_and_small() -> None:
    data = {part: (files(bases) / f"{EMBEDDED_BASE}.{part}.safetensors").read_bytes() for part in PARTS}
    assert sum(map(len, data.values())) < 20_000_000
    for part in PARTS:
        record = shipped_record(EMBEDDED_BASE, part)
        assert (record["sha256"], record["base"]) == (sha256(data[part]).hexdigest(), EMBEDDED_BASE)


def test_encoder_fits_its_network() -> None:
    net = FeedbackEncoder(octaves=7)
    net.load_state_dict(shipped_weights(EMBEDDED_BASE, "encoder"))
    assert all(tensor.dtype == torch.float32 and tensor.isfinite().all() for tensor in net.state_dict().values())


def test_curvature_is_that_of_codes_in_octaves() -> None:
    curvature = Curvature.from_tensors(shipped_weights(EMBEDDED_BASE, "curvature"), torch.device("cpu"))
    assert curvature.scale.shape == (7,)
    assert curvature.scale.min() > 0
    count = len(curvature.strengths)
    assert curvature.directions.shape == (count, 7 * 512)
    products = curvature.directions @ curvature.directions.T
    assert torch.allclose(products, torch.eye(count), atol=0.01)  # kept in half precision


def test_subspaces_spare_most_of_what_they_stand_for() -> None:
    critic = ShiftTolerantLPIPS()
    layers = without_dead_channels(critic).convolutions()
    subspaces = Subspace.from_tensors(shipped_weights(EMBEDDED_BASE, "subspaces"))
    assert set(range(3, len(layers))) <= set(subspaces)
    for number, subspace in subspaces.items():
        rank, outputs = subspace.directions.shape
        assert outputs == layers[number].out_channels
        assert rank <= outputs / 2
        products = subspace.directions @ subspace.directions.T
        assert torch.allclose(products, torch.eye(rank), atol=0.01)  # kept in half precision


def test_regions_are_told_from_what_faces_are_drawn_through() -> None:
    find_regions = RegionFinder.from_tensors(shipped_weights(EMBEDDED_BASE, "regions"), torch.device("cpu"))
    assert find_regions.weight.shape == (len(REGIONS), 512 + 512)


def test_record_tells_how_it_was_made_and_what_follows() -> None:
    record = shipped_record(EMBEDDED_BASE, "encoder")
    assert {"base", "data", "settings", "licence", "consequence", "figures"} <= set(record)
    assert "non-commercial" in record["consequence"]


@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("damage", ["missing", "truncated", "flipped", "record"])
def test_damage_is_noticed_with_the_hint_to_reinstall(damage: str, part: Part, copy: Path) -> None:
    weights, record = (copy / f"{EMBEDDED_BASE}.{part}.{ending}" for ending in ("safetensors", "json"))
    if damage == "missing":
        weights.unlink()
    elif damage == "truncated":
        weights.write_bytes(weights.read_bytes()[:-1000])
    elif damage == "flipped":
        data = bytearray(weights.read_bytes())
        data[-1000] ^= 1
        weights.write_bytes(data)
    else:
        record.write_text(json.dumps({"sha256": "?"})[:-3])
    with pytest.raises(CheckpointError, match=f"{part} of base 'mobilestylegan-ffhq' is missing or damaged") as error:
        shipped_weights(EMBEDDED_BASE, part)
    assert "pip install --force-reinstall" in str(error.value.hint)


def test_tensors_in_bytes_are_half_as_large_and_nearly_the_same(copy: Path) -> None:
    rng = torch.Generator().manual_seed(0)
    rows = torch.randn(64, 16, 3, 3, generator=rng) * torch.logspace(-4, 4, 64)[:, None, None, None]
    rows[5] = 0
    tensors = {"weight": rows, "bias": torch.randn(64, generator=rng)}
    sizes = []
    for in_bytes in (False, True):
        write_shipped(EMBEDDED_BASE, "encoder", tensors, {}, in_bytes=in_bytes)
        sizes.append((copy / f"{EMBEDDED_BASE}.encoder.safetensors").stat().st_size)
    read = shipped_weights(EMBEDDED_BASE, "encoder")
    assert sizes[1] < 0.55 * sizes[0]
    assert read.keys() == tensors.keys()
    assert torch.equal(read["bias"], tensors["bias"].half().float())
    error = (read["weight"] - rows).flatten(1).abs().amax(dim=1)
    assert (error <= rows.flatten(1).abs().amax(dim=1) / 250).all()


def test_directions_have_figures_and_a_length() -> None:
    figures = shipped_record(EMBEDDED_BASE, "directions")["figures"]
    tensors = shipped_weights(EMBEDDED_BASE, "directions")
    assert figures.keys() == tensors.keys() >= {"smile", "yaw", "hair-length"}
    assert all(tensor.shape == (1, 512) and tensor.norm() > 0.1 for tensor in tensors.values())


@pytest.mark.real
@pytest.mark.parametrize("name", ["smile", "yaw", "mouth-open", "hair-light"])
def test_direction_changes_what_it_is_called_after(name: str, real_base: Base, real_models: ModelManager) -> None:
    finder = FaceFinder(real_models.ensure("dlib-landmarks-68"))
    step = shipped_weights(EMBEDDED_BASE, "directions")[name]
    for seed in (1, 2):
        code = sample_code(real_base, seed, 0.7)
        moved = [edited(code, step, steps) for steps in (-2, 0, 2)]
        found = [measured(real_base, one, finder.landmarks, at_least=512)[1][name] for one in moved]
        assert found == sorted(found)
        assert found[2] > 1.02 * found[0] + 0.02


def test_critic_in_subspaces_says_nearly_the_same(real_base: Base, portraits: list[Tensor]) -> None:
    assert real_base.load_shortcuts
    exact, quick = real_base.load_perceptual(), real_base.load_shortcuts().critic
    drawn = F.avg_pool2d(real_base.generator.synthesis(sample_code(real_base, 0, 1.0)), 4)
    for portrait in portraits:
        for other in (*portraits, drawn, portrait.roll(8, dims=-1)):
            assert quick(portrait, other).item() == pytest.approx(exact(portrait, other).item(), rel=0.06, abs=1e-6)


def test_sketch_is_hardly_told_from_the_picture(real_base: Base) -> None:
    assert real_base.load_shortcuts
    draw, compare = real_base.load_shortcuts().draw_small, real_base.load_perceptual()
    far = []
    with torch.inference_mode():
        for number in range(4):
            w_plus = sample_code(real_base, number, 1.0)
            far.append(compare(draw(w_plus), F.avg_pool2d(real_base.generator.synthesis(w_plus), 4)).item())
    assert max(far) < 0.01
