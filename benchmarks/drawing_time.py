"""Clock a drawing in a style, and what it consists of.

    python benchmarks/drawing_time.py STYLE [--runs 12]

In Markdown: medians over runs of a whole drawing, of the network alone, of what the style adds to what it draws, and of
each of its parts alone, one after the other.
"""

import argparse
import time
from collections.abc import Callable
from functools import partial
from statistics import median

import torch
from measures import report

from jojo_cli.bases.regions import states_of
from jojo_cli.process import keep_memory
from jojo_cli.studio import Studio
from jojo_cli.stylize.draw import draw, shown
from jojo_cli.stylize.finish import FINISHES, finished
from jojo_cli.stylize.mixing import sample_code


def main() -> None:
    """Clock them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("style")
    parser.add_argument("--runs", type=int, default=12)
    options = parser.parse_args()
    keep_memory()
    loaded = Studio().style(options.style)
    base, net = loaded.base, loaded.generator
    code = sample_code(base, 0, 0.7)
    with torch.inference_mode():
        images, seen = net.synthesis(code), shown(base, net, states_of(net, code))
        assert seen
        regions, irises = seen
        parts: dict[str, Callable[[], object]] = {
            "a drawing": lambda: draw(base, net, code),
            "the network": lambda: net.synthesis(code),
            "what the style adds": lambda: finished(images, net, regions, irises=irises),
        }
        for part in FINISHES:
            if getattr(net, part) is not None:
                alone = base.generator.clone()
                setattr(alone, part, getattr(net, part))
                parts[f"{part} alone"] = partial(finished, images, alone, regions, irises=irises)
        taken: dict[str, list[float]] = {part: [] for part in parts}
        for run in range(options.runs + 2):
            for part, work in parts.items():
                start = time.perf_counter()
                work()
                if run > 1:  # the first ones wake what is lazy
                    taken[part].append(time.perf_counter() - start)
    report("| what | seconds |\n|---|---|")
    for part, seconds in taken.items():
        report(f"| {part} | {median(seconds):.3f} |")


if __name__ == "__main__":
    main()
