"""A device's health as a page that Prometheus reads: its text format over HTTP. What is measured, and when, is elsewhere; counts are not here.

The format is https://prometheus.io/docs/instrumenting/exposition_formats/ (text, version 0.0.4), the names follow
https://prometheus.io/docs/practices/naming/. One thread serves one reader after the other, each for a few seconds at most: a page that is read
every few seconds needs no more, and nobody can make it take more.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import TracebackType
from typing import get_args

from edge.errors import UsageError
from edge.health import CameraHealth, HealthPayload, Recording, Spread
from edge.messages import StatePayload
from edge.sinks.options_metrics import MetricsOptions

log = logging.getLogger(__name__)

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_STATES: tuple[str, ...] = get_args(StatePayload.model_fields["state"].annotation)
_PATIENCE_S = 5.0

Sample = tuple[Mapping[str, str], float | None]
"""Labels, and the value; None for what is not known, and then not said."""


def exposition(health: HealthPayload) -> str:
    """The whole page. A time of an interval is a summary's quantiles; what the machine does not tell is left out."""
    return "".join(line + "\n" for line in _lines(health))


def _lines(health: HealthPayload) -> Iterator[str]:
    about = {"device": health.device, "version": health.version, "stream": health.stream}
    yield from _metric("edge_info", "gauge", "Which device this is.", [(about, 1.0)])
    yield from _metric("edge_up_seconds", "gauge", "Since the process began.", _one(health.up_s))
    yield from _metric("edge_memory_bytes", "gauge", "Resident memory of the process.", _one(health.memory_bytes))
    yield from _metric("edge_cpu_seconds_total", "counter", "CPU time of the process, all threads.", _one(health.cpu_s))
    yield from _metric("edge_threads", "gauge", "Threads of the process.", _one(health.threads))
    yield from _metric("edge_handles", "gauge", "Files, sockets and devices that the process holds open.", _one(health.handles))
    yield from _metric("edge_disk_free_bytes", "gauge", "Free where the store lies.", _one(health.disk_free_bytes))
    yield from _metric("edge_disk_size_bytes", "gauge", "Size of the disk where the store lies.", _one(health.disk_total_bytes))
    yield from _metric("edge_temperature_celsius", "gauge", "The warmest zone of the device.", _one(health.temperature_c))
    yield from _metric("edge_power_watts", "gauge", "What the device draws.", _one(health.power_w))
    mode: list[Sample] = [] if health.power_mode is None else [({"mode": health.power_mode}, 1.0)]
    yield from _metric("edge_power_mode", "gauge", "1 for the power mode of the device.", mode)
    slowed = None if health.slowed_by is None else float(bool(health.slowed_by))
    yield from _metric("edge_slowed_by_heat", "gauge", "1 while heat slows the device down.", _one(slowed))
    yield from _metric(
        "edge_over_currents_total", "counter", "How often the device slowed down for current or voltage.", _one(health.over_currents)
    )
    yield from _metric("edge_gpu_load_ratio", "gauge", "Part of the time in which the integrated GPU was busy.", _one(health.gpu_load))
    if (broker := health.broker) is not None:
        yield from _metric("edge_broker_connected", "gauge", "1 while there is a connection to the broker.", _one(float(broker.connected)))
        yield from _metric("edge_broker_connects_total", "counter", "Connections that were made.", _one(broker.connects))
        yield from _metric("edge_broker_left_out_total", "counter", "Messages larger than the broker takes.", _one(broker.left_out))
        yield from _metric("edge_outbox_messages", "gauge", "Messages that wait to be acknowledged.", _one(broker.outbox))
    yield from _of_cameras(health.cameras)


