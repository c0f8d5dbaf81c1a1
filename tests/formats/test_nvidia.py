"""NVIDIA's pickles: the same networks as in rosinality's layout, every name is known, and nothing in them runs."""

import io
import pickle
import re
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from stylegan2_kit import FINAL, Shapes, discriminator_shapes, generator_shapes
from torch import Tensor, nn

from jojo_cli.errors import CheckpointError
from jojo_cli.formats import convert
from jojo_cli.formats.nvidia import load_checkpoint, read_discriminator, read_generator
from jojo_cli.formats.rosinality import (
    CONFIG_F,
    Size,
    discriminator_size,
    discriminator_state,
    generator_size,
    generator_state,
)

SMALL = Size(64, 1)
PAPER256 = Size(256, 1)
FILTER = torch.outer(torch.tensor([1.0, 3.0, 3.0, 1.0]), torch.tensor([1.0, 3.0, 3.0, 1.0])) / 64
BUFFERS = ("noise_const", "resample_filter", "w_avg")


def _reconstruct_persistent_obj(meta: object) -> None:
    raise AssertionError("the pickle was run")


class EasyDict(dict[str, Any]):
    """As in NVIDIA's code: the settings of a network."""


class Network:
    """A network of the TensorFlow code."""


class Module(nn.Module):
    """A module that is pickled with its source, as those of NVIDIA's code are."""

    def __init__(self) -> None:
        super().__init__()
        self._init_args = ()
        self._init_kwargs = EasyDict(activation="lrelu", mapping_kwargs=EasyDict(num_layers=8), conv_clamp=None)
        self.weight_gain = 1 / np.sqrt(512)  # a scalar of numpy
        self.use_fp16, self.channels_last, self.conv_clamp = True, True, 256
        self.block_resolutions = [4, 8, 16]

    def __reduce__(self) -> tuple[object, ...]:
        source = "raise SystemExit('the source was run')\n" * 9
        meta = {"type": "class", "version": 6, "module_src": source, "class_name": "Net", "state": vars(self)}
        return _reconstruct_persistent_obj, (meta,), None


def network(tensors: dict[str, Tensor]) -> Module:
    """Return modules that hold tensors under their dotted names."""
    root = Module()
    for key, tensor in tensors.items():
        *path, name = key.split(".")
        module = root
        for part in path:
            if part not in module._modules:
                module.add_module(part, Module())
            module = module.get_submodule(part)  # type: ignore[assignment]
        if name in BUFFERS:
            module.register_buffer(name, tensor)
        else:
            module.register_parameter(name, nn.Parameter(tensor, requires_grad=False))
    if "b4.fc.weight" in tensors:
        root.get_submodule("b4").add_module("mbstd", Module())
    return root.eval()


def marked(shapes: Shapes) -> dict[str, Tensor]:
    """Return tensors that differ by key and along their last axis, and take next to no memory."""
    return {
        key: (torch.arange(float(shape[-1])) / 1024 + i).expand(shape) for i, (key, shape) in enumerate(shapes.items())
    }


def nvidia_generator(theirs: dict[str, Tensor], size: Size) -> dict[str, Tensor]:
    """Return a generator in rosinality's names under NVIDIA's."""
    out: dict[str, Tensor] = {"mapping.w_avg": torch.arange(512.0)}
    for key, tensor in theirs.items():
        if match := re.fullmatch(r"style\.(\d)\.(\w+)", key):
            out[f"mapping.fc{int(match[1]) - 1}.{match[2]}"] = tensor
        elif match := re.fullmatch(r"noises\.noise_(\d+)", key):
            number = int(match[1])
            out[f"synthesis.b{2 ** ((number + 5) // 2)}.conv{1 - number % 2}.noise_const"] = tensor[0, 0]
        elif key == "input.input":
            out["synthesis.b4.const"] = tensor[0]
        else:
            layer, rest = place(key)
            out[f"synthesis.{layer}.{rest}"] = {
                "weight": lambda x: x[0],
                "noise_strength": lambda x: x[0],
                "bias": lambda x: x.flatten() if x.ndim == 4 else x,
            }.get(rest, lambda x: x)(tensor)
    for side in (4 << i for i in range(size.resolution.bit_length() - 2)):
        for name in ("", "conv1.", *(["conv0."] if side > 4 else [])):
            out[f"synthesis.b{side}.{name}resample_filter"] = FILTER
    return out


