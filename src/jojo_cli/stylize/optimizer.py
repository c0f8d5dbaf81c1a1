"""The optimiser of finetuning on one picture."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor


class RowAdam(torch.optim.Optimizer):
    """Adam without its momentum, whose second moments are those of rows: of the weights that make one output channel.

    Adam moves each weight by its gradient over that gradient's own size, so that weights which hardly matter move as
    far as those that do. From one picture that is mostly noise, and shows as a grain and as teeth along lines. Shared
    by a row, as in Zhang et al., "Adam-mini" (arXiv 2406.16793), the size tells them apart. Tensors of one axis have
    a size for each element, as in Adam.
    """

    def __init__(self, groups: Iterable[dict[str, Any]], lr: float, beta: float) -> None:
        """Take groups of parameters as Adam does; `beta` is how much of the mean of squares a step keeps, below 1."""
        super().__init__(groups, {"lr": lr, "beta": beta})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Move all parameters against their gradients."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is not None:
                    self._move(parameter, parameter.grad, group["lr"], group["beta"])

    def _move(self, parameter: Tensor, gradient: Tensor, rate: float, beta: float) -> None:
        squares = gradient.square()
        if squares.ndim > 1:
            squares = squares.mean(dim=tuple(range(1, squares.ndim)), keepdim=True)
        state = self.state[parameter]
        if not state:
            state.update(steps=0, squares=torch.zeros_like(squares))
        state["steps"] += 1
        mean = state["squares"].lerp_(squares, 1 - beta) / (1 - beta ** state["steps"])
        parameter.addcdiv_(gradient, mean.sqrt() + 1e-8, value=-rate)
