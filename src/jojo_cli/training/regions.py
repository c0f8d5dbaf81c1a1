"""Finding the regions of faces, and their irises, in a generator's features, see `jojo_cli.bases.regions`."""

from collections.abc import Mapping, Sequence

import torch
import torch.nn.functional as F
from torch import Tensor

from jojo_cli.bases.regions import EYES, GRID, REGIONS, Region

CROWN = 26 / 64
"""So far from the top, in shares of the side, what looks like clothes is a hat."""


def clusters(places: Tensor, count: int, *, rounds: int = 30, seed: int = 0) -> Tensor:
    """Return which cluster each place of faces belongs to [N,P], by spherical k-means.

    Places that lie in one cluster show like regions (Collins et al., "Editing in style", arXiv 2004.14367). The largest
    cluster is number 0.

    Args:
        places: what features say of them [N,P,C].
        count: of clusters.
        rounds: of k-means.
        seed: of its beginning.
    """
    flat = _standard(places.flatten(0, 1))
    flat = F.normalize(flat, dim=1)
    rng = torch.Generator().manual_seed(seed)
    some = flat[torch.randperm(len(flat), generator=rng)[:100_000]]
    centres = some[:count]
    for _ in range(rounds):
        nearest = (some @ centres.T).argmax(dim=1)
        sums = torch.zeros_like(centres).index_add_(0, nearest, some)
        centres = F.normalize(sums, dim=1)
    found = (flat @ centres.T).argmax(dim=1)
    order = torch.bincount(found, minlength=count).argsort(descending=True)
    return order.argsort()[found].view(places.shape[:2])


def fit_regions(
    places: Tensor, found: Tensor, meaning: Mapping[Region, Sequence[int]], *, seed: int = 0
) -> tuple[Tensor, Tensor]:
    """Return the weight [4,C] and bias [4] that tell regions from one another, learnt from clusters somebody named.

    Args:
        places: what features say of places [N,P,C].
        found: their clusters [N,P].
        meaning: the clusters of each region; places of others are left out.
        seed: of the order of learning.
    """
    label = torch.full((int(found.max()) + 1,), -1)
    for region, numbers in meaning.items():
        label[list(numbers)] = REGIONS.index(region)
    labels = label[found]  # [N,P]
    rows = torch.arange(GRID * GRID) // GRID
    hats = (labels == REGIONS.index("body")) & (rows < CROWN * GRID)
    labels = torch.where(hats, REGIONS.index("hair"), labels).flatten()
    flat = places.flatten(0, 1)
    mean, deviation = flat.mean(dim=0), flat.std(dim=0) + 1e-3
    known = torch.nonzero(labels >= 0)[:, 0]
    weight = torch.zeros(len(REGIONS), places.shape[2], requires_grad=True)
    bias = torch.zeros(len(REGIONS), requires_grad=True)
    optimizer = torch.optim.Adam([weight, bias], lr=0.01)
    rng = torch.Generator().manual_seed(seed)
    for _ in range(600):
        some = known[torch.randint(len(known), (8192,), generator=rng)]
        scores = (flat[some] - mean) / deviation @ weight.T + bias
        loss = F.cross_entropy(scores, labels[some]) + 3e-3 * weight.square().sum()
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    scaled = weight.detach() / deviation
    return scaled, bias.detach() - scaled @ mean


def fit_irises(places: Tensor, shares: Tensor) -> tuple[Tensor, Tensor]:
    """Return the weight [C] and bias [] that say how much of a place is iris, by logistic regression.

    Args:
        places: what features say of places [N,P,C].
        shares: how much of each is iris, from 0 to 1 [N,P].
    """
    eyes = torch.zeros(GRID, GRID, dtype=torch.bool)
    eyes[EYES] = True
    x, y = (of[:, eyes.flatten()].float().flatten(0, 1) for of in (places, shares))
    mean, deviation = x.mean(dim=0), x.std(dim=0) + 1e-3
    x = (x - mean) / deviation
    weight = torch.zeros(x.shape[1], requires_grad=True)
    bias = torch.zeros((), requires_grad=True)
    optimizer = torch.optim.LBFGS([weight, bias], max_iter=150, history_size=20, line_search_fn="strong_wolfe")

    def loss() -> Tensor:
        optimizer.zero_grad()
        wrong = F.binary_cross_entropy_with_logits(x @ weight + bias, y, reduction="sum") / y.sum()
        loss = wrong + 1e-2 * weight.square().sum()
        loss.backward()  # type: ignore[no-untyped-call]
        return loss

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    scaled = weight.detach() / deviation
    return scaled, bias.detach() - scaled @ mean


def _standard(x: Tensor) -> Tensor:
    return (x - x.mean(dim=0)) / (x.std(dim=0) + 1e-3)
