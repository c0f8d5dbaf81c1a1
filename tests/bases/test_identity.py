"""Copies of one network are known as one, and other networks as others."""

from dataclasses import replace
from pathlib import Path

import pytest
import tiny
import torch
from torch import Tensor

from jojo_cli.bases.base import Base
from jojo_cli.bases.identity import fingerprint, is_same
from jojo_cli.codes import read_code, write_code
from jojo_cli.errors import CheckpointError
from jojo_cli.stylize.mixing import sample_code

State = dict[str, Tensor]


def rounded(state: State) -> State:
    return {key: tensor.half().float() for key, tensor in state.items()}


def test_rounding_leaves_a_network_what_it_is(base: Base) -> None:
    state = base.generator.state_dict()
    assert is_same(fingerprint(state), fingerprint(rounded(state)))
    assert is_same(fingerprint(state), fingerprint({key: tensor.bfloat16() for key, tensor in state.items()}))


class OnMPS(Tensor):
    """A tensor on a device without float64."""

    def double(self, *args: object, **options: object) -> Tensor:
        raise TypeError("Cannot convert a MPS Tensor to float64 dtype as the MPS framework doesn't support float64.")

    def cpu(self, *args: object, **options: object) -> Tensor:
        return self.as_subclass(Tensor)


def test_network_is_known_on_a_device_without_float64(base: Base) -> None:
    state = base.generator.state_dict()
    assert fingerprint({key: tensor.as_subclass(OnMPS) for key, tensor in state.items()}) == fingerprint(state)


def test_another_network_is_another(base: Base) -> None:
    other = tiny.make_base(seed=1)
    assert not is_same(base.fingerprint, other.fingerprint)
    assert not is_same(base.fingerprint, base.fingerprint[:-1])


def test_code_of_another_file_of_the_same_network_is_taken(base: Base, tmp_path: Path) -> None:
    generator = base.generator.clone()
    generator.load_state_dict(rounded(generator.state_dict()))
    copy = replace(base, generator=generator, sha256="0" * 64)
    code = sample_code(base, 0, 0.7)
    write_code(tmp_path / "code.safetensors", code, copy)
    assert torch.equal(read_code(tmp_path / "code.safetensors", base), code)
    write_code(tmp_path / "other.safetensors", code, replace(tiny.make_base(seed=1), name=base.name))
    with pytest.raises(CheckpointError, match="of another version of base"):
        read_code(tmp_path / "other.safetensors", base)
