"""The device's thread, what it lends and how it ends, over the stand-in driver. Faults in every call are test_faults.py's."""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from edge.backends.cuda.device import Device
from edge.backends.cuda.kernels import Kernels
from edge.errors import DeviceError
from tests.cuda_host.driver import ILLEGAL_ADDRESS, StandIn

pytestmark = pytest.mark.system
SAMPLES = Path(__file__).with_name("samples.cu")


def test_a_device_says_what_it_is(host_cuda: StandIn) -> None:
    with Device() as device:
        assert (device.facts.name, device.facts.arch, device.facts.driver) == ("stand-in GPU", "sm_87", (13, 0))
        assert device.facts.integrated
    assert not host_cuda.held


def test_jobs_of_many_threads_run_in_one_thread_in_order(host_cuda: StandIn) -> None:
    seen: list[tuple[int, int, str]] = []

    def ask(device: Device, who: int) -> None:
        for number in range(50):
            device.run(lambda number=number: seen.append((who, number, threading.current_thread().name)))

    with Device() as device:
        threads = [threading.Thread(target=ask, args=(device, who)) for who in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert {name for *_, name in seen} == {"device"}
    assert all([number for who, number, _ in seen if who == mine] == list(range(50)) for mine in range(4))


def test_a_job_may_ask_for_a_job(host_cuda: StandIn) -> None:
    with Device() as device:
        assert device.run(lambda: device.run(lambda: threading.current_thread().name)) == "device"


def test_a_jobs_error_reaches_who_asked_and_nobody_else(host_cuda: StandIn) -> None:
    with Device() as device:
        with pytest.raises(ZeroDivisionError):
            device.run(lambda: 1 // 0)
        assert device.run(lambda: 3) == 3
    assert not host_cuda.held


def test_an_error_holds_nothing_of_its_job_once_it_is_dropped(host_cuda: StandIn, eventually: Callable[..., bool]) -> None:
    class Held:
        pass

    def job(held: Held) -> None:
        raise KeyError

    held = Held()
    still = weakref.ref(held)
    with Device() as device:
        gc.disable()  # it would find what must not be there
        try:
            with pytest.raises(KeyError):
                device.run(lambda held=held: job(held))
            del held
            assert eventually(lambda: still() is None, 2)
        finally:
            gc.enable()


def test_pycudas_own_errors_never_leave_a_job(host_cuda: StandIn) -> None:
    import pycuda.driver as cuda

    with Device() as device, pytest.raises(DeviceError, match="invalid argument"):
        device.run(lambda: cuda.mem_alloc(0))


def test_a_device_that_is_not_open_refuses_jobs(host_cuda: StandIn) -> None:
    device = Device()
    with pytest.raises(DeviceError, match="not open"):
        device.run(int)
    with device:
        pass
    with pytest.raises(DeviceError, match="not open"):
        device.run(int)


def test_leaving_finishes_the_jobs_that_wait(host_cuda: StandIn, eventually: Callable[..., bool]) -> None:
    begun, go, done = threading.Event(), threading.Event(), []

    def first() -> None:
        begun.set()
        go.wait(10)

    with Device() as device:
        waiting = [threading.Thread(target=device.run, args=(job,)) for job in (first, lambda: done.append(1))]
        waiting[0].start()
        assert begun.wait(10)
        waiting[1].start()
        assert eventually(lambda: not device._jobs.empty())
        threading.Timer(0.05, go.set).start()
    assert done == [1]
    for thread in waiting:
        thread.join(10)
    assert not host_cuda.held


def test_leaving_gives_back_what_is_still_lent(host_cuda: StandIn) -> None:
    with Device() as device:
        device.run(lambda: (device.memory(100), device.pinned((3, 4)), device.stream(), device.event(), device.memory(5)))
        device.run(lambda: Kernels.load(device, str(SAMPLES), host_cuda.kernels))
        assert host_cuda.held == {"memory": 2, "pinned": 1, "streams": 1, "events": 1, "modules": 1, "contexts": 1}
    assert not host_cuda.held
    assert host_cuda.reclaimed == 0


def test_what_python_drops_on_another_thread_is_still_given_back(host_cuda: StandIn) -> None:
    with Device() as device:
        stream = device.run(device.stream)
        stream.close  # noqa: B018  held here, never closed
        del stream
        gc.collect()
    assert not host_cuda.held
    assert host_cuda.reclaimed == 0


def test_closing_twice_is_harmless(host_cuda: StandIn) -> None:
    with Device() as device:
        for lend in (lambda: device.memory(8), lambda: device.pinned((2,)), device.stream, device.event):
            lent = device.run(lend)
            device.run(lent.close)
            device.run(lent.close)
    assert not host_cuda.held


def test_memory_that_is_large_enough_is_kept(host_cuda: StandIn) -> None:
    with Device() as device:
        first = device.run(lambda: device.at_least(None, 100))
        assert device.run(lambda: device.at_least(first, 60)) is first
        larger = device.run(lambda: device.at_least(first, 101))
        assert (larger.nbytes, first.nbytes) == (101, 0)
        assert host_cuda.held["memory"] == 1


def test_copies_kernels_and_marks_keep_their_order_though_work_is_late(host_cuda: StandIn) -> None:
    def work(device: Device) -> tuple[np.ndarray, float]:
        kernels = Kernels.load(device, str(SAMPLES), host_cuda.kernels)
        up, down = device.stream(), device.stream()
        ready, start, end = device.event(), device.event(timing=True), device.event(timing=True)
        to, a, host = device.memory(4000), device.memory(4000), device.pinned((1000,), np.float32)
        host.array[:] = np.arange(1000)
        start.record(up)
        up.upload(host.array, a)
        up.clear(to)
        ready.record(up)
        down.wait_for(ready)
        for _ in range(3):
            kernels["add"].launch(down, (4, 1, 1), (256, 1, 1), to, a, 1000)
        out = device.pinned((1000,), np.float32)
        down.download(to, out.array)
        end.record(down)
        assert np.isnan(out.array).all()  # nobody has waited yet
        end.wait()
        return out.array.copy(), end.ms_since(start)

    with Device() as device:
        out, ms = device.run(lambda: work(device))
    np.testing.assert_array_equal(out, 3 * np.arange(1000))
    assert ms >= 0


def test_kernels_reach_page_locked_memory_without_a_copy(host_cuda: StandIn) -> None:
    def work(device: Device) -> float:
        out, a = device.pinned((1,), np.float32), device.pinned((300,), np.float32)
        out.array[:], a.array[:] = 0, 1
        stream = device.stream()
        Kernels.load(device, str(SAMPLES), host_cuda.kernels)["sum"].launch(stream, (2, 1, 1), (256, 1, 1), out, a, 300)
        stream.wait()
        return float(out.array[0])

    with Device() as device:
        assert device.run(lambda: work(device)) == 300


def test_what_does_not_fit_is_refused_before_the_driver_hears_of_it(host_cuda: StandIn) -> None:
    with Device() as device:
        memory, stream = device.run(lambda: device.memory(12)), device.run(device.stream)
        for array in (np.zeros(4, np.float32), np.zeros((6, 2), np.uint8)[:, 0]):
            with pytest.raises(ValueError, match="must fit and be contiguous"):
                device.run(lambda array=array: stream.upload(array, memory))


def test_a_kernel_that_is_given_too_little_is_refused(host_cuda: StandIn) -> None:
    with Device() as device:
        kernels, stream = device.run(lambda: Kernels.load(device, str(SAMPLES), host_cuda.kernels)), device.run(device.stream)
        with pytest.raises(TypeError, match="add takes 3 arguments, here are 1"):
            device.run(lambda: kernels["add"].launch(stream, (1, 1, 1), (1, 1, 1), 4))


def test_after_a_kernels_fault_every_job_fails_with_its_sentence_and_all_is_given_back(host_cuda: StandIn) -> None:
    def fault(device: Device) -> None:
        memory, stream = device.memory(4), device.stream()
        Kernels.load(device, str(SAMPLES), host_cuda.kernels)["far_away"].launch(stream, (1, 1, 1), (1, 1, 1), memory, 9)
        stream.wait()

    with Device() as device:
        with pytest.raises(DeviceError, match="illegal memory access") as first:
            device.run(lambda: fault(device))
        with pytest.raises(DeviceError) as later:
            device.run(lambda: 3)
        assert str(later.value) == str(first.value)
    assert not host_cuda.held
    host_cuda.expect_fault("kernel far_away: memory outside of the arrays")


def test_a_failure_that_passes_leaves_the_device_usable(host_cuda: StandIn) -> None:
    host_cuda.set(memory_bytes=150)
    with Device() as device:
        device.run(lambda: device.memory(100))
        with pytest.raises(DeviceError, match=r"out of memory; use fewer or smaller cameras"):
            device.run(lambda: device.memory(100))
        device.run(lambda: device.memory(50))


def test_a_fault_that_stays_is_lost_also_where_it_only_shows_later(host_cuda: StandIn) -> None:
    with Device() as device:
        stream = device.run(device.stream)
        host_cuda.fail("cuStreamSynchronize", 1, error=ILLEGAL_ADDRESS, stays=True)
        for _ in range(2):
            with pytest.raises(DeviceError, match=r"waiting for the GPU failed.*illegal memory access"):
                device.run(stream.wait)
    assert not host_cuda.held
