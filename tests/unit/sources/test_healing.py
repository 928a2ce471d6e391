"""After a loss no picture is given that builds on what was lost; by the rule, and over a real stream with a hole in it."""

from __future__ import annotations

import contextlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import av
import numpy as np
import pytest

from edge.errors import SourceError
from edge.sources import open_source
from edge.sources.healing import Healing
from edge.sources.times import SECOND_NS

KEY_EVERY, COUNT, BROKEN = 15, 90, 37


def test_all_is_whole_while_nothing_is_lost() -> None:
    healing = Healing()
    assert all(healing.whole(is_key=False, is_corrupt=False, now_ns=n) for n in range(5))


@pytest.mark.parametrize("how", ["cannot be decoded", "decoded with a hole"])
def test_what_follows_a_loss_waits_for_a_key_frame(how: str) -> None:
    healing = Healing()
    if how == "cannot be decoded":
        healing.lost(now_ns=0)
    else:
        assert not healing.whole(is_key=True, is_corrupt=True, now_ns=0)  # a key frame with a hole heals nothing
    assert not healing.whole(is_key=False, is_corrupt=False, now_ns=1)
    assert healing.whole(is_key=True, is_corrupt=False, now_ns=2)
    assert healing.whole(is_key=False, is_corrupt=False, now_ns=3)


def test_a_camera_without_key_frames_is_not_waited_for_for_ever() -> None:
    healing = Healing()
    healing.lost(now_ns=0)
    assert not healing.whole(is_key=False, is_corrupt=False, now_ns=10 * SECOND_NS)
    assert healing.whole(is_key=False, is_corrupt=False, now_ns=10 * SECOND_NS + 1)
    healing.lost(now_ns=11 * SECOND_NS)
    assert not healing.whole(is_key=False, is_corrupt=False, now_ns=12 * SECOND_NS)


def picture(number: int) -> np.ndarray:
    """A bright box that wanders over a grid, nowhere twice, (240, 320, 3)."""
    made = np.full((240, 320, 3), 60, np.uint8)
    made[::16] = 100
    x = number * 3
    made[80:160, x : x + 40] = 220
    return made


def encoded() -> list[bytes]:
    encoder = av.CodecContext.create("libx264", "w")
    encoder.width, encoder.height, encoder.pix_fmt, encoder.framerate = 320, 240, "yuv420p", 15
    encoder.options = {"preset": "ultrafast", "tune": "zerolatency", "x264-params": f"keyint={KEY_EVERY}:scenecut=0"}
    packets = [packet for n in range(COUNT) for packet in encoder.encode(av.VideoFrame.from_ndarray(picture(n), format="bgr24"))]
    return [bytes(packet) for packet in packets]


def camera(packets: list[bytes]) -> type[BaseHTTPRequestHandler]:
    class Camera(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            with contextlib.suppress(OSError):
                for packet in packets:
                    self.wfile.write(packet)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Camera


def nearest(shown: np.ndarray) -> tuple[int, float]:
    """Which picture it is, and by how many levels it differs from that one on the mean."""
    rows = shown[::8, ::2].astype(np.int16)
    differences = [float(np.abs(rows - picture(number)[::8, ::2]).mean()) for number in range(COUNT)]
    best = int(np.argmin(differences))
    return best, differences[best]


@pytest.mark.parametrize("broken", [True, False])
def test_a_hole_in_a_stream_shows_in_no_picture(broken: bool) -> None:
    packets = encoded()
    if broken:
        packets[BROKEN] = packets[BROKEN][: len(packets[BROKEN]) // 2]
    shown = []
    with ThreadingHTTPServer(("127.0.0.1", 0), camera(packets)) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            with open_source(f"http://127.0.0.1:{server.server_port}/stream.h264", camera="c") as source:
                assert source.facts.live
                with contextlib.suppress(SourceError):  # the connection is closed
                    shown.extend(nearest(frame.bgr) for frame in source)
        finally:
            server.shutdown()
            thread.join()
    assert max(difference for _, difference in shown) < 5
    numbers = [number for number, _ in shown]
    assert numbers == sorted(set(numbers))
    gone = set(range(BROKEN, 3 * KEY_EVERY)) if broken else set()
    assert set(range(COUNT - 5)) - set(numbers) == gone  # the last ones may still be in the decoder
