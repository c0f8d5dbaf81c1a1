"""The frozen networks that judge pictures: how far apart two are, and whether they show the same person."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor, nn

from jojo_cli.nets.generator import Area
from jojo_cli.nets.ops import Features


class Comparer(Protocol):
    """Says how far pictures are apart, in two halves, so that the features of a fixed picture are computed once."""

    def features(self, images: Tensor) -> Features:
        """Return what is compared of images [N,3,S,S], RGB in [-1,1]: a layer each [N,C,H,W]."""

    def distance(self, a: Features, b: Features) -> Tensor:
        """Return the distances [N] between two sets of features; 0 is the same picture."""


@dataclass(frozen=True)
class Critic:
    """A comparer whose judgement finetuning follows."""

    net: Comparer
    side: int  # of the pictures that it looks at, in pixels
    sha256: str  # of its weights


@dataclass(frozen=True)
class Recogniser:
    """A network that turns a face into a descriptor: near to others of the same person, far from other people's."""

    net: nn.Module
    cut: Callable[[Tensor], Tensor]  # from aligned images [N,3,R,R] to the faces that it takes
    area: Area  # all that is cut from
    same: float  # the cosine of two descriptors from which on, in one scene, they are of one person

    def __call__(self, images: Tensor) -> Tensor:
        """Return descriptors [N,K] of aligned images [N,3,R,R], RGB in [-1,1]."""
        descriptors: Tensor = self.net(self.cut(images))
        return descriptors
