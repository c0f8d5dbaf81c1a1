"""Measure what a user of the embedded base waits for: commands, a finetuning step, a photo, a drawing; and memory.

    python benchmarks/speed.py [--runs 3]

Prints a table of medians in Markdown. The weights must be here already (`jojo models pull`); styles and pictures go to
a folder that is deleted.
"""

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

from measures import report

from jojo_cli import paths
from jojo_cli.bases import EMBEDDED_BASE

ROOT = Path(__file__).parent.parent
REFERENCE = ROOT / "demo" / "poster.png"
PHOTOS = [ROOT / "tests" / "data" / name for name in ("astronaut.png", "grace_hopper.png")]


@dataclass(frozen=True)
class Run:
    """A command that ended well."""

    seconds: float
    peak_gb: float  # largest resident set
    results: list[dict[str, Any]]


def main() -> None:
    """Measure everything."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=3, help="of the short commands; training runs once")
    runs = parser.parse_args().runs
    with tempfile.TemporaryDirectory() as scratch:
        home = Path(scratch, "home")
        home.mkdir()
        (home / "cache").symlink_to(paths.models_dir().parent, target_is_directory=True)
        jojo = partial(run, Path(scratch), home)
        train = jojo("train", "bench", REFERENCE, "--json")
        samples = [jojo("sample", "bench", "-n", 16, "--overwrite", "--json") for _ in range(runs)]
        applied = jojo("apply", "bench", *PHOTOS, "--json")
        encode = partial(jojo, "apply", "bench", "--method", "encoder", "--overwrite")
        first = [encode(PHOTOS[1]) for _ in range(runs)]
        both = [encode(*PHOTOS) for _ in range(runs)]
        jojo("invert", PHOTOS[0], "--refine", 1)
        drawn = jojo("apply", "bench", "astronaut.code.safetensors", "--overwrite", "--json")
        versions = [jojo("--version") for _ in range(runs)]
        help_ = [jojo("--help") for _ in range(runs)]

    rows = [
        ("one finetuning step, 1024 px", f"{train.results[0]['seconds_per_step']:.2f} s"),
        ("`jojo train`, whole process", f"{train.seconds:.0f} s, {train.peak_gb:.1f} GB"),
        ("`jojo apply`, per further photo", f"{applied.results[-1]['seconds']:.1f} s, {applied.peak_gb:.1f} GB"),
        ("the same with `--method encoder`, finding the face too", f"{median(both) - median(first):.1f} s"),
        ("of that, the drawing and saving", f"{drawn.results[-1]['seconds']:.2f} s"),
        ("`jojo sample -n 16`, whole process", f"{median(samples):.1f} s, {samples[0].peak_gb:.1f} GB"),
        ("`jojo --version`", f"{median(versions):.2f} s"),
        ("`jojo --help`", f"{median(help_):.2f} s"),
    ]
    machine = f"{platform.machine()}, {os.cpu_count()} cores"
    report(f"{machine}, Python {platform.python_version()}, torch {version('torch')}")
    report("\n| what | measured |\n|---|---|")
    for what, measured in rows:
        report(f"| {what} | {measured} |")


def run(folder: Path, home: Path, *arguments: object) -> Run:
    """Run `jojo` in `folder` to its end."""
    command = [sys.executable, "-m", "jojo_cli", *map(str, arguments)]
    start = time.perf_counter()
    with subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, "JOJO_HOME": str(home), "JOJO_BASE": EMBEDDED_BASE},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdout is not None
        out = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    seconds = time.perf_counter() - start
    if process.returncode:
        raise SystemExit(f"jojo {' '.join(map(str, arguments))} failed with {process.returncode}")
    results = [json.loads(line) for line in out.splitlines() if line.startswith(b"{")]
    return Run(seconds, usage.ru_maxrss / 1e6, results)


def median(runs: list[Run]) -> float:
    """Return the median time in seconds."""
    return statistics.median(run.seconds for run in runs)


if __name__ == "__main__":
    main()
