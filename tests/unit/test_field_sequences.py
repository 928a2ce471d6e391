"""The sequences on which real systems failed (../shared/design/FIELD.md's list), through tracker, lines, zones and heat together."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from edge.count import LineOptions, ZoneOptions
from edge.data import Detections, Size
from edge.pipeline import PipelineOptions
from edge.track import TrackOptions
from tests.unit.staged import HEIGHT, REFERENCE, WIDTH, Camera, S, boxes, held, through, walker

DOOR = LineOptions((300, 400), (900, 400))  # walked from left to right: `in` leads down
GATE = LineOptions((640, 650), (640, 150))  # walked upwards: `in` leads to the right
ROOM = ZoneOptions(((400, 300), (800, 300), (800, 600), (400, 600)))
OPTIONS = PipelineOptions(lines={"door": DOOR, "gate": GATE}, zones={"room": ROOM})
JITTER = np.random.default_rng(5)


def at_door(fps: float = 30) -> Camera:
    return Camera(PipelineOptions(lines={"door": DOOR}), fps)


def test_1_down_across_a_line_and_up_again_is_one_in_and_one_out() -> None:
    camera = at_door().watch([through((0, 600, 250), (3, 600, 550), (6, 600, 250))], 6)
    assert camera.told() == {"in": 1, "out": 1}
    assert [event.verb for event in camera.events] == ["in", "out"]
    assert len(camera.ids) == 1


def test_2_left_to_right_and_right_to_left_through_one_line_are_one_each() -> None:
    people = [through((0, 400, 300), (4, 880, 300)), through((0, 900, 600), (4, 420, 600))]
    camera = Camera(PipelineOptions(lines={"gate": GATE})).watch(people, 4)
    assert camera.told() == {"in": 1, "out": 1}
    assert {event.verb: event.point[1] for event in camera.events} == pytest.approx({"in": 300, "out": 600}, abs=3)


def test_3_a_spawn_inside_a_region_and_a_pixel_of_jitter_crosses_nothing() -> None:
    camera = Camera(OPTIONS)
    for _ in range(60):
        camera.see(boxes((500 + JITTER.uniform(-1, 1), 450 + JITTER.uniform(-1, 1))))
    assert camera.told() == {"appeared": 1}


def test_4_sliding_along_a_line_counts_nothing() -> None:
    assert not at_door().watch([walker((320, 400), (100, 0))], 5).events
    on_border = Camera(PipelineOptions(zones={"room": ROOM})).watch([walker((420, 300), (60, 0))], 5)
    assert not on_border.events


def test_5_a_thousand_frames_of_jitter_on_the_line_count_nothing() -> None:
    camera = at_door()
    for _ in range(1000):
        camera.see(boxes((600 + JITTER.normal(0, 2), 400 + JITTER.uniform(-9, 9))))
    assert not camera.events
    assert len(camera.ids) == 1


def test_5_jitter_for_an_hour_of_frame_time_counts_nothing() -> None:
    camera = at_door(fps=0.55)
    for _ in range(int(3600 * camera.fps)):
        camera.see(boxes((600 + JITTER.normal(0, 2), 400 + JITTER.uniform(-9, 9))))
    assert camera.now_s >= 3599
    assert not camera.events
    assert len(camera.ids) == 1


@pytest.mark.parametrize("frames", [5, 31, 45])
def test_6_a_gap_then_back_is_the_same_person_counted_once(frames: int) -> None:
    person = walker((600, 250), (0, 60))
    gap = (2.4, 2.4 + frames / 30)  # the line, at 2.5 s, lies in the gap
    camera = at_door().watch([lambda t: None if gap[0] < t < gap[1] else person(t)], 5)
    assert camera.told() == {"in": 1}
    assert len(camera.ids) == 1
    assert camera.events[0].t_ns == pytest.approx(2.5 * S, abs=0.1 * S)


def test_7_an_unconfirmed_box_that_flickers_counts_nothing_nor_do_ten() -> None:
    camera = Camera(OPTIONS)
    for k in range(300):
        flicker = [(450 + 30 * n, 350 + 20 * n, 0.9) for n in range(10)] if k % 6 < 2 else []
        camera.see(boxes(*flicker))
    assert not camera.events
    assert not camera.ids
    assert not camera.grid.any()


def test_8_a_score_that_dips_for_five_frames_is_the_same_person() -> None:
    def person(t_s: float) -> tuple[float, ...]:
        return (600, 250 + 60 * t_s, 0.15 if 2.4 <= t_s < 2.4 + 5 / 30 else 0.8)

    camera = at_door().watch([person], 5)
    assert camera.told() == {"in": 1}
    assert len(camera.ids) == 1
    assert all(len(result.tracks) == 1 for result in camera.results[30:])


def test_9_a_fast_small_object_is_confirmed_and_counted() -> None:
    camera = Camera(PipelineOptions(lines={"gate": GATE}))
    for k in range(40):
        camera.see(boxes((100 + 24 * k, 400), width=24, height=24))  # its own width a frame
    assert camera.told() == {"in": 1}
    assert len(camera.ids) == 1


def test_10_an_id_switch_on_the_line_is_one_crossing_where_stitching_is_on() -> None:
    """Lost above the line, found again below it too far aside for the tracker: two tracks, and one person."""
    person, aside = walker((600, 250), (0, 60)), walker((638, 250), (0, 60))

    def told(options: TrackOptions) -> tuple[int, Counter[str]]:
        camera = Camera(PipelineOptions(lines={"door": DOOR}, track=options))
        camera.watch([lambda t: person(t) if t < 2.4 else None, lambda t: aside(t) if t >= 2.9 else None], 6)
        return len(camera.ids), camera.told()

    assert told(TrackOptions()) == (2, Counter())
    assert told(TrackOptions(stitch_s=2.0)) == (1, Counter({"in": 1}))


def test_10_an_id_switch_on_the_line_is_never_two_crossings() -> None:
    """Without stitching, a new track born on the line has no side yet: what is not known is not counted."""
    first = Camera(PipelineOptions(lines={"door": DOOR}))
    for k in range(60):
        first.see(boxes((600, 300 + min(98, 2 * k))))
    first.events += first.pipeline.expire(60 * S // 30)
    for k in range(60):
        first.see(boxes((600, 402 + 2 * k)))
    assert len(first.ids) == 2
    assert sum(first.told().values()) <= 1


def coarse(grid: np.ndarray) -> np.ndarray:
    """The grid in blocks of 5 x 5 cells: as much as a view blurs."""
    return grid.reshape(18, 5, 32, 5).sum(axis=(1, 3))


def test_11_ten_or_thirty_frames_a_second_give_the_same_counts_and_the_same_heat() -> None:
    people = [
        through((0, 600, 250), (4, 600, 550)),
        through((0.5, 900, 450), (6, 350, 450), (7, 350, 450)),
        through((1, 700, 500), (8, 700, 500)),
    ]
    slow, quick = Camera(OPTIONS, fps=10).watch(people, 8), Camera(OPTIONS, fps=30).watch(people, 8)

    def counted(camera: Camera) -> Counter[tuple[str, str]]:
        return Counter((event.place, event.verb) for event in camera.events)

    assert counted(slow) == counted(quick)
    assert counted(quick)[("door", "in")] == counted(quick)[("gate", "out")] == 1
    for a, b in zip(
        sorted(slow.events, key=lambda e: (e.place, e.t_ns)), sorted(quick.events, key=lambda e: (e.place, e.t_ns)), strict=True
    ):
        assert (a.place, a.verb) == (b.place, b.verb)
        assert abs(a.t_ns - b.t_ns) <= S // 10
    assert np.abs(coarse(slow.grid) - coarse(quick.grid)).sum() < 0.08 * quick.grid.sum()


def test_11_a_persons_presence_is_his_time_in_sight_to_the_microsecond_at_any_rate() -> None:
    for fps in (10, 30):
        camera = Camera(OPTIONS, fps=fps).watch([walker((400, 450), (30, 0))], 6)
        assert camera.grid.sum() == camera.results[-1].stamp.t_ns // 1000


def test_12_two_cameras_one_restarted_leave_the_others_ids_and_totals_untouched() -> None:
    person = through((0, 600, 250), (3, 600, 550), (6, 600, 250))
    alone, beside, other = at_door(), at_door(), at_door()
    for part in range(6):
        alone.watch([person], 1)
        beside.watch([person], 1)
        other.watch([person], 1)
        if part == 2:
            other = at_door()
    assert alone.ids == beside.ids == {1}
    assert alone.events == beside.events


def test_13_memory_after_twenty_thousand_ids_is_as_on_the_first_day() -> None:
    """Crowds of seventy, each three frames long and three seconds after the last: everyone is confirmed and soon ended."""
    options = PipelineOptions(lines=OPTIONS.lines, zones=OPTIONS.zones, max_still_s=60)
    camera = Camera(options, fps=2)
    crowd = np.stack(np.meshgrid(np.arange(10), np.arange(7)), axis=-1).reshape(-1, 2) * (120, 95) + (60, 110)
    sizes, seen = [], 0
    while seen < 20_000:
        for _ in range(3):
            result = camera.see(boxes(*map(tuple, crowd + JITTER.uniform(-2, 2, crowd.shape))))
        seen = int(result.tracks.id.max())
        sizes.append(held(camera.pipeline.state()))
        camera.index += 6  # three seconds of nobody, longer than a lost track lives
        camera.results.clear()
        camera.events.clear()
    assert max(sizes) <= sizes[0] * 1.5
    camera.see(Detections.empty())
    camera.index += 6
    camera.see(Detections.empty())
    assert held(camera.pipeline.state()) < 200
    assert sum(camera.pipeline.occupancy().values()) == 0


def test_14_an_empty_first_frame_and_an_empty_hour_are_nothing_and_finite() -> None:
    camera = Camera(OPTIONS, fps=1).watch([], 3600)
    assert not camera.events
    assert not camera.grid.any()
    assert held(camera.pipeline.state()) < 200
    camera.index, camera.fps = 3600 * 30, 30.0
    start_s = camera.now_s
    camera.watch([lambda t: walker((600, 250), (0, 60))(t - start_s)], 5)
    assert camera.told("door") == {"in": 1}


def test_15_a_change_of_resolution_in_mid_stream_changes_nothing() -> None:
    people = [through((0, 600, 250), (4, 600, 550)), through((0, 420, 500), (4, 850, 500))]
    steady, changed = Camera(OPTIONS).watch(people, 4), Camera(OPTIONS)
    for size in (REFERENCE, Size(640, 360), Size(1920, 1080), Size(1000, 700)):
        changed.watch(people, 1, size=size)
    assert [(e.place, e.verb, e.track) for e in changed.events] == [(e.place, e.verb, e.track) for e in steady.events]
    assert [e.t_ns for e in changed.events] == pytest.approx([e.t_ns for e in steady.events], abs=S / 100)
    assert changed.grid.sum() == steady.grid.sum()
    assert changed.ids == steady.ids


def test_turning_back_on_the_line_counts_nothing_and_behind_it_the_other_way() -> None:
    assert not at_door().watch([through((0, 600, 300), (2, 600, 404), (4, 600, 300))], 4).events
    assert at_door().watch([through((0, 600, 300), (2, 600, 460), (4, 600, 300))], 4).told() == {"in": 1, "out": 1}


def test_round_the_end_of_a_line_counts_nothing() -> None:
    path = through((0, 800, 300), (2, 960, 300), (4, 960, 500), (6, 700, 500))
    assert not at_door().watch([path], 6).events


def test_what_was_seen_before_confirmation_is_counted_from_there() -> None:
    """Born just above the line, across it before 0.2 s have confirmed him: the crossing is his, with its own time."""
    camera = at_door().watch([walker((600, 380), (0, 300))], 1.5)
    assert camera.told() == {"in": 1}
    (event,) = camera.events
    assert event.t_ns == pytest.approx(20 / 300 * S, abs=S / 30)
    assert event.t_counted_ns >= 0.2 * S


def test_a_lost_person_stays_in_the_zone_for_lost_s_and_vanishes_when_last_seen() -> None:
    camera = Camera(PipelineOptions(zones={"room": ROOM})).watch([through((0, 600, 450), (2, 620, 450))], 3.9)
    assert camera.pipeline.occupancy() == {"room": 1}
    camera.watch([], 0.5)
    assert camera.pipeline.occupancy() == {"room": 0}
    assert camera.told() == {"appeared": 1, "vanished": 1}
    assert camera.events[-1].t_ns == pytest.approx(2 * S, abs=S / 30)
    assert camera.events[-1].t_counted_ns > 4 * S


def test_boxes_are_what_this_stage_says_they_are() -> None:
    (box,) = boxes((100, 200)).xyxy
    assert (box[2] - box[0], box[3] - box[1]) == (WIDTH, HEIGHT)
    assert (box[0] + box[2]) / 2 == 100
    assert box[3] == 200
