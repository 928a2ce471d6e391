"""The page that a browser looks at, by plain HTTP: what is served, to whom, to how many, and that nobody who looks holds anything up."""

from __future__ import annotations

import http.client
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from edge.errors import UsageError
from edge.runtime.looking import LivePicture
from edge.sinks import view
from edge.sinks.options_view import ViewOptions
from edge.sinks.picture import decode
from edge.sinks.view import ViewPage, Watched
from edge.sinks.view_page import CameraNow, page_of

NOW = CameraNow("live", fps=14.9, lines={"entrance": (12, 8)}, zones={"till": 3})
SIDE = 64


class Eyes:
    """A camera's thread: puts a picture of noise whenever one is wanted; gives nothing while `alive` is False."""

    def __init__(self, *, side: int = SIDE) -> None:
        self.pictures, self.alive = LivePicture(max_fps=1000), True
        self._noise = np.random.default_rng(1).integers(0, 255, (side, side, 3), np.uint8)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="eyes")

    def __enter__(self) -> Eyes:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(0.002):
            if self.alive and self.pictures.wants_picture:
                self.pictures.put(self._noise)


@pytest.fixture
def eyes() -> Iterator[Eyes]:
    with Eyes() as eyes:
        yield eyes


@contextmanager
def page_at(eyes: Eyes, now: CameraNow = NOW, **options: Any) -> Iterator[ViewPage]:
    with ViewPage(ViewOptions(port=0, **options), "shop-7", {"door": Watched(eyes.pictures, lambda: now)}) as page:
        yield page


def asked(page: ViewPage, path: str, **headers: str) -> tuple[int, http.client.HTTPMessage, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=10)
    connection.request("GET", path, headers={name.replace("_", "-"): text for name, text in headers.items()})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, answer.headers, body


