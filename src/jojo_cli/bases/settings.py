"""The settings of inversion and finetuning: a base holds the ones that suit it, a style the ones it was made with."""

from dataclasses import dataclass, replace
from typing import Literal

Method = Literal["optimize", "mean"]
Space = Literal["z", "w", "w+"]


@dataclass(frozen=True)
class InvertSettings:
    """How to find a picture's code."""

    method: Method = "optimize"  # mean: the mean code, whatever the picture
    space: Space = "w+"  # where to look: a z, one w for all codes, or a w for each
    steps: int = 80
    rate: float = 0.1  # of Adam, in standard deviations of the codes
    pull: float = 0.035  # weight of the distance to the mean code: higher is more plausible, lower more alike
    spread: float = 0.35  # weight of the distance between the codes of one w+, likewise
    pixels: float = 0.35  # weight of the mean squared error beside LPIPS

    def chosen(self, method: Method, steps: int | None) -> "InvertSettings":
        """Return these settings with what the user chose; None leaves the number of steps."""
        return replace(self, method=method, steps=steps or self.steps)


@dataclass(frozen=True)
class FinetuneSettings:
    """How to teach a generator a style."""

    steps: int = 150
    rate: float = 0.004  # of Adam, in units of each tensor's RMS
    alpha: float = 1.0  # how far the varied codes move to random ones, from 0 to 1
    widen: float = 0.0  # how far all codes move to random ones, so that faces unlike the reference take the style
    preserve_color: bool = False  # vary fewer codes, so that photos keep more of their colours
    seed: int = 0
    closer: float = 1.0  # weight of LPIPS on a closer view, beside 1 for LPIPS on the whole
    closer_scale: int = 512  # side of the picture that closer views are cut from, in pixels
    pixels: float = 0.1  # weight of the mean absolute difference
