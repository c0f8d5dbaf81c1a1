"""Find regions and irises of faces in the features of the embedded base, and write what tells them where jojo finds it.

    python training/find_regions.py SHEET.png [--background 0,2 --face 1,3 --hair 4 --body 5]

Clusters of places of random faces are drawn on the sheet, each in a colour that is numbered below. Look at it, and run
the command again with what they show: leave out those that show nothing in particular. Irises are where landmarks, and
what is dark between the lids, say of the same faces. It takes three minutes each time.
"""

import argparse
from colorsys import hsv_to_rgb
from pathlib import Path

import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw

from jojo_cli import bases
from jojo_cli.bases import mobilestylegan
from jojo_cli.bases.encoder import FeedbackLoop
from jojo_cli.bases.regions import GRID, REGIONS, RegionFinder, described
from jojo_cli.bases.shipped import write_shipped
from jojo_cli.device import pick_device
from jojo_cli.faces import FaceFinder
from jojo_cli.faces.irises import iris_places
from jojo_cli.images import to_image
from jojo_cli.studio import Studio
from jojo_cli.training.faces import random_codes
from jojo_cli.training.regions import clusters, fit_irises, fit_regions

FACES, CLUSTERS, SHOWN = 200, 24, 12


def main() -> None:
    """Draw the sheet, and install what the command line says of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sheet", type=Path)
    for region in REGIONS:
        parser.add_argument(f"--{region}", type=lambda text: [int(number) for number in text.split(",")])
    options = parser.parse_args()
    studio = Studio()
    base = bases.load_base(mobilestylegan.NAME, studio.models, device=pick_device("cpu"))
    loop = base.load_encoder(None)
    assert isinstance(loop, FeedbackLoop)
    rng = torch.Generator().manual_seed(0)
    places, irises, pictures = [], [], []
    for number in range(FACES):
        states: list[tuple[torch.Tensor, ...]] = []
        with torch.inference_mode():
            image = base.generator.synthesis(loop.w_plus(random_codes(loop, 1, rng)), states=states)
        places.append(described(states))
        picture = to_image(image[0])
        irises.append(iris_shares(picture, studio.finder))
        if number < SHOWN:
            pictures.append(picture.resize((2 * GRID, 2 * GRID)))
    found = clusters(torch.stack(places), CLUSTERS)
    meaning = {region: numbers for region in REGIONS if (numbers := getattr(options, region))}
    if meaning:
        open_eyed = [number for number, shares in enumerate(irises) if shares.any()]
        finder = RegionFinder(
            *fit_regions(torch.stack(places), found, meaning),
            *fit_irises(*(torch.stack([of[number] for number in open_eyed]) for of in (places, irises))),
        )
        record = {
            "base": mobilestylegan.NAME,
            "data": f"{FACES} faces that the base draws from random codes; {CLUSTERS} clusters of its features, "
            "which a person named",
            "clusters": meaning,
            "irises": f"of {len(open_eyed)} of these faces, by landmarks and what is dark between the lids",
            "licence": "as the base: Apache-2.0, distilled from NVIDIA's StyleGAN2-FFHQ (non-commercial)",
            "consequence": "treat what you make with it as non-commercial",
        }
        write_shipped(mobilestylegan.NAME, "regions", finder.tensors(), record)
    draw_sheet(pictures, found).save(options.sheet)


def iris_shares(picture: Image.Image, finder: FaceFinder) -> torch.Tensor:
    """Return how much of each place of a face is iris [G*G]; nothing where no face is found."""
    faces = finder.find(picture, lying=False, largest=True)
    if not faces:
        return torch.zeros(GRID * GRID)
    places = torch.from_numpy(iris_places(picture, (faces[0].landmarks + 0.5) / picture.width))
    return F.adaptive_avg_pool2d(places[None].float(), GRID).flatten()


def draw_sheet(pictures: list[Image.Image], found: torch.Tensor) -> Image.Image:
    """Return faces, above the clusters of their places, above the numbers of the clusters."""
    side = 2 * GRID
    colours = [
        tuple(round(255 * x) for x in hsv_to_rgb(0.618 * i % 1, (1.0, 0.5)[i % 2], (1.0, 0.6, 0.85)[i % 3]))
        for i in range(CLUSTERS)
    ]
    sheet = Image.new("RGB", (side * len(pictures), 3 * side), "white")
    palette = torch.tensor(colours, dtype=torch.uint8)
    pen = ImageDraw.Draw(sheet)
    for number, picture in enumerate(pictures):
        sheet.paste(picture, (number * side, 0))
        shown = palette[found[number].view(GRID, GRID)].numpy()
        sheet.paste(Image.fromarray(shown).resize((side, side), Image.Resampling.NEAREST), (number * side, side))
    step = sheet.width // CLUSTERS
    for number, colour in enumerate(colours):
        pen.rectangle((number * step, 2 * side + 8, (number + 1) * step - 4, 3 * side - 40), fill=colour)
        pen.text((number * step + 4, 3 * side - 32), str(number), fill="black")
    return sheet


if __name__ == "__main__":
    main()
