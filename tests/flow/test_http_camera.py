"""A camera that gives JPEGs over HTTP: it is waited for while others count, and its newest picture is counted on, as with any camera."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np

from edge.app import RunOptions, running
from edge.config import parse
from edge.data import Detections, Frame

_STEP_S = 0.1
_FPS = 25
_MOST_S = 25.0
_PICTURES = [cv2.imencode(".jpg", np.full((120, 160, 3), grey, np.uint8))[1].tobytes() for grey in range(250)]


def now() -> int:
    """The time as the grey of a picture."""
    return int(time.time() / _STEP_S) % len(_PICTURES)


class MotionJpeg(BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "multipart/x-mixed-replace; boundary=B")
        self.end_headers()
        try:
            while True:
                picture = _PICTURES[now()]
                self.wfile.write(b"--B\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n" % len(picture) + picture + b"\r\n")
                time.sleep(1 / _FPS)
        except OSError:  # who looked has gone
            pass


class Slow:
    """A detector of eight frames a second that notes how old each picture of the HTTP camera is, by its grey."""

    names = ("person",)
    batch = 1

    def __init__(self) -> None:
        self.ages_s: list[float] = []

    def __enter__(self) -> Slow:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def detect(self, frames: Sequence[Frame]) -> list[Detections]:
        for frame in frames:
            if frame.stamp.camera == "gate":
                self.ages_s.append((now() - round(float(frame.bgr.mean()))) % len(_PICTURES) * _STEP_S)
                time.sleep(0.12)
        return [Detections.empty() for _ in frames]


def test_it_is_waited_for_and_its_newest_picture_is_counted_on(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    cameras = {"gate": {"source": f"http://127.0.0.1:{port}/video.mjpg", "sight": None}, "yard": {"source": "synthetic://plaza?size=64x48"}}
    text = json.dumps({"state": str(tmp_path), "model": "scene", "max_pause_s": 0.5, "cameras": cameras})
    detector = Slow()
    with running(parse(text), RunOptions(realtime=True), detector=detector) as device:
        gate, yard = sorted(device.device.cameras, key=lambda camera: camera.name)
        runner = threading.Thread(target=device.run)
        runner.start()
        until_s = time.monotonic() + _MOST_S
        while (yard.frames_done < 5 or gate.gauges.state != "reconnecting") and time.monotonic() < until_s:
            time.sleep(0.05)
        before = yard.frames_done, gate.gauges.state
        server = ThreadingHTTPServer(("127.0.0.1", port), MotionJpeg)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        while len(detector.ages_s) < 40 and time.monotonic() < until_s:
            time.sleep(0.05)
        device.device.stop()
        runner.join()
        server.shutdown()
        server.server_close()
    assert before[0] >= 5
    assert before[1] == "reconnecting"
    assert len(detector.ages_s) >= 40
    # 25 pictures a second come and 8 are looked at: one behind the other, the last of forty would be three seconds old.
    assert float(np.median(detector.ages_s[-10:])) < 1.5
    assert gate.gauges.drops["late"]() > 20
