"""The pipeline behind every face of jojo: requests in, outcomes and events out."""

from jojo_cli.studio.loaded import LoadedStyle
from jojo_cli.studio.studio import LANDMARKS, Studio

__all__ = ["LANDMARKS", "LoadedStyle", "Studio"]
