"""True crossings: the rule on drawn paths, and the counts that the real clips' truth files give. The product's counter is not tested here."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.evaluate.crossings import Crossing, true_crossings
from edge.evaluate.truth import Annotation, TruthLine, load_truth

DOWN = {"line": TruthLine((100, 0), (100, 200))}  # someone walking from start to end has smaller x to the right hand


def walk(*feet: tuple[float, float], frames: list[int] | None = None, height: float = 50) -> Annotation:
    """One object whose feet were there, in boxes of one height."""
    points = np.array(feet, np.float64)
    xyxy = np.column_stack([points[:, 0] - 10, points[:, 1] - height, points[:, 0] + 10, points[:, 1]])
    return Annotation(frame=np.array(frames or range(1, len(feet) + 1), np.int64), id=np.full(len(feet), 7, np.int64), xyxy=xyxy)


def verbs(annotation: Annotation) -> list[str]:
    return [crossing.verb for crossing in true_crossings(annotation, DOWN)]


def test_to_the_right_hand_is_in_and_the_moment_is_interpolated() -> None:
    (crossing,) = true_crossings(walk((120, 100), (90, 100)), DOWN)
    assert crossing == Crossing("line", "in", 7, crossing.frame)
    assert crossing.frame == pytest.approx(1 + 2 / 3)


def test_to_the_left_hand_is_out() -> None:
    assert verbs(walk((90, 100), (120, 100))) == ["out"]


def test_there_and_back_is_one_each() -> None:
    assert verbs(walk((120, 100), (90, 100), (120, 100))) == ["in", "out"]


def test_within_the_band_nothing_is_clear() -> None:
    assert verbs(walk((104, 100), (96, 100), (104, 100))) == []


def test_a_pause_in_the_band_is_one_crossing_dated_to_its_last_meeting() -> None:
    path = walk((120, 100), (103, 100), (98, 100), (102, 100), (98, 100), (80, 100))
    (crossing,) = true_crossings(path, DOWN)
    assert crossing.frame == pytest.approx(4.5)


def test_turning_back_in_the_band_is_nothing() -> None:
    assert verbs(walk((120, 100), (97, 100), (120, 100))) == []


def test_round_the_end_is_nothing() -> None:
    assert verbs(walk((120, 190), (110, 210), (90, 210), (80, 190))) == []


def test_the_path_counts_and_not_its_ends_alone() -> None:
    """Straight from first to last it would pass the line's end; step by step it meets the line."""
    assert verbs(walk((106, 205), (99, 150), (90, 230))) == ["in"]


def test_frames_without_a_box_are_walked_straight() -> None:
    (crossing,) = true_crossings(walk((120, 100), (80, 100), frames=[10, 30]), DOWN)
    assert crossing.frame == pytest.approx(20)


def test_objects_are_kept_apart() -> None:
    annotation = Annotation(
        frame=np.array([1, 2]), id=np.array([1, 2]), xyxy=np.array([[110.0, 50, 130, 100], [70.0, 50, 90, 100]])
    )  # one is right of the line, then another left of it
    assert true_crossings(annotation, DOWN) == []


@given(xs=st.lists(st.floats(0, 200), min_size=1, max_size=30))
def test_in_and_out_alternate_on_an_endless_line(xs: list[float]) -> None:
    endless = {"line": TruthLine((100, -1e4), (100, 1e4))}
    told = [crossing.verb for crossing in true_crossings(walk(*((x, 100) for x in xs)), endless)]
    assert all(a != b for a, b in itertools.pairwise(told))
    clear = [x < 100 for x in xs if abs(x - 100) > 5]
    assert len(told) == sum(a != b for a, b in itertools.pairwise(clear))


@given(points=st.lists(st.tuples(st.floats(50, 150), st.floats(0, 250)), min_size=2, max_size=15))
def test_walking_backwards_in_time_turns_in_into_out(points: list[tuple[float, float]]) -> None:
    there, back = verbs(walk(*points)), verbs(walk(*reversed(points)))
    assert back == ["in" if verb == "out" else "out" for verb in reversed(there)]


@pytest.mark.parametrize("clip", ["pets-s2l1", "tud-stadtmitte"])
def test_the_real_clips_are_crossed_as_their_truth_files_say(shared: Path, clip: str) -> None:
    truth = load_truth(shared / "video" / f"{clip}.truth.yaml")
    told = [(crossing.line, crossing.verb) for crossing in true_crossings(truth.annotation, truth.lines)]
    for name, line in truth.lines.items():
        assert (told.count((name, "in")), told.count((name, "out"))) == (line.count_in, line.count_out), name
