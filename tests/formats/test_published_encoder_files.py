"""The published encoders: they find the published codes, every key is known, and nothing in them runs."""

from argparse import Namespace
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from encoder_kit import (
    PUBLISHED,
    SMALL,
    backbone_shapes,
    body_features,
    fill,
    golden,
    head_output,
    pyramid_shapes,
)
from torch import Tensor

from jojo_cli import formats
from jojo_cli.errors import CheckpointError
from jojo_cli.formats.published_encoders import encoder_state, read_e4e, read_psp, read_restyle_e4e, read_restyle_psp
from jojo_cli.nets.published_encoders import (
    BackboneEncoder,
    Encoder4Editing,
    GradualStyleEncoder,
    InversionEncoder,
    ProgressiveBackboneEncoder,
)

CODES = 9
Read = Callable[[Mapping[str, Path]], dict[str, Tensor]]
Kind = type[GradualStyleEncoder] | type[BackboneEncoder]

DECODER = (
    "style.1.weight",
    "input.input",
    "conv1.conv.weight",
    "conv1.conv.modulation.bias",
    "conv1.noise.weight",
    "conv1.activate.bias",
    "to_rgb1.bias",
    "convs.0.conv.blur.kernel",
    "convs.15.conv.modulation.weight",
    "to_rgbs.7.upsample.kernel",
    "to_rgbs.7.conv.weight",
    "noises.noise_16",
)
"""Keys of a StyleGAN2, some of each sort."""


def wrap(theirs: Mapping[str, Tensor], encoder: str, **others: object) -> dict[str, Any]:
    """Return a checkpoint with the generator beside the encoder, as they are published; `others` replace its parts."""
    codes = 1 + max(int(key.split(".")[1]) for key in theirs if key.startswith("styles."))
    width = len(theirs["styles.0.linear.bias"])
    return {
        "state_dict": {
            **{f"encoder.{key}": tensor for key, tensor in theirs.items()},
            **{f"decoder.{key}": torch.ones(1) for key in DECODER},
        },
        "opts": {"encoder_type": encoder, "device": "cuda:0", "stylegan_size": 1024, "lr": 1e-4, "resume": None},
        "latent_avg": torch.arange(codes * width).reshape(codes, width).float(),
        **others,
    }


@pytest.fixture(scope="module")
def published() -> dict[str, Tensor]:
    """Give the state of a small encoder of e4e under its published names."""
    return fill(pyramid_shapes(codes=CODES), seed=0)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return tmp_path / "e4e_ffhq_encode.pt"


def read(checkpoint: Path, reader: Read = read_e4e) -> dict[str, Tensor]:
    return reader({checkpoint.name: checkpoint})


def photo(channels: int = 3) -> Tensor:
    return torch.rand(1, channels, 256, 256, generator=torch.Generator().manual_seed(0)) * 2 - 1


@pytest.mark.parametrize(
    ("name", "kind", "seed"), [("e4e", Encoder4Editing, 11), ("psp", GradualStyleEncoder, 12)], ids=["e4e", "psp"]
)
def test_codes_are_those_of_the_published_network(name: str, kind: Kind, seed: int) -> None:
    expected = golden(f"{name}-1024-encoder")["w_plus"]
    theirs = fill(pyramid_shapes(PUBLISHED), seed=seed)
    with torch.device("meta"):
        encoder = kind()
    encoder.load_state_dict(encoder_state(wrap(theirs, kind.__name__), kind.__name__), assign=True)
    encoder.float()
    with torch.inference_mode():
        assert (encoder(golden("e4e-1024-encoder")["x"]) - expected).abs().max() < 1e-3


@pytest.mark.parametrize(("reader", "kind"), [(read_e4e, Encoder4Editing), (read_psp, GradualStyleEncoder)])
def test_pyramid_is_read_from_its_file(
    reader: Read, kind: Kind, published: dict[str, Tensor], checkpoint: Path
) -> None:
    content = wrap(published, kind.__name__)
    torch.save(content, checkpoint)
    encoder: InversionEncoder = kind(CODES, widths=SMALL, w_dim=64)
    encoder.load_state_dict(read(checkpoint, reader))
    assert torch.equal(encoder.mean_w_plus, content["latent_avg"])
    with torch.inference_mode():
        first = head_output(published, 0, body_features(published, photo()), convs=4)
        assert torch.allclose(encoder(photo())[:, 0], first, atol=1e-3)


