"""Where a reference shows how a part of another face is drawn.

A generator's features say what is where: places of two faces that have like features show the same part of a face. So
the reference's natural face, which lies under the reference, tells where to look: hair is drawn as the reference's
hair, also where the reference has a forehead. This is the image analogy of Hertzmann et al. (2001), found as Liao et
al. do ("Visual attribute transfer through deep image analogy", arXiv 1705.01088), with the features of the generator
itself.
"""

from collections.abc import Iterable, Sequence
from math import isqrt
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from jojo_cli.bases.judges import Comparer
from jojo_cli.bases.regions import REGIONS, RegionFinder, inside
from jojo_cli.bases.views import View, resized, shrink
from jojo_cli.nets.generator import State
from jojo_cli.nets.ops import Features
from jojo_cli.stylize.detail import contrasts

PLACE = 16
"""Side of a place, in pixels of the whole picture."""

SHARPNESS = 0.03
"""The difference of cosines at which a place has a share of 1/e of that of the most alike one."""

NEARNESS = 0.5
"""What being a whole side apart takes from the cosine of two places; it grows with the square."""

SUSPICION = 0.18
"""The difference of cosines at which a place, laid on another one, counts 1/e of what the most alike one would."""

DOUBT = 0.2
"""The deviation of the colours of like places, in [-1,1], at which they say 1/e of what one colour would."""

SHADE = 0.12
"""The difference of colours, in [-1,1], up to which they are about the same."""

FOREIGN, HAIRY = 0.33, 0.45
"""How common a colour is in hair, in shares of that and behind: up to here it is no hair, from there on it is."""

UNLIKE = 0.01
"""The share of a place that shows another region, beside one that shows the same."""


class Likeness(NamedTuple):
    """How alike the P places of a face are to those of a reference, which are G x G squares of `PLACE` pixels."""

    places: Tensor  # [P,P]: their cosines, less for what is far apart
    regions: Tensor | None  # [K,64,64]: how probable each is at a place of the face, if they are known


class Regions(NamedTuple):
    """How probable each region is at each place of a reference [K,64,64]."""

    natural: Tensor  # by its natural face
    trusted: Tensor  # less what the reference may not show there, see `trusted`

    @classmethod
    def of(cls, natural: Tensor, image: Tensor) -> "Regions":
        """Return the regions [K,64,64] of the natural face of a reference [1,3,R,R] as both."""
        return cls(natural, trusted(natural, image))


class Match(NamedTuple):
    """Which places of a reference show what places of a face show; P of them are G x G squares of `PLACE` pixels."""

    shares: Tensor  # [P,P] of each place of the reference, in rows that add up to 1
    chosen: Tensor  # [P], one of them by lot


class Example(NamedTuple):
    """How places shall look to a critic."""

    means: Sequence[Tensor]  # of all layers, each [C,S,S]
    values: Sequence[Tensor]  # of the fine layers, each [V,C]: those of the chosen places


class Shades(NamedTuple):
    """Which colours places shall have, and where that is sure."""

    colours: Tensor  # [1,3,G,G], RGB in [-1,1]
    counts: Tensor  # [1,1,G,G], 0 to 1

    def distance(self, images: Tensor) -> Tensor:
        """Return how far the mean colours of the places of one picture [1,3,S,S] are from these; 0 is alike."""
        return (self.counts * (shrink(images.float(), self.colours.shape[-1]) - self.colours).abs()).mean()


