"""Heatmap over a stand-in detector: counts with their direction, heat, what is drawn, time, and what is refused."""

from __future__ import annotations

import inspect
import subprocess
import sys
from typing import Any

import numpy as np
import pytest

from edge.data import Frame, HostPixels, Size, Stamp
from edge.engine import box
from edge.errors import ModelError, UsageError
from edge.heat import colormap_table
from edge.solutions import Heatmap, SolutionResults
from edge.solutions.model import detector_of
from edge.solutions.options import HeatmapOptions
from tests.unit.solutions.walkers import BLANK, H, W, Walkers, across, nobody

DOWN = [(160, 20), (160, 220)]  # walked downwards, its right hand is the picture's left
BOX = [(120, 90), (200, 90), (200, 200), (120, 200)]


def run(heatmap: Heatmap, *, seconds: float, fps: float = 30) -> SolutionResults:
    """The result of the last frame of so many seconds."""
    results = [heatmap(BLANK) for _ in range(round(seconds * fps))]
    return results[-1]


def test_a_line_counts_by_direction_and_coming_back_counts_the_other_way() -> None:
    one_way = run(Heatmap(detector=Walkers(across()), region=DOWN), seconds=4)
    assert (one_way.in_count, one_way.out_count) == (0, 1)
    other_way = run(Heatmap(detector=Walkers(across()), region=DOWN[::-1]), seconds=4)
    assert (other_way.in_count, other_way.out_count) == (1, 0)
    both = run(Heatmap(detector=Walkers(across(there_and_back=True)), region=DOWN), seconds=7.5)
    assert (both.in_count, both.out_count) == (1, 1)
    assert both.classwise_count == {"person": {"IN": 1, "OUT": 1}}


@pytest.mark.parametrize("region", [BOX, [*BOX, BOX[0]]], ids=["rectangle", "ring"])
def test_an_area_counts_entries_and_exits_across_its_border(region: list[tuple[int, int]]) -> None:
    seen = run(Heatmap(detector=Walkers(across()), region=region), seconds=4)
    assert (seen.in_count, seen.out_count) == (1, 1)


def test_who_is_first_seen_inside_an_area_has_not_come_in() -> None:
    heatmap = Heatmap(detector=Walkers(lambda second: [(160 + 60 * max(0, second - 1), 150, 0)]), region=BOX)
    seen = run(heatmap, seconds=3)
    assert (seen.in_count, seen.out_count) == (0, 1)


def test_classes_are_counted_apart_and_can_be_chosen_by_id_or_name() -> None:
    def places(second: float) -> list[tuple[float, float, int]]:
        return [(30 + 60 * second, 150, 0), (30 + 60 * second, 220, 2)]

    assert run(Heatmap(detector=Walkers(places), region=DOWN), seconds=4).classwise_count == {
        "person": {"IN": 0, "OUT": 1},
        "car": {"IN": 0, "OUT": 1},
    }
    for only_cars in ([2], 2, "car", ["car"]):
        seen = run(Heatmap(detector=Walkers(places), region=DOWN, classes=only_cars), seconds=4)
        assert seen.classwise_count == {"car": {"IN": 0, "OUT": 1}}
        assert seen.total_tracks == 1


@pytest.mark.parametrize("classes", [[3], [-1], ["dragon"], "persn"])
def test_a_class_that_the_model_lacks_is_refused_and_the_model_given_back(classes: Any) -> None:
    detector = Walkers(nobody)
    with pytest.raises(UsageError, match="knows no class"):
        Heatmap(detector=detector, classes=classes)
    assert detector.closed


def test_heat_is_where_feet_stood_and_nowhere_else() -> None:
    heatmap = Heatmap(detector=Walkers(lambda _: [(160, 150, 0)]), show_labels=False, show_conf=False, colormap="inferno")
    picture = run(heatmap, seconds=2).plot_im.astype(int)
    changed = np.abs(picture - BLANK).max(axis=2)
    assert changed[165:175, 155:165].min() > 0  # below the feet, outside the box
    assert changed[:60].max() == 0
    last = colormap_table()[14][255].astype(int)
    assert np.abs(picture[152, 160] - last).sum() < np.abs(BLANK[0, 0] - last).sum()


@pytest.mark.parametrize("number", range(22))
def test_every_colour_map_colours_the_heat(number: int) -> None:
    heatmap = Heatmap(detector=Walkers(lambda _: [(160, 150, 0)]), colormap=number, fps=10)
    picture = run(heatmap, seconds=5, fps=10).plot_im.astype(int)
    hot = colormap_table()[number][255].astype(int)
    mixed = 0.6 * hot + 0.4 * BLANK[0, 0]
    assert np.abs(picture[155, 160] - mixed).max() < 3


def test_heat_stays_for_ever_by_default_and_fades_with_decay() -> None:
    def brief(second: float) -> list[tuple[float, float, int]]:
        return [(160, 150, 0)] if second < 1 else [(60 + 5 * second, 70, 0)]

    def heat_at(decay: float | None) -> int:
        picture = run(Heatmap(detector=Walkers(brief), decay=decay), seconds=12).plot_im.astype(int)
        return int(np.abs(picture[156, 160] - BLANK[0, 0]).max())

    assert heat_at(None) > 30
    assert heat_at(0.97) == 0


def test_frames_are_left_untouched_and_a_new_picture_is_given() -> None:
    frame = BLANK.copy()
    heatmap = Heatmap(detector=Walkers(across()), region=BOX)
    picture = heatmap.generate_heatmap(frame)
    assert np.array_equal(frame, BLANK)
    assert picture.shape == frame.shape
    assert picture.dtype == np.uint8


