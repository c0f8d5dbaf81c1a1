"""Files that hold a code: what is written comes back, and nothing else is believed."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
import tiny
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from jojo_cli.bases.base import Base
from jojo_cli.codes import KEY, read_code, write_code
from jojo_cli.errors import CheckpointError, JojoError
from jojo_cli.stylize.mixing import sample_code


@pytest.fixture
def w_plus(base: Base) -> Tensor:
    return sample_code(base, 1, 1.0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "me.safetensors"


def test_code_comes_back_as_it_was(base: Base, w_plus: Tensor, path: Path) -> None:
    write_code(path, w_plus, base)
    assert torch.equal(read_code(path, base), w_plus)


def test_file_says_which_base_it_belongs_to(base: Base, w_plus: Tensor, path: Path) -> None:
    write_code(path, w_plus, base)
    with safe_open(path, "pt") as file:
        assert file.metadata() == {
            "base": base.name,
            "base_sha256": base.sha256,
            "base_fingerprint": json.dumps(base.fingerprint),
        }
        assert list(file.keys()) == [KEY]


def test_one_w_for_all_codes_is_written_whole(base: Base, path: Path) -> None:
    w_plus = base.generator.w_to_w_plus(base.latents.mean_w[None])  # may share memory from code to code
    write_code(path, w_plus, base)
    assert torch.equal(read_code(path, base), w_plus)


def test_existing_file_is_kept(base: Base, w_plus: Tensor, path: Path) -> None:
    path.write_text("mine")
    with pytest.raises(JojoError, match="exists"):
        write_code(path, w_plus, base)
    assert path.read_text() == "mine"
    write_code(path, w_plus, base, overwrite=True)
    assert torch.equal(read_code(path, base), w_plus)


def test_half_precision_and_missing_metadata_are_fine(base: Base, w_plus: Tensor, path: Path) -> None:
    save_file({KEY: w_plus.half()}, path)
    code = read_code(path, base)
    assert code.dtype == torch.float32
    assert torch.allclose(code, w_plus, atol=1e-2)


def test_code_of_another_base_says_of_which(base: Base, w_plus: Tensor, path: Path) -> None:
    write_code(path, w_plus, replace(base, name="stylegan2-ffhq"))
    with pytest.raises(CheckpointError, match=f"is a code of base 'stylegan2-ffhq', not of '{base.name}'"):
        read_code(path, base)


def test_code_of_another_version_of_the_base(base: Base, w_plus: Tensor, path: Path) -> None:
    write_code(path, w_plus, replace(tiny.make_base(seed=1), sha256="0" * 64))
    with pytest.raises(CheckpointError, match=f"is a code of another version of base '{base.name}'"):
        read_code(path, base)


def test_code_of_another_shape_says_both(base: Base, w_plus: Tensor, path: Path) -> None:
    codes, size = base.generator.codes, base.generator.w_dim
    for wrong in (w_plus[:, :-1], w_plus[..., :-1], w_plus[0], w_plus.expand(2, -1, -1)):
        write_code(path, wrong, base, overwrite=True)
        with pytest.raises(CheckpointError) as failure:
            read_code(path, base)
        assert f"holds {list(wrong.shape)}" in str(failure.value)
        assert f"is [1, {codes}, {size}]" in str(failure.value)


@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_numbers_that_are_not_finite(value: float, base: Base, w_plus: Tensor, path: Path) -> None:
    write_code(path, torch.full_like(w_plus, value), base)
    with pytest.raises(CheckpointError, match="not finite"):
        read_code(path, base)


def test_whole_numbers_are_no_code(base: Base, w_plus: Tensor, path: Path) -> None:
    save_file({KEY: w_plus.long()}, path)
    with pytest.raises(CheckpointError, match="not finite floats"):
        read_code(path, base)


@pytest.mark.parametrize("tensors", [{}, {"w": torch.zeros(1)}, {KEY: torch.zeros(1), "more": torch.zeros(1)}])
def test_tensors_of_something_else(tensors: dict[str, Tensor], base: Base, path: Path) -> None:
    save_file(tensors, path)
    with pytest.raises(CheckpointError, match=f"is not a code: it holds no '{KEY}'"):
        read_code(path, base)


@pytest.mark.parametrize("content", [b"", b"\x89PNG\r\n", b"<html>", b"\xff" * 100])
def test_bytes_of_something_else(content: bytes, base: Base, path: Path) -> None:
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match="is not a code") as failure:
        read_code(path, base)
    assert failure.value.hint == "make one with 'jojo invert'"


def test_truncated_file(base: Base, w_plus: Tensor, path: Path) -> None:
    write_code(path, w_plus, base)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(CheckpointError, match="is not a code"):
        read_code(path, base)


def test_missing_file_and_folder(base: Base, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"^not found$"):
        read_code(tmp_path / "me.safetensors", base)
    with pytest.raises(CheckpointError, match="is not a code"):
        read_code(tmp_path, base)
