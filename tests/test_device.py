"""Which device runs the networks, and in which precision."""

import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
import tiny
import torch
from torch import Tensor

from jojo_cli.device import Device, pick_device
from jojo_cli.errors import JojoError, UsageError


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Give a machine whose devices and speeds the test sets."""
    state = SimpleNamespace(cuda=0, mps=False, cuda_bf16=True, clock=0.0, seconds={})
    state.seconds = {torch.float32: 0.002, torch.bfloat16: 0.001}

    def convolve(x: Tensor, *args: object, **kwargs: object) -> Tensor:
        state.clock += state.seconds[x.dtype]
        return x

    @contextmanager
    def current(device: torch.device) -> Iterator[None]:
        state.asked = device
        yield

    monkeypatch.setattr("torch.cuda.is_available", lambda: state.cuda > 0)
    monkeypatch.setattr("torch.cuda.device_count", lambda: state.cuda)
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda including_emulation=True: state.cuda_bf16)
    monkeypatch.setattr("torch.cuda.device", current)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: state.mps)
    monkeypatch.setattr("torch.nn.functional.conv2d", convolve)
    monkeypatch.setattr("time.perf_counter", lambda: state.clock)
    return state


@pytest.mark.parametrize(("bf16_seconds", "dtype"), [(0.001, torch.bfloat16), (0.03, torch.float32)])
def test_cpu_takes_bfloat16_only_where_it_is_faster(
    bf16_seconds: float, dtype: torch.dtype, machine: SimpleNamespace
) -> None:
    machine.seconds[torch.bfloat16] = bf16_seconds
    assert pick_device("cpu") == Device(torch.device("cpu"), dtype)


def test_auto_takes_the_cpu_where_there_is_nothing_else(machine: SimpleNamespace) -> None:
    assert pick_device().torch_device == torch.device("cpu")


def test_auto_takes_cuda_first(machine: SimpleNamespace) -> None:
    machine.cuda, machine.mps = 1, True
    assert pick_device() == Device(torch.device("cuda"), torch.bfloat16)


def test_mps_is_taken_only_when_it_is_asked_for(machine: SimpleNamespace) -> None:
    machine.mps = True
    assert pick_device().torch_device == torch.device("cpu")
    assert pick_device("mps") == Device(torch.device("mps"), torch.float32)


def test_cuda_without_bfloat16_works_in_float32(machine: SimpleNamespace) -> None:
    machine.cuda, machine.cuda_bf16 = 1, False
    assert pick_device("cuda").dtype == torch.float32


def test_one_of_several_cuda_devices(machine: SimpleNamespace) -> None:
    machine.cuda = 2
    assert pick_device("cuda:1").torch_device == machine.asked == torch.device("cuda", 1)  # not the current one


@pytest.mark.parametrize("name", ["cuda", "cuda:0", "mps"])
def test_absent_device_is_refused_with_the_one_that_is_there(name: str, machine: SimpleNamespace) -> None:
    with pytest.raises(JojoError, match=f"device '{name}' is not available") as failure:
        pick_device(name)
    assert failure.value.exit_code == 1
    assert failure.value.hint == "try --device cpu"


def test_number_of_an_absent_cuda_device_is_refused(machine: SimpleNamespace) -> None:
    machine.cuda = 2
    with pytest.raises(JojoError, match="device 'cuda:2' is not available") as failure:
        pick_device("cuda:2")
    assert failure.value.hint
    assert "2 CUDA" in failure.value.hint


@pytest.mark.parametrize("name", ["", "gpu", "CUDA", "cuda:", "cuda:-1", "cuda:x", "cpu:3", "meta", "xpu"])
def test_unknown_device_is_wrong_usage(name: str, machine: SimpleNamespace) -> None:
    machine.cuda = 1
    with pytest.raises(UsageError, match=f"device '{name}' is unknown") as failure:
        pick_device(name)
    assert failure.value.hint == "use auto, cpu, cuda, cuda:N or mps"


def test_device_names_itself_and_its_precision() -> None:
    device = Device(torch.device("cuda", 1), torch.bfloat16)
    assert device.precision == "bfloat16"
    assert str(device) == "cuda:1 in bfloat16"


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_heavy_work_runs_in_the_precision_of_the_device(dtype: torch.dtype) -> None:
    with Device(torch.device("cpu"), dtype).autocast():
        product = torch.ones(2, 2) @ torch.ones(2, 2)
    assert product.dtype == dtype
    assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == torch.float32


def test_this_machine_has_a_device() -> None:
    device = pick_device()
    assert device.dtype in {torch.bfloat16, torch.float32}
    assert torch.ones(1, device=device.torch_device).item() == 1


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc can be told to keep memory")
def test_memory_is_kept_on_the_cpu() -> None:
    program = """
import resource, torch
from jojo_cli.process import keep_memory
keep_memory()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(40):
    torch.ones(2**24)  # 64 MB: 16384 pages
print((resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before) // 16384)
"""
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout
    # What is small and lands in freed memory has it grow another time, until there is room enough.
    assert int(answer) < 20


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA error: allocation failed"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
        RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
        RuntimeError("MPS backend out of memory (MPS allocated: 5.00 GiB)"),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 40000000000 bytes."),
    ],
)
def test_too_little_memory_is_said_with_what_to_do(error: RuntimeError) -> None:
    device = Device(torch.device("cuda:1"), torch.float32)
    with (
        pytest.raises(JojoError, match="device 'cuda:1' has too little free memory") as failure,
        device.enough_memory(),
    ):
        raise error
    assert failure.value.hint
    assert "--device cpu" in failure.value.hint


def test_other_errors_of_torch_are_not_called_too_little_memory() -> None:
    with pytest.raises(RuntimeError, match="mat1 and mat2"), tiny.CPU.enough_memory():
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")
