"""What `edge bench kernels` measures, complete and consistent, over the stand-in driver with little pictures. Its figures mean nothing there."""

from __future__ import annotations

import json

import pytest

from edge.bench.kernels import bench_kernels
from edge.bench.options import KernelBench
from edge.data import Size
from tests.cuda_host.driver import StandIn

pytestmark = pytest.mark.system
EACH = ("letterbox_f32", "letterbox_f16", "head_raw_f32", "head_raw_f16", "blur", "paint", "paint_cold")
LITTLE = KernelBench(
    size=Size(128, 96),
    many_size=Size(64, 64),
    many=2,
    sizes=(Size(64, 64), Size(160, 90)),
    batches=(1, 4),
    launches=1,
    repeats=1,
    copied_mb=1,
)


@pytest.mark.parametrize("integrated", [True, False])
def test_every_kernel_and_every_size_has_its_figures(host_cuda: StandIn, integrated: bool) -> None:
    host_cuda.set(integrated=integrated)
    report = bench_kernels(LITTLE, host_cuda.kernels)
    assert json.loads(json.dumps(report)) == report
    assert (report["gpu"], report["integrated"]) == ("stand-in GPU", integrated)
    one, many = report["one"], report["many"]
    assert one["sum_us"] == pytest.approx(sum(one[name]["us"] for name in one["sum_of"]), abs=0.1)
    kernels = {name for name, figures in one.items() if isinstance(figures, dict)}
    assert kernels == {*EACH, "head_end_f32", "warm", "tint"}
    for name in EACH:
        assert many[name]["us"] > 0
        assert set(many[name]) == {"us", "mb", "gb_s", "of_copy"}
    assert set(report["frames"]) == {"64x64", "160x90"}
    for batches in report["frames"].values():
        assert set(batches) == {"1", "4"}
        for figures in batches.values():
            assert set(figures) == {"us", "redraw_us", "upload_us", "download_us"}
    assert report["copy_gb_s"] > 0
    assert not host_cuda.held


def test_bytes_are_those_that_a_kernel_cannot_do_without(host_cuda: StandIn) -> None:
    one = bench_kernels(LITTLE, host_cuda.kernels)["one"]
    pixels = 128 * 96
    assert one["paint"]["mb"] == pytest.approx((6 + 4 / 16) * pixels / 1e6, abs=0.006)
    assert one["letterbox_f32"]["mb"] == pytest.approx((3 * pixels + 12 * 640 * 640) / 1e6, abs=0.006)
    assert one["head_raw_f16"]["mb"] == pytest.approx(2 * 84 * 8400 / 1e6, abs=0.006)
