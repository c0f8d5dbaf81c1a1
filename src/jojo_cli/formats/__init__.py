"""Foreign files to our state dicts: every format knows all of its keys, and refuses what it doesn't know."""

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from jojo_cli.errors import CheckpointError, JojoError

if TYPE_CHECKING:
    from torch import Tensor

    Converter = Callable[[Mapping[str, Path]], dict[str, Tensor]]

CONVERTERS = {
    "arcface-ir-se50": "jojo_cli.formats.arcface:read_arcface",
    "dlib-face-recognition": "jojo_cli.formats.dlib_recogniser:read_face_recognition",
    "e4e": "jojo_cli.formats.published_encoders:read_e4e",
    "mobilestylegan-ir": "jojo_cli.formats.openvino_ir:read_mobilestylegan",
    "nvidia-discriminator": "jojo_cli.formats.nvidia:read_discriminator",
    "nvidia-generator": "jojo_cli.formats.nvidia:read_generator",
    "psp": "jojo_cli.formats.published_encoders:read_psp",
    "restyle-e4e": "jojo_cli.formats.published_encoders:read_restyle_e4e",
    "restyle-psp": "jojo_cli.formats.published_encoders:read_restyle_psp",
    "rosinality-discriminator": "jojo_cli.formats.rosinality:read_discriminator",
    "rosinality-generator": "jojo_cli.formats.rosinality:read_generator",
    "stlpips-vgg": "jojo_cli.formats.stlpips:read_vgg",
    "torchvision-vgg16": "jojo_cli.formats.vgg16:read_vgg16",
}
"""Format in the catalog: the function that reads it, as a name, so that torch loads only when it runs."""


def convert(name: str, files: Mapping[str, Path]) -> "dict[str, Tensor]":
    """Return the state dict, in our names, of the foreign `files` (file name in the catalog: path).

    Raises:
        CheckpointError: a file does not hold exactly what the format says, or can't be read.
    """
    module, _, function = CONVERTERS[name].partition(":")
    converter: Converter = getattr(import_module(module), function)
    try:
        return converter(files)
    except JojoError:
        raise
    except OSError as error:
        raise CheckpointError(f"{', '.join(sorted(files))}: can't be read: {error.strerror or error}") from error
    except Exception as error:  # damaged files fail in as many ways as their parsers have lines
        raise CheckpointError(f"{', '.join(sorted(files))}: damaged, or not {name}: {error}") from error
