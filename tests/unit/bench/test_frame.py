"""`bench frame` and `bench track`: they run, their keys stay, and each frame's stages are all of its time. No timing is expected here."""

from __future__ import annotations

import numpy as np
import pytest

from edge.bench.crowd import load_walk, save_walk, walk
from edge.bench.figures import collect, spreads
from edge.bench.frame import bench_frame, bench_track
from edge.bench.options import FrameBench, Theirs, TrackBench
from edge.data import Size
from edge.errors import UsageError

SPREAD = {"mean", "median", "p99"}


def test_a_frame_has_its_stages_and_their_sum():
    report = bench_frame(FrameBench(size=Size(320, 180), people=4, frames=12, warmup=4, blocks=3))
    assert {"follow_ms", "count_ms", "warm_ms", "paint_ms", "total_ms"} <= set(report)
    assert set(report["total_ms"]) == SPREAD
    parts = sum(report[f"{stage}_ms"]["mean"] for stage in ("follow", "count", "warm", "paint"))
    assert report["total_ms"]["mean"] == pytest.approx(parts, abs=1e-3)
    assert report["total_ms"]["mean"] > 0


def test_tracking_is_told_for_each_number_of_people():
    report = bench_track(TrackBench(people=(2, 5), frames=10, warmup=2, blocks=2))
    assert set(report) == {"2", "5"}
    assert set(report["5"]["follow_ms"]) == SPREAD


def test_people_walk_inside_the_picture_and_everybody_is_there_most_of_the_time():
    seen = walk(Size(640, 360), 20, 50)
    assert all((d.xyxy >= 0).all() and (d.xyxy <= [640, 360, 640, 360]).all() for d in seen)
    assert 17 < np.mean([len(d) for d in seen]) <= 20


def test_a_walk_is_the_same_every_time_and_survives_its_file(tmp_path):
    seen = walk(Size(640, 360), 7, 9)
    save_walk(tmp_path / "walk.npz", seen)
    for a, b, c in zip(seen, walk(Size(640, 360), 7, 9), load_walk(tmp_path / "walk.npz"), strict=True):
        np.testing.assert_array_equal(a.xyxy, b.xyxy)
        np.testing.assert_array_equal(a.xyxy, c.xyxy)
        np.testing.assert_array_equal(a.score, c.score)


def test_blocks_are_joined_and_each_frame_is_summed():
    stages = collect([{"a": [1, 2], "b": [10, 20]}, {"a": [3], "b": [30]}])
    assert stages["total"] == [11, 22, 33]
    assert spreads(stages)["total_ms"]["median"] == 22


def test_a_python_that_is_not_there_is_named(tmp_path):
    with pytest.raises(UsageError, match="nowhere cannot be run"):
        bench_track(TrackBench(people=(2,), frames=4, warmup=0, blocks=1), Theirs(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    ("values", "wrong"),
    [
        ({"size": Size(63, 64)}, "size is 63x64"),
        ({"people": -1}, "people is -1"),
        ({"frames": 1}, "frames is 1"),
        ({"frames": 10, "blocks": 11}, "blocks is 11"),
    ],
)
def test_what_cannot_be_measured_is_refused(values, wrong):
    with pytest.raises(ValueError, match=wrong):
        FrameBench(**values)
