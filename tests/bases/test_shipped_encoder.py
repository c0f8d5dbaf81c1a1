"""The encoder that comes with jojo: whole, small, and noticed when it is not."""

import json
from hashlib import sha256
from importlib.resources import files
from pathlib import Path

import pytest
import torch

from jojo_cli import bases
from jojo_cli.bases import EMBEDDED_BASE, shipped
from jojo_cli.bases.shipped import shipped_record, shipped_weights
from jojo_cli.errors import CheckpointError
from jojo_cli.nets.encoders import FeedbackEncoder

WEIGHTS, RECORD = f"{EMBEDDED_BASE}.encoder.safetensors", f"{EMBEDDED_BASE}.encoder.json"


@pytest.fixture
def copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a copy of the installed encoder for a test to damage."""
    for name in (WEIGHTS, RECORD):
        (tmp_path / name).write_bytes((files(bases) / name).read_bytes())
    monkeypatch.setattr(shipped, "files", lambda package: tmp_path)
    return tmp_path


def test_weights_are_those_of_the_record_and_fit_the_network() -> None:
    data = (files(bases) / WEIGHTS).read_bytes()
    assert len(data) < 20_000_000
    assert shipped_record(EMBEDDED_BASE)["sha256"] == sha256(data).hexdigest()
    net = FeedbackEncoder(octaves=7)
    net.load_state_dict(shipped_weights(EMBEDDED_BASE))
    assert all(tensor.dtype == torch.float32 and tensor.isfinite().all() for tensor in net.state_dict().values())


def test_record_tells_how_it_was_made_and_what_follows() -> None:
    record = shipped_record(EMBEDDED_BASE)
    assert {"base", "data", "settings", "licence", "consequence", "figures"} <= set(record)
    assert record["base"] == EMBEDDED_BASE
    assert "non-commercial" in record["consequence"]


@pytest.mark.parametrize("damage", ["missing", "truncated", "flipped", "record"])
def test_damage_is_noticed_with_the_hint_to_reinstall(damage: str, copy: Path) -> None:
    weights, record = copy / WEIGHTS, copy / RECORD
    if damage == "missing":
        weights.unlink()
    elif damage == "truncated":
        weights.write_bytes(weights.read_bytes()[:-1000])
    elif damage == "flipped":
        data = bytearray(weights.read_bytes())
        data[-1000] ^= 1
        weights.write_bytes(data)
    else:
        record.write_text(json.dumps({"sha256": "?"})[:-3])
    with pytest.raises(CheckpointError, match=r"encoder of base 'mobilestylegan-ffhq' is missing or damaged") as error:
        shipped_weights(EMBEDDED_BASE)
    assert "pip install --force-reinstall" in str(error.value.hint)