def place(key: str) -> tuple[str, str]:
    """Return the layer of NVIDIA's synthesis, and the name in it, that a key of rosinality's stands for."""
    match = re.fullmatch(r"(conv1|to_rgb1|(convs|to_rgbs)\.(\d+))\.(.+)", key)
    assert match
    number = int(match[3] or 0)
    if match[1].startswith("to_rgb"):
        layer = "b4.torgb" if match[1] == "to_rgb1" else f"b{8 << number}.torgb"
    else:
        layer = "b4.conv1" if match[1] == "conv1" else f"b{8 << number // 2}.conv{number % 2}"
    rest = match[4].replace("conv.modulation", "affine").replace("noise.weight", "noise_strength")
    return layer, rest.replace("activate.", "").replace("conv.weight", "weight")


def nvidia_discriminator(theirs: dict[str, Tensor], size: Size) -> dict[str, Tensor]:
    """Return a discriminator in rosinality's names under NVIDIA's."""
    top = f"b{size.resolution}"
    names = {
        "convs.0.0": f"{top}.fromrgb",
        "convs.0.1": f"{top}.fromrgb",
        "final_conv.0": "b4.conv",
        "final_conv.1": "b4.conv",
        "final_linear.0": "b4.fc",
        "final_linear.1": "b4.out",
    }
    for k in range(1, size.resolution.bit_length() - 2):
        block = f"b{2 * size.resolution >> k}"
        names |= {f"convs.{k}.conv1.{i}": f"{block}.conv0" for i in (0, 1)}
        names |= {f"convs.{k}.conv2.{i}": f"{block}.conv1" for i in (1, 2)}
        names[f"convs.{k}.skip.1"] = f"{block}.skip"
    out = {".".join((names[key.rpartition(".")[0]], key.rpartition(".")[2])): value for key, value in theirs.items()}
    convs = [name for name in names.values() if name not in ("b4.fc", "b4.out")]
    blocks = [f"{name.split('.')[0]}" for name in convs if name.endswith("skip")]
    return out | {f"{name}.resample_filter": FILTER for name in (*convs, *blocks)}


@pytest.fixture
def generator() -> dict[str, Tensor]:
    """Give a small generator in rosinality's names."""
    return marked(generator_shapes(SMALL))


@pytest.fixture
def discriminator() -> dict[str, Tensor]:
    """Give a small discriminator in rosinality's names."""
    return marked({**discriminator_shapes(SMALL), **FINAL})


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ffhq.pkl"


Save = Callable[..., None]


@pytest.fixture
def save(file: Path, monkeypatch: pytest.MonkeyPatch) -> Save:
    """Give what pickles content as NVIDIA's code does, under its names."""
    homes: dict[str, Any] = {
        "torch_utils.persistence": _reconstruct_persistent_obj,
        "dnnlib.util": EasyDict,
        "dnnlib.tflib.network": Network,
    }

    def write(content: object, protocol: int = 3) -> None:
        with monkeypatch.context() as patch:
            for home, value in homes.items():
                module = ModuleType(home)
                setattr(module, value.__name__, value)
                for name in (home.partition(".")[0], home.rpartition(".")[0]):
                    patch.setitem(sys.modules, name, ModuleType(name))
                patch.setitem(sys.modules, home, module)
                patch.setattr(value, "__module__", home)
            file.write_bytes(pickle.dumps(content, protocol))

    return write


def parts(generator: dict[str, Tensor], discriminator: dict[str, Tensor], size: Size = SMALL) -> dict[str, Any]:
    """Return the contents of a pickle for networks in rosinality's names."""
    averaged = nvidia_generator(generator, size)
    return {
        "G": network({key: tensor + 1 for key, tensor in averaged.items() if tensor.ndim < 2}),
        "D": network(nvidia_discriminator(discriminator, size)),
        "G_ema": network(averaged),
        "training_set_kwargs": EasyDict(class_name="training.dataset.ImageFolderDataset", resolution=1024),
        "augment_pipe": None,
    }


