"""Cameras that are killed, frozen and moved come back by themselves, nothing that was counted is lost, and the other cameras never notice."""

from __future__ import annotations

import itertools
import json
import random
import signal
import socket
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.flow.cameras_device import Sample, Watched
from tests.flow.rtsp_servers import Server
from tests.flow.test_kill import REPORTS

pytestmark = pytest.mark.system

MAX_PAUSE_S = 1.0
KEY_FRAME_S = 1.0
BOUND_S = MAX_PAUSE_S + 4 + KEY_FRAME_S
LEAST_WINDOW_S = 5.0
"""A rate is told over no less: a processor that is busy elsewhere for half a second is no delay by a camera."""
REST_S = 5.0
"""By then who was replaced has closed."""
MEMORY_ROOM_MIB = 8
"""What allocators and caches may still take; a reader that kept its decoder would take as much at every opening."""
FORMS = ("320x240@15", "640x360@15", "160x120@10", "480x270@20")
REACHED = ("live", "blind", "moved")  # a ball on black, from which a camera may say that it sees little
KINDS = ("killed", "frozen", "moved in mid-stream", "moved and opened again")


def configuration(folder: Path, urls: Mapping[str, str], **more: Any) -> dict[str, Any]:
    # A heatmap every two seconds, so that its library is loaded before memory and threads are first looked at.
    camera = {"reference": [320, 240], "heatmap": {"every_s": 2}, "lines": {"middle": {"from": [160, 0], "to": [160, 240]}}}
    return {
        "device": "flow",
        "state": str(folder / "state"),
        "model": "scene",
        "commit_s": 0.2,
        "max_pause_s": MAX_PAUSE_S,
        "cameras": {name: {"source": url, **camera} for name, url in urls.items()},
        **more,
    }


@dataclass(frozen=True, slots=True)
class Struck:
    """What one fault did. `back_s`: from the server's return to the first frame; `kept`: the least share of their rate that the others had."""

    kind: str
    camera: str
    back_s: float
    kept: float


class Faults:
    """One server a camera, and what befalls it."""

    def __init__(self, servers: Mapping[str, Server], device: Watched, rng: random.Random) -> None:
        self._servers, self._device, self._rng = servers, device, rng

    def all_live(self, timeout_s: float = BOUND_S + 10) -> Sample | None:
        def live(sample: Sample) -> bool:
            return all(sight.state in REACHED and sample.t_s - sight.at_s < 1 for sight in sample.cameras.values())

        return self._device.wait(live, timeout_s)

    def all_come_as(self, form: str) -> None:
        """All cameras at once, opened again."""
        size, gone_s = form.partition("@")[0], {}
        for name, server in self._servers.items():
            server.close()
            server.move(name, form, now=False)
            gone_s[name] = time.monotonic()
            server.start()

        def all_back(sample: Sample) -> bool:
            return all(sight.size == size and sight.since_s > gone_s[name] for name, sight in sample.cameras.items())

        back = self._device.wait(all_back, BOUND_S)
        assert back, f"not all cameras came back as {form}: {self._device.samples[-1]}"
        self._device.at(time.monotonic() + MAX_PAUSE_S + 0.5)

    def strike(self, kind: str, camera: str) -> Struck:
        server, rng = self._servers[camera], self._rng
        form = rng.choice([form for form in FORMS if form != server.forms[camera]])
        began_s = time.monotonic()
        match kind:
            case "killed" | "moved and opened again":
                server.close()
                if kind != "killed":
                    server.move(camera, form, now=False)
                time.sleep(rng.uniform(0.2, 2))
                server.start()
            case "frozen":
                server.signal(signal.SIGSTOP)
                time.sleep(rng.uniform(4, 5))
                server.signal(signal.SIGCONT)
            case "moved in mid-stream":
                server.move(camera, form)
        size, came_s = server.forms[camera].partition("@")[0], time.monotonic()
        behind_s = began_s if kind == "moved in mid-stream" else came_s

        def back(sample: Sample) -> bool:
            sight = sample.cameras[camera]
            return sight.since_s > behind_s and sight.size == size

        sample = self._device.wait(back, BOUND_S + 20)
        assert sample is not None, f"{camera}, {kind}, did not come back: {self._device.samples[-1]}"
        back_s = sample.cameras[camera].since_s - came_s
        # As long as the longest pause, so that it has earned a short one before it is struck again.
        end_s = max(sample.cameras[camera].since_s + MAX_PAUSE_S + 0.5, began_s + LEAST_WINDOW_S)
        others = [name for name in self._servers if name != camera]
        return Struck(kind, camera, round(back_s, 3), round(min(self._kept(name, began_s, end_s) for name in others), 3))

    def _kept(self, camera: str, from_s: float, to_s: float) -> float:
        fps = float(self._servers[camera].forms[camera].partition("@")[2])
        return self._device.rate(camera, from_s, to_s) / fps


def never_falls(samples: list[Sample]) -> bool:
    return all(before.totals[name] <= after.totals.get(name, 0) for before, after in itertools.pairwise(samples) for name in before.totals)


