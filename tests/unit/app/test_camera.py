"""What a camera says of itself while the disk is full."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from edge.app.camera import CameraBuilder
from edge.change import Change
from edge.config import CameraConfig
from edge.errors import DiskFull
from edge.runtime.state import CameraState


class Disk:
    def __init__(self) -> None:
        self.full, self.kept, self.woken = True, [], 0  # type: ignore[var-annotated]

    def commit(self, change: Change) -> None:
        if self.full:
            raise DiskFull("the disk is full")
        self.kept += change.last_values

    def wake(self) -> None:
        self.woken += 1


def test_the_last_state_that_could_not_be_said_is_said_when_there_is_room_and_once() -> None:
    disk = Disk()
    around: Any = SimpleNamespace(config=SimpleNamespace(device="shop"), boot=SimpleNamespace(id="boot"), store=disk, wake=disk.wake)
    builder = CameraBuilder("door", CameraConfig(source="rtsp://10.0.0.7/main"), around)
    builder._say_state(CameraState("reconnecting", None, "nobody answers", None))
    builder._say_state(CameraState("live", None, "", 12.5))
    builder._committed()
    assert disk.kept == []
    disk.full = False
    builder._committed()
    builder._committed()
    (said,) = disk.kept
    assert (said.topic, said.retain) == ("door/state", True)
    assert b'"live"' in said.payload
    assert b"12.5" in said.payload
    assert disk.woken == 5
