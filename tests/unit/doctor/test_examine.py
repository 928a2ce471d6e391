"""All probes together: their order, one that hangs, one that fails, and whole machines."""

from __future__ import annotations

import threading
from pathlib import Path

from edge.config import Config
from edge.doctor import Finding, Machine, Needs, examine
from edge.doctor.findings import right
from tests.architecture.test_vendor_free import loaded
from tests.unit.doctor.recorded import laptop, orin_nano, server, thor


def test_findings_come_in_the_order_of_the_probes_and_one_that_hangs_is_left_behind(tmp_path: Path) -> None:
    never = threading.Event()

    def hangs(machine: Machine, needs: Needs) -> list[Finding]:
        never.wait(60)
        return []

    def fails(machine: Machine, needs: Needs) -> list[Finding]:
        raise KeyError("odd")

    probes = {"first": lambda *_: [right("first", "is")], "hanging": hangs, "failing": fails, "last": lambda *_: [right("last", "is")]}
    found = examine(laptop(tmp_path), Needs(), probes=probes, patience_s=0.3)
    never.set()
    assert [(finding.name, finding.state) for finding in found] == [
        ("first", "right"),
        ("hanging", "note"),
        ("failing", "note"),
        ("last", "right"),
    ]
    assert "no answer within 0.3 s" in found[1].says
    assert "KeyError('odd')" in found[2].says


def test_whole_machines_are_told_with_nothing_wrong_where_nothing_is_needed(tmp_path: Path) -> None:
    for make in (orin_nano, thor, server, laptop):
        found = examine(make(tmp_path / make.__name__), Needs())
        assert [finding for finding in found if finding.state == "wrong"] == []
        assert all(finding.remedy for finding in found if finding.state == "note")
        assert all("\n" not in finding.says + finding.remedy for finding in found)


def test_what_is_wrong_or_worth_a_note_says_what_to_do(tmp_path: Path) -> None:
    whole = {
        "model": "yolo11n.engine",
        "state": str(tmp_path / "state"),
        "mqtt": {"url": "mqtt://127.0.0.1:1"},
        "record": {},
        "cameras": {"csi": {"source": "csi://0"}, "usb": {"source": "v4l2:///dev/video0"}, "ip": {"source": "rtsp://127.0.0.1:1/s"}},
    }
    found = examine(laptop(tmp_path), Needs(Config.model_validate(whole)))
    lost = {finding.name for finding in found if finding.state == "wrong"}
    assert {"GPU", "pycuda", "TensorRT", "engine", "CSI cameras", "GStreamer", "camera usb", "camera ip", "broker"} <= lost
    assert all(finding.remedy for finding in found if finding.state != "right")


def test_the_room_loads_no_vendors_library() -> None:
    assert loaded("edge.doctor edge.cli.doctor") == []
