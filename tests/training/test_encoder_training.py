"""The training of an encoder: it learns, goes on where it stopped, and does the same again."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tiny
import torch
from PIL import Image
from torch import Tensor

from jojo_cli.bases.encoder import FeedbackLoop
from jojo_cli.training.encoder import EncoderTraining, OnStep, TrainingSettings
from jojo_cli.training.faces import compressed, drawn_astray, random_codes, spoilt, varied

SETTINGS = TrainingSettings(fit_steps=12, fit_batch=8, fit_rate=2e-3, finish_steps=12, finish_batch=1, passes=(0, 1))

Change = Callable[[Tensor, torch.Generator], Tensor]


class Interrupted(Exception):
    """What a test stops a training with."""


def open_training(folder: Path, settings: TrainingSettings = SETTINGS) -> EncoderTraining:
    base = tiny.make_base()
    loop = base.load_encoder(None)
    assert isinstance(loop, FeedbackLoop)
    return EncoderTraining(folder, loop, base.load_perceptual(), base.load_recogniser(), settings, save_every=5)


def silent(stage: str, step: int, steps: int, loss: Tensor) -> None:
    """Say nothing."""


def weights(training: EncoderTraining) -> dict[str, Tensor]:
    return {key: tensor.clone() for key, tensor in training.loop.net.state_dict().items()}


def same(a: dict[str, Tensor], b: dict[str, Tensor]) -> bool:
    return all(torch.equal(tensor, b[key]) for key, tensor in a.items())


def run(training: EncoderTraining, on_step: OnStep = silent) -> None:
    training.fit(on_step)
    training.finish(on_step)


def losses(training: EncoderTraining, stage: str) -> list[float]:
    told: list[float] = []

    def on_step(name: str, step: int, steps: int, loss: Tensor) -> None:
        assert (name, step) == (stage, len(told) + 1)
        told.append(float(loss))

    {"fit": training.fit, "finish": training.finish}[stage](on_step)
    return told


def test_codes_of_a_few_faces_are_learnt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    training = open_training(tmp_path, replace(SETTINGS, fit_steps=110, fit_rate=5e-3))
    codes = random_codes(training.loop, SETTINGS.fit_batch, torch.Generator().manual_seed(0))
    monkeypatch.setattr("jojo_cli.training.encoder.random_codes", lambda loop, count, rng: codes[:count])
    told = losses(training, "fit")
    assert len(told) == 110
    assert sum(told[-10:]) < 0.7 * sum(told[:10])


def test_pictures_drawn_come_nearer(tmp_path: Path) -> None:
    training = open_training(tmp_path, replace(SETTINGS, finish_steps=110, finish_batch=2, finish_rate=2e-3))
    before = training.measure(2)
    losses(training, "finish")
    after = training.measure(2)
    assert after["lpips"] < 0.9 * before["lpips"]


def test_seed_decides_what_is_learnt(tmp_path: Path) -> None:
    short = replace(SETTINGS, fit_steps=3)
    a, b, c = (
        losses(open_training(tmp_path / name, replace(short, seed=seed)), "fit")
        for name, seed in zip("abc", (0, 0, 1), strict=True)
    )
    assert a == b
    assert a != c


def test_interrupted_training_goes_on_and_ends_as_if_nothing_had_happened(tmp_path: Path) -> None:
    whole = open_training(tmp_path / "whole")
    run(whole)
    for stage, at in (("fit", 8), ("finish", 11)):  # a checkpoint is written after 5 steps, and after 10
        broken = open_training(tmp_path / "broken")

        def interrupt(name: str, step: int, steps: int, loss: Tensor, *, stage: str = stage, at: int = at) -> None:
            if name == stage and step == at:
                raise Interrupted

        with pytest.raises(Interrupted):
            run(broken, interrupt)
    again = open_training(tmp_path / "broken")
    run(again)
    assert same(weights(again), weights(whole))
    assert not same(weights(again), weights(open_training(tmp_path / "new")))


def test_half_of_the_faces_are_no_codes_pictures(tmp_path: Path) -> None:
    loop, rng = open_training(tmp_path).loop, torch.Generator().manual_seed(0)
    with torch.no_grad():
        codes = random_codes(loop, 64, rng)
        away = (drawn_astray(loop, codes, rng) - loop.draw(codes)).abs().amax(dim=(1, 2, 3))
    assert 0.3 < (away < 1e-3).float().mean() < 0.7
    assert away.max() > 0.05


@pytest.mark.parametrize("change", [varied, spoilt])
def test_changed_pictures_stay_pictures_and_differ_from_one_another(change: Change) -> None:
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0)) * 2 - 1
    changed = change(image.expand(24, -1, -1, -1), torch.Generator().manual_seed(0))
    assert changed.shape == (24, 3, 64, 64)
    assert changed.isfinite().all()
    assert changed.abs().max() <= 1
    distances = (changed[:, None] - changed).abs().mean(dim=(2, 3, 4))
    assert (distances > 0.01).float().mean() > 0.7


def test_compression_is_that_of_jpeg() -> None:
    """Pillow's files, without less colour than brightness, lose what is taken away here."""
    rows = torch.linspace(0, 12, 64)
    picture = torch.stack([rows.sin() * rows[:, None].cos(), (rows * rows[:, None]).sin(), rows.cos().expand(64, 64)])
    pixels = (picture * 127.5 + 127.5).byte()
    picture = pixels[None] / 255
    for quality in (45, 80):
        file = io.BytesIO()
        Image.fromarray(pixels.permute(1, 2, 0).numpy()).save(file, "JPEG", quality=quality, subsampling=0)
        theirs = torch.from_numpy(np.array(Image.open(file))).permute(2, 0, 1)[None] / 255
        ours = compressed(picture, torch.full((1, 1, 1, 1), float(quality)))
        assert (ours - theirs).abs().mean() < 0.35 * (theirs - picture).abs().mean()
