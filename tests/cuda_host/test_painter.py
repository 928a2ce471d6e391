"""The GPU's painter over the stand-in driver: beside the CPU's, frame by frame, and what it asks of the driver. What every painter promises is tests/contracts'."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.backends.cpu.painter import CpuPainter
from edge.backends.cuda.gpu import Gpu
from edge.backends.cuda.painter import CudaPainter
from edge.data import Frame, HostPixels, Size, Stamp, Warmth
from edge.errors import DeviceError
from edge.heat import HeatOptions, grid_size
from edge.shapes import Boxes, Overlay
from tests.cuda_host.driver import ILLEGAL_ADDRESS, StandIn
from tests.cuda_host.test_paint import opencv_5

pytestmark = pytest.mark.system
S = 1_000_000_000
REFERENCE = Size(320, 180)
SHAPES = Overlay(REFERENCE, (Boxes(np.array([[40, 30, 90, 150]], np.float32), np.array([3]), ("person 3",)),))


@pytest.fixture
def gpu(host_cuda: StandIn) -> Iterator[Gpu]:
    with Gpu(host_cuda.kernels) as opened:
        yield opened


def frame(number: int, t_ns: int, size: Size = REFERENCE) -> Frame:
    picture = np.random.default_rng(number).integers(0, 256, (size.height, size.width, 3), dtype=np.uint8)
    return Frame(Stamp("a", number, t_ns, size), HostPixels(picture))


def walk(number: int, options: HeatOptions, people: int = 12) -> Warmth:
    """Presence of people who wander."""
    columns, rows = grid_size(REFERENCE, options.cell)
    rng = np.random.default_rng(number // 7)
    cells = rng.integers(0, rows, people) * columns + rng.integers(0, columns, people)
    return Warmth(cells, np.full(people, 33_333), np.zeros(people))


def both(
    gpu: Gpu, options: HeatOptions, frames: int, size: Size = REFERENCE, step_ns: int = S // 30
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """The same frames painted by the CPU and the GPU."""
    with CpuPainter(options, REFERENCE) as cpu, CudaPainter(gpu, options, REFERENCE) as cuda:
        for number in range(frames):
            one = frame(number, number * step_ns, size)
            for painter in (cpu, cuda):
                painter.warm(one.stamp, walk(number, options))
            yield cpu.paint(one, SHAPES), cuda.paint(one, SHAPES)


@pytest.mark.parametrize(
    ("options", "size"),
    [
        (HeatOptions(), REFERENCE),
        (HeatOptions(half_life_s=0.5, colormap="inferno"), Size(640, 360)),
        pytest.param(HeatOptions(top_s=0.4, blur=0.5, cell=2), Size(333, 217), marks=opencv_5),
        (HeatOptions(blur=30.0, cell=16, alpha=1.0), Size(160, 90)),
    ],
    ids=["as usual", "fading", "fixed scale", "coarse"],
)
def test_a_second_of_frames_is_painted_as_on_the_cpu(gpu: Gpu, options: HeatOptions, size: Size) -> None:
    """Redraws four times a second, its scale among them: two levels anywhere, and nearly everywhere none."""
    differing = 0.0
    for by_cpu, by_gpu in both(gpu, options, 30, size):
        apart = np.abs(by_gpu.astype(int) - by_cpu)
        assert apart.max() <= 2
        differing = max(differing, (apart > 0).mean())
    assert differing < 0.005


@pytest.mark.parametrize("integrated", [True, False])
@pytest.mark.parametrize("order", ["reverse", "shuffled"])
def test_in_any_order_of_threads_and_with_memory_of_its_own_the_picture_is_the_same(
    host_cuda: StandIn, order: str, integrated: bool
) -> None:
    host_cuda.set(order=order, integrated=integrated)  # type: ignore[arg-type]
    with Gpu(host_cuda.kernels) as gpu:
        for by_cpu, by_gpu in both(gpu, HeatOptions(), 9):
            assert np.abs(by_gpu.astype(int) - by_cpu).max() <= 2
    assert not host_cuda.held


@opencv_5
def test_the_picture_may_change_its_size_on_the_way(gpu: Gpu) -> None:
    options = HeatOptions()
    with CpuPainter(options, REFERENCE) as cpu, CudaPainter(gpu, options, REFERENCE) as cuda:
        for number, size in enumerate([REFERENCE, Size(640, 360), Size(17, 9), Size(333, 217), Size(1, 1), REFERENCE]):
            one = frame(number, number * S // 30, size)
            for painter in (cpu, cuda):
                painter.warm(one.stamp, walk(number, options))
            assert np.abs(cuda.paint(one, SHAPES).astype(int) - cpu.paint(one, SHAPES)).max() <= 2


def test_pictures_stay_when_others_are_painted_and_when_the_gpu_is_gone(host_cuda: StandIn) -> None:
    options = HeatOptions()
    with Gpu(host_cuda.kernels) as gpu, CudaPainter(gpu, options, REFERENCE) as cuda:
        cuda.warm(frame(0, 0).stamp, walk(0, options))
        first = cuda.paint(frame(0, 0), SHAPES)
        kept = first.copy()
        cuda.paint(frame(1, S), SHAPES)
        np.testing.assert_array_equal(first, kept)
    np.testing.assert_array_equal(first, kept)
    first[:] = 0  # and is whose it was given to


def test_who_paints_nothing_asks_nothing_of_the_gpu(gpu: Gpu, host_cuda: StandIn) -> None:
    """A minute of a camera that nobody looks at: presence waits on the host, seven seconds of twenty people at a time."""
    options = HeatOptions()
    with CudaPainter(gpu, options, REFERENCE) as painter:
        before = host_cuda.calls
        for number in range(200):
            painter.warm(frame(number, number * S // 30).stamp, walk(number, options, 20))
        assert host_cuda.calls == before
        for number in range(200, 1800):
            painter.warm(frame(number, number * S // 30).stamp, walk(number, options, 20))
        assert host_cuda.calls["cuLaunchKernel"] - before.get("cuLaunchKernel", 0) == 36_000 // 4096


def test_without_heat_and_before_the_first_presence_the_gpu_is_left_alone(gpu: Gpu, host_cuda: StandIn) -> None:
    before = host_cuda.calls
    for show_heat in (False, True):
        with CudaPainter(gpu, HeatOptions(), REFERENCE, show_heat=show_heat) as painter:
            painter.warm(frame(0, 0).stamp, Warmth.empty() if show_heat else walk(0, HeatOptions()))
            np.testing.assert_array_equal(painter.paint(frame(0, 0), Overlay(REFERENCE, ())), frame(0, 0).bgr)
    assert host_cuda.calls == before


def test_between_redraws_a_frame_costs_one_upload_one_kernel_one_download(host_cuda: StandIn) -> None:
    options = HeatOptions()
    host_cuda.set(integrated=False)
    with Gpu(host_cuda.kernels) as gpu, CudaPainter(gpu, options, REFERENCE) as painter:
        for number in range(9):
            painter.warm(frame(number, number * S // 30).stamp, walk(number, options))
            before = host_cuda.calls
            painter.paint(frame(number, number * S // 30), SHAPES)
            asked = {name: count - before.get(name, 0) for name, count in host_cuda.calls.items() if count != before.get(name, 0)}
            if number in (0, 8):
                assert asked["cuLaunchKernel"] == 5  # warm, two of blur, tint, paint
            else:
                copies = ("cuLaunchKernel", "cuMemcpyHtoDAsync_v2", "cuMemcpyDtoHAsync_v2")
                assert [asked.get(name, 0) for name in copies] == [1, 1, 1]


def test_nothing_is_allocated_after_the_first_pictures(gpu: Gpu, host_cuda: StandIn) -> None:
    options = HeatOptions(half_life_s=0.05)
    counted = []
    with CudaPainter(gpu, options, REFERENCE) as painter:
        for number in range(60):
            painter.warm(frame(number, number * S // 30).stamp, walk(number, options))
            painter.paint(frame(number, number * S // 30), SHAPES)
            counted.append({name: n for name, n in host_cuda.calls.items() if "Alloc" in name or "Create" in name or "Load" in name})
    assert counted[8] == counted[-1]


def test_leaving_gives_back_all_that_was_taken(host_cuda: StandIn) -> None:
    options = HeatOptions()
    with Gpu(host_cuda.kernels) as gpu:
        for _ in range(3):
            with CudaPainter(gpu, options, REFERENCE) as painter:
                painter.warm(frame(0, 0).stamp, walk(0, options))
                painter.paint(frame(0, 0), SHAPES)
        gpu.device.run(gpu.uploads.close)
        assert host_cuda.held == {"contexts": 1}
    assert not host_cuda.held


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 60 * 40 - 1), st.integers(1, 2_000_000), st.integers(0, 40)), min_size=1, max_size=30),
    st.sampled_from([None, 0.5, 7.0, 3600.0]),
)
def test_the_live_buffer_is_the_cpus(gpu: Gpu, parts: list[tuple[int, int, int]], half_life_s: float | None) -> None:
    """With a fixed scale and no blur a picture is the buffer: rebased, forgotten, warmed in any order of times."""
    options = HeatOptions(half_life_s=half_life_s, blur=0.0, top_s=1.0, colormap="bone", alpha=1.0)
    now_s = 0
    with CpuPainter(options, REFERENCE, redraw_s=0) as cpu, CudaPainter(gpu, options, REFERENCE, redraw_s=0) as cuda:
        for number, (cell, us, pause_s) in enumerate(parts):
            now_s += pause_s
            one = frame(number, now_s * S)
            for painter in (cpu, cuda):
                painter.warm(one.stamp, Warmth([cell % 920, cell % 920], [us, 5], [0, 1]))
            apart = np.abs(cuda.paint(one, Overlay(REFERENCE, ())).astype(int) - cpu.paint(one, Overlay(REFERENCE, ())))
            assert apart.max() <= 2


def test_a_month_in_one_cell_still_shows_the_next_frame(gpu: Gpu) -> None:
    """Whole microseconds in 64 bits: a frame's presence is there to the last one."""
    options = HeatOptions(blur=0.0, top_s=30 * 86_400.0 * 2)
    with CudaPainter(gpu, options, REFERENCE) as painter:
        painter.warm(frame(0, 0).stamp, Warmth([5], [30 * 86_400_000_000], [0]))
        for k in range(300):
            painter.warm(frame(0, k).stamp, Warmth([5], [33_333], [0]))
        heat = painter._heat
        assert heat is not None

        def look() -> int:
            heat.blur(0)
            grid = np.zeros(heat.shape[0] * heat.shape[1], np.uint64)
            heat.stream.download(heat._grid, grid)
            heat.stream.wait()
            return int(grid[5])

        assert gpu.device.run(look) == 30 * 86_400_000_000 + 300 * 33_333


def test_time_that_goes_back_paints_a_picture_all_the_same(gpu: Gpu) -> None:
    options = HeatOptions(half_life_s=0.01)
    with CudaPainter(gpu, options, REFERENCE) as painter:
        for number, t_ns in enumerate((1000 * S, 1000 * S + 1, 0, 500 * S, 1)):
            painter.warm(frame(number, t_ns).stamp, walk(number, options))
            assert painter.paint(frame(number, t_ns), SHAPES).shape == (180, 320, 3)


def test_a_gpu_that_is_lost_is_one_sentence_and_a_clean_end(host_cuda: StandIn) -> None:
    options = HeatOptions()
    with Gpu(host_cuda.kernels) as gpu, CudaPainter(gpu, options, REFERENCE) as painter:
        painter.warm(frame(0, 0).stamp, walk(0, options))
        painter.paint(frame(0, 0), SHAPES)
        host_cuda.fail("cuLaunchKernel", host_cuda.calls["cuLaunchKernel"] + 1, error=ILLEGAL_ADDRESS, stays=True)
        for _ in range(2):
            with pytest.raises(DeviceError, match="illegal memory access"):
                painter.paint(frame(1, 1), SHAPES)
    assert not host_cuda.held
