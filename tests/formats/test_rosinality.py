"""rosinality's checkpoints: they draw and judge as published, every key is known, and nothing in them runs."""

from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
import torch
from stylegan2_kit import FINAL, blank, discriminator_shapes, fill, filters, generator_shapes, golden
from torch import Tensor

from jojo_cli.bases import stylegan2
from jojo_cli.bases.base import Base
from jojo_cli.errors import CheckpointError
from jojo_cli.formats.rosinality import (
    CONFIG_F,
    SIZES,
    Size,
    discriminator_size,
    discriminator_state,
    generator_size,
    generator_state,
    load_checkpoint,
    read_discriminator,
    read_generator,
)
from jojo_cli.nets.arcface import ArcFace
from jojo_cli.nets.discriminator import Discriminator
from jojo_cli.nets.lpips import ShiftTolerantLPIPS
from jojo_cli.nets.stylegan2 import StyleGAN2, published_channels
from jojo_cli.stylize import finetune as finetuning

SMALL = Size(64, 1)


@pytest.fixture
def generator() -> dict[str, Tensor]:
    """Give the state of a small generator in the published names."""
    return {**blank(generator_shapes(SMALL)), **filters(SMALL)[0]}


@pytest.fixture
def discriminator() -> dict[str, Tensor]:
    """Give the state of a small discriminator in the published names."""
    return {**blank({**discriminator_shapes(SMALL), **FINAL}), **filters(SMALL)[1]}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "stylegan2-ffhq-config-f.pt"


@pytest.fixture(scope="module")
def golden_generator() -> dict[str, Tensor]:
    """Give the weights behind the golden files, in the published names."""
    return fill(generator_shapes(Size(256, 2)), seed=0)


@pytest.fixture(scope="module")
def critic() -> Discriminator:
    """Give the discriminator behind the golden files."""
    theirs = {**fill(discriminator_shapes(Size(256, 2)), seed=1), **filters(Size(256, 2))[1]}
    critic = Discriminator(published_channels(256)[::-1])
    critic.load_state_dict(discriminator_state({"d": theirs}))
    return critic.requires_grad_(False)


def golden_net(theirs: dict[str, Tensor]) -> StyleGAN2:
    net = StyleGAN2(published_channels(256))
    net.load_state_dict(generator_state({"g_ema": theirs}, Size(256, 2)))
    return net


def test_generator_maps_and_draws_as_published(golden_generator: dict[str, Tensor]) -> None:
    expected, net = golden("stylegan2-256-generator"), golden_net(golden_generator)
    with torch.inference_mode():
        assert (net.mapping(expected["z"]) - expected["w"]).abs().max() < 1e-4
        images = net.synthesis(expected["w_plus"])
    assert (images[..., ::3, ::3] - expected["image_every_third"]).abs().max() < 1e-3


def test_discriminator_judges_as_published(critic: Discriminator) -> None:
    expected = golden("jojogan-256-discriminator")
    with torch.inference_mode():
        features = critic.features(expected["x"])
    assert len(features) == 4
    for i, feature in enumerate(features):
        assert (feature[:, ::8, ::4, ::4] - expected[f"feature_{i}"]).abs().max() < 1e-4
        assert feature.abs().mean().item() == pytest.approx(expected["mean_abs"][i].item(), rel=1e-4)


