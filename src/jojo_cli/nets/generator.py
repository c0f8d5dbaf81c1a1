"""What every generator offers, so that one algorithm serves them all."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Self

import torch
import torch.nn.functional as F
from torch import Tensor, nn

NoiseMaps = Mapping[str, Tensor]
"""Noise [1,1,S,S] that is the same for all pictures, by the name of the buffer that holds it."""

State = tuple[Tensor, ...]
"""What flows between the stages of a synthesis: features, and a picture so far where the network has one."""


Area = tuple[tuple[float, float], tuple[float, float]]
"""The first and last row, and column, of a part of a picture, as shares of its side."""

COARSE = 64
"""Side, in pixels, up to which features say what is where, rather than how it is drawn."""

STYLE_PARTS = ("displacement", "palette", "tints", "irises", "strokes", "gains", "tones")
"""What a style has beside the weights of a network, as buffers of a `Generator`; a base has none."""


class Generator(nn.Module):
    """Mapping (z to w) and synthesis (w+ to image) in stages.

    A subclass sets `mapping` and `stages`, and turns the last state into an image. Which code acts where is said in
    pixels (`code_resolutions`), so that "from 64 px up" means the same for every generator.
    """

    mapping: nn.Module
    """z [N,D] -> w [N,D]."""

    stages: nn.ModuleList
    """Each takes a state and w+ [N,L,D] and gives the next state; the first ignores its state, `()`."""

    displacement: Tensor | None
    """Where pictures are looked at [1,2,G,G], in shares of their side from the middle of each of G x G places."""

    palette: Tensor | None
    """The code [1,L,D] of what the style was learnt from: towards its fine codes those of a face take its colours."""

    tints: Tensor | None
    """The colours [2,R,4] of some regions in what the style draws, and those they are to have, see `tinted`."""

    irises: Tensor | None
    """The colour [3] that irises are to have, RGB in [-1,1], see `with_irises`."""

    strokes: Tensor | None
    """How hair and the rest are smoothed along what is drawn there [2,3], see `with_strokes`."""

    gains: Tensor | None
    """How many times as steep gradients become [1,K], and in some regions [1+R,K], see `with_gains`."""

    tones: Tensor | None
    """What the tones of somebody become [K], see `toned`."""

    def __init__(self, *, resolution: int, code_resolutions: tuple[int, ...], w_dim: int) -> None:
        super().__init__()
        self.resolution = resolution  # side of the image, in pixels
        self.code_resolutions = code_resolutions  # of each code, in pixels
        self.w_dim = w_dim
        for part in STYLE_PARTS:
            self.register_buffer(part, None)

    @property
    def codes(self) -> int:
        """Codes in w+ (L)."""
        return len(self.code_resolutions)

    @property
    def stage_resolutions(self) -> tuple[int, ...]:
        """Side of what each stage draws, in pixels."""
        return tuple(4 << stage for stage in range(len(self.stages)))

    @property
    def noise_maps(self) -> NoiseMaps:
        """The noise that is stored, and drawn with where no other is given."""
        return {name: noise for name, noise in self.named_buffers() if name.endswith(".noise")}

    @contextmanager
    def with_noise(self, noise: NoiseMaps) -> Iterator[None]:
        """Store other noise, of all `noise_maps` or some, for as long as the context lasts."""
        before = {name: self.get_buffer(name) for name in noise}
        try:
            self._store(noise)
            yield
        finally:
            self._store(before)

    def _store(self, noise: NoiseMaps) -> None:
        for name, tensor in noise.items():
            owner, _, buffer = name.rpartition(".")
            setattr(self.get_submodule(owner), buffer, tensor)

    def image(self, state: State, *, at_least: int | None = None) -> Tensor:
        """Return the image [N,3,R,R], RGB in about [-1,1], of the last state.

        `at_least` (pixels a side) allows a smaller image where the network has one for free.
        """
        raise NotImplementedError

    def synthesis(
        self,
        w_plus: Tensor,
        *,
        at_least: int | None = None,
        noise: Sequence[torch.Generator] | None = None,
        states: list[State] | None = None,
    ) -> Tensor:
        """Return the images float32 [N,3,R,R] of w_plus [N,L,D]; see `image` for `at_least`.

        With the stored noise a code always draws the same picture. `noise`, one for each image, draws fresh noise
        instead, where the network has noise to draw: the same for an image on its own as among others. What comes out
        of each stage up to `COARSE` pixels is added to `states`.
        """
        state: State = ()
        for stage in self.stages:
            state = self.run_stage(stage, state, w_plus, noise)
            _keep(state, states)
        return self._displaced(self.image(state, at_least=at_least))

    def part(self, w_plus: Tensor, area: Area, *, at_least: int | None = None) -> Tensor:
        """Return images as `synthesis`, of which only an area must be right: a network that is quicker so says how."""
        return self.synthesis(w_plus, at_least=at_least)

    def run_stage(
        self, stage: nn.Module, state: State, w_plus: Tensor, noise: Sequence[torch.Generator] | None
    ) -> State:
        """Return the state after a stage; a network that has noise to draw says how."""
        after: State = stage(state, w_plus)
        return after

    def blended_synthesis(
        self,
        other: Self,
        w_plus: Tensor,
        amounts: Sequence[float],
        *,
        at_least: int | None = None,
        states: list[State] | None = None,
    ) -> Tensor:
        """Return the images of w_plus with feature maps blended: an amount of 0 draws self, 1 draws `other`.

        The feature interpolation of JoJoGAN (arXiv 2112.11641, section 4), applied after every stage, by an amount for
        each. Proportions go with the coarsest.
        """
        state: State = ()
        for own, others, amount in zip(self.stages, other.stages, amounts, strict=True):
            pair = zip(own(state, w_plus), others(state, w_plus), strict=True)
            state = tuple(torch.lerp(mine, theirs, amount) for mine, theirs in pair)
            _keep(state, states)
        return other._displaced(self.image(state, at_least=at_least), amounts[0])

    def _displaced(self, images: Tensor, amount: float = 1.0) -> Tensor:
        return images if self.displacement is None else moved(images, amount * self.displacement)

    def w_to_w_plus(self, w: Tensor) -> Tensor:
        """Return w_plus [N,L,D] with w [N,D] for every code."""
        return w[:, None].expand(-1, self.codes, -1)

    def clone(self) -> Self:
        """Return a copy that shares no tensor with this generator."""
        return copy.deepcopy(self)


def _keep(state: State, states: list[State] | None) -> None:
    """Add a state to those that are asked for, if it says what is where."""
    if states is not None and state[0].shape[-1] <= COARSE:
        states.append(state)


def moved(images: Tensor, moves: Tensor) -> Tensor:
    """Return images [N,C,S,S] looked at elsewhere: `moves` [1,2,G,G] to the right and down, in shares of the side."""
    side = images.shape[-1]
    moves = F.interpolate(moves, size=(side, side), mode="bicubic", align_corners=False)
    middles = (torch.arange(side, device=images.device) + 0.5) / side
    places = torch.stack([middles + moves[0, 0], middles[:, None] + moves[0, 1]], dim=-1) * 2 - 1  # [S,S,2]
    places = places.expand(len(images), -1, -1, -1)
    return F.grid_sample(images, places, mode="bicubic", padding_mode="border", align_corners=False)
