"""Whether a device's work really advances, decided from what its cameras' threads noted. Who is told, and what is done about it, is elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edge.runtime.gauges import CameraGauges

FIRST_S = 120.0
"""More patience until a camera's first frame: a detector is opened, and a camera's session begun, with the first work there is."""

SILENT_S = 60.0
"""More patience with a camera that claims to be live and gives nothing: its reader finds out first, and opens it again (`reader.PATIENCE_S`)."""

_GIVES_NOTHING = ("starting", "reconnecting", "failed", "ended")
"""States in which nobody may expect frames; in all others (live, and live but blind or moved) a camera claims to give them."""


@dataclass(slots=True)
class _Mark:
    """A camera when it last advanced, or owed nothing."""

    at_s: float
    frames_in: int
    processed: int


class Watchdog:
    """Knows of each camera for how long it has owed work.

    A camera owes work from the moment it gave a frame, or claims to be live, until a frame of it was counted on. One that is being opened again,
    or has ended, owes nothing: that is the supervision's care, and restarting a process opens no camera sooner. But what a camera gave before
    stays owed, so that an accelerator that hangs is seen also while cameras come and go.

    `look` is called by one thread, a few times a second; `stuck` answers from the last look.
    """

    def __init__(self, cameras: Mapping[str, CameraGauges]) -> None:
        self.cameras = cameras
        self._marks: dict[str, _Mark] = {}
        self._looked_s = 0.0

    def look(self, now_s: float) -> None:
        """Note how far the cameras are at `now_s`, seconds of a monotonic clock."""
        self._looked_s = now_s
        for name, gauges in self.cameras.items():
            # What was counted is read first: the other way round, a frame that is counted on in between would be owed for ever.
            processed, frames_in, state = gauges.frames_processed, gauges.frames_in, gauges.state
            mark = self._marks.get(name)
            if mark is None or processed > mark.processed:
                self._marks[name] = _Mark(now_s, frames_in, processed)
            elif frames_in <= mark.frames_in and state in _GIVES_NOTHING:
                mark.at_s = now_s

    def stuck(self, patience_s: float) -> str:
        """In a sentence, which camera has owed work for longer than `patience_s`, and what else it may have; '' for none."""
        for name, mark in self._marks.items():
            owed_s, gave = self._looked_s - mark.at_s, self.cameras[name].frames_in - mark.frames_in
            if owed_s > patience_s + (FIRST_S if not mark.processed else 0.0 if gave > 0 else SILENT_S):
                return f"no frame of camera {name} was counted on for {owed_s:.0f} s, though it gave {max(0, gave)} since"
        return ""
