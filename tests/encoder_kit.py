"""IR-SE50 and the encoders under the names of those who published them: keys, shapes, and weights from a seed."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

GOLDEN = Path(__file__).parent / "data" / "golden"

UNITS = (3, 4, 14, 3)
PUBLISHED = (64, 128, 256, 512)
SMALL = (16, 32, 48, 64)
"""Widths of the stages; those of a test still give each squeeze and excitation a channel between."""

_NORM = ("weight", "bias", "running_mean", "running_var")

Shape = tuple[int, ...]


def golden(name: str) -> dict[str, Tensor]:
    """Return the arrays of a golden file."""
    with np.load(GOLDEN / f"{name}.npz") as arrays:
        return {key: torch.from_numpy(arrays[key]) for key in arrays}


def fill(shapes: Mapping[str, Shape], *, seed: int) -> dict[str, Tensor]:
    """Return the weights that the golden files were computed with: drawn key by key, in sorted order."""
    rng = np.random.RandomState(seed)
    state = {}
    for key in sorted(shapes):
        shape = shapes[key]
        if key.endswith("num_batches_tracked"):
            state[key] = torch.tensor(7)
            continue
        a = torch.from_numpy(rng.standard_normal(shape).astype(np.float32))
        if key.endswith("running_var"):
            a = 1 + 0.1 * a.abs()
        elif key.endswith(("running_mean", "bias")):
            a *= 0.1
        elif len(shape) == 1:
            a = 1 + 0.1 * a
        else:
            a /= float(np.prod(shape[1:])) ** 0.5
        state[key] = a
    return state


def arcface_shapes(widths: Sequence[int] = SMALL, *, dimensions: int = 32) -> dict[str, Shape]:
    """Return keys and shapes of an ArcFace with an IR-SE50."""
    return {
        **_body(widths),
        **_norm("output_layer.0", widths[-1]),
        "output_layer.3.weight": (dimensions, widths[-1] * 7 * 7),
        "output_layer.3.bias": (dimensions,),
        **_norm("output_layer.4", dimensions),
    }


def pyramid_shapes(widths: Sequence[int] = SMALL, *, codes: int = 18) -> dict[str, Shape]:
    """Return keys and shapes of an encoder of pSp or e4e."""
    width = widths[-1]
    shapes = {
        **_body(widths),
        **_conv("latlayer1", width, widths[-2], 1),
        **_conv("latlayer2", width, widths[-3], 1),
    }
    for code in range(codes):
        shapes |= _head(code, width, convs=4 if code < 3 else 5 if code < 7 else 6)
    return shapes


def backbone_shapes(widths: Sequence[int] = SMALL, *, codes: int = 18) -> dict[str, Shape]:
    """Return keys and shapes of an encoder of ReStyle."""
    shapes = _body(widths, in_channels=6)
    for code in range(codes):
        shapes |= _head(code, widths[-1], convs=4)
    return shapes


def body_features(theirs: Mapping[str, Tensor], images: Tensor) -> Tensor:
    """Return the features after the last unit, [N,C,H,W], as the published network computes them, step by step."""

    def norm(x: Tensor, name: str) -> Tensor:
        weight, bias, mean, variance = (theirs[f"{name}.{part}"] for part in _NORM)
        return F.batch_norm(x, mean, variance, weight, bias)

    x = norm(F.conv2d(images, theirs["input_layer.0.weight"], padding=1), "input_layer.1")
    x = F.prelu(x, theirs["input_layer.2.weight"])
    for number in range(sum(UNITS)):
        shortcut, residual = f"body.{number}.shortcut_layer", f"body.{number}.res_layer"
        stride = 2 if number in (0, 3, 7, 21) else 1
        y = F.conv2d(norm(x, f"{residual}.0"), theirs[f"{residual}.1.weight"], padding=1)
        y = F.prelu(y, theirs[f"{residual}.2.weight"])
        y = norm(F.conv2d(y, theirs[f"{residual}.3.weight"], stride=stride, padding=1), f"{residual}.4")
        gate = F.conv2d(F.adaptive_avg_pool2d(y, 1), theirs[f"{residual}.5.fc1.weight"]).relu()
        y = y * F.conv2d(gate, theirs[f"{residual}.5.fc2.weight"]).sigmoid()
        if f"{shortcut}.0.weight" in theirs:
            x = y + norm(F.conv2d(x, theirs[f"{shortcut}.0.weight"], stride=stride), f"{shortcut}.1")
        else:
            x = y + F.max_pool2d(x, 1, stride)
    return x


def head_output(theirs: Mapping[str, Tensor], code: int, features: Tensor, *, convs: int) -> Tensor:
    """Return what the head of a code makes of features, [N,D], as the published network computes it."""
    head = f"styles.{code}"
    for i in range(convs):
        conv = f"{head}.convs.{2 * i}"
        features = F.leaky_relu(F.conv2d(features, theirs[f"{conv}.weight"], theirs[f"{conv}.bias"], 2, 1))
    weight = theirs[f"{head}.linear.weight"]
    return F.linear(features.flatten(1), weight / weight.shape[1] ** 0.5, theirs[f"{head}.linear.bias"])


def _body(widths: Sequence[int], in_channels: int = 3) -> dict[str, Shape]:
    shapes = {
        "input_layer.0.weight": (widths[0], in_channels, 3, 3),
        **_norm("input_layer.1", widths[0]),
        "input_layer.2.weight": (widths[0],),
    }
    last = widths[0]
    for number, width in enumerate(width for width, units in zip(widths, UNITS, strict=True) for _ in range(units)):
        unit = f"body.{number}"
        if width != last:
            shapes |= {
                f"{unit}.shortcut_layer.0.weight": (width, last, 1, 1),
                **_norm(f"{unit}.shortcut_layer.1", width),
            }
        shapes |= {
            **_norm(f"{unit}.res_layer.0", last),
            f"{unit}.res_layer.1.weight": (width, last, 3, 3),
            f"{unit}.res_layer.2.weight": (width,),
            f"{unit}.res_layer.3.weight": (width, width, 3, 3),
            **_norm(f"{unit}.res_layer.4", width),
            f"{unit}.res_layer.5.fc1.weight": (width // 16, width, 1, 1),
            f"{unit}.res_layer.5.fc2.weight": (width, width // 16, 1, 1),
        }
        last = width
    return shapes


def _head(code: int, width: int, *, convs: int) -> dict[str, Shape]:
    shapes = {f"styles.{code}.linear.weight": (width, width), f"styles.{code}.linear.bias": (width,)}
    for i in range(convs):
        shapes |= _conv(f"styles.{code}.convs.{2 * i}", width, width, 3)
    return shapes


def _conv(name: str, outputs: int, inputs: int, side: int) -> dict[str, Shape]:
    return {f"{name}.weight": (outputs, inputs, side, side), f"{name}.bias": (outputs,)}


def _norm(name: str, channels: int) -> dict[str, Shape]:
    return {**{f"{name}.{part}": (channels,) for part in _NORM}, f"{name}.num_batches_tracked": ()}
