"""Ways through w along which one thing about a face changes.

They are found by measuring faces (InterFaceGAN, arXiv 1907.10786), in the weights that read codes (SeFa, arXiv
2007.06600), or in how codes are spread (GANSpace, arXiv 2004.02546).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from jojo_cli.errors import UsageError
from jojo_cli.nets.generator import Generator


@dataclass(frozen=True)
class Direction:
    """A way through w.

    Attributes:
        name: what changes, or a number.
        vector: [1,D] for all codes, or [L,D]; as long as a standard deviation of what random faces' codes have of it.
        origin: where it comes from.
        figures: what was measured of it.
    """

    name: str
    vector: Tensor
    origin: str
    figures: Mapping[str, Any] = field(default_factory=dict)


def one_deviation(vector: Tensor, codes: Tensor) -> Tensor:
    """Return a vector [R,D] as long as a standard deviation of what codes [N,D] have of its mean row.

    Raises:
        UsageError: it leads nowhere.
    """
    length = vector.norm(dim=1).mean()
    if not length > 0 or not torch.isfinite(vector).all():
        raise UsageError("a direction of no length leads nowhere")
    along = F.normalize(vector.mean(dim=0), dim=0)
    step: Tensor = vector / length * (codes @ along.to(codes)).std().to(vector)
    return step


def edited(w_plus: Tensor, direction: Tensor, steps: float, keep: Sequence[Tensor] = ()) -> Tensor:
    """Return w_plus [N,L,D] after some steps along a direction [R,D], R being 1 or L.

    What others [R,D] stand for, as far as it is linear in w, stays: the direction is projected past them (InterFaceGAN,
    section 3.2), and is as long as it was.

    Raises:
        UsageError: there is nothing of the direction beside what shall stay.
    """
    step = past(direction, keep) if keep else direction
    return w_plus + steps * step.to(w_plus)


def place_along(w_plus: Tensor, direction: Tensor, mean_w: Tensor) -> float:
    """Return where a code w_plus [1,L,D] stands along a direction [R,D], in its steps: the mean face is at 0."""
    step = direction.mean(dim=0)
    return float((w_plus.mean(dim=1)[0] - mean_w) @ step / (step @ step))


def past(direction: Tensor, keep: Sequence[Tensor]) -> Tensor:
    """Return the part of a direction [R,D] that is at right angles to the mean rows of others, at the same length."""
    others = torch.stack([other.mean(dim=0) for other in keep]).to(direction)  # [K,D]
    basis = torch.linalg.svd(others, full_matrices=False).Vh[: torch.linalg.matrix_rank(others)]
    rest = direction - direction @ basis.T @ basis
    length, before = rest.norm(dim=1, keepdim=True), direction.norm(dim=1, keepdim=True)
    if (length < 0.05 * before).any():
        raise UsageError("nothing of the direction is left beside what shall stay", hint="keep less")
    same_length: Tensor = rest * before / length
    return same_length


def in_weights(generator: Generator, count: int, *, up_to: int) -> list[Tensor]:
    """Return the directions [1,D] to which the layers up to a resolution are most sensitive, the strongest first.

    The eigenvectors of A'A, A being the weights that make modulations of codes, their rows of unit length (SeFa).

    Args:
        generator: whose modulations are looked at.
        count: how many.
        up_to: the last resolution of layers, in pixels.
    """
    rows = [F.normalize(weight, dim=1) for weight in _modulations(generator, up_to)]
    matrix = torch.cat(rows).double()
    _, vectors = torch.linalg.eigh(matrix.T @ matrix)
    return [_signed(vector)[None].float() for vector in vectors.T.flip(0)[:count]]


def _modulations(generator: Generator, up_to: int) -> list[Tensor]:
    found: list[Tensor] = []
    for stage, side in zip(generator.stages, generator.stage_resolutions, strict=True):
        if side > up_to and found:
            break
        for name, module in stage.named_modules():
            if name.endswith("modulation"):
                assert isinstance(module.weight, Tensor)
                found.append(module.weight.detach())
    return found


def in_codes(codes: Tensor, count: int) -> list[tuple[Tensor, float]]:
    """Return the directions [1,D] in which codes [N,D] spread most, and the share of all that each has (GANSpace)."""
    centred = (codes - codes.mean(dim=0)).double()
    variances, vectors = torch.linalg.eigh(centred.T @ centred / len(codes))
    shares = (variances / variances.sum()).flip(0).tolist()
    return [
        (_signed(vector)[None].float(), share) for vector, share in zip(vectors.T.flip(0)[:count], shares, strict=False)
    ]


def _signed(vector: Tensor) -> Tensor:
    """Return a vector with its largest number positive: else its sign would be chance."""
    return vector * vector[vector.abs().argmax()].sign()