class Stream:
    """Somebody who looks at moving pictures."""

    def __init__(self, page: ViewPage, *, receive_bytes: int | None = None) -> None:
        self.socket = socket.socket()
        if receive_bytes is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(10)
        self.socket.connect(("127.0.0.1", page.port))
        self.socket.sendall(b"GET /door.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.file = self.socket.makefile("rb")

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.file.close()
        self.socket.close()

    def status(self) -> int:
        """Reads the head."""
        code = int(self.file.readline().split()[1])
        while self.file.readline().strip():
            pass
        return code

    def picture(self) -> bytes:
        """Reads one part."""
        assert self.file.readline() == b"--picture\r\n"
        assert self.file.readline() == b"Content-Type: image/jpeg\r\n"
        length = int(self.file.readline().removeprefix(b"Content-Length: "))
        assert self.file.readline() == b"\r\n"
        data = self.file.read(length)
        assert self.file.readline() == b"\r\n"
        return data


def has_room(page: ViewPage) -> bool:
    """Whether one more may look."""
    with Stream(page) as stream:
        return stream.status() == 200


def test_the_page_says_state_and_counts_and_where_the_pictures_are(eyes: Eyes) -> None:
    with page_at(eyes) as page:
        status, headers, body = asked(page, "/")
    assert status == 200
    text = body.decode()
    for said in ('src="/door.mjpg"', "live", "14.9 frames/s", "entrance<td>in 12<td>out 8", "till<td>3 now", "<title>shop-7</title>"):
        assert said in text
    assert headers["Cache-Control"] == "no-store"
    nonce = headers["Content-Security-Policy"].split("script-src 'nonce-")[1].split("'")[0]
    assert text.count(f'nonce="{nonce}"') == 2


def test_words_are_words_whatever_stands_in_them() -> None:
    now = CameraNow("failed", why="<script>alert(1)</script>", lines={'"><b>': (0, 0)})
    page = page_of("a<b", {"x": now}, "n")
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert '"><b>' not in page.split("<figcaption")[1].split("<table>")[1]
    assert "<title>a&lt;b</title>" in page


def test_more_cameras_than_a_browser_streams_are_stills_that_are_asked_for_again() -> None:
    assert page_of("d", dict.fromkeys("abcd", NOW), "n").count(".mjpg") == 8
    page = page_of("d", dict.fromkeys("abcde", NOW), "n")
    assert page.count("data-still=") == page.count('src="/') == 5


def test_a_still_is_the_present_picture_not_wider_than_allowed() -> None:
    with Eyes(side=200) as eyes, page_at(eyes, max_width=100) as page:
        eyes.pictures.put(np.zeros((8, 8, 3), np.uint8))  # painted for somebody long ago
        status, headers, body = asked(page, "/door.jpg")
    assert (status, headers["Content-Type"]) == (200, "image/jpeg")
    assert decode(body).shape == (100, 100, 3)


def test_a_camera_that_gives_nothing_is_said_and_its_page_is_still_there(eyes: Eyes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view, "_STILL_S", 0.05)
    eyes.alive = False
    with page_at(eyes, CameraNow("reconnecting", why="the stream ended")) as page:
        assert asked(page, "/door.jpg")[0] == 503
        assert b"the stream ended" in asked(page, "/")[2]


def test_moving_pictures_are_whole_and_new_ones(eyes: Eyes) -> None:
    eyes.pictures.put(np.zeros((8, 8, 3), np.uint8))  # painted for somebody long ago
    with page_at(eyes) as page, Stream(page) as stream:
        assert stream.status() == 200
        for _ in range(5):
            assert decode(stream.picture()).shape == (SIDE, SIDE, 3)
        assert eyes.pictures.number >= 5


def test_nothing_is_asked_of_a_camera_while_nobody_looks(eyes: Eyes, eventually: Callable[..., bool]) -> None:
    with page_at(eyes) as page:
        asked(page, "/")
        assert eyes.pictures.number == 0
        with Stream(page) as stream:
            stream.status()
            stream.picture()
        assert eventually(lambda: not [thread for thread in threading.enumerate() if "process_request_thread" in thread.name])
        before = eyes.pictures.number
        time.sleep(0.05)
        assert eyes.pictures.number - before <= 1  # what the one who left had still asked for


def test_a_picture_is_made_a_jpeg_once_for_all_who_look(eyes: Eyes, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    encode = view.encode
    monkeypatch.setattr(view, "encode", lambda picture, **how: made.append(1) or encode(picture, **how))
    eyes.alive = False
    with page_at(eyes) as page, Stream(page) as one, Stream(page) as another, Stream(page) as third:
        streams = one, another, third
        for stream in streams:
            stream.status()
        eyes.alive = True
        for stream in streams:
            for _ in range(3):
                stream.picture()
        assert len(made) <= eyes.pictures.number


def test_who_takes_nothing_holds_nobody_up_and_is_let_go(monkeypatch: pytest.MonkeyPatch, eventually: Callable[..., bool]) -> None:
    monkeypatch.setattr(view._Asked, "timeout", 0.5)
    with Eyes(side=600) as eyes, page_at(eyes, viewers=2) as page, Stream(page, receive_bytes=4096) as idle, Stream(page) as stream:
        assert stream.status() == 200
        for _ in range(10):
            assert len(stream.picture()) > 50_000
        assert eventually(lambda: has_room(page)), "the place of the one who takes nothing is free again"
        stream.picture()
        assert idle.status() == 200


def test_only_so_many_look_and_who_leaves_makes_room(eyes: Eyes, eventually: Callable[..., bool]) -> None:
    with page_at(eyes, viewers=2) as page:
        with Stream(page) as first, Stream(page) as second:
            assert (first.status(), second.status()) == (200, 200)
            status, _, body = asked(page, "/door.mjpg")
            assert status == 503
            assert b"view.viewers" in body
            assert asked(page, "/")[0] == asked(page, "/door.jpg")[0] == 200
        assert eventually(lambda: has_room(page))


def test_who_leaves_a_camera_that_gives_nothing_makes_room_too(eyes: Eyes, eventually: Callable[..., bool]) -> None:
    eyes.alive = False
    with page_at(eyes, viewers=1) as page:
        with Stream(page) as stream:
            assert stream.status() == 200
        assert eventually(lambda: has_room(page))


def test_addresses_and_names_of_this_device_are_answered(eyes: Eyes) -> None:
    with page_at(eyes, names=("View.Example",)) as page:
        for host in ("127.0.0.1", "127.0.0.1:8090", "localhost:8090", "LOCALHOST.", "[::1]:8090", "10.0.0.7", "view.example"):
            assert asked(page, "/", Host=host)[0] == 200, host


def test_a_name_that_was_made_to_point_here_is_refused(eyes: Eyes) -> None:
    with page_at(eyes) as page:
        for host in ("evil.example", "evil.example:8090", "127.0.0.1.evil.example", "", "[evil.example]"):
            for path in ("/", "/door.jpg", "/door.mjpg"):
                assert asked(page, path, Host=host)[0] == 403, host
    assert eyes.pictures.number == 0


def test_other_sites_cannot_embed_a_picture_and_may_lead_to_one(eyes: Eyes) -> None:
    with page_at(eyes) as page:
        assert asked(page, "/door.jpg", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="no-cors")[0] == 403
        assert asked(page, "/door.jpg", Sec_Fetch_Site="cross-site", Sec_Fetch_Mode="navigate")[0] == 200
        status, headers, _ = asked(page, "/door.jpg", Sec_Fetch_Site="same-site", Sec_Fetch_Mode="no-cors")
        assert (status, headers["Cross-Origin-Resource-Policy"]) == (200, "same-site")


def test_there_is_nothing_else(eyes: Eyes) -> None:
    with page_at(eyes) as page:
        for path in ("/hall.jpg", "/door", "/door.png", "/.jpg", "/../view.html", "/door.mjpg/", "*"):
            assert asked(page, path)[0] == 404, path


def test_nonsense_ends_nothing(eyes: Eyes) -> None:
    with page_at(eyes) as page:
        for said in (
            b"",
            b"\x16\x03\x01",
            b"POST / HTTP/1.1\r\n\r\n",
            b"GET " + b"a" * 70_000,
            b"GET / HTTP/1.1\r\nHost: " + b"\xff" * 9 + b"\r\n\r\n",
        ):
            with socket.create_connection(("127.0.0.1", page.port), 5) as reader:
                reader.sendall(said)
        assert asked(page, "/")[0] == 200


@pytest.mark.timeout(30)
def test_closing_it_ends_all_who_look_also_who_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(view._Asked, "timeout", 100)
    before = set(threading.enumerate())
    with Eyes(side=600) as eyes:
        with page_at(eyes) as page:
            streams = [Stream(page), Stream(page, receive_bytes=4096)]
            streams[0].status()
            streams[0].picture()
        for stream in streams:
            stream.__exit__()
    assert set(threading.enumerate()) <= before
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", page.port), 1)


def test_a_port_that_is_taken_is_said_before_anything_runs(eyes: Eyes) -> None:
    with page_at(eyes) as page, pytest.raises(UsageError, match=r"choose another `view.port`"):
        ViewPage(ViewOptions(port=page.port), "shop-7", {}).__enter__()


def test_others_than_this_machine_are_warned_of(eyes: Eyes, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), page_at(eyes):
        assert not caplog.records
    with caplog.at_level(logging.WARNING), page_at(eyes, host="0.0.0.0"):
        assert "no password" in caplog.text


@pytest.mark.parametrize(
    ("host", "here"), [("127.0.0.1", True), ("127.8.8.8", True), ("::1", True), ("localhost", True), ("0.0.0.0", False), ("shop", False)]
)
def test_what_is_on_this_machine_is_known(host: str, here: bool) -> None:
    assert ViewOptions(host=host).on_this_machine is here


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"port": 70000}, "port is 70000"),
        ({"host": ""}, "host is empty"),
        ({"max_fps": 0}, "max_fps is 0"),
        ({"max_width": 10}, "max_width is 10"),
        ({"viewers": 0}, "viewers is 0"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        ViewOptions(**wrong)
