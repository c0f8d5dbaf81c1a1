"""Measure what steps along directions do to faces, and to whom they show.

    python benchmarks/edits.py [NAME ...] [--faces 16] [--step 2]

Random faces are drawn as they are, and moved both ways along each direction: jojo's own, and those that others
published, which are fetched, or those that are named. Of each: what moves most of what dlib's landmarks and the
regions measure, in standard deviations of these random faces; the same past what all other directions of jojo stand
for; and how far the person's descriptor goes on average (below 0.6 dlib sees one person).
"""

import argparse
from collections.abc import Mapping, Sequence
from statistics import mean

from judges import Array
from measures import Describer, gap, report
from torch import Tensor

from jojo_cli.bases import BaseEntry
from jojo_cli.bases.mobilestylegan import NAME
from jojo_cli.directions import PUBLISHED, shipped
from jojo_cli.studio import Studio
from jojo_cli.stylize.directions import edited
from jojo_cli.stylize.mixing import sample_code
from jojo_cli.training.directions import as_table, measured


def main() -> None:
    """Print a line for each direction."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*")
    parser.add_argument("--faces", type=int, default=16)
    parser.add_argument("--step", type=float, default=2.0)
    options = parser.parse_args()
    studio = Studio()
    base = studio.base(NAME, needs=BaseEntry.needs)
    describe = Describer(studio)

    def table(codes: Sequence[Tensor]) -> tuple[list[Tensor], dict[str, Array]]:
        seen = [measured(base, code, studio.finder.landmarks) for code in codes]
        return [describe(picture) for picture, _ in seen], as_table([row for _, row in seen])

    codes = [sample_code(base, seed, 0.7) for seed in range(options.faces)]
    people, before = table(codes)
    own = {direction.name: direction.vector for direction in shipped(base)}
    for name in options.names or (*own, *PUBLISHED):
        step = studio.directions.load(name, base).vector
        others = [vector for other, vector in own.items() if other != name]
        moved = [table([edited(code, step, sign * options.step) for code in codes]) for sign in (1, -1)]
        alone = [table([edited(code, step, sign * options.step, others) for code in codes]) for sign in (1, -1)]
        away = mean(gap(a, b) for found, _ in moved for a, b in zip(people, found, strict=True))
        report(
            f"{name}: {_most(before, [row for _, row in moved])}; alone {_most(before, [row for _, row in alone])}; "
            f"descriptor {away:.2f}"
        )


def _most(before: Mapping[str, Array], moved: Sequence[Mapping[str, Array]]) -> str:
    """Return the three measures that go farthest from one side to the other, each way being half of it."""
    up, down = moved
    ways = {name: float((up[name] - down[name]).mean() / 2 / values.std()) for name, values in before.items()}
    most = sorted(ways, key=lambda name: -abs(ways[name]))[:3]
    return ", ".join(f"{name} {ways[name]:+.1f}" for name in most)


if __name__ == "__main__":
    main()
