"""`jojo env`: what a bug report needs."""

import sys

from jojo_cli import __version__, paths
from jojo_cli.cli.options import Device, Json
from jojo_cli.errors import JojoError

PACKAGES = (
    *(
        "torch",
        "torchvision",
        "lpips",
        "pytorch-msssim",
        "dlib-bin",
        "dlib",
        "numpy",
        "pillow",
        "pillow-heif",
        "safetensors",
    ),
    *("typer", "rich", "requests", "pip"),
)


def env(device: Device = "auto", json_: Json = False) -> None:
    """Print versions, device and folders: what a bug report needs."""
    import platform

    from jojo_cli.cli.output import Output

    out = Output(as_json=json_)
    facts = {
        "jojo": __version__,
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        **{name: _version(name) for name in PACKAGES},
        "device": _device(device),
        "models": str(paths.models_dir()),
        "styles": str(paths.styles_dir()),
        "offline": paths.is_offline(),
    }
    facts = {name: value for name, value in facts.items() if value is not None}
    out.result(facts, "\n".join(f"{name}: {value}" for name, value in facts.items()))


def _version(package: str) -> str | None:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _device(name: str) -> str:
    try:
        from jojo_cli.device import pick_device

        return str(pick_device(name))
    except (ImportError, OSError, JojoError) as error:
        return f"none: {error}"
