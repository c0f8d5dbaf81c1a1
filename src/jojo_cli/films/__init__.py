"""Films: pictures that follow one another, read and written with their times and their sound."""

from importlib.util import find_spec
from pathlib import Path

from PIL import Image

from jojo_cli.errors import JojoError
from jojo_cli.films.film import Film, FilmError, FilmWriter, Frame

__all__ = [
    "FILM_FORMATS",
    "Film",
    "FilmError",
    "FilmWriter",
    "Frame",
    "film_ending",
    "is_film",
    "open_film",
    "open_writer",
]

_ANIMATIONS = frozenset({".gif", ".webp"})
_VIDEOS = frozenset({".mp4", ".m4v", ".mov", ".mkv", ".webm"})
_OTHER_VIDEOS = frozenset({".avi", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts", ".wmv", ".flv", ".3gp", ".ogv"})

FILM_FORMATS = _VIDEOS | _ANIMATIONS
"""What the name of a film may end in that jojo writes (lower case)."""


def is_film(path: Path) -> bool:
    """Return whether a file is a film: by its name, and of GIF and WebP by how many pictures they hold."""
    suffix = path.suffix.lower()
    if suffix not in _ANIMATIONS:
        return suffix in _VIDEOS | _OTHER_VIDEOS
    try:
        with Image.open(path, formats=["GIF", "WEBP"]) as image:
            return bool(getattr(image, "is_animated", False))
    except Exception:  # missing or damaged, in a dozen ways: reading the picture will say so
        return False


def film_ending(name: str) -> str:
    """Return what the name of a redrawn film ends in: as its own, if jojo writes such films, else .mp4."""
    suffix = Path(name).suffix
    return suffix if suffix.lower() in FILM_FORMATS else ".mp4"


def open_film(path: Path) -> Film:
    """Return the film in a file.

    Raises:
        FilmError: it can't be read, or holds no film.
        JojoError: what reads such films is not installed.
    """
    if path.suffix.lower() in _ANIMATIONS:
        from jojo_cli.films.animation import Animation

        return Animation(path)
    _need_av()
    from jojo_cli.films.video import Video

    return Video(path)


def open_writer(film: Film | None, suffix: str) -> FilmWriter:
    """Return what writes a film in place of another one, or a new one.

    Args:
        film: the other one, whose sound is kept; None makes a film that animations show again and again.
        suffix: one of `FILM_FORMATS`.

    Raises:
        FilmError: the sound can't be in such a film.
        JojoError: what writes such films is not installed.
    """
    if suffix in _ANIMATIONS:
        from jojo_cli.films.animation import AnimationWriter

        return AnimationWriter(film, suffix)
    _need_av()
    from jojo_cli.films.video import VideoWriter

    return VideoWriter(film, suffix)


def _need_av() -> None:
    if not find_spec("av"):
        raise JojoError("films are read with PyAV, which is missing", hint="pip install 'jojo-cli[video]'")
