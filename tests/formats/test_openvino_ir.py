"""MobileStyleGAN's OpenVINO IR: what the file says is what the network gets, and what it should not say is refused."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

import pytest
import torch
from torch import Tensor

from jojo_cli.errors import CheckpointError
from jojo_cli.formats import convert
from jojo_cli.formats.openvino_ir import BLOCKS
from jojo_cli.nets.mobilestylegan import MobileStyleGAN

Constants = Sequence[tuple[str, Tensor]]


def write_graph(folder: Path, name: str, constants: Constants) -> dict[str, Path]:
    """Write a graph that holds these constants, beside integers and other layers, as OpenVINO does."""
    xml, binary = folder / f"{name}.xml", folder / f"{name}.bin"
    layers, data = ["<layer name='style' type='Parameter'/>"], b""
    for constant, tensor in constants:
        shape = ", ".join(map(str, tensor.shape))
        kind = {torch.float32: "f32", torch.int64: "i64"}[tensor.dtype]
        values = tensor.contiguous().numpy().tobytes()
        layers.append(
            f"<layer name={quoteattr(constant)} type='Const'><data element_type='{kind}' "
            f"offset='{len(data)}' size='{len(values)}' shape='{shape}'/></layer>"
        )
        data += values
    xml.write_text(f"<?xml version='1.0'?><net><layers>{''.join(layers)}</layers></net>")
    binary.write_bytes(data)
    return {xml.name: xml, binary.name: binary}


def published_mapping(state: dict[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    yield "axis", torch.tensor([1])
    yield "epsilon", torch.tensor([[1e-8]])
    for i in range(2):
        yield f"{100 + i}", state[f"mapping.{i}.weight"]
        yield f"Add_{i}/bias", state[f"mapping.{i}.bias"]
        yield f"LeakyRelu_{i}/slope", torch.tensor([0.2])


def published_conv(theirs: str, ours: str, number: int, state: dict[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    yield f"{theirs}.conv.modulation.weight", state[f"{ours}.modulation.weight"]
    yield f"{theirs}.conv.modulation.bias", state[f"{ours}.modulation.bias"][None]
    if f"{ours}.depthwise" in state:
        yield f"{theirs}.conv.weight_dw", state[f"{ours}.depthwise"][:, None]
    kernel = state[f"{ours}.weight"]
    yield f"Mul_{number}_copy", kernel if kernel.ndim == 4 else kernel[:, :, None, None]
    yield f"{1500 + number}", state[f"{ours}.noise"]
    yield f"{theirs}.bias", state[f"{ours}.bias"][None, :, None, None]
    yield f"LeakyRelu_{number}/slope", torch.tensor([0.2])


def published_synthesis(state: dict[str, Tensor]) -> Iterator[tuple[str, Tensor]]:
    yield "m.input.input", state["stages.0.const"]
    yield from published_conv("m.conv1", "stages.0.conv1", 0, state)
    for i in range(BLOCKS):
        theirs, ours = f"m.layers.{i}", f"stages.{i + 1}"
        yield f"{theirs}.up.modulation.weight", state[f"{ours}.up.modulation.weight"]
        yield f"{theirs}.up.modulation.bias", state[f"{ours}.up.modulation.bias"][None]
        yield f"Haar_{i}", torch.full((8, 1, 1, 2, 1), 0.5**0.5)
        yield from published_conv(f"{theirs}.conv1", f"{ours}.conv1", 10 * i + 1, state)
        yield from published_conv(f"{theirs}.conv2", f"{ours}.conv2", 10 * i + 2, state)
    theirs, ours = f"m.layers.{BLOCKS - 1}.to_img", f"stages.{BLOCKS + 1}"
    yield f"{theirs}.conv.modulation.weight", state[f"{ours}.modulation.weight"]
    yield f"{theirs}.conv.modulation.bias", state[f"{ours}.modulation.bias"][None]
    yield f"{theirs}.conv.weight", state[f"{ours}.weight"][:, :, None, None]
    yield f"{theirs}.bias", state[f"{ours}.bias"][None, :, None, None]


def test_published_constants_become_the_state_of_the_network(tmp_path: Path) -> None:
    generator = MobileStyleGAN((8,) * BLOCKS, w_dim=8, mapping_layers=2)
    state = generator.state_dict()
    for tensor in state.values():
        tensor.normal_()
    files = {
        **write_graph(tmp_path, "MappingNetwork", list(published_mapping(state))),
        **write_graph(tmp_path, "SynthesisNetwork", list(published_synthesis(state))),
    }
    converted = convert("mobilestylegan-ir", files)
    assert converted.keys() == state.keys()
    assert all(torch.equal(converted[key], state[key]) for key in state)
    generator.load_state_dict(converted)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, Path]:
    """Give a graph of one constant, which is fine."""
    constants = [("m.input.input", torch.ones(1, 8, 4, 4))]
    return {**write_graph(tmp_path, "MappingNetwork", []), **write_graph(tmp_path, "SynthesisNetwork", constants)}


def test_one_constant_is_read(files: dict[str, Path]) -> None:
    assert list(convert("mobilestylegan-ir", files)) == ["stages.0.const"]


@pytest.mark.parametrize(
    ("name", "shape"),
    [
        ("m.layers.7.up.modulation.weight", (4, 4)),  # of a block too many
        ("m.layers.0.to_img.bias", (1, 12, 1, 1)),
        ("m.conv1.bias.more", (4,)),
        ("weights", (4, 4)),
    ],
)
def test_constant_of_another_network_is_refused(name: str, shape: tuple[int, ...], files: dict[str, Path]) -> None:
    files.update(write_graph(files["SynthesisNetwork.xml"].parent, "SynthesisNetwork", [(name, torch.ones(shape))]))
    with pytest.raises(CheckpointError, match=f"'{name}'.* not part of MobileStyleGAN"):
        convert("mobilestylegan-ir", files)


@pytest.mark.parametrize("kept", [0, 8, 511])
def test_short_data_is_refused(kept: int, files: dict[str, Path]) -> None:
    binary = files["SynthesisNetwork.bin"]
    binary.write_bytes(binary.read_bytes()[:kept])
    with pytest.raises(CheckpointError, match=r"SynthesisNetwork\.bin is too short for constant 'm\.input\.input'"):
        convert("mobilestylegan-ir", files)


def test_size_that_does_not_fit_the_shape_is_refused(files: dict[str, Path]) -> None:
    xml = files["SynthesisNetwork.xml"]
    xml.write_text(xml.read_text().replace("1, 8, 4, 4", "1, 8, 4, 3"))
    with pytest.raises(CheckpointError, match=r"m\.input\.input"):
        convert("mobilestylegan-ir", files)


@pytest.mark.parametrize("text", ["", "<net><layers>", "<!doctype html><html><p>404", "\0"])
def test_broken_graph_is_refused(text: str, files: dict[str, Path]) -> None:
    files["SynthesisNetwork.xml"].write_text(text)
    with pytest.raises(CheckpointError, match=r"SynthesisNetwork\.xml is not an OpenVINO graph"):
        convert("mobilestylegan-ir", files)
