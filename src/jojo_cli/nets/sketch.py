"""What MobileStyleGAN draws at a quarter of its size, nearly, in less time: nothing is as large as the image."""

import torch
from torch import Tensor, nn

from jojo_cli.nets.generator import State
from jojo_cli.nets.mobilestylegan import SLOPE, Depthwise, MobileStyleGAN, pointwise


class Sketch(nn.Module):
    """The last block and layer of a generator at half their size, with their styles and own kernels, without noise."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.depthwise1 = nn.Parameter(torch.empty(channels, 1, 3, 3))  # of the state, band by band
        self.weight1 = nn.Parameter(torch.empty(width, channels))
        self.bias1 = nn.Parameter(torch.empty(width))
        self.depthwise2 = nn.Parameter(torch.empty(width, 1, 3, 3))
        self.weight2 = nn.Parameter(torch.empty(width, width))
        self.bias2 = nn.Parameter(torch.empty(width))
        self.weight3 = nn.Parameter(torch.empty(3, width))
        self.bias3 = nn.Parameter(torch.empty(3))

    @classmethod
    def of(cls, generator: MobileStyleGAN) -> "Sketch":
        """Return the one that would be right if all were linear, and the block's features the same at each four places.

        It is where training begins.
        """
        block, last = generator.last_stages
        first, second = block.conv1, block.conv2
        sketch = cls(len(block.up.order), len(second.weight)).to(last.weight)
        # A row of taps, by what comes of it at half the size: of the means of two places, and of their differences.
        means = torch.tensor([[0.5, 0, 0], [0.5, 1, 0.5], [0, 0, 0.5]])
        differences = torch.tensor([[-0.5, 0, 0], [0.5, 0, -0.5], [0, 0, 0.5]])
        bands = ((means, means), (differences, means), (means, differences), (differences, differences))

        def halved(kernels: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
            return rows.to(kernels) @ kernels @ columns.to(kernels).T

        kernels = {
            "depthwise1": torch.cat([halved(first.depthwise, *band) for band in bands]),
            "weight1": first.weight.repeat(1, 4),
            "bias1": first.bias,
            "depthwise2": halved(second.depthwise, means, means),
            "weight2": second.weight,
            "bias2": second.bias,
            "weight3": last.weight[:3] / 2,  # the low band
            "bias3": last.bias[:3] / 2,
        }
        sketch.load_state_dict({name: tensor.detach() for name, tensor in kernels.items()})
        return sketch

    def forward(self, generator: MobileStyleGAN, w_plus: Tensor) -> Tensor:
        """Return about the images of w_plus [N,L,D], float32 [N,3,R/4,R/4] where the generator draws R."""
        state: State = ()
        for stage in generator.stages[:-2]:
            state = stage(state, w_plus)
        block, last = generator.last_stages
        w1, w2, w3 = w_plus[:, block.first], w_plus[:, block.first + 1], w_plus[:, -1]
        style1 = block.conv1.modulation(w1) * block.conv1.scale
        style1 = style1.repeat(1, 4) * block.up.modulation(w1)[:, block.up.order] / 2
        style2 = block.conv2.modulation(w2) * block.conv2.scale
        style3 = last.modulation(w3) * last.scale
        x = Depthwise.apply(state[0], self.depthwise1.to(state[0].dtype))
        x = pointwise(x, self.weight1, style1, self.bias1, slope=SLOPE)
        x = Depthwise.apply(x, self.depthwise2.to(x.dtype))
        x = pointwise(x, self.weight2, style2, self.bias2, slope=SLOPE)
        return pointwise(x, self.weight3, style3, self.bias3).float()
