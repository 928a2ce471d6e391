"""One camera's step: what is let in, in which pixels, what is forgotten, and that its memory is all of it. Counting rules are tested beside."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge.count import LineOptions, ZoneOptions
from edge.data import Detections, Size, Stamp
from edge.heat import HeatOptions
from edge.pipeline import Pipeline, PipelineOptions
from tests.unit.staged import REFERENCE, Camera, S, boxes, same, through, walker

DOOR = LineOptions((300, 400), (900, 400))
ROOM = ZoneOptions(((400, 300), (800, 300), (800, 600), (400, 600)))
OPTIONS = PipelineOptions(lines={"door": DOOR}, zones={"room": ROOM})


def test_boxes_by_their_feet_in_an_ignored_area_are_nobody() -> None:
    options = PipelineOptions(lines={"door": DOOR}, ignore=(ZoneOptions(((500, 350), (700, 350), (700, 720), (500, 720))),))
    camera = Camera(options).watch([walker((600, 250), (0, 60)), walker((800, 250), (0, 60))], 5)
    assert camera.told() == {"in": 1}
    assert camera.events[0].point[0] == pytest.approx(800, abs=1)


@pytest.mark.parametrize(("width", "height", "seen"), [(30, 60, True), (29, 60, False), (60, 29, False)])
def test_boxes_lower_or_narrower_than_the_least_are_nobody(width: float, height: float, seen: bool) -> None:
    camera = Camera(PipelineOptions(least_box_px=30))
    for _ in range(20):
        camera.see(boxes((600, 400), width=width, height=height))
    assert bool(camera.ids) == seen


def test_the_least_box_is_measured_in_reference_pixels() -> None:
    camera = Camera(PipelineOptions(least_box_px=30))
    for _ in range(20):
        camera.see(boxes((600, 400), size=Size(640, 360)), size=Size(640, 360))  # 20 px wide in this picture
    assert len(camera.ids) == 1


def test_only_the_classes_that_matter_are_followed() -> None:
    camera = Camera(PipelineOptions(class_ids=frozenset({0, 2})))
    for _ in range(20):
        parts = [boxes((200 * (c + 1), 400), class_id=c) for c in range(4)]
        camera.see(Detections(*(np.concatenate([getattr(p, name) for p in parts]) for name in ("xyxy", "score", "class_id"))))
    assert set(camera.results[-1].tracks.class_id.tolist()) == {0, 2}
    assert {int(row) for row in camera.results[-1].tracks.row} <= {0, 1}


def test_another_size_is_scaled_to_the_reference() -> None:
    small = Size(320, 240)
    camera = Camera(OPTIONS).watch([walker((600, 250), (0, 60))], 5, size=small)
    (event,) = [event for event in camera.events if event.kind == "line"]
    assert event.point == pytest.approx((600, 400), abs=0.1)
    assert camera.results[-1].tracks.xyxy[0, 3] == pytest.approx(250 + 60 * camera.results[-1].stamp.t_ns / S, abs=3)


@pytest.mark.parametrize("size", [REFERENCE, Size(640, 240)])
def test_feet_on_the_pictures_border_take_no_side(size: Size) -> None:
    """Two people walk down and linger at the border, one beyond a line that leaves room to be seen, one beyond a line that does not."""
    options = PipelineOptions(lines={"room": LineOptions((0, 650), (600, 650)), "none": LineOptions((700, 704), (1280, 704))})
    camera, last = Camera(options), 720 * (1 - 0.6 / size.height)  # in the last row of the frame's pixels
    for k in range(120):
        bottom = min(560.0 + 7 * k, last)
        camera.see(boxes((300, bottom), (1000, bottom), size=size, height=100 if bottom < last else 60), size=size)
    assert [(event.place, event.verb) for event in camera.events] == [("room", "in")]


def test_by_the_centre_a_person_crosses_later() -> None:
    people = [walker((600, 300), (0, 60))]
    feet, centre = Camera(OPTIONS).watch(people, 5), Camera(PipelineOptions(lines=OPTIONS.lines, anchor="center")).watch(people, 5)
    assert centre.told("door") == feet.told("door") == {"in": 1}
    by_feet, by_centre = (next(event.t_ns for event in camera.events if event.kind == "line") for camera in (feet, centre))
    assert by_centre - by_feet == pytest.approx(50 / 60 * S, abs=S / 10)


class TestStill:
    OPTIONS = PipelineOptions(lines={"door": DOOR}, zones={"room": ROOM}, max_still_s=3)

    def test_what_does_not_move_vanishes_and_stops_warming(self) -> None:
        camera = Camera(self.OPTIONS, fps=10).watch([walker((600, 500), (0, 0))], 20)
        assert camera.told() == {"appeared": 1, "vanished": 1}
        assert camera.pipeline.occupancy() == {"room": 0}
        assert camera.grid.sum() == pytest.approx(3e6, abs=2e5)
        assert len(camera.ids) == 1

    def test_jitter_is_not_moving(self) -> None:
        rng = np.random.default_rng(2)
        camera = Camera(self.OPTIONS, fps=10).watch([lambda _: tuple(rng.normal((600, 500), 2))], 20)
        assert camera.told() == {"appeared": 1, "vanished": 1}

    def test_it_counts_again_when_it_moves_and_the_step_that_moves_it_on_may_cross_a_line(self) -> None:
        camera = Camera(self.OPTIONS, fps=10).watch([through((0, 600, 385), (10, 600, 385), (12, 600, 500), (14, 600, 500))], 14)
        assert camera.told("door") == {"in": 1}
        assert camera.told("room") == {"appeared": 2, "vanished": 1}
        assert camera.pipeline.occupancy() == {"room": 1}

    def test_who_strolls_is_never_still(self) -> None:
        camera = Camera(self.OPTIONS, fps=10).watch([walker((450, 500), (12, 0))], 20)
        assert camera.told() == {"appeared": 1}

    def test_without_the_option_a_mannequin_counts_for_ever(self) -> None:
        camera = Camera(OPTIONS, fps=10).watch([walker((600, 500), (0, 0))], 20)
        assert camera.told() == {"appeared": 1}
        assert camera.grid.sum() == camera.results[-1].stamp.t_ns // 1000


def test_two_halves_of_an_hour_sum_to_the_last_bit() -> None:
    """An hour of two people at odd frame times, cut in two by a restart: the grid of the whole is the sum of those of the halves."""
    rng = np.random.default_rng(8)
    times = np.cumsum(rng.integers(1_700_000_000, 1_950_000_000, 2000)).tolist()
    people = [(500 + rng.normal(0, 0.5), 450.0), (700.0, 500.0)]
    whole, first, second = (Camera(PipelineOptions(heat=HeatOptions(max_gap_s=2))) for _ in range(3))
    for k, t_ns in enumerate(times):
        seen = boxes(*people)
        whole.see(seen, t_ns=t_ns)
        if k == 1000:
            second.pipeline.restore(first.pipeline.state())
        (first if k < 1000 else second).see(seen, t_ns=t_ns)
    np.testing.assert_array_equal(whole.grid, first.grid + second.grid)
    assert whole.grid.sum() == 2 * (times[-1] // 1000 - times[0] // 1000)


walks = st.lists(
    st.lists(
        st.tuples(st.integers(0, 2), st.integers(-60, 60), st.integers(-60, 60), st.sampled_from([0.9, 0.5, 0.2])),
        max_size=3,
        unique_by=lambda s: s[0],
    ),
    min_size=3,
    max_size=25,
)


@settings(max_examples=25)
@given(walks, st.integers(0, 25))
def test_a_restart_at_any_step_changes_nothing(steps: list, at: int) -> None:
    options = PipelineOptions(lines=OPTIONS.lines, zones=OPTIONS.zones, max_still_s=1, heat=HeatOptions(footprint="box"))
    where = np.array([[450.0, 380], [600, 420], [820, 500]])
    whole, broken = Camera(options, fps=5), Camera(options, fps=5)
    for k, step in enumerate(steps):
        if k == at:
            state = broken.pipeline.state()
            broken.pipeline = Pipeline(options, REFERENCE, first_id=Pipeline.next_id(state))
            broken.pipeline.restore(state)
        feet = []
        for person, dx, dy, score in step:
            where[person] += (dx, dy)
            feet.append((*where[person], score))
        seen = boxes(*feet)
        whole.see(seen)
        broken.see(seen)
    same(whole.results, broken.results)
    assert whole.pipeline.expire(99 * S) == broken.pipeline.expire(99 * S)
    sign = {"entered": 1, "appeared": 1, "exited": -1, "vanished": -1}
    assert sum(sign.get(event.verb, 0) for event in whole.events) >= 0


def test_a_state_is_what_it_was_when_it_was_taken() -> None:
    camera = Camera(OPTIONS).watch([walker((600, 320), (0, 60))], 1)
    state = camera.pipeline.state()
    kept = {name: array.copy() for name, array in state.items()}
    camera.watch([walker((600, 320), (0, 60))], 2)
    for name, array in state.items():
        np.testing.assert_array_equal(array, kept[name])


def test_at_the_end_of_time_everybody_vanishes_and_ids_go_on() -> None:
    camera = Camera(OPTIONS).watch([walker((600, 500), (0, 0))], 1)
    state = camera.pipeline.state()
    assert Pipeline.next_id(state) == 2
    (vanished,) = camera.pipeline.expire(5 * S)
    assert (vanished.verb, vanished.track, vanished.t_counted_ns) == ("vanished", 1, 5 * S)
    assert camera.pipeline.occupancy() == {"room": 0}
    assert not camera.pipeline.expire(6 * S)
    camera.index = 0  # time may begin again
    camera.watch([walker((600, 500), (0, 0))], 1)
    assert camera.ids == {1, 2}


def test_equal_input_gives_equal_output() -> None:
    rng = np.random.default_rng(4)
    script = [
        boxes(*((x, y, s) for x, y, s in zip(*rng.uniform((100, 200, 0.1), (1200, 719, 0.95), (8, 3)).T, strict=True))) for _ in range(40)
    ]
    a, b = Camera(OPTIONS), Camera(OPTIONS)
    for seen in script:
        a.see(seen)
        b.see(seen[np.arange(len(seen))])
    same(a.results, b.results)


def test_a_step_back_in_time_is_refused() -> None:
    camera = Camera(OPTIONS).watch([], 1)
    with pytest.raises(ValueError, match="order of time"):
        camera.pipeline.step(Stamp("a", 99, 0, REFERENCE), Detections.empty())


def test_a_digest_names_every_option() -> None:
    others = [
        PipelineOptions(lines={"door": DOOR}),
        PipelineOptions(lines={"gate": DOOR}, zones={"room": ROOM}),
        PipelineOptions(lines={"door": DOOR}, zones={"room": ROOM}, band=0.2),
        PipelineOptions(lines={"door": DOOR}, zones={"room": ROOM}, heat=HeatOptions(cell=16)),
        PipelineOptions(lines={"door": DOOR}, zones={"room": ROOM}, class_ids=frozenset({0})),
    ]
    assert len({OPTIONS.digest, *(other.digest for other in others)}) == len(others) + 1
    assert PipelineOptions(lines={"door": DOOR}, zones={"room": ROOM}).digest == OPTIONS.digest


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"band": 1}, "band is 1, it must be at least 0 and less than 1"),
        ({"band": float("nan")}, "band is nan"),
        ({"max_still_s": 0}, "max_still_s is 0, it must be greater than 0"),
        ({"max_still_s": float("nan")}, "max_still_s is nan"),
        ({"least_box_px": -1}, "least_box_px is -1, it must be 0 or more"),
        ({"anchor": "head"}, "anchor is 'head', it must be feet or center"),
    ],
)
def test_options_that_cannot_be_meant_are_refused_by_name(options: dict, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        PipelineOptions(**options)
