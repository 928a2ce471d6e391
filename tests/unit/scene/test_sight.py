"""Black, covered, unfocused, frozen and shifted pictures are noticed; people, buses, noise, night and lamps are not taken for that."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.data import U8
from edge.scene import SightOptions, SightWatch
from tests.unit.scene.pictures import WIDTH, Fault, Frozen, Place, S, Timed, black, grainy, hand, night, paint, unfocused

CLEAR = [("clear", "")]


class Watched:
    """A watch, and what it said: each new state with the second at which it came; and the seconds in which it did not see."""

    def __init__(self, watch: SightWatch | None = None) -> None:
        self.watch = SightWatch(SightOptions()) if watch is None else watch
        self.said: list[tuple[float, str, str]] = []
        self.unseen_s: list[float] = []
        self.t_s = 0.0

    def see(self, frames: Iterable[Timed]) -> Watched:
        for t_ns, picture in frames:
            self.t_s = t_ns / S
            if self.watch.wants(t_ns):
                self.watch.look(picture, t_ns)
            if not self.watch.sees:
                self.unseen_s.append(self.t_s)
            if not self.said or self.said[-1][1:] != (self.watch.state, self.watch.why):
                self.said.append((self.t_s, self.watch.state, self.watch.why))
        return self

    @property
    def states(self) -> list[tuple[str, str]]:
        """State and the first word of why."""
        return [(state, why.partition(":")[0]) for _, state, why in self.said]


@cache
def known() -> dict[str, Any]:
    """The scene of `Place()` as somebody knows it who has watched for two minutes."""
    watch = SightWatch(SightOptions())
    for t_ns, picture in Place(people=2).film(130, fps=1):
        watch.look(picture, t_ns)
    kept = watch._known.state()
    assert kept["views"] >= 60
    return kept


def settled() -> Watched:
    return Watched(SightWatch(SightOptions(), known=known()))


@pytest.mark.parametrize(
    ("fault", "named"), [(black, "dark"), (hand, "blurred"), (paint, "covered"), (unfocused, "blurred"), (Frozen(), "frozen")]
)
def test_a_camera_that_shows_nothing_is_blind_within_ten_seconds_and_clear_when_it_shows_something(fault: Fault, named: str) -> None:
    place, seen = Place(people=3), Watched()
    seen.see(place.film(15)).see(place.film(15, begin_s=15, fault=fault)).see(place.film(10, begin_s=30))
    assert seen.states == [("clear", ""), ("blind", named), ("clear", "")]
    (_, noticed_s, over_s) = (t_s for t_s, _, _ in seen.said)
    assert 18 < noticed_s < 25
    assert 31 < over_s < 35
    assert seen.unseen_s[0] < 18  # time is not called seen while it is only suspected that nothing is
    assert seen.unseen_s[-1] < over_s <= seen.unseen_s[-1] + 0.25
    assert len(seen.unseen_s) > 4 * 12


@pytest.mark.parametrize(("right", "down"), [(16, 0), (-16, 0), (0, 12), (-9, -9), (60, 5), (-40, 70)])
def test_a_scene_that_has_shifted_is_noticed_within_ten_seconds_with_its_way(right: int, down: int) -> None:
    place, seen = Place(people=3), Watched()
    seen.see(place.film(15)).see(place.knocked(15, begin_s=15, right=right, down=down))
    (_, state, why) = seen.said[-1]
    assert [s for _, s, _ in seen.said] == ["clear", state] == ["clear", "moved"]
    assert seen.said[-1][0] < 25
    assert seen.unseen_s[0] < 19
    for n, ways in ((right, ("to the left", "to the right")), (down, ("up", "down"))):
        if n:
            said = next(int(word) for word, way in _ways(why) if way == ways[n > 0])
            assert said == pytest.approx(abs(n), abs=2)
    seen.see(place.film(10, begin_s=30))  # somebody has set it right
    assert seen.states[-1] == ("clear", "")


def _ways(why: str) -> list[tuple[str, str]]:
    """(px, way) of a sentence."""
    part = why.removeprefix("the scene lies about ").partition(" of where")[0]
    return [(one.split(" px ")[0], one.split(" px ")[1]) for one in part.split(" and ")]


def bus(picture: U8) -> U8:
    """Something with edges of its own over the left half."""
    held = picture.copy()
    held[:, : WIDTH // 2] = (180, 60, 20)
    held[20:80:13, : WIDTH // 2] = 250
    held[:, 10 : WIDTH // 2 : 31] = 20
    return held


def lamp_off(picture: U8) -> U8:
    """A quarter of the light, and that from elsewhere."""
    x = np.linspace(0.45, 0.1, WIDTH)[None, :, None]
    return np.clip(picture * x, 0, 255).astype(np.uint8)


def clouds(picture: U8) -> U8:
    return np.clip((picture / 255.0) ** 1.6 * 255, 0, 255).astype(np.uint8)


def infrared(picture: U8) -> U8:
    """Leaves are bright now and walls dark."""
    return 255 - picture


@pytest.mark.parametrize("change", [bus, lamp_off, night, grainy, clouds, infrared])
def test_what_happens_to_every_camera_is_neither_blind_nor_moved(change: Fault) -> None:
    place, seen = Place(people=3), settled()
    seen.see(place.film(5)).see(place.film(40, begin_s=5, fps=2, fault=change)).see(place.film(5, begin_s=45))
    assert seen.states == CLEAR
    assert not seen.unseen_s


def test_a_crowd_that_walks_by_is_neither() -> None:
    seen = Watched().see(Place(people=14).film(40))
    assert seen.states == CLEAR
    assert not seen.unseen_s


def test_a_night_with_something_to_be_seen_is_not_blind_from_its_first_picture_and_one_without_light_is() -> None:
    assert Watched().see(Place(noise=4.0, light=0.08).film(30)).states == CLEAR
    assert Watched().see(Place(noise=4.0, light=0.0).film(30)).states == [*CLEAR, ("blind", "dark")]


def test_a_flash_or_a_torn_picture_costs_no_time() -> None:
    place, seen = Place(), Watched()
    for t_ns, picture in place.film(40):
        seen.see([(t_ns, black(picture) if t_ns // S % 10 == 5 and t_ns % S == 0 else picture)])
    assert seen.states == CLEAR
    assert not seen.unseen_s


def test_a_still_picture_without_noise_is_frozen_only_after_a_minute() -> None:
    seen = Watched().see(Place(noise=0.0).film(90))
    assert seen.states == [*CLEAR, ("blind", "frozen")]
    assert 60 <= seen.said[-1][0] < 63
    assert seen.unseen_s[0] == seen.said[-1][0]  # till then nobody may have been there


def test_somebody_who_walks_through_a_picture_without_noise_shows_that_it_is_not_frozen() -> None:
    place, seen = Place(noise=0.0), Watched()
    walked = Place(noise=0.0, people=1)
    for k in range(3):
        seen.see(place.film(40, begin_s=50 * k)).see(walked.film(10, begin_s=50 * k + 40))
    assert seen.states == CLEAR


def test_a_scene_that_is_turned_is_not_found_any_more() -> None:
    place, seen = Place(), settled()
    seen.see(place.film(5)).see(place.knocked(50, begin_s=5, fps=2, turned=20))
    assert [state for _, state, _ in seen.said] == ["clear", "moved"]
    assert 35 <= seen.said[-1][0] < 45
    assert "turned" in seen.said[-1][2]


def test_what_stood_before_the_lens_when_it_began_is_not_taken_for_the_scene() -> None:
    seen = Watched().see(Place(seed=8).film(40)).see(Place(seed=1).film(60, begin_s=40))
    assert seen.states == CLEAR
    seen.see(Place(seed=1).knocked(10, begin_s=100, right=20))
    assert seen.watch.state == "moved"


def test_a_scene_that_was_hidden_for_long_is_known_again() -> None:
    place, seen = Place(), settled()
    seen.see(place.film(5)).see(Place(seed=8).film(600, begin_s=5, fps=1)).see(place.film(10, begin_s=605))
    assert [state for _, state, _ in seen.said] == ["clear", "moved", "clear"]


def test_a_camera_that_is_meant_to_turn_has_not_moved() -> None:
    place, seen = Place(), Watched(SightWatch(SightOptions(moved=False)))
    seen.see(place.film(20)).see(place.knocked(60, begin_s=20, right=60))
    assert seen.states == CLEAR


def test_a_scene_stays_moved_for_as_long_as_it_lies_elsewhere() -> None:
    place, seen = Place(noise=1.0), Watched()
    seen.see(place.film(20)).see(place.knocked(400, begin_s=20, fps=1, right=30))
    assert [state for _, state, _ in seen.said] == ["clear", "moved"]


def test_a_shake_is_no_move() -> None:
    place, seen = Place(), Watched()
    rng = np.random.default_rng(2)
    for k in range(240):
        right, down = (int(n) for n in rng.integers(-4, 5, 2))
        seen.see([(k * S // 4, place.picture(k / 4, right=right, down=down))])
    assert seen.states == CLEAR


def test_a_moved_camera_that_goes_dark_is_blind_and_moved_again_when_there_is_light() -> None:
    place, seen = Place(), Watched()
    seen.see(place.film(15)).see(place.knocked(15, begin_s=15, right=30)).see(place.film(15, begin_s=30, fault=black))
    seen.see(place.knocked(15, begin_s=45, right=30))
    assert [state for _, state, _ in seen.said] == ["clear", "moved", "blind", "moved"]


def test_a_camera_that_was_knocked_while_nobody_watched_is_moved_after_a_restart() -> None:
    place, first = Place(), SightWatch(SightOptions())
    assert first.to_keep() is None
    kept = None
    for t_ns, picture in place.film(60):
        first.look(picture, t_ns)
        kept = kept or first.to_keep()
    assert kept is not None
    assert sum(array.nbytes for array in kept.values()) < 30_000
    assert first.to_keep() is None  # it is kept
    knocked = Watched(SightWatch(SightOptions(), known=kept)).see(place.knocked(10, right=20))
    assert [state for _, state, _ in knocked.said] == ["clear", "moved"]
    same = Watched(SightWatch(SightOptions(), known=kept)).see(Place(people=4, light=0.5).film(20))
    assert same.states == CLEAR
    assert same.watch.to_keep() is None


def test_what_somebody_accepts_is_where_the_camera_shall_look() -> None:
    place, seen = Place(), Watched()
    seen.see(place.film(20)).see(place.knocked(15, begin_s=20, right=30))
    assert seen.watch.state == "moved"
    nothing = seen.watch.accept()
    assert (seen.watch.state, seen.watch.sees) == ("clear", True)
    seen.see(place.knocked(40, begin_s=35, right=30))
    assert seen.states[-1] == ("clear", "")
    seen.see(place.film(15, begin_s=75))
    assert seen.watch.state == "moved"
    again = SightWatch(
        SightOptions(), known=nothing
    )  # a restart soon after: what is known is nothing, and worth keeping as soon as it is known
    for t_ns, picture in place.film(40):
        again.look(picture, t_ns)
    assert again.state == "clear"
    assert again.to_keep() is not None


def test_another_resolution_of_the_same_scene_is_no_move() -> None:
    place, seen = Place(people=2), Watched()

    def smaller(picture: U8) -> U8:
        return np.asarray(cv2.resize(picture, (240, 136), interpolation=cv2.INTER_AREA), np.uint8)

    seen.see(place.film(20)).see(place.film(30, begin_s=20, fault=smaller))
    assert seen.states == CLEAR


def test_a_camera_that_was_away_has_not_been_blind_meanwhile() -> None:
    place, seen = Place(), Watched()
    seen.see(place.film(15)).see(place.film(2, begin_s=15, fault=black)).see([(100 * S, black(place.picture(0)))])
    assert seen.states == CLEAR
    seen.see(place.film(5, begin_s=100, fault=black))
    assert seen.states[-1] == ("blind", "dark")


def test_a_slow_camera_is_watched_too() -> None:
    place, seen = Place(), Watched()
    seen.see(place.film(60, fps=0.5)).see(place.film(60, begin_s=60, fps=0.5, fault=black))
    assert seen.states == [*CLEAR, ("blind", "dark")]


def test_four_samples_a_second_are_enough() -> None:
    watch, looks = SightWatch(SightOptions()), 0
    for t_ns, picture in Place().film(3, fps=30):
        if watch.wants(t_ns):
            watch.look(picture, t_ns)
            looks += 1
    assert looks in (12, 13)


@pytest.mark.parametrize("clip", ["pets-s2l1", "tud-stadtmitte"])
def test_real_video_is_clear_from_its_beginning_to_its_end(shared: Path, clip: str) -> None:
    import av

    seen = Watched()
    with av.open(str(shared / "video" / f"{clip}.mp4")) as container:
        for frame in container.decode(video=0):
            t_ns = round(frame.time * S)
            if seen.watch.wants(t_ns):
                seen.see([(t_ns, frame.to_ndarray(format="bgr24"))])
    assert seen.t_s > 5
    assert seen.states == CLEAR
    assert not seen.unseen_s