def test_counts_are_drawn_at_the_top_right_as_far_as_they_shall_be() -> None:
    def corner(**arguments: Any) -> np.ndarray[Any, Any]:
        return Heatmap(detector=Walkers(nobody), **arguments).generate_heatmap(BLANK)[:30, W // 2 :]

    low = [(20, 200), (100, 200)]
    drawn = {
        name: corner(region=low, show_in=in_, show_out=out).tobytes()
        for name, in_, out in (("both", True, True), ("in", True, False), ("out", False, True), ("none", False, False))
    }
    assert len(set(drawn.values())) == 4
    assert drawn["none"] == corner().tobytes() == BLANK[:30, W // 2 :].tobytes()


def test_lines_are_as_thick_as_asked() -> None:
    thin, thick = (
        Heatmap(detector=Walkers(nobody), region=BOX, line_width=width, show_in=False, show_out=False).generate_heatmap(BLANK)
        for width in (1, 9)
    )
    outside = np.s_[150, 100:120]
    assert np.array_equal(thin[outside][:17], BLANK[outside][:17])
    assert (thick[outside] != BLANK[outside]).any(axis=1).sum() >= 3


def test_frames_without_time_are_a_thirtieth_of_a_second_apart_unless_told() -> None:
    for arguments, step_ns in (({}, 33_333_333), ({"fps": 10}, 100_000_000)):
        detector = Walkers(nobody)
        heatmap = Heatmap(detector=detector, **arguments)
        for _ in range(3):
            heatmap(BLANK)
        assert np.diff(detector.stamps_ns) == pytest.approx([step_ns] * 2, abs=1)


def test_ten_and_thirty_frames_a_second_count_the_same() -> None:
    counts = [run(Heatmap(detector=Walkers(across(there_and_back=True)), region=DOWN, fps=fps), seconds=7.5, fps=fps) for fps in (10, 30)]
    assert counts[0].classwise_count == counts[1].classwise_count


def test_frames_that_know_their_time_are_taken_at_it() -> None:
    detector = Walkers(nobody)
    heatmap = Heatmap(detector=detector)
    heatmap.look(Frame(Stamp("heatmap", 0, 7_000_000_000, Size(W, H)), HostPixels(BLANK)))
    assert detector.stamps_ns == [7_000_000_000]


def test_another_size_in_mid_stream_goes_on_with_the_same_tracks() -> None:
    heatmap = Heatmap(detector=Walkers(lambda _: [(160, 150, 0)]))
    run(heatmap, seconds=1)
    assert heatmap(np.full((H // 2, W // 2, 3), 90, np.uint8)).plot_im.shape == (H // 2, W // 2, 3)


@pytest.mark.parametrize(
    "frame",
    [None, "frame.jpg", np.zeros((H, W), np.uint8), np.zeros((H, W, 4), np.uint8), np.zeros((H, W, 3)), np.zeros((0, W, 3), np.uint8)],
    ids=["None", "text", "grey", "alpha", "float", "empty"],
)
def test_what_is_no_picture_is_refused_in_one_sentence(frame: Any) -> None:
    with pytest.raises(UsageError, match=r"a frame is an array of uint8 shaped \(height, width, 3\)"):
        Heatmap(detector=Walkers(nobody))(frame)


def test_a_region_outside_the_picture_is_warned_about(caplog: pytest.LogCaptureFixture) -> None:
    heatmap = Heatmap(detector=Walkers(nobody), region=[(20, 400), (1080, 400)])
    heatmap(BLANK)
    heatmap(BLANK)
    (record,) = caplog.records
    assert "outside the picture of 320x240" in record.getMessage()


def test_wrong_arguments_are_said_before_a_model_is_looked_for() -> None:
    for arguments, match in (
        ({"colourmap": 2}, "colormap"),
        ({"region": [(1, 1)]}, "1 point"),
        ({"tracker": "no.yaml"}, "no tracker file"),
    ):
        with pytest.raises(UsageError, match=match):
            Heatmap(model="nowhere.onnx", **arguments)


def test_a_model_that_is_not_there_is_one_sentence(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ModelError, match="no model file"):
        Heatmap(model=tmp_path / "nowhere.onnx")
    monkeypatch.setattr(box, "FOLDER", tmp_path)
    with pytest.raises(ModelError, match="yolo export"):
        Heatmap()


def test_the_model_is_given_back_once_whichever_way_it_is_closed() -> None:
    detector = Walkers(nobody)
    with Heatmap(detector=detector) as heatmap:
        heatmap(BLANK)
        heatmap.close()
    assert detector.closed


def test_track_arguments_of_the_page_are_accepted() -> None:
    Heatmap(detector=Walkers(nobody), conf=0.3, iou=0.5, persist=True, device="cpu", verbose=False, max_det=100, imgsz=640)(BLANK)


@pytest.mark.parametrize(("device", "said"), [(None, 0), ("cpu", 0), ("CPU:0", 0), (0, 1), ("cuda:0", 1)])
def test_a_device_that_is_not_used_is_said(device: str | int | None, said: int, caplog: pytest.LogCaptureFixture) -> None:
    detector_of(HeatmapOptions(model="a.onnx", device=device))
    assert [record.getMessage().count("run on the CPU") for record in caplog.records] == [1] * said


def test_its_signature_shows_the_arguments_and_their_defaults() -> None:
    shown = inspect.signature(Heatmap).parameters
    assert [shown[name].default for name in ("model", "colormap", "show", "show_in", "show_out", "region", "line_width")] == [
        None, 2, False, True, True, None, 2,
    ]  # fmt: skip


def test_importing_solutions_loads_no_vendor_library() -> None:
    vendors = "{'cv2', 'av', 'gi', 'tensorrt', 'pycuda', 'onnxruntime', 'paho'}"
    code = f"import sys; from edge import solutions; print(sorted({vendors} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
