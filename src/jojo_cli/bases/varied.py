"""Which codes differ from face to face while a style is learned, by the resolution that they act at."""

from jojo_cli.nets.generator import Generator


def fine_codes(generator: Generator) -> tuple[int, ...]:
    """Return the codes that act from 64 px up: on StyleGAN2 at 1024 px the 7 to 17 of the released JoJoGAN."""
    return tuple(i for i, resolution in enumerate(generator.code_resolutions) if resolution >= 64)


def codes_preserving_color(generator: Generator) -> tuple[int, ...]:
    """Return the first code at 128 and at 256 px, and all at the finest resolution: there 9, 11, 15, 16 and 17."""
    resolutions = generator.code_resolutions
    firsts = [resolutions.index(resolution) for resolution in (128, 256) if resolution in resolutions]
    return tuple(i for i, resolution in enumerate(resolutions) if i in firsts or resolution == max(resolutions))
