"""A style with its networks."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from jojo_cli.bases.base import Base
    from jojo_cli.nets.generator import Generator, NoiseMaps
    from jojo_cli.styles import Style
    from jojo_cli.stylize.strength import Strength


@dataclass(frozen=True)
class LoadedStyle:
    """A style, ready to draw."""

    style: "Style"
    base: "Base"
    generator: "Generator"

    def draw(
        self,
        w_plus: "Tensor",
        *,
        strength: "Strength" = 1.0,
        color: float | None = None,
        noise: "NoiseMaps | None" = None,
        at_least: int | None = None,
        background: bool = True,
    ) -> "list[Image]":
        """Return the pictures of w_plus [N,L,D] in the style.

        Args:
            w_plus: codes of the base, on its device.
            strength: how much of the style shows: from 0 to 1; or from which pixels on how much, {64: 1.0, 512: 0.3}.
            color: how far faces take the colours of the style's reference, from 0 to 1; None is what suits the base.
            noise: in place of the generator's own, as `read_noise` returns it.
            at_least: pixels a side that are enough; a base may then draw no more, which takes less time.
            background: whether what is behind a face gets the colour of the reference's, too.

        Raises:
            JojoError: the device has too little memory.
        """
        from jojo_cli.images import to_image
        from jojo_cli.stylize.draw import draw

        drawn = draw(
            self.base,
            self.generator,
            w_plus,
            strength=strength,
            color=color,
            noise=noise,
            at_least=at_least,
            background=background,
        )
        return [to_image(image) for image in drawn]
