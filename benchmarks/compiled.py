"""Measure what torch.compile makes of a finetuning step's two networks: the generator, and the critic on one view.

    python benchmarks/compiled.py

Prints the seconds that compiling takes, and those of a pass there and back with and without it, in turn. The weights
must be here already (`jojo models pull`), and a C++ compiler.
"""

import statistics
import time
from collections.abc import Callable

import torch
from measures import report
from torch import Tensor

from jojo_cli.bases import EMBEDDED_BASE, BaseEntry
from jojo_cli.process import keep_memory
from jojo_cli.studio import Studio
from jojo_cli.stylize.mixing import sample_code

ROUNDS = 5


def main() -> None:
    """Measure both."""
    keep_memory()
    base = Studio(device="cpu").base(EMBEDDED_BASE, needs=BaseEntry.needs)
    generator, critic = base.generator.clone().requires_grad_(True), base.load_critic("lpips").net
    code, view = sample_code(base, 0, 0.7).clone(), torch.rand(1, 3, 256, 256, requires_grad=True)

    def there_and_back(network: Callable[[Tensor], Tensor], given: Tensor) -> float:
        start = time.perf_counter()
        with base.device.autocast():
            result = network(given)
        result.float().square().mean().backward()  # type: ignore[no-untyped-call]
        return time.perf_counter() - start

    report("| network | compiling | plain | compiled |\n|---|---|---|---|")
    networks: dict[str, tuple[Callable[[Tensor], Tensor], Tensor]] = {
        "generator": (generator.synthesis, code),
        "critic": (lambda images: torch.cat([x.flatten() for x in critic.features(images)]), view),
    }
    for name, (network, given) in networks.items():
        compiled = torch.compile(network, dynamic=False)
        first = there_and_back(compiled, given)
        pairs = [(there_and_back(network, given), there_and_back(compiled, given)) for _ in range(ROUNDS + 1)][1:]
        plain, fast = map(statistics.median, zip(*pairs, strict=True))
        report(f"| {name} | {first:.0f} s | {plain:.2f} s | {fast:.2f} s |")


if __name__ == "__main__":
    main()
