"""What gives skin, hair and backgrounds the colours of a style's references."""

import torch
from torch import Tensor

from jojo_cli.stylize.boldness import Face
from jojo_cli.stylize.tints import tinted, tints

BACKGROUND, SKIN, HAIR = (0.2, 0.4, 0.3), (0.6, 0.3, 0.1), (-0.6, -0.7, -0.8)
WANTED = {"background": (-0.5, 0.5, 0.5), "skin": (0.8, 0.5, 0.3), "hair": (-0.8, -0.8, -0.4)}


def face(
    *, background: tuple[float, ...] = BACKGROUND, skin: tuple[float, ...] = SKIN, hair: tuple[float, ...] = HAIR
) -> Face:
    """Return hair above, a face below it on the left, with black lines, and what is behind it on the right."""
    regions = torch.zeros(1, 4, 64, 64)  # background, face, hair, body
    regions[:, 2, :24] = regions[:, 1, 24:, :40] = regions[:, 0, 24:, 40:] = 1
    colours = torch.tensor([background, skin, hair, skin])
    image = torch.einsum("nkhw,kc->nchw", regions, colours).repeat_interleave(4, 2).repeat_interleave(4, 3)
    image[:, :, 110:250:7, :150] = -1
    return Face(image, regions)


def with_tints(face: Face, tints: Tensor, amount: float = 1.0) -> Tensor:
    assert face.regions is not None
    return tinted(face.image, tints, face.regions, amount)


def colours(image: Tensor) -> list[Tensor]:
    """Return those of the background, the face and the hair, and of a line in the face."""
    return [image[0, :, row, column] for row, column in ((180, 220), (112, 60), (40, 100), (110, 60))]


def close(a: Tensor, b: tuple[float, ...], within: float = 0.02) -> bool:
    return bool((a - torch.tensor(b)).abs().max() < within)


def test_regions_get_the_colours_of_the_reference_and_lines_stay() -> None:
    drawn = face()
    found = tints([face(**WANTED)], [drawn])
    assert found is not None
    background, skin, hair, line = colours(with_tints(drawn, found))
    assert close(background, WANTED["background"])
    assert close(skin, WANTED["skin"])
    assert close(hair, WANTED["hair"])
    assert close(line, (-1, -1, -1))
    nothing = with_tints(drawn, found, 0.0)
    assert torch.equal(nothing, drawn.image)
    half = with_tints(drawn, found, 0.5)
    assert close(colours(half)[0], (-0.15, 0.45, 0.4))


def test_people_differ_as_they_did_and_backgrounds_no_longer() -> None:
    found = tints([face(**WANTED)], [face()])
    assert found is not None
    dark = face(skin=(0.1, -0.2, -0.4), hair=(-0.9, -0.9, -0.9), background=(0.9, 0.9, 0.9))
    background, skin, hair, _ = colours(with_tints(dark, found))
    assert close(background, WANTED["background"])
    assert close(skin, (0.3, 0.0, -0.2))  # as much lighter as the face above
    assert close(hair, (-0.9, -0.9, -0.5))  # darker than the reference's already, but not as blue


def test_backgrounds_become_as_even_as_the_reference_s_and_no_more() -> None:
    def mottled(wanted: Face, amount: float) -> Face:
        patches = torch.randn(1, 1, 64, 64, generator=torch.Generator().manual_seed(0)).repeat_interleave(4, 2)
        return wanted._replace(image=wanted.image + amount * patches.repeat_interleave(4, 3))

    def unevenness(image: Tensor) -> float:
        return image[..., 120:, 180:].std(dim=(2, 3)).mean().item()

    drawn = mottled(face(), 0.05)
    found = [tints([mottled(face(**WANTED), amount)], [drawn]) for amount in (0.0, 0.025, 0.1)]
    even, less, as_it_was = (unevenness(with_tints(drawn, one)) for one in found if one is not None)
    assert even < 0.3 * unevenness(drawn.image)
    assert even < less < 0.8 * unevenness(drawn.image)
    assert abs(as_it_was - unevenness(drawn.image)) < 0.1 * unevenness(drawn.image)


def test_background_may_stay() -> None:
    found, drawn = tints([face(**WANTED)], [face()]), face()
    assert found is not None
    assert drawn.regions is not None
    background, skin, *_ = colours(tinted(drawn.image, found, drawn.regions, background=False))
    assert close(background, BACKGROUND)
    assert close(skin, WANTED["skin"])


def test_several_at_once_are_each_for_itself() -> None:
    found = tints([face(**WANTED)], [face()])
    assert found is not None
    faces = [face(), face(background=(0.9, 0.9, 0.9))]
    both = (torch.cat([f.image for f in faces]), found, torch.cat([f.regions for f in faces if f.regions is not None]))
    apart = torch.cat([with_tints(f, found) for f in faces])
    assert torch.allclose(tinted(*both), apart, atol=1e-6)


def test_what_only_one_shows_is_left_alone() -> None:
    """A reference without hair says nothing of hair; and where regions are not known, nothing is said."""
    bald = face(**WANTED)
    assert bald.regions is not None
    bald.regions[:, 2] = 0
    drawn = face()
    found = tints([bald], [drawn])
    assert found is not None
    _, skin, hair, _ = colours(with_tints(drawn, found))
    assert close(hair, HAIR)
    assert close(skin, WANTED["skin"])
    indoors = face(**WANTED)
    assert indoors.regions is not None
    indoors.regions[:, 0] = 0
    found = tints([indoors], [drawn])
    assert found is not None
    assert close(colours(with_tints(drawn, found))[0], BACKGROUND)
    assert tints([face()], [Face(drawn.image, None)]) is None