def test_finetuning_learns_as_published(
    golden_generator: dict[str, Tensor], critic: Discriminator, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = golden("jojogan-256-finetune")
    base = stylegan2.assemble(
        "golden",
        golden_net(golden_generator).eval().requires_grad_(False),
        sha256="",
        load_perceptual=ShiftTolerantLPIPS,
        load_recogniser=ArcFace,
        load_encoder=lambda name: stylegan2.ENCODERS[name](14),
        load_comparer=lambda loss: critic,
        critic_sha256=lambda loss: "",
        device=tiny.CPU,
    )
    told: list[float] = []

    def their_w(base: Base, rng: torch.Generator) -> Tensor:
        z = np.random.RandomState(100 + len(told)).standard_normal((1, 512))
        with torch.no_grad():
            w: Tensor = base.generator.mapping(torch.from_numpy(z).float())
        return w

    monkeypatch.setattr(finetuning, "random_w", their_w)
    finetuning.finetune(
        base,
        [finetuning.Reference(expected["target"], expected["latent"])],
        replace(base.finetunings[0], steps=4, fresh_noise=False),
        on_step=lambda step, loss: told.append(loss),
    )
    assert told == pytest.approx(expected["losses"].tolist(), rel=2e-3)


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_every_size_is_told_from_its_shapes(size: Size) -> None:
    checkpoint = {
        "g_ema": blank(generator_shapes(size), device="meta"),
        "d": blank(discriminator_shapes(size), device="meta"),
    }
    assert generator_size(checkpoint) == discriminator_size(checkpoint) == size
    channels = published_channels(*size)
    with torch.device("meta"):
        nets = StyleGAN2(channels), Discriminator(channels[::-1])
    for state, net in zip((generator_state(checkpoint), discriminator_state(checkpoint)), nets, strict=True):
        assert {k: v.shape for k, v in state.items()} == {k: v.shape for k, v in net.state_dict().items()}


def test_published_file_is_read_in_parts(file: Path) -> None:
    shapes = generator_shapes(CONFIG_F)
    content = {
        "g": blank(shapes, value=2.0) | filters(CONFIG_F)[0],
        "g_ema": blank(shapes) | filters(CONFIG_F)[0],
        "d": blank({**discriminator_shapes(CONFIG_F), **FINAL}) | filters(CONFIG_F)[1],
        "latent_avg": torch.zeros(512),
    }
    torch.save(content, file)
    state = read_generator({file.name: file})
    assert state["stages.8.to_rgb.weight"].eq(1).all()  # of g_ema
    assert "blocks.4.skip.weight" in read_discriminator({file.name: file})


def test_jojogan_style_is_a_generator_alone(generator: dict[str, Tensor], file: Path) -> None:
    torch.save({"g": generator}, file)
    checkpoint = load_checkpoint(file)
    assert generator_state(checkpoint, SMALL).keys() == generator_state({"g_ema": generator}).keys()
    with pytest.raises(CheckpointError, match=r"^the checkpoint has no 'd': it has 'g'$"):
        discriminator_state(checkpoint)


def test_snapshot_of_a_training_is_read(
    generator: dict[str, Tensor], discriminator: dict[str, Tensor], file: Path
) -> None:
    parameter = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.Adam([parameter], lr=2e-3).state_dict()
    content = {
        "g": generator,
        "d": discriminator,
        "g_ema": generator,
        "g_optim": optimizer,
        "d_optim": optimizer,
        "args": Namespace(path="ffhq.lmdb", size=64, batch=16, distributed=False, ckpt=None),
        "ada_aug_p": 0.25,
    }
    torch.save(content, file)
    checkpoint = load_checkpoint(file)
    assert generator_size(checkpoint) == discriminator_size(checkpoint) == SMALL


def test_half_precision_is_read_as_float32(generator: dict[str, Tensor]) -> None:
    state = generator_state({"g": {key: tensor.half() for key, tensor in generator.items()}})
    assert {tensor.dtype for tensor in state.values()} == {torch.float32}


def test_final_layers_and_filters_may_be_missing(
    generator: dict[str, Tensor], discriminator: dict[str, Tensor]
) -> None:
    checkpoint = {"g": blank(generator_shapes(SMALL)), "d": blank(discriminator_shapes(SMALL))}
    assert generator_state(checkpoint).keys() == generator_state({"g": generator}).keys()
    assert discriminator_state(checkpoint).keys() == discriminator_state({"d": discriminator}).keys()


@pytest.mark.parametrize(
    "key",
    [
        "style.9.weight",
        "style.1.running_mean",
        "convs.8.conv.weight",
        "convs.1.conv.blur.kernel",
        "to_rgbs.4.bias",
        "to_rgb1.noise.weight",
        "noises.noise_9",
        "latent_avg",
        "to_rgbs.99999.bias",
    ],
)
def test_unknown_key_is_refused(key: str, generator: dict[str, Tensor]) -> None:
    generator[key] = torch.ones(1)
    with pytest.raises(CheckpointError, match=f"^not a StyleGAN2 generator: unknown '{key}'$"):
        generator_state({"g": generator})


@pytest.mark.parametrize("key", generator_shapes(SMALL))
def test_missing_key_is_refused(key: str, generator: dict[str, Tensor]) -> None:
    del generator[key]
    with pytest.raises(CheckpointError, match=f"^not a StyleGAN2 generator: missing '{key}'$"):
        generator_state({"g": generator})


@pytest.mark.parametrize("key", discriminator_shapes(SMALL))
def test_missing_key_of_a_discriminator_is_refused(key: str, discriminator: dict[str, Tensor]) -> None:
    del discriminator[key]
    with pytest.raises(CheckpointError, match=f"^not a StyleGAN2 discriminator: missing '{key}'$"):
        discriminator_state({"d": discriminator})


def test_unknown_key_of_a_discriminator_is_refused(discriminator: dict[str, Tensor]) -> None:
    discriminator["convs.1.skip.1.bias"] = torch.ones(1)
    with pytest.raises(CheckpointError, match=r"^not a StyleGAN2 discriminator: unknown 'convs\.1\.skip\.1\.bias'$"):
        discriminator_state({"d": discriminator})


@pytest.mark.parametrize("key", ["noises.noise_8", "convs.7.conv.weight", "style.8.bias"])
@pytest.mark.parametrize("value", [torch.ones(2), torch.ones(1, dtype=torch.long), 1.0, None, {}])
def test_odd_value_is_refused(key: str, value: object, generator: dict[str, Tensor]) -> None:
    odd = {**generator, key: value}
    with pytest.raises(CheckpointError, match=f"channel multiplier 1: 1 wrong shapes or values: '{key}'$"):
        generator_state({"g": odd})


def test_another_filter_is_refused(generator: dict[str, Tensor]) -> None:
    generator["to_rgbs.0.upsample.kernel"] = torch.ones(4, 4) / 4
    with pytest.raises(CheckpointError, match=r"1 wrong shapes or values: 'to_rgbs\.0\.upsample\.kernel'$"):
        generator_state({"g": generator})


@pytest.mark.parametrize("wanted", [Size(64, 2), Size(128, 1), CONFIG_F], ids=str)
def test_wrong_size_is_refused(wanted: Size, generator: dict[str, Tensor], discriminator: dict[str, Tensor]) -> None:
    sizes = f"64 px, channel multiplier 1, not {wanted.resolution} px, channel multiplier {wanted.multiplier}$"
    with pytest.raises(CheckpointError, match=f"^a StyleGAN2 generator of the wrong size: {sizes}"):
        generator_state({"g": generator}, wanted)
    with pytest.raises(CheckpointError, match=f"^a StyleGAN2 discriminator of the wrong size: {sizes}"):
        discriminator_state({"d": discriminator}, wanted)


@pytest.mark.parametrize("part", [{}, {"conv.weight": torch.ones(1)}, {7: torch.ones(1)}])
@pytest.mark.parametrize("read", [generator_state, discriminator_state])
def test_state_of_something_else_is_refused(
    part: dict[object, Tensor], read: Callable[[dict[str, Any]], dict[str, Tensor]]
) -> None:
    with pytest.raises(CheckpointError, match=r"^not a StyleGAN2 \w+: missing '.* more"):
        read({"g_ema": part, "d": part})


@pytest.mark.parametrize("content", [{}, {"latent_avg": torch.zeros(512)}, {"g_ema": torch.ones(1)}])
def test_checkpoint_without_a_generator_is_refused(content: dict[str, Any]) -> None:
    with pytest.raises(CheckpointError, match=r"^the checkpoint has no 'g_ema' or 'g': it has "):
        generator_state(content)


def test_unknown_part_is_refused(generator: dict[str, Tensor]) -> None:
    with pytest.raises(CheckpointError, match=r"^not a checkpoint of StyleGAN2: unknown 'e', 'module'$"):
        generator_state({"g_ema": generator, "e": generator, "module": 1})


def test_encoder_in_place_of_a_generator_is_refused(generator: dict[str, Tensor], file: Path) -> None:
    encoder = {f"decoder.{key}": tensor for key, tensor in generator.items()}
    opts = {"encoder_type": "Encoder4Editing", "device": "cuda:0", "stylegan_size": 1024}
    torch.save({"state_dict": encoder, "opts": opts, "latent_avg": torch.zeros(18, 512)}, file)
    with pytest.raises(CheckpointError, match=r"^not a checkpoint of StyleGAN2, but of an encoder \(e4e"):
        read_generator({file.name: file})


class Payload:
    """Makes a folder when it is unpickled without care."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, ...]:
        return Path.mkdir, (self.folder,)


@pytest.mark.parametrize("hide", [lambda p: p, lambda p: {"input.input": p}, lambda p: Namespace(size=p)])
@pytest.mark.parametrize("part", ["g_ema", "args", "latent_avg"])
@pytest.mark.parametrize("zipped", [True, False])  # False: as torch saved before 1.6
def test_code_in_a_checkpoint_does_not_run(
    hide: Callable[[Payload], object], part: str, zipped: bool, tmp_path: Path, file: Path
) -> None:
    trap = tmp_path / "it ran"
    torch.save({part: hide(Payload(trap))}, file, _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError, match=r"^stylegan2-ffhq-config-f\.pt is not a checkpoint of tensors"):
        read_generator({file.name: file})
    assert not trap.exists()


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99])
def test_truncated_file_is_refused(share: float, generator: dict[str, Tensor], file: Path) -> None:
    torch.save({"g": generator}, file)
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(CheckpointError, match=r"^stylegan2-ffhq-config-f\.pt is not a checkpoint of tensors"):
        read_generator({file.name: file})


@pytest.mark.parametrize(
    "content", [b"<!doctype html><html><title>Google Drive - Quota exceeded</title></html>", b"\x80\x02}q\x00."]
)
def test_file_of_another_kind_is_refused(content: bytes, file: Path) -> None:
    file.write_bytes(content)
    with pytest.raises(CheckpointError):
        read_generator({file.name: file})
