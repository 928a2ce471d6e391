"""What cameras need: the devices a machine has, and each camera of the configuration. What reads them is `edge.sources`."""

from __future__ import annotations

import re
import socket
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from edge.doctor.findings import Finding, lacking, note, right, wrong
from edge.doctor.jetson import is_jetson
from edge.doctor.machine import Machine
from edge.doctor.needs import Needs
from edge.doctor.pipelines import Reading, reading
from edge.gstreamer import INSTALL
from edge.sources import Address

_CONNECT_S = 3.0
_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}
_ELEMENTS = {
    "CSI cameras": ("nvarguscamerasrc", "nvvidconv"),
    "decoding in hardware": ("nvv4l2decoder",),
    "encoding in hardware": ("nvv4l2h264enc",),
    "streams": ("rtspsrc", "h264parse", "appsink", "appsrc"),
    "USB cameras": ("v4l2src",),
}
"""What of GStreamer serves what. An Orin Nano has no encoder: x264enc takes its place."""


def here(machine: Machine, needs: Needs) -> list[Finding]:
    """The cameras that are plugged in: USB by their lasting names, CSI sensors by the driver's."""
    usb = [name for name in machine.names("/dev/v4l/by-id") if name.endswith("video-index0")]
    found = [right("USB cameras", ", ".join(usb) or "none")] if usb or not is_jetson(machine) else []
    sensors = _sensors(machine)
    if is_jetson(machine) or needs.csi:
        found.append(_csi(machine, needs, sensors))
    return found


def _sensors(machine: Machine) -> list[str]:
    """CSI sensors whose driver is bound, in the order of their numbers: `vi-output, imx219 9-0010`."""
    names = (machine.text(f"/sys/class/video4linux/{video}/name") for video in machine.names("/sys/class/video4linux"))
    return [name.partition(",")[2].strip() for name in names if name.startswith("vi-output")]


def _csi(machine: Machine, needs: Needs, sensors: list[str]) -> Finding:
    if not sensors:
        remedy = "check the ribbon cable; sudo /opt/nvidia/jetson-io/jetson-io.py names the sensor; then restart"
        if not needs.csi:
            return right("CSI cameras", "none")
        return wrong("CSI cameras", "no sensor is found", remedy)
    says = ", ".join(sensors)
    if not machine.path("/tmp/argus_socket").exists():
        running = machine.run("systemctl", "is-active", "nvargus-daemon")
        if running.out.strip() in ("inactive", "failed"):
            remedy = "sudo systemctl restart nvargus-daemon"
            return lacking(needs.csi, "CSI cameras", f"{says}; nvargus-daemon is {running.out.strip()}", remedy)
        remedy = "in a container: -v /tmp/argus_socket:/tmp/argus_socket; else sudo systemctl restart nvargus-daemon"
        return lacking(needs.csi, "CSI cameras", f"{says}; /tmp/argus_socket is not here", remedy)
    return right("CSI cameras", f"{says}; nvargus-daemon listens")


def gstreamer(machine: Machine, needs: Needs) -> list[Finding]:
    """GStreamer as Python reaches it, and the elements that serve cameras and video. Only CSI cameras cannot do without."""
    wanted = [name for names in _ELEMENTS.values() for name in names]
    answer = machine.vendors("gstreamer", *wanted, "x264enc")
    if "version" not in answer:
        if not needs.csi and not is_jetson(machine):
            return [right("GStreamer", "not reached from Python, and not needed: only a Jetson's cameras and encoders are read by it")]
        why = "the module gi is not here" if answer.get("missing") == "gi" else answer.get("error", f"{answer.get('missing')} is not here")
        return [lacking(needs.csi, "GStreamer", f"not reached from Python: {why}", INSTALL)]
    has = set(answer.get("elements", ()))
    version = f"{answer['version']}"
    missing = {use: [name for name in names if name not in has] for use, names in _ELEMENTS.items()}
    if not is_jetson(machine):
        for use in ("CSI cameras", "decoding in hardware", "encoding in hardware"):
            missing[use] = missing[use] if use == "CSI cameras" and needs.csi else []
    if missing["encoding in hardware"] and "x264enc" in has:
        version += ", H.264 by x264enc: this module has no encoder, or its plugin is missing"
        missing["encoding in hardware"] = []
    lost = {use: names for use, names in missing.items() if names}
    if not lost:
        return [right("GStreamer", version)]
    remedy = "sudo apt-get install nvidia-l4t-gstreamer gstreamer1.0-plugins-good gstreamer1.0-plugins-bad gstreamer1.0-plugins-ugly"
    said = "; ".join(f"for {use} it lacks {', '.join(names)}" for use, names in lost.items())
    return [lacking(needs.csi and "CSI cameras" in lost, "GStreamer", f"{version}: {said}", remedy)]


def configured(machine: Machine, needs: Needs) -> list[Finding]:
    """Each camera of the configuration: whether what it names is there, as far as can be told without reading a picture."""
    return [_camera(machine, f"camera {name}", address, reading(machine, address)) for name, address in needs.cameras.items()]


def _camera(machine: Machine, name: str, address: Address, read: Reading) -> Finding:
    match address.kind:
        case "file":
            if Path(address.target).is_file():
                return right(name, f"{address.shown} is there")
            return wrong(name, f"there is no file {address.shown}", "give its path; relative ones start from the configuration's folder")
        case "synthetic":
            return right(name, f"{address.shown} can be read")
        case _:
            if read.finding.state == "wrong":
                return replace(read.finding, name=name)
            match address.kind:
                case "v4l2":
                    return _v4l2(machine, name, address)
                case "rtsp" | "http":
                    return _remote(name, address)
            return replace(read.finding, name=name)


def camera(machine: Machine, name: str, address: Address) -> tuple[list[Finding], str]:
    """One camera alone: whether what it names is there, what reads it, and by which pipeline, '' where that is not GStreamer's."""
    read = reading(machine, address)
    there = _camera(machine, name, address, read)
    return [there] if there.says == read.finding.says else [there, read.finding], read.pipeline


def _v4l2(machine: Machine, name: str, address: Address) -> Finding:
    lasting = machine.names("/dev/v4l/by-id")
    match machine.device(address.target):
        case "missing":
            there = ", ".join(lasting) or "none"
            return wrong(name, f"there is no {address.target}", f"plug it in, or name one of /dev/v4l/by-id: {there}")
        case "foreign":
            return wrong(name, f"{address.target} is no device", "name one of /dev/v4l/by-id")
        case "refused":
            return wrong(name, f"this user may not open {address.target}", "sudo usermod -aG video $USER, then log in anew")
        case "there":
            if re.fullmatch(r"/dev/video\d+", address.target) and len(lasting) > 1:
                says = f"{address.target} is there; such numbers may change with a restart"
                return note(name, says, "name it as v4l2:///dev/v4l/by-id/..., which stays")
            return right(name, f"{address.target} is there")


def _remote(name: str, address: Address) -> Finding:
    """Whether the host answers on its port; what it streams only reading tells."""
    parts = urlsplit(address.target)
    host, port = parts.hostname or "", parts.port or _PORTS[parts.scheme.lower()]
    try:
        socket.create_connection((host, port), _CONNECT_S).close()
    except OSError as error:
        why = "no answer" if isinstance(error, TimeoutError) else (error.strerror or str(error)).lower()
        remedy = "check that the camera has power, its address, and that both are in one network"
        return wrong(name, f"{address.shown}: {host}:{port} cannot be reached ({why})", remedy)
    return right(name, f"{address.shown}: {host}:{port} answers")
