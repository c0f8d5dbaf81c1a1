"""jojo: redraw a face in the style of one picture.

    from jojo_cli import Studio

    studio = Studio()
    studio.train("ink", ["ref.png"])
    for outcome in studio.apply("ink", ["photos"], "redrawn"):
        print(outcome.input, outcome.status, outcome.output or outcome.reason)

The names of `__all__` are what other programs can rely on. Each is imported when it is first used.
"""

import logging
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jojo_cli.bases.settings import FinetuneChoice, InvertChoice, InvertSettings
    from jojo_cli.codes import read_code, write_code
    from jojo_cli.errors import CheckpointError, JojoError, UsageError
    from jojo_cli.events import Announcement, Cancelled, Caution, Detail, Download, Ended, Event, Note, Progress
    from jojo_cli.faces.detect import NoFaceError, Points
    from jojo_cli.images import ImageError, read_image
    from jojo_cli.studio import LoadedStyle, Studio
    from jojo_cli.studio.batch import Batch, Outcome
    from jojo_cli.studio.coding import Coder, Look, Source
    from jojo_cli.studio.pasting import Paste
    from jojo_cli.studio.training import TrainedStyle
    from jojo_cli.styles import Style
    from jojo_cli.styles.errors import StyleExistsError, StyleNotFoundError
    from jojo_cli.stylize.invert import Inversion

__version__ = "0.1.0"

# Where a program that uses jojo listens to no logger, Python would print what is logged.
logging.getLogger(__name__).addHandler(logging.NullHandler())

_HOMES = {
    "jojo_cli.studio": ("LoadedStyle", "Studio"),
    "jojo_cli.studio.batch": ("Batch", "Outcome"),
    "jojo_cli.studio.coding": ("Coder", "Look", "Source"),
    "jojo_cli.studio.pasting": ("Paste",),
    "jojo_cli.bases.settings": ("FinetuneChoice", "InvertChoice", "InvertSettings"),
    "jojo_cli.codes": ("read_code", "write_code"),
    "jojo_cli.errors": ("CheckpointError", "JojoError", "UsageError"),
    "jojo_cli.events": (
        "Announcement",
        "Cancelled",
        "Caution",
        "Detail",
        "Download",
        "Ended",
        "Event",
        "Note",
        "Progress",
    ),
    "jojo_cli.faces.detect": ("NoFaceError", "Points"),
    "jojo_cli.images": ("ImageError", "read_image"),
    "jojo_cli.studio.training": ("TrainedStyle",),
    "jojo_cli.styles": ("Style",),
    "jojo_cli.styles.errors": ("StyleExistsError", "StyleNotFoundError"),
    "jojo_cli.stylize.invert": ("Inversion",),
}

__all__ = [
    "Announcement",
    "Batch",
    "Cancelled",
    "Caution",
    "CheckpointError",
    "Coder",
    "Detail",
    "Download",
    "Ended",
    "Event",
    "FinetuneChoice",
    "ImageError",
    "Inversion",
    "InvertChoice",
    "InvertSettings",
    "JojoError",
    "LoadedStyle",
    "Look",
    "NoFaceError",
    "Note",
    "Outcome",
    "Paste",
    "Points",
    "Progress",
    "Source",
    "Studio",
    "Style",
    "StyleExistsError",
    "StyleNotFoundError",
    "TrainedStyle",
    "UsageError",
    "__version__",
    "read_code",
    "read_image",
    "write_code",
]


def __getattr__(name: str) -> object:
    """Import a name when it is first asked for: `import jojo_cli` alone loads nothing."""
    for home, names in _HOMES.items():
        if name in names:
            return getattr(import_module(home), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