class Analogy:
    """A reference that tells how other faces are drawn like it."""

    def __init__(
        self,
        comparer: Comparer,
        image: Tensor,
        natural: Sequence[State],
        scales: Iterable[int],
        find_regions: RegionFinder | None = None,
    ) -> None:
        """Look at a reference [1,3,R,R] at some scales; `natural` is what its natural face was drawn through.

        With `find_regions`, hair is compared with hair, and skin with skin.
        """
        self.find_regions = find_regions
        self.regions = Regions.of(find_regions(natural), image) if find_regions else None
        self.grid = image.shape[-1] // PLACE
        self.natural = self._described(natural)
        axis = torch.linspace(0, 1, self.grid, device=image.device)
        apart = (axis[:, None] - axis).square()  # [G,G]
        self.apart = (apart[:, None, :, None] + apart[None, :, None, :]).flatten(2).flatten(0, 1)  # [P,P]
        self.contrasts = contrasts(image, self.grid)[0].flatten(1).T  # [P,B]
        self.colours = shrink(image.float(), self.grid)[0].flatten(1).T  # [P,3]
        self.means: dict[int, Tensor] = {}  # of all layers [P,C], by scale
        self.values: dict[int, list[Tensor]] = {}  # of the fine layers, each [P,K,C]
        with torch.no_grad():
            for scale in scales:
                features = comparer.features(View(scale, scale)(image))
                self.means[scale] = torch.cat([self._means(x) for x in features], dim=1).to(features[0].dtype)
                self.values[scale] = [self._values(x) for x in _fine(features)]
                # Of each layer: the same at each scale.
                self.channels, self.dtype = [x.shape[1] for x in features], features[0].dtype

    def compare(self, states: Sequence[State]) -> Likeness:
        """Return how a face is like the reference, from what it is drawn through."""
        own, natural = (
            torch.cat(x, dim=1) for x in zip(*map(_alike, self._described(states), self.natural), strict=True)
        )
        alike = (own @ natural.T).float().div_(len(self.natural)).sub_(self.apart, alpha=NEARNESS)
        return Likeness(alike, self.find_regions(states) if self.find_regions else None)

    def likeness_at(self, likeness: Likeness, moves: Tensor) -> Tensor:
        """Return how alike the places of a face [1,1,G,G] are to those of the reference that moves lead to.

        1 is as alike as any place of the reference; `moves` [1,2,K,K] are to the right and down, in shares of the side.
        """
        moves = F.interpolate(moves, size=(self.grid, self.grid), mode="bilinear", align_corners=False)[0] * self.grid
        places = torch.arange(self.grid, device=moves.device)
        column, row = (
            (places_ + move).round().long().clamp(0, self.grid - 1)
            for places_, move in zip((places, places[:, None]), moves, strict=True)
        )
        there = likeness.places.gather(1, (row * self.grid + column).flatten()[:, None])[:, 0]
        less = (likeness.places.amax(dim=1) - there).clamp(min=0)
        return torch.exp(-less / SUSPICION).view(1, 1, self.grid, self.grid)

    def match(self, likeness: Likeness, rng: torch.Generator) -> Match:
        """Return which places of the reference show what those of a face show."""
        alike = likeness.places / SHARPNESS
        if likeness.regions is not None and self.regions is not None:
            own, regions = (
                _averaged(x[None], self.grid)[0].flatten(1) for x in (likeness.regions, self.regions.trusted)
            )
            alike.add_((own.T @ regions + UNLIKE).log())
        shares = torch.softmax(alike, dim=1)
        lots = torch.rand(len(shares), 1, generator=rng).to(shares.device)
        chosen = torch.searchsorted(shares.cumsum(dim=1), lots)[:, 0].clamp(max=len(shares) - 1)
        return Match(shares.to(self.dtype), chosen)

    def example(self, match: Match, view: View) -> Example:
        """Return how the places that are seen through `view` shall look."""
        place = view.scale // self.grid
        rows, columns = (slice(start // place, (start + view.size) // place) for start in (view.top, view.left))
        shares, chosen = (x.view(self.grid, self.grid, -1)[rows, columns] for x in match)  # [S,S,P], [S,S,1]
        means = (shares @ self.means[view.scale]).permute(2, 0, 1)
        return Example(
            torch.split(means, self.channels), [x[chosen.flatten()].flatten(0, 1) for x in self.values[view.scale]]
        )

    def contrasts_of(self, match: Match) -> Tensor:
        """Return the contrasts [1,B,G,G] of the places that show what those of a face show, see `contrasts`."""
        return (match.shares.float() @ self.contrasts).T.reshape(1, -1, self.grid, self.grid)

    def shades_of(self, match: Match) -> Shades:
        """Return the colours of the places that show what those of a face show: sure where these are of one colour."""
        moments = match.shares.float() @ torch.cat([self.colours, self.colours.square()], dim=1)  # [P,6]
        means, squares = moments.T.reshape(1, 6, self.grid, self.grid).chunk(2, dim=1)
        variance = (squares - means.square()).clamp(min=0).sum(dim=1, keepdim=True)
        return Shades(means, torch.exp(-variance / DOUBT**2))

    def _described(self, states: Sequence[State]) -> list[Tensor]:
        """Return what a generator's features say of the places [P,C] of one face."""
        return [self._means(x) for x, *_ in states if x.shape[-1] in (self.grid // 2, self.grid)]

    def _means(self, features: Tensor) -> Tensor:
        """Return the mean of features [1,C,H,W] at each place [P,C]."""
        return _averaged(features, self.grid).flatten(2)[0].T

    def _values(self, features: Tensor) -> Tensor:
        """Return all values of features [1,C,H,W] by place [P,K,C]."""
        side = features.shape[-1] // self.grid
        inside = features[0, :, : side * self.grid, : side * self.grid]
        places = inside.reshape(-1, self.grid, side, self.grid, side)
        return places.permute(1, 3, 2, 4, 0).flatten(2, 3).flatten(0, 1)


def _alike(own: Tensor, other: Tensor) -> tuple[Tensor, Tensor]:
    """Return descriptions of places [P,C] whose products are cosines, each channel by what it varies over both."""
    both = torch.cat([own, other])
    middle, deviation = both.mean(dim=0), both.std(dim=0) + 1e-3
    a, b = (F.normalize((x - middle) / deviation, dim=1) for x in (own, other))
    return a, b


def place_distance(features: Features, example: Example) -> Tensor:
    """Return how far the places of one picture are from how they shall look; 0 is alike.

    The mean absolute difference of the features' means over places, in standard deviations of what is wanted.
    """
    distances = []
    for x, wanted in zip(features, example.means, strict=True):
        side = min(wanted.shape[-1], 1 << (x.shape[-1].bit_length() - 1))  # a layer with fewer places has larger ones
        y = _averaged(wanted[None], side)[0]
        # Of each channel, but not less than what stands out beside the others.
        deviation = y.std(dim=(1, 2), keepdim=True) + 0.1 * y.std() + 1e-4
        distances.append(((_averaged(x, side)[0] - y).abs() / deviation).mean())
    return torch.stack(distances).mean()


def texture_distance(features: Features, example: Example, rng: torch.Generator) -> Tensor:
    """Return how differently one picture is drawn from how its places shall look, all in all; 0 is alike.

    The values that the fine layers take along random directions are sorted and compared: the sliced Wasserstein
    distance of Heitz et al., "A sliced Wasserstein loss for neural texture synthesis" (arXiv 2006.07229). Values are in
    standard deviations, and the differences absolute, not squared: so even areas and thin lines count beside what is
    strong.
    """
    distances = []
    for x, wanted in zip(_fine(features), example.values, strict=True):
        side = isqrt(len(wanted))
        x = x[0, :, :side, :side].flatten(1).T  # [V,C]
        directions = F.normalize(torch.randn(x.shape[1], 12, generator=rng), dim=0).to(x.device)
        a, b = ((values.float() @ directions).sort(dim=0).values for values in (x, wanted))  # [V,12]
        distances.append(((a - b).abs().mean(dim=0) / b.std(dim=0).clamp(min=1e-3)).mean())
    return torch.stack(distances).mean()


def _fine(features: Features) -> Features:
    """Return the layers that tell how something is drawn: the first three, the first in part, as it is large."""
    return features[0][..., ::2, ::2], *features[1:3]


def _averaged(features: Tensor, side: int) -> Tensor:
    """Return features [N,C,H,W] as means over side x side places."""
    return resized(features.float(), side)[..., :side, :side]  # shift-tolerant layers have a row more


def trusted(regions: Tensor, image: Tensor) -> Tensor:
    """Return regions [K,G,G] less what a reference [1,3,R,R] may not show where its natural face does.

    Along borders, the two seldom agree. What is rare in the background, and common elsewhere, is none: it is the locks
    and the clothes that only the reference has. And what is far more common in this background than in the hair is no
    hair: where the reference wears its hair shorter, or up.
    """
    regions = inside(regions[None])[0]
    background, hair = REGIONS.index("background"), REGIONS.index("hair")
    red, green, blue = resized(image.float(), regions.shape[-1])[0].flatten(1)
    colours = torch.stack([(red + green + blue) / 3, red - green, blue - green], dim=1)  # [G*G,3]
    alike = torch.exp(-torch.cdist(colours, colours).square() / (2 * SHADE**2))

    def commonness(regions: Tensor) -> Tensor:
        """Return how much of each region is of the colour of each place [K,G*G]."""
        shares = regions.flatten(1)
        return shares @ alike / (shares.sum(dim=1, keepdim=True) + 1)

    common = commonness(regions)
    own = common[background].square() / common.sum(dim=0)
    most = (own * regions[background].flatten()).max()
    sure = (4 * own / most.clamp(min=1e-6) - 2).clamp(0, 1)  # of half the most common: none
    regions[background] *= sure.view_as(regions[background])
    in_hair, behind = commonness(regions[[hair, background]])
    share = in_hair / (in_hair + behind).clamp(min=1e-6)
    regions[hair] *= ((share - FOREIGN) / (HAIRY - FOREIGN)).clamp(0, 1).view_as(regions[hair])
    return regions