@pytest.mark.parametrize(
    ("reader", "kind"), [(read_restyle_psp, BackboneEncoder), (read_restyle_e4e, ProgressiveBackboneEncoder)]
)
def test_restyle_finds_the_codes_of_the_published_network(reader: Read, kind: Kind, checkpoint: Path) -> None:
    theirs = fill(backbone_shapes(codes=CODES), seed=0)
    torch.save(wrap(theirs, kind.__name__), checkpoint)
    encoder: InversionEncoder = kind(CODES, widths=SMALL, w_dim=64)
    encoder.load_state_dict(read(checkpoint, reader))
    with torch.inference_mode():
        features = body_features(theirs, photo(6))
        expected = torch.stack([head_output(theirs, code, features, convs=4) for code in range(CODES)], dim=1)
        if kind is ProgressiveBackboneEncoder:
            expected[:, 1:] += expected[:, :1].clone()
        assert torch.allclose(encoder(photo(6)), expected, atol=1e-3)


def test_options_as_argparse_leaves_them_are_read(published: dict[str, Tensor], checkpoint: Path) -> None:
    torch.save(wrap(published, "", opts=Namespace(encoder_type="Encoder4Editing")), checkpoint)
    assert len(read(checkpoint)["mean_w_plus"]) == CODES


def test_what_training_left_is_dropped(published: dict[str, Tensor]) -> None:
    content = wrap(published, "Encoder4Editing")
    resumable = {**content, "global_step": 7, "optimizer": {}, "best_val_loss": 0.5, "discriminator_state_dict": {}}
    assert encoder_state(resumable, "Encoder4Editing").keys() == encoder_state(content, "Encoder4Editing").keys()


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_kernels_are_kept_in_half_precision(dtype: torch.dtype, published: dict[str, Tensor]) -> None:
    theirs = {key: tensor.to(dtype) if tensor.is_floating_point() else tensor for key, tensor in published.items()}
    state = encoder_state(wrap(theirs, "Encoder4Editing"), "Encoder4Editing")
    dtypes = {key: torch.float16 if tensor.ndim > 1 else torch.float32 for key, tensor in state.items()}
    assert {key: tensor.dtype for key, tensor in state.items()} == {**dtypes, "mean_w_plus": torch.float32}


def test_kernel_beyond_half_precision_is_kept_as_it_is(published: dict[str, Tensor]) -> None:
    large = {**published, "latlayer1.weight": published["latlayer1.weight"] * 1e6}
    state = encoder_state(wrap(large, "Encoder4Editing"), "Encoder4Editing")
    assert torch.equal(state["laterals.0.weight"], large["latlayer1.weight"])


@pytest.mark.parametrize(
    ("held", "reader"),
    [
        ("GradualStyleEncoder", read_e4e),
        ("Encoder4Editing", read_psp),
        ("ProgressiveBackboneEncoder", read_restyle_psp),
        ("GradualStyleBlock", read_psp),
    ],
)
def test_another_encoder_is_refused(held: str, reader: Read, published: dict[str, Tensor], checkpoint: Path) -> None:
    torch.save(wrap(published, held), checkpoint)
    with pytest.raises(CheckpointError, match=f"holds the encoder '{held}', not '"):
        read(checkpoint, reader)


def test_encoder_of_restyle_under_the_name_of_another_is_refused() -> None:
    theirs = fill(backbone_shapes(codes=CODES), seed=0)
    with pytest.raises(CheckpointError, match=r"not Encoder4Editing: missing 'encoder\.latlayer1\.bias'"):
        encoder_state(wrap(theirs, "Encoder4Editing"), "Encoder4Editing")


@pytest.mark.parametrize(
    "key",
    [
        "encoder.styles.9.linear.weight",
        "encoder.styles.0.convs.8.weight",
        "encoder.body.0.res_layer.1.bias",
        "input_layer.0.weight",
        "decoder.body.0.weight",
        "discriminator.convs.0.0.weight",
    ],
)
def test_unknown_key_is_refused(key: str, published: dict[str, Tensor]) -> None:
    content = wrap(published, "Encoder4Editing")
    content["state_dict"][key] = torch.ones(4)
    with pytest.raises(CheckpointError, match=f"^not Encoder4Editing: unknown '{key}'$"):
        encoder_state(content, "Encoder4Editing")


