"""The full base from files in the published formats: fetched, converted, loaded, trained on and drawn with.

The files have the published keys, and sizes that suit a test; they come from a server on this machine.
"""

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny_full
import torch
from conftest import Jojo
from encoder_kit import arcface_shapes, backbone_shapes, fill, pyramid_shapes
from PIL import Image
from stlpips_kit import SMALL_VGG16
from stlpips_kit import published as published_lpips
from stylegan2_kit import Shapes, discriminator_shapes, filters, generator_shapes
from stylegan2_kit import fill as fill_stylegan2
from torch import Tensor
from weights_kit import Server, form_of, good, running_server, web_of

from jojo_cli.bases import FULL_BASE, stylegan2
from jojo_cli.formats import rosinality
from jojo_cli.formats.rosinality import Size, generator_state
from jojo_cli.images import to_image
from jojo_cli.nets.arcface import ArcFace
from jojo_cli.nets.lpips import ShiftTolerantLPIPS
from jojo_cli.nets.stylegan2 import StyleGAN2
from jojo_cli.weights.catalog import load_catalog

WIDTH = 32
"""Of every layer of StyleGAN2, and of a code."""
SIZE = Size(256, 1)
WIDTHS = (16, 20, 24, WIDTH)
"""Of the stages of each IR-SE50, all different as the published ones are."""

LANDMARKS = "dlib-landmarks-68"
BY_DEFAULT = {FULL_BASE, "stylegan2-ffhq-discriminator", "e4e-ffhq", "stlpips-vgg", LANDMARKS}


def channels(resolution: int, multiplier: int = 2) -> tuple[int, ...]:
    """Return as many channels as the published networks have octaves."""
    return (WIDTH,) * (resolution.bit_length() - 2)


def narrow(shapes: Shapes) -> Shapes:
    """Return the shapes of a network all of whose layers have `WIDTH` channels."""
    return {
        key: shape if key.startswith("noises.") else tuple(WIDTH if side > 4 else side for side in shape)
        for key, shape in shapes.items()
    }


def generator() -> dict[str, Tensor]:
    """Return the generator in rosinality's names."""
    return fill_stylegan2(narrow(generator_shapes(SIZE)), seed=0) | filters(SIZE)[0]


def encoder(shapes: Mapping[str, Any], kind: str) -> dict[str, Any]:
    """Return the checkpoint of an encoder, with the generator beside it."""
    parts = {"encoder": fill(shapes, seed=1), "decoder": generator()}
    return {
        "state_dict": {f"{part}.{key}": tensor for part, state in parts.items() for key, tensor in state.items()},
        "opts": {"encoder_type": kind, "stylegan_size": SIZE.resolution, "device": "cuda:0"},
        "latent_avg": torch.linspace(-1, 1, 14 * WIDTH).reshape(14, WIDTH),
    }


def published() -> dict[str, tuple[str, str, object]]:
    """Return what is published of each weight: format, file name and content."""
    stylegan2_file = {
        "g_ema": generator(),
        "d": fill_stylegan2(narrow(discriminator_shapes(SIZE)), seed=1) | filters(SIZE)[1],
        "latent_avg": torch.zeros(WIDTH),
    }
    name = "stylegan2-ffhq-config-f.pt"
    trunk = {f"features.{key}": tensor for key, tensor in tiny_full.vgg16_trunk().items()}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        lpips = published_lpips(ShiftTolerantLPIPS(SMALL_VGG16))
    return {
        FULL_BASE: ("rosinality-generator", name, stylegan2_file),
        "stylegan2-ffhq-discriminator": ("rosinality-discriminator", name, stylegan2_file),
        "e4e-ffhq": ("e4e", "e4e_ffhq_encode.pt", encoder(pyramid_shapes(WIDTHS, codes=14), "Encoder4Editing")),
        "restyle-e4e-ffhq": (
            "restyle-e4e",
            "restyle_e4e_ffhq_encode.pt",
            encoder(backbone_shapes(WIDTHS, codes=14), "ProgressiveBackboneEncoder"),
        ),
        "arcface-ir-se50": (
            "arcface-ir-se50",
            "model_ir_se50.pth",
            fill(arcface_shapes(WIDTHS, dimensions=16), seed=2),
        ),
        "vgg16": ("torchvision-vgg16", "vgg16-397923af.pth", trunk),
        "stlpips-vgg": ("stlpips-vgg", "vgg_shift_tolerant.pth", lpips),
        LANDMARKS: ("raw", "shape_predictor_68_face_landmarks.dat", {}),
    }


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    """Serve the files, and have `jojo` fetch them and expect networks of their sizes."""
    catalog = load_catalog()
    with running_server() as server, pytest.MonkeyPatch.context() as patch:
        for id, (format, name, content) in published().items():
            file = io.BytesIO()
            torch.save(content, file)
            url = server.serve(f"/{name}", good(file.getvalue()))
            form = form_of({name: file.getvalue()}, web_of(url, name, file.getvalue()), format=format)
            catalog[id] = replace(catalog[id], forms=(form,))
        patch.setattr("jojo_cli.weights.manager.load_catalog", lambda: catalog)
        for variable in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            patch.delenv(variable, raising=False)

        patch.setattr(rosinality, "W_DIM", WIDTH)
        patch.setattr(rosinality, "CONFIG_F", SIZE)
        patch.setattr(rosinality, "published_channels", channels)
        patch.setattr(stylegan2, "RESOLUTION", SIZE.resolution)
        encoders = {name: partial(kind, 14, widths=WIDTHS, w_dim=WIDTH) for name, kind in stylegan2.ENCODERS.items()}
        patch.setattr(stylegan2, "ENCODERS", encoders)
        patch.setattr(stylegan2, "StyleGAN2", partial(StyleGAN2, w_dim=WIDTH))
        patch.setattr(stylegan2, "ArcFace", partial(ArcFace, widths=WIDTHS, dimensions=16))
        patch.setattr(stylegan2, "ShiftTolerantLPIPS", partial(ShiftTolerantLPIPS, SMALL_VGG16))
        patch.setattr(stylegan2, "published_channels", channels)
        patch.setattr("jojo_cli.device._bf16_pays", lambda: False)
        yield server