def returns(tmp_path: Path, serve: Callable[..., Server], faults: int) -> dict[str, Any]:
    """Three cameras through so many faults; asserts all but the figures, which it returns."""
    names = ("door", "yard", "hall")
    servers = {name: serve(**{name: FORMS[0]}) for name in names}
    done: list[Struck] = []
    with Watched(configuration(tmp_path, {name: server.url for name, server in servers.items()})) as device:
        trouble = Faults(servers, device, random.Random(9))
        assert trouble.all_live(30), "the cameras were never live"
        first = device.samples[-1]
        for form in (*FORMS[1:], FORMS[0]):  # decoders, heaps and caches have seen every size before memory is looked at
            trouble.all_come_as(form)
        time.sleep(REST_S)
        begin = device.samples[-1]
        for number in range(faults):
            kind, camera = KINDS[number % len(KINDS)], names[number % len(names)]
            before = device.samples[-1].totals
            done.append(trouble.strike(kind, camera))
            print(f"{number + 1:4} of {faults}  {camera:5} {kind:23} back after {done[-1].back_s:6.3f} s, others kept {done[-1].kept:.3f}")
            end = device.samples[-1]
            assert sum(end.totals.values()) > sum(before.values()), "nothing is counted any more"
        assert trouble.all_live()
        trouble.all_come_as(FORMS[0])
        # Who was left a moment ago may still be closing, and memory goes back at the next look at health; what is lost stays.
        time.sleep(REST_S)
        rested = device.wait(
            lambda now: now.threads <= begin.threads and now.handles <= begin.handles and now.memory <= begin.memory, 4 * REST_S
        )
        end = rested or device.samples[-1]
        assert never_falls(device.samples)
        opened = sum(sight.opened for sight in end.cameras.values())
    assert device.samples[-1].totals
    assert never_falls(device.samples)
    return {
        "faults": {kind: sum(one.kind == kind for one in done) for kind in KINDS},
        "openings": opened,
        "max_pause_s": MAX_PAUSE_S,
        "bound_s": BOUND_S,
        "back_s": {kind: spread([one.back_s for one in done if one.kind == kind]) for kind in KINDS},
        "others_kept_least": min(one.kept for one in done),
        "others_kept_median": round(statistics.median(one.kept for one in done), 3),
        "threads": [begin.threads, end.threads],
        "handles": [begin.handles, end.handles],
        "memory_before_all_sizes_mib": round(first.memory / 2**20, 2),
        "memory_mib": [round(one.memory / 2**20, 2) for one in (begin, end)],
        "crossings": sum(end.totals.values()),
    }


def spread(values: list[float]) -> dict[str, float]:
    return {"median": round(statistics.median(values), 3), "most": round(max(values), 3)}


def holds(figures: dict[str, Any]) -> None:
    """What must be shown, of `figures`."""
    print(json.dumps(figures, indent=2))
    for kind, back_s in figures["back_s"].items():
        assert back_s["most"] <= BOUND_S, kind
    assert figures["others_kept_least"] >= 0.9
    for what, room in (("threads", 0), ("handles", 0), ("memory_mib", MEMORY_ROOM_MIB)):
        begin, end = figures[what]
        assert end - begin <= room, what


def test_ten_faults(tmp_path: Path, serve: Callable[..., Server]) -> None:
    holds(returns(tmp_path, serve, 10))


@pytest.mark.soak
@pytest.mark.timeout(1800)
def test_a_hundred_faults(tmp_path: Path, serve: Callable[..., Server]) -> None:
    figures = returns(tmp_path, serve, 100)
    REPORTS.mkdir(exist_ok=True)
    (REPORTS / "cameras.json").write_text(json.dumps(figures, indent=2) + "\n")
    holds(figures)


def test_cameras_that_were_never_there_delay_nobody_and_are_found_when_they_come(tmp_path: Path, serve: Callable[..., Server]) -> None:
    door, late = serve(door="320x240@15"), serve(late="160x120@10")
    late.close()
    with socket.create_server(("127.0.0.1", 0)) as mute:  # takes the connection, and never says a word
        urls = {"mute": f"rtsp://127.0.0.1:{mute.getsockname()[1]}/mute", "late": late.url, "door": door.url}
        with Watched(configuration(tmp_path, urls)) as device:
            assert device.wait(lambda sample: sample.cameras["door"].frames > 0, 20), "the one that is there was waited for"
            since_s = device.samples[-1].cameras["door"].since_s
            assert device.rate("door", since_s + 1, since_s + 6) >= 0.9 * 15
            states = {name: sight.state for name, sight in device.samples[-1].cameras.items()}
            assert states.pop("door") in REACHED
            assert states == {"mute": "reconnecting", "late": "reconnecting"}
            late.start()
            started_s = time.monotonic()
            came = device.wait(lambda sample: sample.cameras["late"].frames > 0, BOUND_S + 20)
            assert came is not None
            assert came.cameras["late"].since_s - started_s <= BOUND_S
            assert device.rate("door", started_s, time.monotonic() + 1) >= 0.9 * 15
