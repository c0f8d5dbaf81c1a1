"""Finding directions in w that change one thing about a face, see `jojo_cli.stylize.directions`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from jojo_cli.bases.base import Base
from jojo_cli.bases.regions import GRID, REGIONS
from jojo_cli.faces.align import FloatArray
from jojo_cli.images import to_image
from jojo_cli.nets.generator import State
from jojo_cli.stylize.finetune import FindLandmarks

RIDGE = 1.5
"""How much a regression is held back, as a share of the mean variance of codes.

With less, a measure is told better, and its direction leads away from where faces are, so that a step changes little;
with more, it leads to what faces with more of it are like in everything else.
"""


def measures(landmarks: FloatArray, picture: Image.Image, regions: Tensor) -> dict[str, float]:
    """Return what is measured of a face.

    Args:
        landmarks: [68,2], x and y in shares of the crop's side.
        picture: the crop.
        regions: how probable each region is at its places [4,G,G].
    """

    def middle(first: int, last: int) -> FloatArray:
        found: FloatArray = landmarks[first:last].mean(axis=0)
        return found

    def gap(a: int, b: int) -> float:
        return float(np.hypot(*(landmarks[a] - landmarks[b])))

    left, right = middle(36, 42), middle(42, 48)
    eyes = float(np.hypot(*(right - left)))
    across = (right - left) / eyes
    down = np.array([-across[1], across[0]])
    centre, mouth, nose = (left + right) / 2, middle(48, 68), middle(30, 36)
    shown = np.asarray(picture.convert("RGB").resize((GRID, GRID), Image.Resampling.BOX), dtype=float) / 255
    light = shown @ np.array([0.299, 0.587, 0.114])

    def brightness(region: str) -> float:
        share = regions[REGIONS.index(region)].cpu().double().numpy()
        return float((share * light).sum() / (share.sum() + 1e-3))

    hair = regions[REGIONS.index("hair")].cpu().double().numpy()
    below = np.arange(GRID) > GRID * landmarks[[0, 16], 1].mean()
    return {
        "yaw": float((nose - centre) @ across) / eyes,
        "pitch": float((nose - centre) @ down / ((mouth - centre) @ down)),
        "smile": (gap(48, 54) + 2 * float((landmarks[[51, 57]].mean(0) - landmarks[[48, 54]].mean(0)) @ down)) / eyes,
        "mouth-open": (gap(61, 67) + gap(62, 66) + gap(63, 65)) / 3 / eyes,
        "eyes-open": (gap(37, 41) + gap(38, 40) + gap(43, 47) + gap(44, 46)) / 4 / eyes,
        "eye-size": (gap(36, 39) + gap(42, 45)) / 2 / eyes,
        "brow-height": float((centre - middle(17, 27)) @ down) / eyes,
        "face-width": gap(3, 13) / float((landmarks[8] - centre) @ down),
        "nose-width": gap(31, 35) / eyes,
        "lips": (gap(51, 62) + gap(57, 66)) / eyes,
        "hair-length": float(hair[below].mean()),
        "hair-light": brightness("hair"),
        "skin-light": brightness("face"),
        "background-light": brightness("background"),
    }


def measured(
    base: Base, w_plus: Tensor, find_landmarks: FindLandmarks, *, at_least: int | None = None
) -> tuple[Image.Image, dict[str, float]]:
    """Return what a base that knows regions draws of a code w_plus [1,L,D], and what is measured of that.

    `at_least` is that of `Generator.image`.
    """
    assert base.load_regions
    states: list[State] = []
    with torch.inference_mode(), base.device.autocast():
        image = base.generator.synthesis(w_plus, at_least=at_least, states=states)
    picture = to_image(image[0])
    return picture, measures(find_landmarks(picture), picture, base.load_regions()(states))


def as_table(rows: Sequence[Mapping[str, float]]) -> dict[str, NDArray[np.float64]]:
    """Return the measures of N faces as N numbers for each measure."""
    return {name: np.array([row[name] for row in rows]) for name in rows[0]}


@dataclass(frozen=True)
class Fit:
    """A direction, and how well what it stands for can be told from codes."""

    vector: Tensor  # [D]: a step along it raises the measure by about its standard deviation
    r2: float  # the square of the correlation, on faces that it was not found with


def fit_directions(w: Tensor, values: Mapping[str, NDArray[np.float64]]) -> dict[str, Fit]:
    """Return the directions of measures.

    Ridge regression, as of InterFaceGAN's boundaries (Shen et al., CVPR 2020) where a measure stands for labels.

    Args:
        w: codes of faces [N,D].
        values: what was measured of them, N each.
    """
    known = len(w) * 4 // 5
    mean = w[:known].mean(dim=0)
    centred = (w - mean).double()
    gram = centred[:known].T @ centred[:known] / known
    held = gram + RIDGE * gram.diagonal().mean() * torch.eye(len(gram), dtype=gram.dtype)
    fits = {}
    for name, measured in values.items():
        y = torch.from_numpy(measured).double()
        y = (y - y[:known].mean()) / y[:known].std()
        slope = torch.linalg.solve(held, centred[:known].T @ y[:known] / known)
        r2 = float(torch.corrcoef(torch.stack([centred[known:] @ slope, y[known:]]))[0, 1].square())
        fits[name] = Fit((slope / slope.square().sum()).float(), r2)
    return fits


def effects(
    before: Mapping[str, NDArray[np.float64]],
    after: Mapping[str, NDArray[np.float64]],
    usual: Mapping[str, NDArray[np.float64]],
) -> dict[str, float]:
    """Return how far each measure moved on average, in standard deviations of what is usual."""
    return {name: float((after[name] - before[name]).mean() / usual[name].std()) for name in before}
