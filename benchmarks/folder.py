"""Measure how fast a folder of photos is redrawn, and whether memory grows with their number.

    python benchmarks/folder.py STYLE [--photos FOLDER] [--count 200] [--method encoder]

The photos of a folder (by default the two portraits among the tests' data) are linked under so many names. In Markdown:
photos a minute with reading in the one process and with processes that read ahead, half as many as there are cores, one
after the other; and the resident memory of the process at the 20th and at the last photo.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

from measures import PORTRAITS, report

from jojo_cli import InvertChoice, Studio
from jojo_cli.images import READ_SUFFIXES
from jojo_cli.process import keep_memory

EARLY = 20


def main() -> None:
    """Measure both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("style")
    parser.add_argument("--photos", type=Path, default=PORTRAITS)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--method", choices=("encoder", "hybrid"), default="encoder")
    options = parser.parse_args()
    keep_memory()
    found = sorted(path for path in options.photos.iterdir() if path.suffix.lower() in READ_SUFFIXES)
    report("| reading | photos a minute | memory at photo 20 | at the last |\n|---|---|---|---|")
    for workers, name in ((0, "in the one process"), (min(4, max(1, (os.cpu_count() or 1) // 2)), "ahead")):
        with tempfile.TemporaryDirectory() as folder:
            for number in range(options.count):
                source = found[number % len(found)]
                Path(folder, f"{number:04}{source.suffix}").symlink_to(source.resolve())
            studio = Studio(workers=workers)
            batch = studio.apply(options.style, [folder], Path(folder, "out"), how=InvertChoice(options.method))
            memory, started = [], time.perf_counter()
            for _ in batch:
                memory.append(resident())
            minutes = (time.perf_counter() - started) / 60
            early, late = (f"{size / 2**20:.0f} MiB" for size in (memory[EARLY - 1], memory[-1]))
            report(f"| {name} | {len(memory) / minutes:.1f} | {early} | {late} |")


def resident() -> int:
    """Return the bytes of this process that are in memory."""
    pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


if __name__ == "__main__":
    main()