def equal(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)


@pytest.mark.parametrize("protocol", [3, 4, 5])
def test_networks_are_those_of_rosinalitys_layout(
    protocol: int, generator: dict[str, Tensor], discriminator: dict[str, Tensor], file: Path, save: Save
) -> None:
    kernel = torch.randn(512, 512, 3, 3, generator=torch.Generator().manual_seed(0))
    generator["convs.2.conv.weight"] = kernel[None]
    content = parts(generator, discriminator)
    content["G_ema"].synthesis.b16.conv0.weight.data = kernel.contiguous(memory_format=torch.channels_last)
    save(content, protocol)
    checkpoint = load_checkpoint(file)
    assert equal(generator_state(checkpoint), generator_state({"g_ema": generator}))
    assert equal(discriminator_state(checkpoint), discriminator_state({"d": discriminator}))
    assert torch.equal(checkpoint["latent_avg"], torch.arange(512.0))


@pytest.mark.parametrize("size", [PAPER256, Size(512, 2)], ids=str)
def test_other_sizes_are_read_and_named(size: Size, file: Path, save: Save) -> None:
    save(parts(marked(generator_shapes(size)), marked({**discriminator_shapes(size), **FINAL}), size))
    checkpoint = load_checkpoint(file)
    assert generator_size(checkpoint) == discriminator_size(checkpoint) == size
    for name, reader in (("generator", "nvidia-generator"), ("discriminator", "nvidia-discriminator")):
        with pytest.raises(CheckpointError, match=f"^a StyleGAN2 {name} of the wrong size: {size}, not {CONFIG_F}$"):
            convert(reader, {file.name: file})


def test_published_size_is_read(file: Path, save: Save) -> None:
    generator, discriminator = marked(generator_shapes(CONFIG_F)), marked({**discriminator_shapes(CONFIG_F), **FINAL})
    save(parts(generator, discriminator, CONFIG_F))
    assert equal(read_generator({file.name: file}), generator_state({"g_ema": generator}))
    assert equal(read_discriminator({file.name: file}), discriminator_state({"d": discriminator}))


def test_filters_may_be_missing(generator: dict[str, Tensor], file: Path, save: Save) -> None:
    tensors = {key: x for key, x in nvidia_generator(generator, SMALL).items() if not key.endswith("resample_filter")}
    save({"G_ema": network(tensors)})
    assert equal(generator_state(load_checkpoint(file, parts=["g_ema"])), generator_state({"g": generator}))


@pytest.mark.parametrize("part", ["G_ema", "D"])
@pytest.mark.parametrize("key", ["mapping.embed.weight", "synthesis.b128.conv0.weight", "b8.conv2.bias", "b4.const"])
def test_unknown_name_is_refused(
    key: str, part: str, generator: dict[str, Tensor], discriminator: dict[str, Tensor], file: Path, save: Save
) -> None:
    make, theirs = (nvidia_generator, generator) if part == "G_ema" else (nvidia_discriminator, discriminator)
    content = {**parts(generator, discriminator), part: network({**make(theirs, SMALL), key: torch.ones(3)})}
    save(content)
    with pytest.raises(CheckpointError, match=rf"^ffhq\.pkl: not a \w+ of StyleGAN2: unknown '{re.escape(key)}'$"):
        load_checkpoint(file)


@pytest.mark.parametrize("key", ["mapping.w_avg", "mapping.fc7.bias", "synthesis.b64.torgb.affine.bias"])
def test_missing_name_is_refused(key: str, generator: dict[str, Tensor], file: Path, save: Save) -> None:
    tensors = nvidia_generator(generator, SMALL)
    del tensors[key]
    save({"G_ema": network(tensors)})
    with pytest.raises(
        CheckpointError, match=rf"^ffhq\.pkl: not a generator of StyleGAN2: missing '{re.escape(key)}'$"
    ):
        read_generator({file.name: file})


def test_another_filter_is_refused(generator: dict[str, Tensor], file: Path, save: Save) -> None:
    key = "synthesis.b16.resample_filter"
    save({"G_ema": network({**nvidia_generator(generator, SMALL), key: torch.ones(4, 4) / 16})})
    with pytest.raises(CheckpointError, match=f"not a generator of StyleGAN2: 1 other filters: '{re.escape(key)}'$"):
        read_generator({file.name: file})


