"""How far a picture is from its target, in the eyes of the critic."""

from collections.abc import Sequence

import torch
from torch import Tensor

from jojo_cli.bases.views import View
from jojo_cli.nets.lpips import Features, ShiftTolerantLPIPS


class Target:
    """One picture to reach, with the features of each view on it computed once."""

    def __init__(self, critic: ShiftTolerantLPIPS, image: Tensor, views: Sequence[View]) -> None:
        self.critic = critic
        self.image = image  # [1,3,R,R]
        with torch.no_grad():
            self._features: dict[View, Features] = {view: critic.features(view(image)) for view in views}

    def lpips(self, images: Tensor, view: View) -> Tensor:
        """Return the mean distance of images [N,3,R,R] to the target, seen through `view`."""
        features = self.critic.features(view(images))
        return self.critic.distance(features, self._features[view]).mean()
