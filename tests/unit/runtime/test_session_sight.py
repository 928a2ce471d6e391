"""What a session does with a camera that does not see: its time and heat are not kept, its state is told once, its known scene goes with a commit."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from edge.change import Change, KnownScene
from edge.data import Detections, Result, Warmth
from edge.ports import SourceFacts
from edge.runtime.session import Session
from tests.unit.runtime.fakes import SIZE, Camera, Ledger, frame_of


class Sight:
    """A watch that says what a test sets."""

    def __init__(self) -> None:
        self.state, self.why, self.sees, self.blind = "clear", "", True, False
        self.looked: list[int] = []
        self.kept: dict[str, Any] | None = None

    def wants(self, t_ns: int) -> bool:
        return True

    def look(self, picture: object, t_ns: int) -> None:
        self.looked.append(t_ns)

    def to_keep(self) -> dict[str, Any] | None:
        kept, self.kept = self.kept, None
        return kept

    def accept(self) -> dict[str, Any]:
        self.state, self.why, self.sees = "clear", "", True
        return {}


class ViewLedger(Ledger):
    def __init__(self) -> None:
        super().__init__()
        self.views: list[KnownScene] = []
        self.heat_us = 0

    def commit(self, change: Change) -> None:
        super().commit(change)
        self.heat_us += sum(int(grid.sum()) for window in change.windows.values() for grid in window.heat.values())
        if change.view is not None:
            self.views.append(change.view)


class Run:
    """A session over a camera in which somebody always stands: 0.1 s of heat a frame."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sight, self.told, self.frames = Sight(), [], 0
        camera = Camera(lambda _: None, live=False)
        self.ledger = camera.ledger = ViewLedger()
        parts = camera.parts.begin(SourceFacts(SIZE, 10.0, live=False), SIZE, None)
        step = parts.pipeline.step
        warmth = Warmth(np.array([3], np.int32), np.array([100_000]), np.array([0], np.int16))
        monkeypatch.setattr(parts.pipeline, "step", lambda stamp, seen: replace(step(stamp, seen), warmth=warmth))
        parts = replace(parts, sight=self.sight, scene_digest="door at noon")  # type: ignore[arg-type]
        self.session = Session(parts, on_sight=lambda *now: self.told.append(now))

    def see(self, frames: int) -> Result:
        for _ in range(frames):
            result = self.session.step(frame_of(self.frames), Detections.empty())
            self.frames += 1
        return result


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    return Run(monkeypatch)


def test_time_and_heat_of_a_camera_that_does_not_see_are_not_kept(run: Run) -> None:
    run.see(11)
    run.sight.sees = False
    assert len(run.see(20).warmth) == 0
    run.sight.sees = True
    run.see(10)
    run.session.commit()
    assert run.ledger.seen_s == pytest.approx(2.0)
    assert run.ledger.heat_us == 2_100_000


def test_a_state_is_told_when_it_changes_and_not_with_every_look(run: Run) -> None:
    run.see(3)
    run.sight.state, run.sight.why = "blind", "dark"
    run.see(3)
    run.sight.state, run.sight.why = "clear", ""
    run.see(3)
    assert run.told == [("blind", "dark"), ("clear", "")]
    assert len(run.sight.looked) == 9


def test_the_empty_scene_learns_nothing_from_a_blind_camera(run: Run) -> None:
    run.sight.blind = True
    run.see(5)
    assert (run.session.scene.picture(SIZE) == 96).all()  # as if nothing had been seen
    run.sight.blind = False
    run.see(1)
    assert (run.session.scene.picture(SIZE) == 0).all()


def test_what_is_known_of_the_scene_goes_with_a_commit_and_waits_where_the_disk_is_full(run: Run) -> None:
    run.see(1)
    run.sight.kept = {"mean": np.zeros(1)}
    run.ledger.full = True
    run.session.commit()
    assert run.ledger.views == []
    run.ledger.full = False
    run.session.commit()
    run.session.commit()
    assert [(view.digest, list(view.state)) for view in run.ledger.views] == [("door at noon", ["mean"])]


def test_a_reset_accepts_where_the_camera_looks_and_says_so(run: Run) -> None:
    run.sight.state, run.sight.why, run.sight.sees = "moved", "shifted", False
    run.see(2)
    run.session.reset(None)
    assert run.told == [("moved", "shifted"), ("clear", "")]
    assert [view.state for view in run.ledger.views] == [{}]
