"""A requests.Archive of two cameras in memory, for tests of who may ask what; it notices what it was asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edge.count.tally import Key, Tally
from edge.requests import Refusal, Snapshot
from edge.requests.numbers import camera_counts
from edge.requests.payloads import CameraCounts, CameraFacts, SnapshotRequest


class MemoryArchive:
    """`data` is what a snapshot holds; `trouble`, if any, is raised by whatever is asked."""

    def __init__(self, data: bytes = b"picture", trouble: Exception | None = None) -> None:
        self.data, self.trouble = data, trouble
        self.asked: list[Any] = []

    def _note(self, what: Any) -> None:
        self.asked.append(what)
        if self.trouble is not None:
            raise self.trouble

    @property
    def cameras(self) -> Sequence[str]:
        return ["door", "hall"]

    def snapshot(self, request: SnapshotRequest) -> Snapshot:
        self._note(request)
        if request.what == "floor":
            raise Refusal("not_available", "there is no floor plan")
        told = {
            "from_": "2026-01-01T00:00:00.000Z",
            "to": None,
            "presence_s": 1.5,
            "cell": 8,
            "reference": (64, 48),
            "width": 64,
            "height": 48,
        }
        return Snapshot(self.data, "image/jpeg", told)

    def counts(self, camera: str, span: tuple[int | None, int | None]) -> CameraCounts:
        self._note((camera, span))
        tally = Tally({Key("line", "gate", "person", "in"): 3, Key("zone", "till", "person", "entered"): 2})
        return camera_counts({1: tally}, {}, from_="2026-01-01T00:00:00.000Z", to=None)

    def reset(self, camera: str) -> tuple[str | None, dict[str, int]]:
        self._note(camera)
        return None, {"line/gate": 2, "heat": 2}

    def config(self) -> dict[str, Any]:
        self._note("config")
        return {"device": "shop"}

    def facts(self) -> dict[str, CameraFacts]:
        self._note("cameras")
        return {"door": CameraFacts(source="x", reference=None, classes=[], lines=["gate"], zones=[])}
