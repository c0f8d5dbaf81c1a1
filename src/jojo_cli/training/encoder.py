"""The training of a base's encoder, in two stages that each go on where they stopped.

1. `fit`: learn to find the code of a picture from the code that is the same for all.
2. `finish`: learn from the pictures that the codes found draw, through the generator; to correct a code, too.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from jojo_cli.bases.encoder import FeedbackLoop
from jojo_cli.bases.judges import Recogniser
from jojo_cli.bases.views import face_chip, shrink
from jojo_cli.nets.dlib_recogniser import FaceRecogniser
from jojo_cli.nets.lpips import ShiftTolerantLPIPS
from jojo_cli.training.faces import drawn_astray, random_codes, spoilt, varied
from jojo_cli.training.rates import warmed_cosine

STAGES = ("fit", "finish", "measure")
"""What draws faces of its own from the seed."""

OnStep = Callable[[str, int, int, Tensor], None]
"""Told the stage, how many of its steps are done, of how many, and the loss, as a tensor: to read it takes waiting."""


@dataclass(frozen=True)
class TrainingSettings:
    """How an encoder is trained."""

    decay: float = 0.02
    fit_steps: int = 1600
    fit_batch: int = 64
    fit_rate: float = 5e-4  # of Adam
    finish_steps: int = 2200
    finish_batch: int = 64
    finish_rate: float = 4e-4
    passes: tuple[int, ...] = (0, 1, 1, 2)  # how often a code was corrected before it is learnt from, step by step
    lpips: float = 1.0  # weights of the terms of `finish`
    pixels: float = 0.5
    identity: float = 2.0
    code: float = 0.1  # of the squared error of the code
    uneven: float = 0.015  # of the squared differences between the octaves' codes
    seed: int = 0


@dataclass(frozen=True)
class Faces:
    """Faces to learn from."""

    codes: Tensor  # [N,O,D]
    images: Tensor  # [N,3,S,S] in [-1,1], what shall be drawn
    seen: Tensor  # [N,3,S,S], what is seen of them


@dataclass(frozen=True)
class EncoderTraining:
    """A training in a folder of its own."""

    folder: Path
    loop: FeedbackLoop
    critic: ShiftTolerantLPIPS
    recogniser: Recogniser
    settings: TrainingSettings
    save_every: int = 100  # steps from a checkpoint to the next

    def fit(self, on_step: OnStep) -> None:
        """Train on the codes of the faces, from a net that sees as the recogniser does."""
        settings, loop = self.settings, self.loop

        def loss(faces: Faces, step: int) -> Tensor:
            wanted = loop.look(faces.seen)
            code = loop.correct(wanted, loop.first.expand_as(wanted), loop.centre(len(wanted)))
            return (code - faces.codes).square().mean()

        assert isinstance(self.recogniser.net, FaceRecogniser)
        loop.net.start_from(self.recogniser.net)
        self._train("fit", settings.fit_steps, settings.fit_batch, settings.fit_rate, loss, on_step)

    def finish(self, on_step: OnStep) -> None:
        """Train on what the codes found draw, compared with the picture as critic and recogniser see them."""
        settings, loop = self.settings, self.loop

        def loss(faces: Faces, step: int) -> Tensor:
            wanted = loop.look(faces.seen)
            with torch.no_grad():
                code, drawn = loop.centre(len(wanted)), loop.first.expand_as(wanted)
                for _ in range(settings.passes[step % len(settings.passes)]):
                    code = loop.correct(wanted, drawn, code)
                    drawn = loop.look(loop.draw(code))
            code = loop.correct(wanted, drawn, code)
            redrawn = shrink(loop.draw(code), loop.side)
            near = [face_chip(images, loop.side // 2) for images in (redrawn, faces.images)]
            with loop.device.autocast():
                alike = self.critic(redrawn, faces.images) + self.critic(*near)
                people = self.recogniser(redrawn) - self.recogniser(faces.images)
            total: Tensor = (
                settings.lpips * alike.mean() / 2
                + settings.identity * people.float().square().sum(dim=1).mean()
                + settings.pixels * F.mse_loss(redrawn, faces.images)
                + settings.code * (code - faces.codes).square().mean()
                + settings.uneven * (code - code.mean(dim=1, keepdim=True)).square().mean()
            )
            return total

        self._train("finish", settings.finish_steps, settings.finish_batch, settings.finish_rate, loss, on_step)

    def measure(self, batches: int = 8) -> dict[str, float]:
        """Return how far what is drawn of unseen faces is from them: LPIPS at 256 px, and of the descriptors."""
        alike, people = [], []
        for number in range(batches):
            faces = self._faces(self._rng("measure", number), 16)
            with torch.no_grad():
                drawn = self.loop.generator.synthesis(self.loop(faces.seen), at_least=self.loop.side)
                redrawn = shrink(drawn, self.loop.side)
                alike.append(self.critic(redrawn, faces.images))
                people.append((self.recogniser(redrawn) - self.recogniser(faces.images)).norm(dim=1))
        return {"lpips": torch.cat(alike).mean().item(), "descriptor_distance": torch.cat(people).mean().item()}

    def _train(
        self, stage: str, steps: int, batch: int, rate: float, loss: Callable[[Faces, int], Tensor], on_step: OnStep
    ) -> None:
        """Take the steps of a stage, from its checkpoint on."""
        net = self.loop.net
        net.requires_grad_(True)
        optimizer = _adam(net, rate, self.settings.decay)
        for step in range(self._resume(stage, optimizer), steps):
            for group in optimizer.param_groups:
                group["lr"] = rate * warmed_cosine(step, steps, warm=100)
            now = loss(self._faces(self._rng(stage, step), batch), step)
            optimizer.zero_grad(set_to_none=True)
            now.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
            optimizer.step()
            on_step(stage, step + 1, steps, now.detach())
            if (step + 1) % self.save_every == 0 or step + 1 == steps:
                self._checkpoint(stage, step + 1, optimizer)
        net.requires_grad_(False)

    def _faces(self, rng: torch.Generator, count: int) -> Faces:
        with torch.no_grad():
            codes = random_codes(self.loop, count, rng)
            images = varied(shrink(drawn_astray(self.loop, codes, rng), self.loop.side), rng)
            return Faces(codes, images, spoilt(images, rng))

    def _rng(self, stage: str, number: int) -> torch.Generator:
        rng = torch.Generator(self.loop.device.torch_device)
        return rng.manual_seed((self.settings.seed * 100 + STAGES.index(stage)) * 1_000_000 + number)

    def _checkpoint(self, stage: str, done: int, optimizer: torch.optim.Optimizer) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
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