@pytest.fixture(autouse=True)
def workplace(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Work in a folder with two crops, on the full base."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("JOJO_BASE", FULL_BASE)
    Image.linear_gradient("L").convert("RGB").save("ref.png")
    Image.radial_gradient("L").convert("RGB").save("me.png")
    server.ranges.clear()


def done(jojo: Jojo, *args: object) -> str:
    """Run `jojo`, which has to do what it shall, and return what it says."""
    run = jojo(*args)
    assert run.code == 0, run.err
    return run.out + run.err


def here(jojo: Jojo) -> set[str]:
    """Return the weights that are installed."""
    return {row["id"] for row in json.loads(done(jojo, "models", "list", "--json")) if row["state"] == "installed"}


def pixels(path: str) -> Any:
    with Image.open(path) as image:
        return np.asarray(image).astype(int)


def test_from_an_empty_home_to_pictures(
    jojo: Jojo, server: Server, jojo_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not jojo_home.exists()
    assert here(jojo) == set()
    said = done(jojo, "models", "pull", FULL_BASE)
    assert "NVIDIA Source Code License (non-commercial)" in said
    assert len(server.ranges) == 4  # generator and discriminator are in one file
    assert here(jojo) == BY_DEFAULT
    done(jojo, "models", "verify", *BY_DEFAULT)

    monkeypatch.setenv("JOJO_OFFLINE", "1")
    done(jojo, "train", "ink", "ref.png", "--no-align", "--steps", 2)
    done(jojo, "apply", "ink", "me.png", "--no-align")
    assert pixels("me.ink.png").shape == (256, 256, 3)
    done(jojo, "sample", "ink", "-n", 2, "--truncation", 1, "-o", "styled")
    done(jojo, "sample", "ink", "-n", 2, "--truncation", 1, "--strength", 0, "-o", "plain")
    assert (pixels("styled/ink-0001.png") != pixels("plain/ink-0001.png")).any()

    net = StyleGAN2(channels(SIZE.resolution), w_dim=WIDTH)
    net.load_state_dict(generator_state({"g_ema": generator()}))
    with torch.inference_mode():
        w = net.mapping(torch.randn(1, WIDTH, generator=torch.Generator().manual_seed(1)))
        expected = to_image(net.synthesis(net.w_to_w_plus(w))[0])
    assert np.abs(pixels("plain/ink-0001.png") - np.asarray(expected).astype(int)).max() <= 1


def test_what_a_choice_needs_is_fetched_when_it_is_made(jojo: Jojo) -> None:
    choices = ("--loss", "lpips", "--id-weight", 0.5, "--encoder", "restyle-e4e")
    said = done(jojo, "train", "ink", "ref.png", "--no-align", "--steps", 1, *choices)
    fetched = {FULL_BASE, "stylegan2-ffhq-discriminator", "restyle-e4e-ffhq", "stlpips-vgg", "vgg16", "arcface-ir-se50"}
    assert here(jojo) == fetched
    assert all(f"  {id} (" in said for id in fetched)  # announced before, all at once
    assert said.count("of weights into") == 1
    done(jojo, "apply", "ink", "me.png", "--no-align", "-o", "e4e.png")
    assert here(jojo) == fetched | {"e4e-ffhq"}
    done(jojo, "apply", "ink", "me.png", "--no-align", "-o", "restyle.png", "--encoder", "restyle-e4e")
    assert (pixels("e4e.png") != pixels("restyle.png")).any()