def test_wrong_shape_is_refused(generator: dict[str, Tensor], file: Path, save: Save) -> None:
    save({"G_ema": network({**nvidia_generator(generator, SMALL), "synthesis.b8.torgb.bias": torch.ones(4)})})
    with pytest.raises(CheckpointError, match=r"1 wrong shapes or values: 'to_rgbs\.0\.bias'$"):
        read_generator({file.name: file})


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ({"G": Module(), "D": Module()}, "missing 'G_ema'$"),
        ({"G_ema": Module(), "module": Module()}, "unknown 'module'$"),
        ({"G_ema": Module()}, "not a generator of StyleGAN2: missing "),
        (Module(), "is a pickle of stylegan2-ada-pytorch, but damaged$"),
        ({"G_ema": [Module()]}, "is a pickle of stylegan2-ada-pytorch, but damaged$"),
    ],
    ids=["no average", "more", "no layers", "a module", "a list"],
)
def test_other_contents_are_refused(content: object, said: str, file: Path, save: Save) -> None:
    save(content)
    with pytest.raises(CheckpointError, match=said):
        read_generator({file.name: file})


def test_pickle_of_tensorflow_is_refused_with_what_to_use_instead(file: Path, save: Save) -> None:
    save((Network(), Network(), Network()))
    for reader in ("nvidia-generator", "rosinality-generator"):
        with pytest.raises(CheckpointError, match=r"it is a pickle of StyleGAN for TensorFlow$") as refusal:
            convert(reader, {file.name: file})
        assert refusal.value.hint
        assert "ffhq.pkl" in refusal.value.hint
        assert "stylegan2-ffhq-config-f.pt" in refusal.value.hint


def test_pickle_of_nvidia_in_place_of_a_checkpoint_is_named(file: Path, save: Save) -> None:
    save({"G_ema": Module()})
    with pytest.raises(CheckpointError, match=r"^ffhq\.pkl is not a checkpoint .* a pickle of stylegan2-ada-pytorch$"):
        convert("rosinality-generator", {file.name: file})


@pytest.mark.parametrize("share", [0.001, 0.5, 0.99])
def test_truncated_file_is_refused(share: float, generator: dict[str, Tensor], file: Path, save: Save) -> None:
    save({"G_ema": network(nvidia_generator(generator, SMALL))})
    content = file.read_bytes()
    file.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(CheckpointError, match=r"^ffhq\.pkl"):
        read_generator({file.name: file})


