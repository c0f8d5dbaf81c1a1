"""The colour of irises in a style."""

import numpy as np
import torch
from torch import Tensor

from jojo_cli.faces.align import EYES
from jojo_cli.faces.proportions import ORDINARY
from jojo_cli.stylize.irises import iris_colour, with_irises

SKIN, WHITE, BROWN, VIOLET = (0.9, 0.6, 0.4), (0.9, 0.9, 0.9), (-0.5, -0.7, -0.8), (-0.1, -0.5, 0.6)


def eyes(iris: tuple[float, ...], *, side: int = 512) -> tuple[Tensor, Tensor]:
    """Return a face [1,3,S,S] and how much of its places is iris [1,1,64,64]."""
    places = np.stack(np.meshgrid(*[(np.arange(side) + 0.5) / side] * 2), axis=-1)
    image = torch.tensor(SKIN).view(1, 3, 1, 1).repeat(1, 1, side, side)
    shares = torch.zeros(1, 1, side, side)
    for eye in EYES:
        away = np.hypot(*(places - ORDINARY[eye].mean(axis=0)).transpose(2, 0, 1))
        for radius, colour in ((0.045, WHITE), (0.022, iris)):
            image[0][:, torch.from_numpy(away < radius)] = torch.tensor(colour)[:, None]
        shares[0, 0, torch.from_numpy(away < 0.022)] = 1
    return image, torch.nn.functional.adaptive_avg_pool2d(shares, 64)


def at(image: Tensor, *, right: float = 0.0) -> Tensor:
    """Return the colour in the middle of an eye, or to the right of it."""
    x, y = ORDINARY[EYES[0]].mean(axis=0)
    return image[0, :, int(512 * y), int(512 * (x + right))]


def test_irises_get_the_colour_of_the_reference_and_keep_to_themselves() -> None:
    wanted = iris_colour(eyes(VIOLET)[0], ORDINARY)
    assert wanted is not None
    assert torch.allclose(wanted, torch.tensor(VIOLET), atol=0.05)
    image, irises = eyes(BROWN)
    done = with_irises(image, irises, wanted)
    lighter = 0.5 * float((torch.tensor(VIOLET) - torch.tensor(BROWN)) @ torch.tensor([0.299, 0.587, 0.114]))
    assert torch.allclose(at(done), torch.tensor(VIOLET) - lighter, atol=0.05)
    assert torch.allclose(at(done, right=0.036), torch.tensor(WHITE), atol=0.05)
    assert torch.allclose(at(done, right=0.07), torch.tensor(SKIN), atol=0.01)
    assert torch.equal(with_irises(image, irises, wanted, 0.0), image)
    half = with_irises(image, irises, wanted, 0.5)
    assert torch.allclose(half - image, (done - image) / 2, atol=1e-6)


def test_light_eyes_become_as_dark_as_the_reference() -> None:
    image, irises = eyes(VIOLET)
    done = with_irises(image, irises, torch.tensor(BROWN))
    assert torch.allclose(at(done), torch.tensor(BROWN), atol=0.05)


def test_what_has_no_irises_stays_as_it_is() -> None:
    image, irises = eyes(BROWN)
    assert torch.equal(with_irises(image, torch.zeros_like(irises), torch.tensor(VIOLET)), image)
    shut = ORDINARY.copy()
    for eye in EYES:
        shut[eye, 1] = shut[eye, 1].mean()
    assert iris_colour(image, shut) is None


def test_each_face_of_several_has_its_own_irises() -> None:
    both = [eyes(colour) for colour in (BROWN, VIOLET)]
    images, shares = (torch.cat(parts) for parts in zip(*both, strict=True))
    together = with_irises(images, shares, torch.tensor(VIOLET))
    alone = torch.cat([with_irises(image, irises, torch.tensor(VIOLET)) for image, irises in both])
    assert torch.allclose(together, alone, atol=1e-6)
