"""A camera that is covered, frozen, out of focus and knocked, as a subscriber and a scraper hear of it. What is noticed, and what is not, is in tests/unit/scene."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from edge.app import RunOptions, running
from edge.config import parse
from edge.count.tally import SEEN
from edge.data import U8, Frame, HostPixels, Size
from edge.demo.broker import Broker, free_port
from edge.ports import Source, SourceFacts
from edge.runtime.state import CameraState
from edge.sources import open_source
from edge.sources.synthetic import plaza_layout
from edge.store import Store

SIZE = Size(320, 180)
FPS = 4
Fault = Callable[[U8], U8]


def black(picture: U8) -> U8:
    return np.zeros_like(picture)


def unfocused(picture: U8) -> U8:
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), SIZE.width / 64), np.uint8)


def knocked(picture: U8) -> U8:
    """The scene a twentieth of the picture to the right, and a little down."""
    by = np.array([[1, 0, SIZE.width / 20], [0, 1, 5]], np.float32)
    return np.asarray(cv2.warpAffine(picture, by, SIZE, borderMode=cv2.BORDER_REFLECT), np.uint8)


def frozen() -> Fault:
    held: list[U8] = []

    def fault(picture: U8) -> U8:
        held.append(picture)
        return held[0]

    return fault


class Spoilt:
    """A camera whose pictures go through `faults`, (from_s, to_s, fault); before a frame of a second in `at`, that is waited for."""

    def __init__(self, inner: Source, faults: Sequence[tuple[float, float, Fault]], at: Mapping[float, Callable[[], None]]) -> None:
        self._inner, self._faults, self._at = inner, faults, at

    @property
    def facts(self) -> SourceFacts:
        return self._inner.facts

    def __enter__(self) -> Spoilt:
        self._inner.__enter__()
        return self

    def __exit__(self, *how: Any) -> None:
        self._inner.__exit__(*how)

    def __iter__(self) -> Iterator[Frame]:
        for frame in self._inner:
            t_s = frame.stamp.t_ns * 1e-9
            if t_s in self._at:
                self._at[t_s]()
            picture = frame.bgr
            for from_s, to_s, fault in self._faults:
                if from_s <= t_s < to_s:
                    picture = fault(picture)
            yield Frame(frame.stamp, HostPixels(picture))


def text_of(state: Path, *, lines: int = 2, **more: Any) -> str:
    layout = plaza_layout(SIZE)
    camera = {
        "source": f"synthetic://plaza?seed=3&size={SIZE}&fps={FPS}&people=4&seconds=100",
        "lines": {name: {"from": list(a), "to": list(b)} for name, (a, b) in list(layout.lines.items())[:lines]},
        "zones": {name: [list(p) for p in ring] for name, ring in layout.zones.items()},
        "heatmap": None,
    }
    whole = {"device": "flow", "state": str(state), "model": "scene", "counts_every_s": 1, "health_every_s": 1, "cameras": {"gate": camera}}
    return json.dumps({**whole, **more})


def watched(
    text: str, faults: Sequence[tuple[float, float, Fault]], *, at: Mapping[float, Callable[[], None]], until_s: float
) -> CameraState:
    """The camera's state when it gave the frame of `until_s`, at which the device is stopped; raises what made it fail."""
    states: list[CameraState] = []

    def stop() -> None:
        camera = device.device.cameras[0]
        states.append(camera.state.now)
        device.device.stop()
        assert camera._stopping.wait(10)  # the next run goes on from here

    def sources(*how: Any, **more: Any) -> Spoilt:
        return Spoilt(open_source(*how, **more), faults, {**at, until_s: stop})

    with running(parse(text), RunOptions(), sources=sources) as device:
        device.run()
    return states[0]


def test_what_a_camera_does_not_see_is_said_and_not_called_seen(tmp_path: Path, mosquitto: Broker, subscriber: Callable[..., Any]) -> None:
    ears = subscriber(mosquitto.port, "edge/flow/#", qos=1)
    faults = [(16, 28, black), (36, 50, frozen()), (58, 70, unfocused), (78, 100, knocked)]
    expected = [("blind", "dark"), ("blind", "frozen"), ("blind", "blurred"), ("moved", "the scene lies about")]

    def last() -> dict[str, Any]:
        states = ears.payloads("gate/state")
        return json.loads(states[-1]) if states else {}

    def hears(state: str, why: str) -> Callable[[], None]:
        def check() -> None:
            assert ears.wait(lambda _: last().get("state") == state and last()["why"].startswith(why)), f"{last()}, not {state}: {why}"

        return check

    def page_shows_blind() -> None:
        def page() -> str:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
                    return str(answer.read().decode())
            except urllib.error.HTTPError:  # nothing was measured yet
                return ""

        assert ears.wait(lambda _: 'edge_camera_state{camera="gate",state="blind"} 1' in page(), 30)

    # Ten seconds after each fault began, the device has said so; and that it is over, before the next begins.
    at: dict[float, Callable[[], None]] = {from_s + 10.0: hears(*said) for (from_s, _, _), said in zip(faults, expected, strict=True)}
    at |= {to_s + 6.0: hears("live", "") for _, to_s, _ in faults[:-1]}
    at[27.0] = page_shows_blind
    port = free_port()
    metrics = {"metrics": {"port": port}, "mqtt": {"url": mosquitto.url}}
    watched(text_of(tmp_path, **metrics), faults, at=at, until_s=90)

    states = [json.loads(payload)["state"] for payload in ears.payloads("gate/state")]
    assert [state for state, _ in groupby(states)][:8] == ["live", "blind", "live", "blind", "live", "blind", "live", "moved"]
    assert {json.loads(payload)["since"] is None for payload in ears.payloads("gate/state")} == {False}
    assert ears.wait(lambda _: json.loads(ears.payloads("gate/counts")[-1])["t_ns"] > 89e9)
    quality = {round(one["t_ns"] * 1e-9): one["quality"] for one in map(json.loads, ears.payloads("gate/counts"))}
    for from_s, to_s, _ in faults:
        assert {quality[t_s] for t_s in range(int(from_s) + 5, int(to_s)) if t_s in quality} == {0.0}
        assert {quality[t_s] for t_s in range(int(from_s) - 2, int(from_s)) if t_s in quality} == {1.0}
    with Store(tmp_path / "edge.db") as store:
        seen_s = store.totals("gate")[SEEN] * 1e-6
    clear_s = 100 - sum(to_s - from_s for from_s, to_s, _ in faults)
    assert clear_s - 4 * len(faults) < seen_s < clear_s + 3 * len(faults)  # till it is suspected, and until it is sure that it is over


def test_a_camera_that_was_knocked_while_it_was_off_is_moved_until_its_lines_are_drawn_anew(tmp_path: Path) -> None:
    assert watched(text_of(tmp_path), [], at={}, until_s=36).name == "live"
    after = watched(text_of(tmp_path), [(0, 100, knocked)], at={}, until_s=49)
    assert (after.name, after.why.startswith("the scene lies about 16 px to the right")) == ("moved", True)
    assert watched(text_of(tmp_path, lines=1), [(0, 100, knocked)], at={}, until_s=75).name == "live"


def test_a_camera_that_nobody_asks_whether_it_sees_is_live(tmp_path: Path) -> None:
    whole = json.loads(text_of(tmp_path))
    whole["cameras"]["gate"]["sight"] = None
    assert watched(json.dumps(whole), [(0, 100, black)], at={}, until_s=12).name == "live"
    with Store(tmp_path / "edge.db") as store:
        assert store.totals("gate")[SEEN] > 9e6
