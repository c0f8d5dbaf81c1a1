"""Find directions that change one thing about a face, and write them where jojo finds them.

    python training/find_directions.py [--faces 3000] [--data FACES.npz]

Random faces are drawn and measured, which takes a quarter of an hour on two cores; --data keeps that. Then each
direction is tried on faces that were not among them.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from jojo_cli.bases import BaseEntry, mobilestylegan
from jojo_cli.bases.latents import sample_w
from jojo_cli.bases.shipped import write_shipped
from jojo_cli.studio import Studio
from jojo_cli.stylize.directions import edited, one_deviation
from jojo_cli.training.directions import as_table, effects, fit_directions, measured

SEED = 1000
TRIED = 40
"""Faces that directions are tried on."""

STEP = 2.0


def main() -> None:
    """Draw, measure, fit, try, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--faces", type=int, default=3000)
    parser.add_argument("--data", type=Path, help="keeps what was measured, in .npz; taken from there if it exists")
    options = parser.parse_args()
    studio = Studio(device="cpu")
    base = studio.base(mobilestylegan.NAME, needs=BaseEntry.needs)

    def table(codes: list[Tensor]) -> dict[str, NDArray[np.float64]]:
        return as_table([measured(base, code, studio.finder.landmarks, at_least=512)[1] for code in codes])

    def faces(count: int, seed: int) -> Tensor:
        rng = torch.Generator().manual_seed(seed)
        z = torch.cat([torch.randn(1, base.generator.w_dim, generator=rng) for _ in range(count)])
        with torch.inference_mode():
            w: Tensor = base.generator.mapping(z)
        return w.clone()

    w = faces(options.faces, SEED)
    if options.data and options.data.exists():
        with np.load(options.data) as kept:
            w, values = torch.from_numpy(kept["w"]), {name: kept[name] for name in kept.files if name != "w"}
    else:
        values = table([base.generator.w_to_w_plus(one[None]) for one in w])
        if options.data:
            np.savez(options.data, w=w.numpy(), **values)  # type: ignore[arg-type]
    fits = fit_directions(w, values)
    codes = sample_w(base.generator)
    steps = {name: one_deviation(fit.vector[None], codes) for name, fit in fits.items()}
    tried = [base.generator.w_to_w_plus(one[None]) for one in faces(TRIED, SEED + 1)]
    before = table(tried)
    spread = {name: np.asarray(value) for name, value in values.items()}
    figures = {}
    for name, step in steps.items():
        others = [other for key, other in steps.items() if key != name]
        plain, alone = (
            effects(before, table([edited(code, step, STEP, keep) for code in tried]), spread) for keep in ([], others)
        )
        rest = max((key for key in alone if key != name), key=lambda key: abs(alone[key]))
        figures[name] = {
            "r2": round(fits[name].r2, 2),
            "moves": round(plain[name], 2),
            "moves_alone": round(alone[name], 2),
            "most_else": {rest: round(alone[rest], 2)},
        }
        print(name, figures[name], flush=True)  # noqa: T201
    record = {
        "base": mobilestylegan.NAME,
        "data": f"{len(w)} faces that the base draws from random codes, measured by dlib's landmarks and by regions",
        "step": f"figures are of {STEP:g} standard deviations, in standard deviations of what is measured; alone: "
        "past all others",
        "figures": figures,
        "licence": "as the base: Apache-2.0, distilled from NVIDIA's StyleGAN2-FFHQ (non-commercial)",
        "consequence": "treat what you make with it as non-commercial",
    }
    write_shipped(mobilestylegan.NAME, "directions", steps, record)


if __name__ == "__main__":
    main()
