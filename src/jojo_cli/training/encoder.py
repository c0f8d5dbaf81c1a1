"""The training of a base's encoder, in stages that each leave their work on the disk and go on from there.

1. `draw_faces`: codes and their pictures, in shards.
2. `fit`: learn to find the code of a picture from the code that is the same for all.
3. `finish`: learn from the pictures that the codes found draw, through the generator; to correct a code, too.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from math import cos, pi
from pathlib import Path

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import Tensor

from jojo_cli.bases.encoder import FeedbackLoop
from jojo_cli.bases.judges import Recogniser
from jojo_cli.bases.views import shrink
from jojo_cli.nets.dlib_recogniser import FaceRecogniser
from jojo_cli.nets.lpips import ShiftTolerantLPIPS
from jojo_cli.training.faces import random_codes, spoil

OnStep = Callable[[str, int, int, float], None]
"""Told the stage, how many of its steps are done, of how many, and the loss."""


@dataclass(frozen=True)
class TrainingSettings:
    """How an encoder is trained."""

    shards: int = 100
    shard: int = 128  # faces in a file
    validation: int = 2  # shards that nothing is learnt from: the first ones
    decay: float = 0.02
    fit_epochs: int = 8
    fit_batch: int = 64
    fit_rate: float = 5e-4  # of Adam
    finish_steps: int = 700
    finish_batch: int = 8
    finish_rate: float = 2e-4
    lpips: float = 1.0  # weights of the terms of `finish`
    pixels: float = 0.5
    identity: float = 1.0
    code: float = 0.3  # of the squared error of the code
    uneven: float = 0.1  # of the squared differences between the octaves' codes
    seed: int = 0


@dataclass(frozen=True)
class EncoderTraining:
    """A training in a folder of its own."""

    folder: Path
    loop: FeedbackLoop
    critic: ShiftTolerantLPIPS
    recogniser: Recogniser
    settings: TrainingSettings

    def draw_faces(self, shard: int) -> None:
        """Write one shard of faces, the same ones for the same seed and number; what exists is left."""
        path = self._path(shard)
        if path.exists():
            return
        rng = self._rng(0, 1000 + shard)
        codes, images = [], []
        with torch.inference_mode():
            for _ in range(self.settings.shard // 8):
                code = random_codes(self.loop, 8, rng)
                image = shrink(self.loop.draw(code).cpu().clamp(-1.2, 1.2), self.loop.side)
                codes.append(code.cpu())
                images.append((spoil(image, rng) * 127.5 + 127.5).byte())
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}.part")
        save_file({"codes": torch.cat(codes), "images": torch.cat(images)}, part)
        part.replace(path)

    def fit(self, on_step: OnStep) -> None:
        """Train on the codes of the faces, from the checkpoint of the last epoch on."""
        settings, net = self.settings, self.loop.net
        images, codes = self._load_faces(settings.shards)
        with torch.inference_mode():
            centre = self.loop.look(self.loop.draw(self.loop.centre(1)))
        unseen = settings.validation * settings.shard
        batches = (len(codes) - unseen) // settings.fit_batch
        total = settings.fit_epochs * batches

        def error(rows: Tensor) -> Tensor:
            wanted, right = self.loop.look(self._from_bytes(images[rows])), codes[rows].to(self._device)
            code = self.loop.correct(wanted, centre.expand_as(wanted), self.loop.centre(len(rows)))
            return (code - right).square().mean()

        assert isinstance(self.recogniser.net, FaceRecogniser)
        net.start_from(self.recogniser.net)
        net.requires_grad_(True)
        optimizer = _adam(net, settings.fit_rate, settings.decay)
        for epoch in range(self._resume("fit", optimizer), settings.fit_epochs):
            order = torch.randperm(len(codes) - unseen, generator=self._rng(10, epoch)) + unseen
            for number in range(batches):
                step = epoch * batches + number
                loss = error(order[number * settings.fit_batch : (number + 1) * settings.fit_batch])
                self._learn(optimizer, loss, settings.fit_rate * _ramps(step, total))
                on_step("fit", step + 1, total, loss.item())
            with torch.inference_mode():
                on_step("fit, unseen faces", (epoch + 1) * batches, total, error(torch.arange(unseen)).item())
            self._checkpoint("fit", epoch + 1, optimizer)

    def finish(self, on_step: OnStep) -> None:
        """Train on what the codes found draw, compared with the picture as critic and recogniser see them."""
        settings, loop, net = self.settings, self.loop, self.loop.net
        images, codes = self._load_faces(settings.shards)
        unseen = settings.validation * settings.shard
        net.requires_grad_(True)
        optimizer = _adam(net, settings.finish_rate, settings.decay)
        per_save = 25
        for step in range(per_save * self._resume("finish", optimizer), settings.finish_steps):
            rng = self._rng(1, step)
            rows = torch.randint(unseen, len(codes), (settings.finish_batch,), generator=rng)
            image = self._from_bytes(images[rows])
            wanted = loop.look(image)
            with torch.no_grad():
                code = loop.centre(len(image))
                drawn = loop.look(loop.draw(code[:1])).expand_as(wanted)
                for _ in range(step % loop.passes):
                    code = loop.correct(wanted, drawn, code)
                    drawn = loop.look(loop.draw(code))
            code = loop.correct(wanted, drawn, code)
            redrawn = shrink(loop.draw(code), self.loop.side)
            with loop.device.autocast():
                alike = self.critic(loop.look(redrawn).flatten(0, 1), wanted.flatten(0, 1)).mean()
                people = self.recogniser(redrawn) - self.recogniser(image)
            loss = settings.lpips * alike + settings.identity * people.float().square().sum(dim=1).mean()
            loss = loss + settings.pixels * F.mse_loss(redrawn, image)
            loss = loss + settings.code * (code - codes[rows].to(self._device)).square().mean()
            loss = loss + settings.uneven * (code - code.mean(dim=1, keepdim=True)).square().mean()
            self._learn(optimizer, loss, settings.finish_rate * _ramps(step, settings.finish_steps))
            on_step("finish", step + 1, settings.finish_steps, loss.item())
            if (step + 1) % per_save == 0:
                self._checkpoint("finish", (step + 1) // per_save, optimizer)

    def measure(self) -> dict[str, float]:
        """Return how far what is drawn of unseen faces is from them: LPIPS at 256 px, and of the descriptors."""
        alike, people = [], []
        images, _ = self._load_faces(self.settings.validation)
        with torch.inference_mode():
            for first in range(0, len(images), 8):
                image = self._from_bytes(images[first : first + 8])
                redrawn = self.loop.generator.synthesis(self.loop(image), at_least=image.shape[-1])
                redrawn = shrink(redrawn, image.shape[-1])
                alike.append(self.critic(redrawn, image))
                people.append((self.recogniser(redrawn) - self.recogniser(image)).norm(dim=1))
        return {"lpips": torch.cat(alike).mean().item(), "descriptor_distance": torch.cat(people).mean().item()}

    def _learn(self, optimizer: torch.optim.Optimizer, loss: Tensor, rate: float) -> None:
        for group in optimizer.param_groups:
            group["lr"] = rate
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.loop.net.parameters(), 1.0)
        optimizer.step()

    @property
    def _device(self) -> torch.device:
        return self.loop.device.torch_device

    def _from_bytes(self, images: Tensor) -> Tensor:
        return images.to(self._device).float() / 127.5 - 1

    def _rng(self, stage: int, number: int) -> torch.Generator:
        return torch.Generator().manual_seed((self.settings.seed * 100 + stage) * 1_000_000 + number)

    def _path(self, shard: int) -> Path:
        return self.folder / "faces" / f"{shard:04d}.safetensors"

    def _load_faces(self, shards: int) -> tuple[Tensor, Tensor]:
        """Return images [N,3,S,S] as bytes and codes [N,O,D] of the first shards."""
        parts = [load_file(self._path(shard)) for shard in range(shards)]
        return torch.cat([part["images"] for part in parts]), torch.cat([part["codes"] for part in parts])

    def _checkpoint(self, stage: str, done: int, optimizer: torch.optim.Optimizer) -> None:
        path = self.folder / f"{stage}.pt"
        part = path.with_suffix(".part")
        torch.save({"done": done, "net": self.loop.net.state_dict(), "optimizer": optimizer.state_dict()}, part)
        part.replace(path)

    def _resume(self, stage: str, optimizer: torch.optim.Optimizer) -> int:
        """Take up the encoder, and the optimizer, of a stage's checkpoint; return how much was done, 0 without one."""
        path = self.folder / f"{stage}.pt"
        if not path.exists():
            return 0
        saved = torch.load(path, weights_only=True, map_location=self.loop.device.torch_device)
        self.loop.net.load_state_dict(saved["net"])
        optimizer.load_state_dict(saved["optimizer"])
        return int(saved["done"])


def _adam(net: torch.nn.Module, rate: float, decay: float) -> torch.optim.Optimizer:
    matrices = [p for p in net.parameters() if p.ndim > 1]
    biases = [p for p in net.parameters() if p.ndim <= 1]
    groups = [{"params": matrices, "weight_decay": decay}, {"params": biases, "weight_decay": 0.0}]
    return torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98))


def _ramps(step: int, steps: int) -> float:
    return min(1.0, (step + 1) / 100) * (0.5 + 0.5 * cos(pi * step / steps))
