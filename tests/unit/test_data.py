"""The values that flow are checked when they are made and cannot be changed afterwards. What makes them is tested elsewhere."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from edge.data import Backlog, Detections, Frame, HostPixels, Result, Sights, Size, Stamp, Tracks, Warmth


def detections(n: int = 3) -> Detections:
    return Detections(np.arange(4 * n).reshape(n, 4), np.linspace(0.1, 0.9, n), np.arange(n))


def test_columns_have_the_types_that_are_written_down() -> None:
    d = detections()
    assert (d.xyxy.dtype, d.score.dtype, d.class_id.dtype) == (np.float32, np.float32, np.int16)
    t = Tracks([1], [[0, 0, 1, 1]], [0.5], [0], [0], Backlog.empty(), [])
    assert (t.id.dtype, t.row.dtype, t.ended.dtype, t.ended.shape) == (np.int64, np.int32, np.int64, (0,))
    w = Warmth([3], [1000], [0])
    assert (w.cell.dtype, w.us.dtype) == (np.int32, np.int64)


@pytest.mark.parametrize("make", [Detections.empty, Tracks.empty, Backlog.empty, Warmth.empty])
def test_an_empty_value_has_no_rows_and_its_columns_keep_their_shape(make: type) -> None:
    value = make()
    assert len(value) == 0
    if hasattr(value, "xyxy"):
        assert value.xyxy.shape == (0, 4)


def test_a_column_of_another_shape_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match=r"xyxy has shape \(2, 3\), wanted \(2, 4\)"):
        Detections(np.zeros((2, 3)), np.zeros(2), np.zeros(2))
    with pytest.raises(ValueError, match=r"class_id has shape \(1,\), wanted \(2,\)"):
        Detections(np.zeros((2, 4)), np.zeros(2), np.zeros(1))
    with pytest.raises(ValueError, match="us has shape"):
        Warmth(np.zeros(2), np.zeros(3), np.zeros(2))
    with pytest.raises(ValueError, match="sure has shape"):
        Sights([1], [0], [[0, 0]], [1], [1], [True, False], [0])
    with pytest.raises(ValueError, match="t_ns has shape"):
        Backlog([1], [1, 2], [[0, 0, 1, 1]])


def test_columns_and_fields_are_read_only() -> None:
    d = detections()
    with pytest.raises(ValueError, match="read-only"):
        d.xyxy[0] = 0
    with pytest.raises(FrozenInstanceError):
        d.xyxy = d.xyxy  # type: ignore[misc]


def test_making_a_value_leaves_the_makers_array_writable() -> None:
    score = np.zeros(1, np.float32)
    Detections(np.zeros((1, 4), np.float32), score, np.zeros(1, np.int16))
    score[0] = 1
    assert score.flags.writeable


def test_detections_are_selected_by_mask_or_by_index() -> None:
    d = detections()
    assert d[d.score > 0.3].class_id.tolist() == [1, 2]
    assert d[np.array([2, 0])].class_id.tolist() == [2, 0]
    assert len(d[np.zeros(3, bool)]) == 0


def test_a_frame_gives_its_pixels_back_once_left() -> None:
    class Lease(HostPixels):
        closed = 0

        def close(self) -> None:
            Lease.closed += 1

    picture = np.zeros((2, 4, 3), np.uint8)
    with Frame(Stamp("a", 0, 0, Size(4, 2)), Lease(picture)) as frame:
        assert frame.bgr is picture
        assert Lease.closed == 0
    assert Lease.closed == 1


def test_a_result_of_events_only_has_no_tracks_and_no_warmth() -> None:
    result = Result.nothing_but(Stamp("a", 0, 0, Size(4, 2)), ())
    assert (len(result.tracks), len(result.warmth), result.events) == (0, 0, ())


def test_a_size_reads_as_width_by_height() -> None:
    assert str(Size(1280, 720)) == "1280x720"
