"""All probes over one machine, each with its own time to answer. What a probe looks at is its own room's business."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Mapping

from edge.doctor.accelerator import cuda, libraries
from edge.doctor.board import clock, heat, memory
from edge.doctor.cameras import configured, gstreamer, here
from edge.doctor.disk import state
from edge.doctor.findings import Finding, note
from edge.doctor.jetson import jetpack, power
from edge.doctor.machine import Machine
from edge.doctor.model import model
from edge.doctor.needs import Needs
from edge.doctor.network import broker
from edge.doctor.packages import packages

Probe = Callable[[Machine, Needs], list[Finding]]

PROBES: Mapping[str, Probe] = {
    "JetPack": jetpack,
    "power": power,
    "memory": memory,
    "temperature": heat,
    "clock": clock,
    "GPU": cuda,
    "GPU libraries": libraries,
    "Python packages": packages,
    "model": model,
    "cameras": here,
    "GStreamer": gstreamer,
    "configured cameras": configured,
    "broker": broker,
    "disk": state,
}
"""In the order of the report; a name is what the report calls a probe that does not answer."""


def examine(machine: Machine, needs: Needs, *, probes: Mapping[str, Probe] = PROBES, patience_s: float = 45.0) -> list[Finding]:
    """The findings of all probes, in their order. All work at once; one that has not ended within `patience_s` is left behind, and said."""
    until_s = time.monotonic() + patience_s
    answers: dict[str, queue.SimpleQueue[list[Finding]]] = {}
    for name, probe in probes.items():
        answers[name] = queue.SimpleQueue()
        # Daemons: one that hangs in a driver must not keep the command from ending.
        threading.Thread(target=_ask, args=(name, probe, machine, needs, answers[name]), name=f"doctor {name}", daemon=True).start()
    findings = []
    for name, answer in answers.items():
        try:
            findings += answer.get(timeout=max(0.0, until_s - time.monotonic()))
        except queue.Empty:
            findings.append(note(name, f"no answer within {patience_s:g} s: what was asked hangs", "restart the machine, and ask again"))
    return findings


def _ask(name: str, probe: Probe, machine: Machine, needs: Needs, answer: queue.SimpleQueue[list[Finding]]) -> None:
    try:
        answer.put(probe(machine, needs))
    except Exception as error:  # noqa: BLE001  one odd machine must not hide what the other probes found
        answer.put([note(name, f"it could not be looked at: {error!r}", "please report this, with `edge doctor --json`")])
