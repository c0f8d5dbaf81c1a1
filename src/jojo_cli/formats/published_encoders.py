"""The encoders of e4e, pSp and ReStyle from the checkpoints that their authors published."""

import re
from argparse import Namespace
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from jojo_cli.errors import CheckpointError
from jojo_cli.formats.arcface import body_rules
from jojo_cli.formats.checkpoint import Make, Rule, check_keys, load, translate, unchanged

_PYRAMIDS = ("Encoder4Editing", "GradualStyleEncoder")
"""What `opts` call the encoders whose heads read from a feature pyramid; those of ReStyle all read from 16 px."""

_TRAINING = (
    "global_step",
    "optimizer",
    "best_val_loss",
    "discriminator_state_dict",
    "discriminator_optimizer_state_dict",
)
"""What a checkpoint holds besides when training is to be resumed from it."""

_DECODER = re.compile(
    r"decoder\.("
    r"input\.input|noises\.noise_\d+|style\.\d\.(weight|bias)"
    r"|((conv1|convs\.\d+)\.(conv\.(weight|blur\.kernel|modulation\.(weight|bias))|noise\.weight|activate\.bias))"
    r"|((to_rgb1|to_rgbs\.\d+)\.(bias|upsample\.kernel|conv\.(weight|modulation\.(weight|bias))))"
    r")"
)
"""The generator that comes with an encoder, and is not read."""


def read_e4e(files: Mapping[str, Path]) -> dict[str, Tensor]:
    """Return the state dict of `nets.published_encoders.Encoder4Editing`, with the mean code.

    Kernels are float16, which moves codes of about 0.5 by less than 0.0003 (random weights); all else is float32.

    `files` holds one file, a pickle: its hash must have been checked before.

    Raises:
        CheckpointError: the file is damaged, holds another encoder, lacks a key, or holds one that no encoder has.
    """
    return _read(files, "Encoder4Editing")


def read_psp(files: Mapping[str, Path]) -> dict[str, Tensor]:
    """Return the state dict of `nets.published_encoders.GradualStyleEncoder`; see `read_e4e`."""
    return _read(files, "GradualStyleEncoder")


def read_restyle_psp(files: Mapping[str, Path]) -> dict[str, Tensor]:
    """Return the state dict of `nets.published_encoders.BackboneEncoder`; see `read_e4e`."""
    return _read(files, "BackboneEncoder")


def read_restyle_e4e(files: Mapping[str, Path]) -> dict[str, Tensor]:
    """Return the state dict of `nets.published_encoders.ProgressiveBackboneEncoder`; see `read_e4e`."""
    return _read(files, "ProgressiveBackboneEncoder")


def encoder_state(checkpoint: Mapping[str, Any], encoder: str) -> dict[str, Tensor]:
    """Return the state dict of the class `encoder` of `nets.published_encoders`; errors as `read_e4e`."""
    if checkpoint.keys() & {"g", "g_ema"}:
        raise CheckpointError(f"not a checkpoint of {encoder}, but of a StyleGAN2 generator")
    check_keys(
        checkpoint.keys(),
        needed=("state_dict", "opts", "latent_avg"),  # without the last, offsets would start from nothing
        idle=_TRAINING,
        what=f"a checkpoint of {encoder}",
    )
    opts, mean, tensors = checkpoint["opts"], checkpoint["latent_avg"], checkpoint["state_dict"]
    # A pSp encoder has the keys and shapes of an e4e one: nothing else tells them apart.
    found = (vars(opts) if isinstance(opts, Namespace) else opts)["encoder_type"]
    if found != encoder:
        raise CheckpointError(f"holds the encoder {found!r}, not {encoder!r}")
    if mean.ndim != 2:
        raise CheckpointError(f"latent_avg has the shape {list(mean.shape)}, not [codes,width]")
    theirs = {key: tensor for key, tensor in tensors.items() if not _DECODER.fullmatch(key)}
    state = translate(_rules(encoder, codes=len(mean)), theirs, what=encoder, kernels=torch.float16)
    return {**state, "mean_w_plus": mean.to(torch.float32, copy=True)}


def _read(files: Mapping[str, Path], encoder: str) -> dict[str, Tensor]:
    [path] = files.values()
    # Some save their options as they come from argparse. A Namespace is but a dict: unpickling one runs nothing.
    return encoder_state(load(path, allowed=(Namespace,)), encoder)


def _rules(encoder: str, *, codes: int) -> list[Rule]:
    rules = body_rules("encoder.")
    pyramid = encoder in _PYRAMIDS
    if pyramid:
        rules += [_layer(f"encoder.latlayer{i + 1}", f"laterals.{i}") for i in (0, 1)]
    for code in range(codes):
        theirs, ours = f"encoder.styles.{code}", f"heads.{code}"
        convs = 4 + (pyramid and code >= 3) + (pyramid and code >= 7)
        rules += [_layer(f"{theirs}.convs.{2 * i}", f"{ours}.convs.{2 * i}") for i in range(convs)]
        rules.append(_layer(f"{theirs}.linear", f"{ours}.linear", make=_equalized))
    return rules


def _layer(theirs: str, ours: str, make: Make = unchanged) -> Rule:
    return Rule((f"{theirs}.weight", f"{theirs}.bias"), (f"{ours}.weight", f"{ours}.bias"), make)


def _equalized(weight: Tensor, bias: Tensor) -> tuple[Tensor, Tensor]:
    """Return the weight [O,I] and bias [O] as they are used: the weight over the square root of its inputs."""
    return weight.double() / weight.shape[1] ** 0.5, bias
