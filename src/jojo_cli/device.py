"""Where the networks run, and in which precision."""

import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from jojo_cli.errors import JojoError, UsageError

AT_ONCE = {"cpu": 1, "cuda": 4, "mps": 4}
"""See `Device.at_once`."""


class OutOfMemoryError(JojoError):
    """The device has too little free memory."""


@dataclass(frozen=True)
class Device:
    """A torch device and the precision of the heavy work on it (finetuning, inversion); pictures are float32."""

    torch_device: torch.device
    dtype: torch.dtype

    @property
    def precision(self) -> str:
        """Name of the precision: bfloat16 or float32."""
        return str(self.dtype).removeprefix("torch.")

    @property
    def at_once(self) -> int:
        """How many pictures to work on together, while memory allows: a CPU does many no faster than one."""
        return AT_ONCE[self.torch_device.type]

    def autocast(self) -> AbstractContextManager[object]:
        """Return a context in which convolutions and matrix products run in the device's precision."""
        return torch.autocast(self.torch_device.type, self.dtype, enabled=self.dtype != torch.float32)

    def exactly(self) -> AbstractContextManager[object]:
        """Return a context in which convolutions in float32 are that: cuDNN rounds them to 10 bits (TF32) by itself."""
        if self.torch_device.type != "cuda":
            return nullcontext()
        cudnn = torch.backends.cudnn
        return cudnn.flags(cudnn.enabled, cudnn.benchmark, cudnn.benchmark_limit, cudnn.deterministic, allow_tf32=False)

    def give_back_memory(self) -> None:
        """Free what torch keeps of the device's memory for later: after running out of it, pieces may be in the way."""
        if self.torch_device.type == "cuda":
            torch.cuda.empty_cache()

    @contextmanager
    def enough_memory(self) -> Iterator[None]:
        """Turn running out of the device's memory into an `OutOfMemoryError`: nothing moves to the CPU in silence."""
        try:
            yield
        except RuntimeError as error:
            if not is_out_of_memory(error):
                raise
            slower = "" if self.torch_device.type == "cpu" else ", or add --device cpu, which takes longer"
            hint = f"close what else uses it{slower}"
            raise OutOfMemoryError(f"device '{self.torch_device}' has too little free memory", hint=hint) from error

    def __str__(self) -> str:
        """Name device and precision, for people."""
        return f"{self.torch_device} in {self.precision}"


def is_out_of_memory(error: RuntimeError) -> bool:
    """Return whether a device had too little memory for what was asked of it; only CUDA has an error of its own."""
    reasons = (
        "out of memory",  # MPS
        "can't allocate memory",  # CPU
        "STATUS_ALLOC_FAILED",  # CUDA's libraries
        "ALLOCATION_FAILED",  # cuDNN 9
    )
    return isinstance(error, torch.OutOfMemoryError) or any(reason in str(error) for reason in reasons)


def pick_device(name: str = "auto") -> Device:
    """Return the device called `name`: auto (CUDA, else CPU), cpu, cuda, cuda:N or mps.

    Raises:
        UsageError: no such name.
        JojoError: this machine, or this build of torch, does not have it.
    """
    if name == "auto":
        # MPS is taken only when it is asked for: nobody has yet told what jojo does there.
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cpu":
        return Device(torch.device(name), torch.bfloat16 if _bf16_pays() else torch.float32)
    try:
        device = torch.device(name)
    except RuntimeError:
        device = torch.device("meta")
    if device.type == "cuda":
        count = torch.cuda.device_count()
        if (device.index or 0) >= count:
            hint = f"this machine has {count} CUDA device(s)" if count else "try --device cpu"
            raise JojoError(f"device {name!r} is not available", hint=hint)
        with torch.cuda.device(device):  # that is asked of the current one
            bf16 = torch.cuda.is_bf16_supported(including_emulation=False)
        return Device(device, torch.bfloat16 if bf16 else torch.float32)
    if device.type == "mps":
        if not torch.backends.mps.is_available():
            raise JojoError("device 'mps' is not available", hint="try --device cpu")
        return Device(device, torch.float32)
    raise UsageError(f"device {name!r} is unknown", hint="use auto, cpu, cuda, cuda:N or mps")


def _bf16_pays() -> bool:
    """Measure whether this CPU convolves faster in bfloat16: twice as fast where it can, far slower elsewhere."""
    x = torch.ones(1, 64, 64, 64).to(memory_format=torch.channels_last)
    kernel = torch.ones(64, 64, 3, 3)
    seconds = {torch.bfloat16: float("inf"), torch.float32: float("inf")}
    threads = torch.get_num_threads()
    # On one thread, in turn, and the best of many: the answer must not depend on what else the machine does.
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            for _ in range(12):
                for dtype in seconds:
                    inputs = x.to(dtype), kernel.to(dtype)
                    start = time.perf_counter()
                    F.conv2d(*inputs, padding=1)
                    seconds[dtype] = min(seconds[dtype], time.perf_counter() - start)
    finally:
        torch.set_num_threads(threads)
    return seconds[torch.bfloat16] < seconds[torch.float32]
