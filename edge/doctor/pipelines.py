"""What reads a camera, and by which GStreamer pipeline: the doctor's answer about one camera. How pipelines are written is `edge.sources`' business."""

from __future__ import annotations

import re
from dataclasses import dataclass

from edge.doctor.findings import Finding, right, wrong
from edge.doctor.jetson import is_jetson
from edge.doctor.machine import Machine
from edge.gstreamer import INSTALL
from edge.sources.address import Address, redact_line
from edge.sources.pipelines import ELEMENTS, HARDWARE, launch_line, missing, read_by_gstreamer, remedy

_NAME = "read by"
_DECODERS = ("avdec_h264", "openh264dec", "nvv4l2decoder")


@dataclass(frozen=True, slots=True)
class Reading:
    """How a camera is read here: whether it can be, and the pipeline without its passwords ('' where PyAV reads it)."""

    finding: Finding
    pipeline: str = ""


def reading(machine: Machine, address: Address) -> Reading:
    """Who reads this camera on this machine, by which pipeline, and which of its elements are missing; nothing is opened."""
    if address.kind not in ("csi", "gst", "rtsp", "v4l2"):
        return Reading(right(_NAME, f"{address.shown} is read without GStreamer"))
    answer = machine.vendors("gstreamer", *ELEMENTS, *_DECODERS, *_named(address)) if _may_be_gstreamer(machine, address) else {}
    has = frozenset(answer.get("elements", ()))
    if not read_by_gstreamer(address, in_hardware=lambda: is_jetson(machine) and has >= HARDWARE):
        return Reading(right(_NAME, f"{address.shown} is read by PyAV, in software; ?via=gstreamer reads it by GStreamer"))
    line = launch_line(address, has=has)
    shown = redact_line(line)
    if "version" not in answer:
        why = "the module gi is not here" if answer.get("missing") == "gi" else answer.get("error", f"{answer.get('missing')} is not here")
        return Reading(wrong(_NAME, f"{address.shown} is read by GStreamer, which is not reached from Python: {why}", INSTALL), shown)
    lost = missing(line, has=has)
    if lost:
        return Reading(wrong(_NAME, f"{address.shown} is read by GStreamer, which lacks {', '.join(lost)}", remedy(lost)), shown)
    if address.kind == "rtsp" and not has & set(_DECODERS):
        says = f"{address.shown} is read by GStreamer, which has no decoder for H.264"
        return Reading(wrong(_NAME, says, "sudo apt-get install gstreamer1.0-libav"), shown)
    how = ", decoding in hardware" if "nvv4l2decoder" in line else ""
    return Reading(right(_NAME, f"{address.shown} can be read by GStreamer {answer['version']}{how}"), shown)


def _may_be_gstreamer(machine: Machine, address: Address) -> bool:
    return read_by_gstreamer(address, in_hardware=lambda: is_jetson(machine))


def _named(address: Address) -> list[str]:
    """What a user's own launch line names, as far as it can be told without parsing it as GStreamer does."""
    parts = address.target.split("!") if address.kind == "gst" else []
    return [part.split()[0] for part in parts if re.match(r"\s*[a-z]\w*(\s|$)", part)]
