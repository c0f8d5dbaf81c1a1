"""IR-SE50 as published for ArcFace (`model_ir_se50.pth`) and as the encoders contain it."""

from collections.abc import Mapping
from itertools import accumulate
from pathlib import Path

from torch import Tensor

from jojo_cli.formats.checkpoint import Rule, load, translate

UNITS = (3, 4, 14, 3)
"""Residual units in each stage; theirs are numbered through."""

_WIDENING = tuple(accumulate(UNITS))[:-1]
"""The units with a convolution as their shortcut: the first of each stage but the first."""


def read_arcface(files: Mapping[str, Path]) -> dict[str, Tensor]:
    """Return the state dict of `nets.arcface.ArcFace`, BatchNorm folded away.

    `files` holds one file, a pickle: its hash must have been checked before.

    Raises:
        CheckpointError: the file is damaged, or lacks a key, or holds one that this network does not have.
    """
    [path] = files.values()
    return arcface_state(load(path))


def arcface_state(theirs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the state dict of `nets.arcface.ArcFace` for one in the published names; errors as `read_arcface`."""
    embedding = Rule(
        (
            *_norm_keys("output_layer.0"),
            "output_layer.3.weight",
            "output_layer.3.bias",
            *_norm_keys("output_layer.4"),
        ),
        ("linear.weight", "linear.bias"),
        _fold_embedding,
        idle=(_counter("output_layer.0"), _counter("output_layer.4")),
    )
    return translate([*body_rules(), embedding], theirs, what="an IR-SE50 for ArcFace")


def body_rules(theirs: str = "") -> list[Rule]:
    """Return the rules for `nets.irse.IRSE` under the name `body`; `theirs` is the prefix of their keys."""
    rules = [
        _conv_norm(f"{theirs}input_layer.0", f"{theirs}input_layer.1", "body.stem.0"),
        Rule((f"{theirs}input_layer.2.weight",), ("body.stem.1.weight",)),
    ]
    places = [f"body.stages.{stage}.{unit}" for stage, units in enumerate(UNITS) for unit in range(units)]
    for number, ours in enumerate(places):
        residual = f"{theirs}body.{number}.res_layer"
        rules += [
            Rule(
                _norm_keys(f"{residual}.0"),
                (f"{ours}.affine.scale", f"{ours}.affine.shift"),
                _affine,
                idle=(_counter(f"{residual}.0"),),
            ),
            Rule((f"{residual}.1.weight",), (f"{ours}.conv1.weight",)),
            Rule((f"{residual}.2.weight",), (f"{ours}.prelu.weight",)),
            _conv_norm(f"{residual}.3", f"{residual}.4", f"{ours}.conv2"),
            Rule((f"{residual}.5.fc1.weight",), (f"{ours}.se.squeeze.weight",), _squeeze_kernel),
            Rule((f"{residual}.5.fc2.weight",), (f"{ours}.se.excite.weight",), _squeeze_kernel),
        ]
        if number in _WIDENING:
            shortcut = f"{theirs}body.{number}.shortcut_layer"
            rules.append(_conv_norm(f"{shortcut}.0", f"{shortcut}.1", f"{ours}.shortcut"))
    return rules


def _conv_norm(conv: str, norm: str, ours: str) -> Rule:
    """Return the rule for a convolution without bias and the BatchNorm after it."""
    return Rule(
        (f"{conv}.weight", *_norm_keys(norm)),
        (f"{ours}.weight", f"{ours}.bias"),
        _fold_norm,
        idle=(_counter(norm),),
    )


def _norm_keys(norm: str) -> tuple[str, ...]:
    return tuple(f"{norm}.{name}" for name in ("weight", "bias", "running_mean", "running_var"))


def _counter(norm: str) -> str:
    return f"{norm}.num_batches_tracked"


def _affine(weight: Tensor, bias: Tensor, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
    """Return scale and shift [C], in double precision, of a BatchNorm in evaluation mode."""
    scale = weight.double() / (variance.double() + 1e-5).sqrt()
    return scale, bias.double() - mean.double() * scale


def _fold_norm(kernel: Tensor, *norm: Tensor) -> tuple[Tensor, Tensor]:
    """Return kernel [O,I,H,W] and bias [O] of a convolution and the BatchNorm after it."""
    scale, shift = _affine(*norm)
    return kernel.double() * scale[:, None, None, None], shift


def _fold_embedding(*tensors: Tensor) -> tuple[Tensor, Tensor]:
    """Return the linear layer that is BatchNorm over [C,H,W], a linear layer, and BatchNorm over its outputs."""
    before, (weight, bias), after = tensors[:4], tensors[4:6], tensors[6:]
    scale, shift = (x.repeat_interleave(weight.shape[1] // len(x)) for x in _affine(*before))  # [C*H*W]
    weight, bias = weight.double() * scale, bias.double() + weight.double() @ shift
    scale, shift = _affine(*after)
    return weight * scale[:, None], bias * scale + shift


def _squeeze_kernel(kernel: Tensor) -> tuple[Tensor]:
    return (kernel.flatten(1),)