@pytest.mark.parametrize("key", ["encoder.styles.8.linear.bias", "encoder.latlayer2.weight"])
def test_missing_key_is_refused(key: str, published: dict[str, Tensor]) -> None:
    content = wrap(published, "Encoder4Editing")
    del content["state_dict"][key]
    with pytest.raises(CheckpointError, match=f"^not Encoder4Editing: missing '{key}'$"):
        encoder_state(content, "Encoder4Editing")


@pytest.mark.parametrize("part", ["state_dict", "opts", "latent_avg"])
def test_missing_part_is_refused(part: str, published: dict[str, Tensor]) -> None:
    content = wrap(published, "Encoder4Editing")
    del content[part]
    with pytest.raises(CheckpointError, match=f"^not a checkpoint of Encoder4Editing: missing '{part}'$"):
        encoder_state(content, "Encoder4Editing")


@pytest.mark.parametrize("layout", [{"g_ema": {}, "latent_avg": torch.ones(512)}, {"g": {}}])
def test_generator_in_place_of_an_encoder_is_named(layout: dict[str, object], checkpoint: Path) -> None:
    torch.save(layout, checkpoint)
    with pytest.raises(CheckpointError, match=r"^not a checkpoint of Encoder4Editing, but of a StyleGAN2 generator$"):
        read(checkpoint)


def test_state_without_options_is_refused(checkpoint: Path) -> None:
    torch.save(dict.fromkeys(DECODER, 1), checkpoint)
    with pytest.raises(CheckpointError, match=r"not a checkpoint of Encoder4Editing: missing .*; unknown '"):
        read(checkpoint)


def test_generator_alone_in_a_checkpoint_is_refused(published: dict[str, Tensor], checkpoint: Path) -> None:
    decoder = {f"decoder.{key}": torch.ones(1) for key in DECODER}
    torch.save(wrap(published, "Encoder4Editing", state_dict=decoder), checkpoint)
    with pytest.raises(CheckpointError, match=r"not Encoder4Editing: missing 'encoder\..* more$"):
        read(checkpoint)


@pytest.mark.parametrize(
    "others", [{"latent_avg": torch.ones(512)}, {"latent_avg": None}, {"opts": None}, {"opts": {}}]
)
@pytest.mark.parametrize("state", [{}, [], None])
def test_odd_parts_are_refused(
    others: dict[str, object],
    state: object,
    published: dict[str, Tensor],
    checkpoint: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(formats.CONVERTERS, "e4e", "jojo_cli.formats.published_encoders:read_e4e")
    torch.save(wrap(published, "Encoder4Editing", state_dict=state, **others), checkpoint)
    with pytest.raises(CheckpointError):
        formats.convert("e4e", {checkpoint.name: checkpoint})


class Payload:
    """Makes a folder when it is unpickled without care."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, ...]:
        return Path.mkdir, (self.folder,)


@pytest.mark.parametrize("part", ["opts", "state_dict", "latent_avg"])
@pytest.mark.parametrize("disguise", [None, Namespace])
def test_code_in_a_checkpoint_does_not_run(
    part: str, disguise: type | None, tmp_path: Path, published: dict[str, Tensor], checkpoint: Path
) -> None:
    trap = tmp_path / "it ran"
    content = Payload(trap)
    hidden = disguise(encoder_type=content) if disguise else {"encoder_type": content}
    torch.save(wrap(published, "Encoder4Editing", **{part: hidden}), checkpoint)
    with pytest.raises(CheckpointError, match=r"e4e_ffhq_encode\.pt is not a checkpoint of tensors"):
        read(checkpoint)
    assert not trap.exists()


def test_truncated_checkpoint_is_refused(published: dict[str, Tensor], checkpoint: Path) -> None:
    torch.save(wrap(published, "Encoder4Editing"), checkpoint)
    content = checkpoint.read_bytes()
    checkpoint.write_bytes(content[: len(content) // 2])
    with pytest.raises(CheckpointError, match=r"e4e_ffhq_encode\.pt is not a checkpoint of tensors"):
        read(checkpoint)


def test_web_page_in_place_of_a_checkpoint_is_refused(checkpoint: Path) -> None:
    checkpoint.write_text("<!doctype html><html><title>Google Drive - Quota exceeded</title></html>")
    with pytest.raises(CheckpointError, match=r"e4e_ffhq_encode\.pt is not a checkpoint of tensors"):
        read(checkpoint)
