"""Encoders: networks that read a picture's code off it."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from jojo_cli.nets.dlib_recogniser import LEVELS, FaceRecogniser, Trunk
from jojo_cli.nets.resampling import averages, resampled


class FeedbackEncoder(nn.Module):
    """Corrects a code by what is seen of the picture, and of what the code draws (ReStyle, arXiv 2104.02699).

    It looks at both in two views, with the trunk of a face recogniser: where pSp (arXiv 2008.00951) starts from, too.
    A code has a part for each octave; what it says of all octaves and of each is learnt apart, as e4e's deltas
    (arXiv 2102.02766).
    """

    VIEWS = 2
    GRID = 8

    def __init__(
        self,
        *,
        octaves: int,
        w_dim: int = 512,
        levels: Sequence[tuple[int, int]] = LEVELS,
        width: int = 64,
        narrow: int = 24,
        rank: int = 128,
    ) -> None:
        super().__init__()
        self.octaves, self.w_dim = octaves, w_dim
        self.trunk = Trunk(levels, inputs=6)
        fine = [channels for channels, _ in levels[:3]]
        self.fine = nn.ModuleList(
            nn.Sequential(
                nn.Conv2d(sum(fine), width, 1),
                nn.LeakyReLU(0.2),
                nn.Conv2d(width, narrow, 3, padding=1),
                nn.LeakyReLU(0.2),
                nn.Flatten(),
            )
            for _ in range(self.VIEWS)
        )
        coarse = levels[-1][0]
        self.seen = nn.Linear(self.VIEWS * (narrow * self.GRID**2 + coarse), w_dim)
        self.code = nn.Sequential(nn.Linear(octaves * w_dim, rank), nn.Linear(rank, w_dim))
        self.hidden = nn.Linear(w_dim, w_dim)
        self.shared = nn.Linear(w_dim, w_dim)
        self.deltas = nn.Sequential(nn.Linear(w_dim, rank), nn.LeakyReLU(0.2), nn.Linear(rank, octaves * w_dim))

    def start_from(self, recogniser: FaceRecogniser) -> None:
        """See as a recogniser of faces sees, at first."""
        self.trunk.levels.load_state_dict(recogniser.levels.state_dict())
        stem, seen = recogniser.stem.state_dict(), recogniser.stem.weight
        self.trunk.stem.load_state_dict({**stem, "weight": torch.cat((seen, torch.zeros_like(seen)), dim=1)})

    def forward(self, wanted: Tensor, drawn: Tensor, code: Tensor) -> Tensor:
        """Return the correction [N,O,D] of a code.

        Args:
            wanted: views of the picture [N,V,3,H,H], RGB in [-1,1].
            drawn: views of what the code draws [N,V,3,H,H].
            code: one for each octave [N,O,D].
        """
        views = torch.cat((wanted, wanted - drawn), dim=2)  # [N,V,6,H,H]
        n = len(views)
        levels = self.trunk.features(views.flatten(0, 1))
        fine = torch.cat([resampled(level, averages(level.shape[-1], self.GRID)) for level in levels[:3]], dim=1)
        fine = fine.reshape(n, self.VIEWS, *fine.shape[1:])
        seen = [read(fine[:, i]) for i, read in enumerate(self.fine)]
        coarse = levels[-1].mean(dim=(2, 3)).reshape(n, -1)
        h = F.leaky_relu(self.seen(torch.cat([*seen, coarse], dim=1)) + self.code(code.flatten(1)), 0.2)
        h = h + F.leaky_relu(self.hidden(h), 0.2)  # [N,D]
        change: Tensor = self.shared(h)[:, None] + self.deltas(h).reshape(n, self.octaves, self.w_dim)
        return change