class Payload:
    """Makes a folder when it is unpickled without care."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __reduce__(self) -> tuple[object, ...]:
        return Path.mkdir, (self.folder,)


class Storage:
    """A storage that holds a payload: `torch.load` without care makes the folder."""

    def __init__(self, payload: object) -> None:
        content = io.BytesIO()
        torch.save(payload, content, _use_new_zipfile_serialization=False)
        self.content = content.getvalue()

    def __reduce__(self) -> tuple[object, ...]:
        return torch.storage._load_from_bytes, (self.content,)


class Weight:
    """A tensor on a storage of that kind."""

    def __init__(self, payload: object) -> None:
        self.storage = Storage(payload)

    def __reduce__(self) -> tuple[object, ...]:
        return torch._utils._rebuild_tensor_v2, (self.storage, 0, (4,), (1,), False, {})


@pytest.mark.parametrize("protocol", [3, 4])
@pytest.mark.parametrize("place", ["augment_pipe", "_init_kwargs", "_buffers", "_modules", "storage"])
def test_code_in_a_pickle_does_not_run(place: str, protocol: int, tmp_path: Path, file: Path, save: Save) -> None:
    trap = tmp_path / "it ran"
    content: dict[str, Any] = {"G_ema": Module()}
    if place == "augment_pipe":
        content[place] = Payload(trap)
    elif place == "storage":
        vars(content["G_ema"])["_buffers"]["w"] = Weight(Payload(trap))
    else:
        vars(content["G_ema"])[place]["x"] = Payload(trap)
    save(content, protocol)
    with pytest.raises(CheckpointError, match=r"^ffhq\.pkl"):
        read_generator({file.name: file})
    assert not trap.exists()


def test_storage_that_claims_more_than_any_memory_is_refused(file: Path, save: Save) -> None:
    net = Module()
    net.register_buffer("w_avg", torch.ones(4))
    save({"G_ema": net})
    content, large = file.read_bytes(), b"\x8a\x08" + (1 << 59).to_bytes(8, "little")
    claim = content.index(b"FloatStorage")
    size = content.index(b"K\x04Nt", claim)
    length = content.rindex(b"B", 0, claim) + 1
    longer = (int.from_bytes(content[length : length + 4], "little") + 8).to_bytes(4, "little")
    file.write_bytes(content[:length] + longer + content[length + 4 : size] + large + content[size + 2 :])
    with pytest.raises(
        CheckpointError, match=r"^ffhq\.pkl is a pickle of stylegan2-ada-pytorch, but damaged$"
    ) as refusal:
        read_generator({file.name: file})
    assert "alloc" in str(refusal.value.__cause__).lower()


def text(value: str) -> bytes:
    return b"X" + len(value.encode()).to_bytes(4, "little") + value.encode()


def hostile_programs(trap: str) -> Iterable[tuple[str, bytes]]:
    """Yield pickles of other making: what they try, and their instructions."""
    mkdir, path = b"cos\nmkdir\n", text(trap)
    module = b"ctorch_utils.persistence\n_reconstruct_persistent_obj\n"
    yield "reduce", mkdir + path + b"\x85R."
    yield (
        "reduce, name from the memo",
        text("os") + b"q\x00" + text("mkdir") + b"q\x01h\x00h\x01\x93" + path + b"\x85R.",
    )
    yield "eval", b"cbuiltins\neval\n" + text(f"__import__('os').mkdir({trap!r})") + b"\x85R."
    yield "inst", b"(" + path + b"ios\nmkdir\n."
    yield "obj", b"(" + mkdir + path + b"o."
    yield "new object", mkdir + path + b"\x85\x81."
    yield "new object with keywords", mkdir + path + b"\x85}\x92."
    yield "extension", b"\x82\x01."
    yield "persistent id", path + b"Q."
    yield "dotted name of an allowed module", b"ctorch.storage\nos.mkdir\n" + path + b"\x85R."
    yield "state for a global", module + b"}" + text("__code__") + b"Nsb."
    yield "state for a dict", b"}}b."
    yield "call of a text", path + b")R."
    yield "dict from arguments", b"ccollections\nOrderedDict\n]\x85R."
    yield "memo that is not there", b"h\x07."
    yield "memo of four billion", b"}r\xff\xff\xff\xff."
    yield "bytes without end", b"\x8e" + (1 << 62).to_bytes(8, "little") + b"x."
    yield "text without end", b"\x8d" + (1 << 62).to_bytes(8, "little") + b"x."
    yield "key that takes years to hash", b"}N" + b"q\x01h\x01\x86" * 200 + b"Ns."
    yield "name that takes years to write", b"]" + b"q\x01(h\x01h\x01t" * 200 + text("x") + b"\x93."
    yield "lists in lists", b"]" * 20_000 + b"a" * 19_999 + b"."
    yield "nothing", b"."
    yield "mark without end", b"(."
    yield "no end", b"N"
    state = b"}(" + text("_parameters") + b"}" + text("_buffers") + b"}" + text("_modules") + b"}q\x05u"
    network = module + b"}" + text("state") + state + b"s\x85Rq\x06"
    loop = text("augment_pipe") + b"h\x05" + text("x") + b"h\x06ss."
    yield "module in itself", b"}" + text("G_ema") + network + b"s" + loop


@pytest.mark.parametrize("name", [name for name, _ in hostile_programs("")])
def test_pickle_of_other_making_does_not_run(name: str, tmp_path: Path, file: Path) -> None:
    trap = tmp_path / "it ran"
    program = dict(hostile_programs(str(trap)))[name]
    file.write_bytes(b"\x80\x04" + program + text("torch_utils.persistence"))
    with pytest.raises(CheckpointError, match=r"^ffhq\.pkl"):
        read_generator({file.name: file})
    assert not trap.exists()
