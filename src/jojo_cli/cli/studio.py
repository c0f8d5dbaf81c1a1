"""The studio that a command works in."""

import os
from typing import TYPE_CHECKING

from jojo_cli.studio import Studio

if TYPE_CHECKING:
    from jojo_cli.cli.output import Output


def open_studio(out: "Output", *, device: str = "auto") -> Studio:
    """Return a studio that says on `out` what happens, in a process that is ours to set up."""
    from jojo_cli.process import keep_memory

    keep_memory()
    # Of two cores the networks use both, and nothing is won (benchmarks/folder.py); four are ahead of any network.
    cores = os.cpu_count() or 1
    workers = min(4, cores // 2) if cores >= 4 else 0
    return Studio(device=device, listener=out.listen, workers=workers)
