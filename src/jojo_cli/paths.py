"""Where jojo keeps its files, and what the environment says about that."""

import os
from pathlib import Path

import platformdirs


def models_dir() -> Path:
    """Return the folder of converted weights, which may be deleted at any time."""
    return _cache_dir() / "models"


def styles_dir() -> Path:
    """Return the folder that holds one folder a style: what the user can't get back."""
    home = _home()
    return home / "styles" if home else Path(platformdirs.user_data_dir("jojo", appauthor=False)) / "styles"


def directions_dir() -> Path:
    """Return the folder of the directions that the user keeps."""
    return styles_dir().with_name("directions")


def config_file() -> Path:
    """Return the file that holds what options are by default, which need not exist."""
    home = _home()
    return (home or Path(platformdirs.user_config_dir("jojo", appauthor=False))) / "config.toml"


def is_offline() -> bool:
    """Return whether `JOJO_OFFLINE` forbids the network."""
    return os.environ.get("JOJO_OFFLINE", "").strip().lower() not in {"", "0", "false", "no"}


def wants_tracebacks() -> bool:
    """Return whether `JOJO_DEBUG` asks for the traceback of an error."""
    return os.environ.get("JOJO_DEBUG", "").strip().lower() not in {"", "0", "false", "no"}


def _home() -> Path | None:
    home = os.environ.get("JOJO_HOME")
    return Path(home).expanduser() if home else None


def _cache_dir() -> Path:
    # appauthor=False: with None, platformdirs writes the name twice on Windows.
    home = _home()
    return home / "cache" if home else Path(platformdirs.user_cache_dir("jojo", appauthor=False))
