"""The training of an encoder: it learns, goes on where it stopped, and does the same again."""

from dataclasses import replace
from pathlib import Path

import pytest
import tiny
import torch
from safetensors.torch import load_file
from torch import Tensor

from jojo_cli.bases.encoder import FeedbackLoop
from jojo_cli.training.encoder import EncoderTraining, OnStep, TrainingSettings
from jojo_cli.training.faces import spoil

SETTINGS = TrainingSettings(
    shards=3, shard=16, validation=1, fit_epochs=3, fit_batch=8, fit_rate=2e-3, finish_steps=30, finish_batch=2
)


class Interrupted(Exception):
    """What a test stops a training with."""


def open_training(folder: Path, settings: TrainingSettings = SETTINGS) -> EncoderTraining:
    base = tiny.make_base()
    loop = base.load_encoder(None)
    assert isinstance(loop, FeedbackLoop)
    training = EncoderTraining(folder, loop, base.load_perceptual(), base.load_recogniser(), settings)
    for shard in range(settings.shards):
        training.draw_faces(shard)
    return training


def silent(stage: str, step: int, steps: int, loss: float) -> None:
    """Say nothing."""


def weights(training: EncoderTraining) -> dict[str, Tensor]:
    return {key: tensor.clone() for key, tensor in training.loop.net.state_dict().items()}


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return all(torch.equal(tensor, b[key]) for key, tensor in a.items())


def run(training: EncoderTraining, on_step: OnStep = silent) -> None:
    training.fit(on_step)
    training.finish(on_step)


def test_faces_are_the_same_for_the_same_seed(tmp_path: Path) -> None:
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        open_training(tmp_path / name, replace(SETTINGS, shards=1, seed=seed))
    a, b, c = (load_file(tmp_path / name / "faces" / "0000.safetensors") for name in "abc")
    assert all(torch.equal(a[key], b[key]) for key in ("codes", "images"))
    assert not torch.equal(a["codes"], c["codes"])
    assert a["images"].shape == (16, 3, 128, 128)


def test_faces_that_exist_are_not_drawn_again(tmp_path: Path) -> None:
    training = open_training(tmp_path)
    path = tmp_path / "faces" / "0001.safetensors"
    path.write_bytes(b"mine")
    training.draw_faces(1)
    assert path.read_bytes() == b"mine"


def test_error_of_codes_falls(tmp_path: Path) -> None:
    training = open_training(tmp_path, replace(SETTINGS, fit_epochs=25, fit_rate=5e-3))
    told: list[float] = []
    training.fit(lambda stage, step, steps, loss: told.append(loss) if stage == "fit" else None)
    assert len(told) == 25 * 4
    assert sum(told[-8:]) < 0.9 * sum(told[:8])


def test_pictures_drawn_come_nearer(tmp_path: Path) -> None:
    training = open_training(tmp_path, replace(SETTINGS, finish_steps=100, finish_rate=2e-3))
    told: list[float] = []
    training.finish(lambda stage, step, steps, loss: told.append(loss))
    assert len(told) == 100
    assert sum(told[-20:]) < 0.9 * sum(told[:20])


def test_interrupted_training_goes_on_and_ends_as_if_nothing_had_happened(tmp_path: Path) -> None:
    whole = open_training(tmp_path / "whole")
    run(whole)
    for stage, at in (("fit", 6), ("finish", 27)):
        broken = open_training(tmp_path / "broken")

        def interrupt(name: str, step: int, steps: int, loss: float, *, stage: str = stage, at: int = at) -> None:
            if name == stage and step == at:
                raise Interrupted

        with pytest.raises(Interrupted):
            run(broken, interrupt)
    again = open_training(tmp_path / "broken")
    run(again)
    assert same(weights(again), weights(whole))
    assert not same(weights(again), weights(open_training(tmp_path / "new")))


def test_spoilt_pictures_stay_pictures_and_differ_from_one_another() -> None:
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    spoilt = spoil(image.expand(12, -1, -1, -1), torch.Generator().manual_seed(0))
    assert spoilt.shape == (12, 3, 64, 64)
    assert spoilt.isfinite().all()
    assert spoilt.abs().max() <= 1
    assert (spoilt[1:] - spoilt[:1]).abs().mean(dim=(1, 2, 3)).min() > 0.01
