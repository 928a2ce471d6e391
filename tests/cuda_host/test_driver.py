"""What the stand-in driver notices of code that uses CUDA wrongly: pycuda used as it is, without the product's own care."""

from __future__ import annotations

import ctypes
import gc
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.backends.cuda.nvcc import cubin
from tests.cuda_host.driver import StandIn

pytestmark = pytest.mark.system
SAMPLES = Path(__file__).with_name("samples.cu")


@pytest.fixture
def cuda(host_cuda: StandIn) -> Iterator[Any]:
    import pycuda.driver as cuda

    cuda.init()
    context = cuda.Device(0).make_context()
    yield cuda
    gc.collect()
    context.detach()


@pytest.fixture
def kernels(cuda: Any, host_cuda: StandIn) -> Any:
    return cuda.module_from_buffer(cubin(SAMPLES, "sm_87", host_cuda.kernels))


def test_a_copy_past_the_end_is_refused(cuda: Any, host_cuda: StandIn) -> None:
    memory = cuda.mem_alloc(16)
    for wrong in (lambda: cuda.memcpy_htod(memory, np.zeros(17, np.uint8)), lambda: cuda.memcpy_dtoh(np.zeros(8), int(memory) + 4)):
        with pytest.raises(cuda.LogicError, match="invalid argument"):
            wrong()
        host_cuda.expect_fault("reaches past an allocation")


def test_memory_that_was_given_back_is_not_there_any_more(cuda: Any, host_cuda: StandIn) -> None:
    memory = cuda.mem_alloc(16)
    address = int(memory)
    memory.free()
    with pytest.raises(cuda.LogicError, match="invalid argument"):
        cuda.memcpy_htod(address, np.zeros(2))
    host_cuda.expect_fault("or into none")


def test_a_kernel_on_memory_that_was_given_back_is_a_fault_that_stays(cuda: Any, kernels: Any, host_cuda: StandIn) -> None:
    memory, other, stream = cuda.mem_alloc(16), cuda.mem_alloc(16), cuda.Stream()
    address = int(memory)
    memory.free()
    kernels.get_function("add").prepare("PPi").prepared_async_call((1, 1), (4, 1, 1), stream, address, other, 4)
    for _ in range(2):
        with pytest.raises(cuda.Error, match="illegal memory access"):
            cuda.Context.synchronize()
    host_cuda.expect_fault("kernel add: memory outside of the arrays")


def test_giving_back_twice_is_noticed(cuda: Any, host_cuda: StandIn) -> None:
    memory = cuda.mem_alloc(16)
    address = ctypes.c_ulonglong(int(memory))
    memory.free()
    assert host_cuda.library.cuMemFree_v2(address) != 0
    host_cuda.expect_fault("cuMemFree_v2 of memory that is not there (any more)")


def test_page_locked_memory_may_not_go_while_a_copy_is_on_its_way(cuda: Any, host_cuda: StandIn) -> None:
    memory, stream, host = cuda.mem_alloc(64), cuda.Stream(), cuda.pagelocked_empty(64, np.uint8)
    cuda.memcpy_htod_async(memory, host, stream)
    host.base.free()
    with pytest.raises(cuda.Error, match="illegal memory access"):
        stream.synchronize()
    host_cuda.expect_fault("given back before it was done")


def test_a_result_that_is_read_too_early_is_wrong(cuda: Any, host_cuda: StandIn) -> None:
    memory, stream, host = cuda.mem_alloc(4), cuda.Stream(), cuda.pagelocked_zeros(4, np.uint8)
    cuda.memset_d8_async(memory, 7, 4, stream)
    cuda.memcpy_dtoh_async(host, memory, stream)
    assert host.tolist() == [0, 0, 0, 0]
    stream.synchronize()
    assert host.tolist() == [7, 7, 7, 7]


def test_an_order_between_streams_that_nobody_asked_for_is_not_given(cuda: Any, host_cuda: StandIn) -> None:
    memory, first, second = cuda.mem_alloc(4), cuda.Stream(), cuda.Stream()
    host, marked = cuda.pagelocked_zeros(4, np.uint8), cuda.Event()
    cuda.memset_d8_async(memory, 7, 4, first)
    marked.record(first)
    cuda.memcpy_dtoh_async(host, memory, second)
    second.synchronize()
    assert (host == 255).all()
    second.wait_for_event(marked)
    cuda.memcpy_dtoh_async(host, memory, second)
    second.synchronize()
    assert (host == 7).all()


def test_work_is_done_at_once_where_the_test_wants_it(cuda: Any, host_cuda: StandIn) -> None:
    host_cuda.set(late=False)
    memory, stream, host = cuda.mem_alloc(4), cuda.Stream(), cuda.pagelocked_zeros(4, np.uint8)
    cuda.memset_d8_async(memory, 7, 4, stream)
    cuda.memcpy_dtoh_async(host, memory, stream)
    assert host.tolist() == [7, 7, 7, 7]


def test_arguments_of_another_size_are_refused(cuda: Any, kernels: Any, host_cuda: StandIn) -> None:
    memory = cuda.mem_alloc(16)
    with pytest.raises(cuda.LogicError, match="invalid argument"):
        kernels.get_function("add").prepare("PP").prepared_call((1, 1), (4, 1, 1), memory, memory)
    host_cuda.expect_fault("add takes 20 bytes of arguments, here are 16")


@pytest.mark.parametrize(("grid", "block"), [((1, 1), (1025, 1, 1)), ((1, 65536), (1, 1, 1)), ((1, 1), (1, 1, 65)), ((0, 1), (1, 1, 1))])
def test_a_launch_that_no_gpu_takes_is_refused(cuda: Any, kernels: Any, host_cuda: StandIn, grid: Any, block: Any) -> None:
    with pytest.raises(cuda.LogicError, match="invalid argument"):
        kernels.get_function("warps").prepare("PP").prepared_call(grid, block, 0, 0)
    host_cuda.expect_fault("a grid or block that no GPU takes")


def test_a_kernel_that_is_not_there_is_named(cuda: Any, kernels: Any, host_cuda: StandIn) -> None:
    with pytest.raises(cuda.LogicError, match="named symbol not found"):
        kernels.get_function("nothing")
    host_cuda.expect_fault("there is no kernel nothing")


def test_a_call_from_a_thread_without_the_context_is_refused(cuda: Any, host_cuda: StandIn) -> None:
    said: list[str] = []

    def elsewhere() -> None:
        with pytest.raises(cuda.LogicError, match="invalid device context") as error:
            cuda.mem_alloc(4)
        said.append(str(error.value))

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join()
    assert said
    host_cuda.expect_fault("cuMemAlloc_v2 on a thread without a context")


def test_what_nobody_gave_back_is_counted(host_cuda: StandIn) -> None:
    import pycuda.driver as cuda

    cuda.init()
    context = cuda.Device(0).make_context()
    memory, stream = cuda.mem_alloc(4), cuda.Stream()
    assert host_cuda.held == {"memory": 1, "streams": 1, "contexts": 1}
    context.detach()
    assert host_cuda.reclaimed == 2
    del memory, stream


def test_bytes_that_are_no_code_are_refused(cuda: Any, host_cuda: StandIn) -> None:
    with pytest.raises(cuda.LogicError, match="device kernel image is invalid"):
        cuda.module_from_buffer(b"not a cubin" * 20)
