"""How a base reads a picture's code off it."""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import torch
from torch import Tensor

from jojo_cli.bases.latents import Latents
from jojo_cli.bases.views import face_chip, shrink, whole_view
from jojo_cli.device import Device
from jojo_cli.nets.feedback_encoder import FeedbackEncoder
from jojo_cli.nets.generator import Generator


class Encoder(Protocol):
    """A network, its weights, and how what it says becomes w+."""

    def __call__(self, images: Tensor) -> Tensor:
        """Return w_plus [N,L,D] of aligned images [N,3,R,R], RGB in [-1,1]."""


@dataclass(frozen=True)
class FeedbackLoop:
    """An encoder that looks at the picture, has the generator draw what it understood, and looks again.

    Its codes are straightened (see `Latents`), one for each octave of the generator [N,O,D].
    """

    net: FeedbackEncoder
    generator: Generator
    latents: Latents
    device: Device
    passes: int = 2

    def __call__(self, images: Tensor) -> Tensor:
        """Return w_plus [N,L,D] of aligned images [N,3,R,R], RGB in [-1,1]."""
        with torch.no_grad():
            wanted = self.look(images)
            code = self.centre(len(images))
            for number in range(self.passes):
                drawn = self.look(self.draw(code)) if number else self.first.expand_as(wanted)
                code = self.correct(wanted, drawn, code)
            return self.w_plus(code)

    @property
    def side(self) -> int:
        """Side of the pictures that are looked at, in pixels; that of a view is half of it."""
        return min(256, self.generator.resolution)

    def centre(self, count: int) -> Tensor:
        """Return the code [N,O,D] to start from."""
        shape = (count, self.net.octaves, self.generator.w_dim)
        return torch.zeros(shape, device=self.device.torch_device)

    @cached_property
    def first(self) -> Tensor:
        """Views [1,V,3,H,H] of what is drawn of any picture at first: `centre`."""
        with torch.no_grad():
            return self.look(self.draw(self.centre(1)))

    def look(self, images: Tensor) -> Tensor:
        """Return views [N,V,3,H,H] of images [N,3,R,R]: the whole and the face."""
        images, size = shrink(images, self.side), self.side // 2
        return torch.stack((whole_view(size)(images), face_chip(images, size)), dim=1)

    def correct(self, wanted: Tensor, drawn: Tensor, code: Tensor) -> Tensor:
        """Return a better code [N,O,D], by views of the picture and of what `code` draws."""
        with self.device.autocast():
            change: Tensor = self.net(wanted, drawn, code)
        return code + change.float()

    def draw(self, code: Tensor) -> Tensor:
        """Return the images [N,3,S,S] of a code [N,O,D], as small as `look` allows."""
        return self.synthesis(self.w_plus(code))

    def synthesis(self, w_plus: Tensor) -> Tensor:
        """Return the images [N,3,S,S] of w_plus [N,L,D], as small as `look` allows."""
        with self.device.autocast():
            return self.generator.synthesis(w_plus, at_least=self.side)

    def w_plus(self, code: Tensor) -> Tensor:
        """Return w_plus [N,L,D] of a code [N,O,D]."""
        return self.latents.bend(code)[:, octave_of_code(self.generator)]


def octaves(generator: Generator) -> list[int]:
    """Return the resolutions that get a code of their own, in pixels: all, 4 and 8 px together."""
    return sorted({max(r, 8) for r in generator.code_resolutions})


def octave_of_code(generator: Generator) -> list[int]:
    """Return the octave of each code in w+ (L), by its number."""
    known = octaves(generator)
    return [known.index(max(r, 8)) for r in generator.code_resolutions]


def first_of_octave(generator: Generator) -> list[int]:
    """Return the first code in w+ of each octave (O)."""
    octave = octave_of_code(generator)
    return [octave.index(number) for number in range(len(octaves(generator)))]
