"""Truth files: what is read from them and which sentence meets one that cannot be meant. No scoring is tested here."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pytest

from edge.errors import UsageError
from edge.evaluate.truth import FloorPoint, TruthLine, load_truth, read_annotation

GOOD = """
video: clip.mp4
annotation: clip.txt
scale: 0.5
lines:
  door: {from: [10, 0], to: [10, 50.5], in: 2, out: 1}
  1: {from: [0, 0], to: [9, 9]}
floor:
  - {px: [1, 2], m: [3.5, -4]}
"""
ROWS = "2,7,10,20,30,40,1,0,0,0\n1,7,8,20,30,40,1\n\n1,3,0,0,10,10,0\n1,2,100,100,10,20,1\n"


def write(folder: Path, yaml: str = GOOD, rows: str = ROWS) -> Path:
    (folder / "clip.mp4").write_bytes(b"")
    (folder / "clip.txt").write_text(rows)
    (folder / "clip.truth.yaml").write_text(yaml)
    return folder / "clip.truth.yaml"


def test_a_truth_file_is_read_whole(tmp_path: Path) -> None:
    truth = load_truth(write(tmp_path))
    assert truth.video == tmp_path / "clip.mp4"
    assert truth.lines == {"door": TruthLine((10, 0), (10, 50.5), 2, 1), "1": TruthLine((0, 0), (9, 9))}
    assert truth.floor == (FloorPoint(px=(1, 2), m=(3.5, -4)),)


def test_boxes_are_scaled_sorted_and_only_those_to_be_considered(tmp_path: Path) -> None:
    boxes = load_truth(write(tmp_path)).annotation
    assert boxes.frame.tolist() == [1, 1, 2]
    assert boxes.id.tolist() == [2, 7, 7]
    np.testing.assert_allclose(boxes.xyxy, [[50, 50, 55, 60], [4, 10, 19, 30], [5, 10, 20, 30]])


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("video: clip.mp4\n", "", "lacks the key 'video'"),
        ("clip.mp4", "other.mp4", "other.mp4 does not exist"),
        ("annotation: clip.txt", "annotation: gone.txt", "gone.txt cannot be read"),
        ("scale:", "scal:", "unknown key 'scal', did you mean 'scale'"),
        ("scale: 0.5", "scale: big", "scale must be a number, here is 'big'"),
        ("scale: 0.5", "scale: 0", "scale is 0, it must be greater than 0"),
        ("scale: 0.5", "scale: .nan", "scale must be a number"),
        ("from: [10, 0], ", "", "lines.door lacks the key 'from'"),
        ("from: [10, 0]", "from: 10", r"lines.door.from must be \[x, y\], here is 10"),
        ("from: [10, 0]", "from: [10, a]", "lines.door.from must be a number"),
        ("from: [10, 0]", "from: [10, 50.5]", "from and to are one point"),
        ("in: 2", "in: -2", "lines.door.in must be a whole number from 0, here is -2"),
        ("in: 2", "in: 1.5", "lines.door.in must be a whole number"),
        ("px: [1, 2], ", "", r"floor\[0\] lacks the key 'px'"),
        ("scale: 0.5", "scale: [", "line 6: this is not YAML"),
        (GOOD, "- 1", "must be a mapping"),
        (GOOD, "video: clip.mp4\nannotation: clip.txt\nlines: 3", "lines must be a mapping, here is 3"),
        (GOOD, "video: clip.mp4\nannotation: clip.txt\nlines: {}\nfloor: 3", "floor must be a list"),
    ],
)
def test_a_mistake_is_answered_in_a_sentence(tmp_path: Path, old: str, new: str, sentence: str) -> None:
    path = write(tmp_path, GOOD.replace(old, new))
    with pytest.raises(UsageError, match=sentence) as caught:
        load_truth(path)
    assert "clip.truth.yaml" in str(caught.value) or "gone.txt" in str(caught.value)


def test_a_missing_truth_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"truth file .*none\.yaml cannot be read"):
        load_truth(tmp_path / "none.yaml")


def test_notes_of_the_author_are_left_alone(tmp_path: Path) -> None:
    assert load_truth(write(tmp_path, GOOD + "licence: CC0\n")).lines


def test_totals_that_disagree_with_the_annotation_are_warned_about(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        load_truth(write(tmp_path, GOOD + "boxes: 9\nobjects: 2\n"))
    assert "boxes: 9, its annotation has 3" in caplog.text
    assert "objects" not in caplog.text


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        ("1,2,3,4,5,6", "line 2: 6 columns, wanted at least 7"),
        ("1,2,x,4,5,6,1", "line 2: one of its columns is not a number"),
        ("0,2,3,4,5,6,1", "line 2: frame 0, id 2; frames are whole numbers from 1"),
        ("1.5,2,3,4,5,6,1", "line 2: frame 1.5"),
        ("1,2,3,4,0,6,1", "line 2: a box at 3, 4 of 0 x 6 px"),
        ("1,2,nan,4,5,6,1", "line 2: a box at nan"),
        ("1,1,3,4,5,6,1", "line 2: object 1 is in frame 1 a second time"),
    ],
)
def test_a_bad_row_is_named_by_its_line(tmp_path: Path, row: str, sentence: str) -> None:
    path = tmp_path / "rows.txt"
    path.write_text(f"1,1,0,0,10,10,1\n{row}\n")
    with pytest.raises(UsageError, match=sentence):
        read_annotation(path)


def test_an_annotation_without_a_box_to_consider_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.txt"
    path.write_text("1,1,0,0,10,10,0\n")
    with pytest.raises(UsageError, match="no box in it is to be considered"):
        read_annotation(path)


@pytest.mark.parametrize("clip", ["pets-s2l1", "tud-stadtmitte"])
def test_the_real_clips_hold_what_their_truth_files_say(shared: Path, clip: str, caplog: pytest.LogCaptureFixture) -> None:
    truth = load_truth(shared / "video" / f"{clip}.truth.yaml")
    assert len(truth.lines) == 5
    assert not caplog.records