def _of_cameras(cameras: Mapping[str, CameraHealth]) -> Iterator[str]:
    def each(value: Callable[[CameraHealth], float | None]) -> list[Sample]:
        return [({"camera": name}, value(camera)) for name, camera in cameras.items()]

    states: list[Sample] = [
        ({"camera": name, "state": state}, float(camera.state == state)) for name, camera in cameras.items() for state in _STATES
    ]
    yield from _metric("edge_camera_state", "gauge", "1 for the state in which the camera is, 0 for the others.", states)
    yield from _metric("edge_camera_frames_in_total", "counter", "Frames that the source gave.", each(lambda camera: camera.frames_in))
    yield from _metric(
        "edge_camera_frames_processed_total", "counter", "Frames that were counted on.", each(lambda camera: camera.frames_processed)
    )
    yield from _metric(
        "edge_camera_reconnects_total", "counter", "How often the source was opened again.", each(lambda camera: camera.reconnects)
    )
    yield from _metric(
        "edge_camera_accelerator_share_ratio",
        "gauge",
        "Its part of the frames that the accelerator looked at.",
        each(lambda camera: camera.share),
    )
    drops: list[Sample] = [
        ({"camera": name, "cause": cause}, count) for name, camera in cameras.items() for cause, count in camera.drops.items()
    ]
    yield from _metric("edge_camera_pictures_dropped_total", "counter", "Pictures let go, by cause.", drops)
    recording: list[Sample] = [
        ({"camera": name, "recording": how}, float(camera.recording == how))
        for name, camera in cameras.items()
        for how in (get_args(Recording) if camera.recording else ())
    ]
    yield from _metric("edge_camera_recording", "gauge", "1 for how much is recorded of the camera, 0 for the others.", recording)
    ages = [sample for name, camera in cameras.items() for sample in _quantiles(camera.frame_age, {"camera": name})]
    yield from _metric("edge_camera_frame_age_seconds", "summary", "Age of live frames when the work on them ended.", ages)
    published = [sample for name, camera in cameras.items() for sample in _quantiles(camera.published_age, {"camera": name})]
    yield from _metric(
        "edge_camera_published_age_seconds", "summary", "Age of live frames when their counts went to who publishes.", published
    )
    stages = [
        sample
        for name, camera in cameras.items()
        for stage, spread in camera.stages.items()
        for sample in _quantiles(spread, {"camera": name, "stage": stage})
    ]
    yield from _metric("edge_camera_stage_seconds", "summary", "How long a stage took a frame.", stages)


def _one(value: float | None) -> list[Sample]:
    return [({}, value)]


def _quantiles(spread: Spread | None, labels: Mapping[str, str]) -> list[Sample]:
    if spread is None:
        return []
    values = (("0.5", spread.p50_ms), ("0.95", spread.p95_ms), ("0.99", spread.p99_ms))
    return [({**labels, "quantile": quantile}, milliseconds / 1000) for quantile, milliseconds in values]


def _metric(name: str, kind: str, about: str, samples: list[Sample]) -> Iterator[str]:
    known = [(labels, value) for labels, value in samples if value is not None]
    if known:
        yield f"# HELP {name} {about}"
        yield f"# TYPE {name} {kind}"
    for labels, value in known:
        inside = ",".join(f'{key}="{_escaped(text)}"' for key, text in labels.items())
        yield f"{name}{{{inside}}} {value!r}" if inside else f"{name} {value!r}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


class MetricsPage:
    """Serves `/metrics`. A context manager; entering it listens, and raises UsageError where it cannot.

    Args:
        latest: the newest measurement; None before the first, which is said as 503.
    """

    def __init__(self, options: MetricsOptions, latest: Callable[[], HealthPayload | None]) -> None:
        self._options, self._latest = options, latest

    def __enter__(self) -> MetricsPage:
        latest = self._latest

        class Reader(BaseHTTPRequestHandler):
            timeout = _PATIENCE_S
            server_version, sys_version = "edge", ""

            def do_GET(self) -> None:
                if self.path.partition("?")[0] != "/metrics":
                    self.send_error(404, "there is only /metrics")
                elif (health := latest()) is None:
                    self.send_error(503, "nothing was measured yet")
                else:
                    body = exposition(health).encode()
                    self.send_response(200)
                    self.send_header("Content-Type", CONTENT_TYPE)
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                log.debug("metrics: %s", format % args)

        host, port = self._options.host, self._options.port
        try:
            self._server = _Server((host, port), Reader)
        except OSError as error:
            raise UsageError(f"metrics cannot listen at {host}:{port} ({error.strerror}); choose another `metrics.port`") from error
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, name="metrics", daemon=True)
        self._thread.start()
        log.info("metrics for Prometheus are at http://%s:%d/metrics", host, self.port)
        return self

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self._server.server_address[1])

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Server(HTTPServer):
    def handle_error(self, request: object, client_address: object) -> None:
        """Who hangs up in the middle is no matter for standard error."""
        log.debug("a reader of the metrics was lost", exc_info=True)
