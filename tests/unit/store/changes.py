"""Changes for tests of the store and its outbox: small ones whose sums can be known. No test lives here."""

from __future__ import annotations

import numpy as np

from edge.change import Change, Checkpoint, Draft
from edge.count.tally import Key, Tally
from edge.data import Message
from edge.messages import CountsPayload, EventPayload, LineNumbers, LinePayload

MINUTE_NS = 60_000_000_000
CELLS = 12
IN = Key("line", "entrance", "person", "in")
OUT = Key("line", "entrance", "person", "out")


def change_of(minute: int = 0, *, camera: str = "door", timeline: str = "boot", n: int = 1, us: int = 1000, cell: int = 3) -> Change:
    """`n` people in, and `us` microseconds in one cell, in one minute of the timeline."""
    change = Change(camera, timeline)
    window = change.window((minute * MINUTE_NS, (minute + 1) * MINUTE_NS))
    window.tally[IN] += n
    window.heat["person"] = np.zeros(CELLS, np.int64)
    window.heat["person"][cell] += us
    return change


def change_of_minutes(minutes: int, cells: int) -> Change:
    """A change that nobody could commit for so long: in each minute a person was in one cell of a grid of `cells`."""
    change = Change("door", "boot")
    for minute in range(minutes):
        window = change.window((minute * MINUTE_NS, (minute + 1) * MINUTE_NS))
        window.heat.setdefault("person", np.zeros(cells, np.int64))[minute % cells] += 1000
    return change


def event(camera: str = "door", track: int = 1) -> Draft:
    """A draft of one crossing."""

    def draft(stream: str, seq: int) -> Message:
        payload = EventPayload(
            device="shop", stream=stream, seq=seq, boot_id="boot", camera=camera, kind="line", name="entrance", event="in",
            track=track, class_name="person", t=None, t_counted=None, t_ns=seq, place=(1.0, 2.0),
        )  # fmt: skip
        return Message(f"{camera}/events", payload.to_bytes())

    return draft


def counts(delta: int, total: int, *, camera: str = "door", epoch: int = 1) -> Draft:
    """A draft of one interval of ten seconds in which the camera saw half of the time."""

    def draft(stream: str, seq: int) -> Message:
        person = LineNumbers(in_=delta, total_in=total)
        payload = CountsPayload(
            device="shop", stream=stream, seq=seq, boot_id="boot", camera=camera, from_=None, to=None, t_ns=seq, interval_s=10.0,
            quality=0.5, lines={"entrance": LinePayload(epoch=epoch, in_=delta, total_in=total, classes={"person": person})}, zones={},
        )  # fmt: skip
        return Message(f"{camera}/counts", payload.to_bytes(), retain=True)

    return draft


def checkpoint(**changes: object) -> Checkpoint:
    """A checkpoint with something in every place."""
    state = {"track/id": np.array([3, 9]), "lines/point": np.array([[1.5, np.nan]]), "empty": np.empty((0, 4), np.float32)}
    values: dict[str, object] = {
        "timeline": "boot", "source": "key", "frame": 41, "t_ns": 41 * 10**9, "digest": "d", "state": state,
        "unsaid": Tally({IN: 2, OUT: 1}), "said_ns": 40 * 10**9, "done": False,
    }  # fmt: skip
    return Checkpoint(**{**values, **changes})  # type: ignore[arg-type]
