"""The whole evaluation over made-up results: what each of them adds, and the report's form. Each measure has its own tests."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edge.data import Backlog, Event, Result, Size, Stamp, Tracks, Warmth
from edge.errors import SourceError, UsageError
from edge.evaluate import Report, Truth, TruthLine, evaluate
from edge.evaluate.heat import empty_grid
from edge.evaluate.truth import Annotation

SIZE = Size(160, 120)
FPS = 10
FRAMES = 40
LINE = TruthLine((80, 0), (80, 120), count_in=0, count_out=1)


def truth(line: TruthLine = LINE) -> Truth:
    """One person walks from left to right, 3 px a frame, and crosses the line between the frames 21 and 22."""
    x = 20 + 3.0 * np.arange(FRAMES)
    xyxy = np.column_stack([x - 10, np.full(FRAMES, 40.0), x + 10, np.full(FRAMES, 100.0)])
    frame = np.arange(1, FRAMES + 1)
    return Truth(Path("walk.mp4"), Annotation(frame, np.ones(FRAMES, np.int64), xyxy), {"door": line})


def warmth(cell: int, class_id: int = 0) -> Warmth:
    """What one track adds in one frame."""
    return Warmth(np.array([cell], np.int32), np.array([10**6 // FPS]), np.array([class_id], np.int16))


def result(index: int, *, events: tuple[Event, ...] = (), class_id: int = 0) -> Result:
    """What a perfect pipeline says of that walk."""
    xyxy = truth().annotation.xyxy[index : index + 1].astype(np.float32)
    kind = np.array([class_id], np.int16)
    tracks = Tracks(np.array([4]), xyxy, np.array([0.9], np.float32), kind, np.array([0], np.int32), Backlog.empty(), np.empty(0, np.int64))
    cell = int(100 // 8 * 20 + (20 + 3 * index) // 8)
    return Result(Stamp("door", index, index * 10**9 // FPS, SIZE), tracks, events, warmth(cell, class_id))


def crossing(t_s: float, *, place: str = "door", verb: str = "out", class_id: int = 0, kind: str = "line") -> Event:
    return Event(kind, place, verb, 4, class_id, int(t_s * 1e9), int(t_s * 1e9), (80.0, 100.0))  # type: ignore[arg-type]


def walk(*events: Event, frames: int = FRAMES, class_id: int = 0) -> Iterator[Result]:
    return (result(index, events=events if index == frames - 1 else (), class_id=class_id) for index in range(frames))


def test_a_perfect_pipeline_scores_perfectly() -> None:
    report = evaluate(truth(), walk(crossing(2.0)))
    assert (report.mota, report.idf1, report.id_switches, report.count_error, report.event_f1) == (1, 1, 0, 0, 1)
    assert min(report.heat_correlation.values()) > 0.99


def test_a_crossing_at_another_time_counts_right_and_is_another_event() -> None:
    report = evaluate(truth(), walk(crossing(3.5)))
    assert (report.count_error, report.event_f1) == (0, 0)


def test_only_line_events_of_people_on_the_truths_lines_count() -> None:
    others = (crossing(2, place="gate"), crossing(2, class_id=1), crossing(2, kind="zone", verb="entered"))
    line = evaluate(truth(), walk(*others), ["person", "car"]).lines["door"]
    assert (line.count_in, line.count_out, line.truth_in, line.truth_out) == (0, 0, 0, 1)


def test_other_classes_are_not_judged() -> None:
    cars = evaluate(truth(), walk(class_id=2), ["person", "bicycle", "car"])
    assert (cars.mota, cars.heat_correlation) == (0, {"8": 0, "16": 0})
    assert evaluate(truth(), walk(class_id=2), ["car", "bus", "person"]).mota == 1


def test_a_model_that_knows_no_people_is_refused() -> None:
    with pytest.raises(UsageError, match="knows cat, dog; the truth is about the class 'person'"):
        evaluate(truth(), walk(), ["cat", "dog"])


def test_a_line_that_the_file_did_not_count_is_counted_from_its_annotation() -> None:
    line = evaluate(truth(TruthLine((80, 0), (80, 120))), walk()).lines["door"]
    assert (line.truth_in, line.truth_out) == (0, 1)


def test_annotated_frames_that_never_came_are_missed() -> None:
    report = evaluate(truth(), walk(crossing(0.9), frames=10))  # counted in the last frame that came, and not what happened later
    assert report.mota == pytest.approx(10 / FRAMES)
    assert report.event_f1 == 0


def test_skipped_frames_keep_the_times_of_the_others() -> None:
    every_second = (result(index, events=(crossing(2.0),) if index == 38 else ()) for index in range(0, FRAMES, 2))
    report = evaluate(truth(), every_second)
    assert (report.mota, report.event_f1) == (0.5, 1)


def test_no_result_at_all_is_an_error() -> None:
    with pytest.raises(SourceError, match=r"not one frame came from walk\.mp4"):
        evaluate(truth(), iter(()))


def test_fps_is_of_the_time_that_results_take_to_come() -> None:
    now_s = [0.0]

    def slow() -> Iterator[Result]:
        for index in range(FRAMES):
            now_s[0] += 0.25
            yield result(index)

    assert evaluate(truth(), slow(), clock_s=lambda: now_s[0]).fps == pytest.approx(4)


def test_the_json_has_exactly_the_agreed_keys() -> None:
    report = json.loads(json.dumps(evaluate(truth(), walk(crossing(2.0))).as_json(), allow_nan=False))
    assert set(report) == {"mota", "idf1", "id_switches", "count_error", "event_f1", "lines", "heat_correlation", "fps"}
    assert report["lines"] == {"door": {"in": 0, "out": 1, "truth_in": 0, "truth_out": 1}}
    assert set(report["heat_correlation"]) == {"8", "16"}


def test_the_tables_show_every_score_and_line() -> None:
    from rich.console import Console

    report: Report = evaluate(truth(), walk(crossing(2.0)))
    console = Console(width=120, record=True, file=io.StringIO())
    for table in report.tables():
        console.print(table)
    text = console.export_text()
    assert all(word in text for word in ("MOTA", "1.000", "heat, 16 px", "door"))


def test_a_coarser_grid_is_compared_in_its_own_cells() -> None:
    def warmed() -> Iterator[Result]:
        columns = empty_grid(SIZE, 16).shape[1]
        for index in range(FRAMES):
            cell = int(100 // 16 * columns + (20 + 3 * index) // 16)
            plain = result(index)
            yield Result(plain.stamp, plain.tracks, (), warmth(cell))

    assert min(evaluate(truth(), warmed(), cell=16).heat_correlation.values()) > 0.99
