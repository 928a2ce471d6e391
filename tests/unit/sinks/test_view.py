"""The page that a browser looks at, by plain HTTP: what is served, to whom, to how many, and that nobody who looks holds anything up. Its words are in `test_view_page`."""

from __future__ import annotations

import http.client
import logging
import socket
import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from edge.errors import UsageError
from edge.sinks import view
from edge.sinks.options_view import ViewOptions
from edge.sinks.picture import decode
from edge.sinks.view import ViewPage, Watched
from edge.sinks.view_page import CameraNow
from tests.unit.sinks.viewers import SIDE, Eyes, Stream, asked, has_room, page_at


@pytest.fixture
def eyes() -> Iterator[Eyes]:
    with Eyes() as eyes:
        yield eyes


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


def test_what_is_wrong_with_the_page_itself_is_in_the_log(eyes: Eyes, caplog: pytest.LogCaptureFixture) -> None:
    def now() -> CameraNow:
        raise KeyError("a mistake of ours")

    with ViewPage(ViewOptions(port=0), "shop-7", {"door": Watched(eyes.pictures, now)}) as page:
        with pytest.raises(http.client.RemoteDisconnected):
            asked(page, "/")
        assert asked(page, "/door.jpg")[0] == 200
    assert "a mistake of ours" in caplog.text


def test_a_port_that_is_taken_is_said_before_anything_runs(eyes: Eyes) -> None:
    with page_at(eyes) as page, pytest.raises(UsageError, match=r"choose another `view.port`"):
        ViewPage(ViewOptions(port=page.port), "shop-7", {}).__enter__()


def test_others_than_this_machine_are_warned_of(eyes: Eyes, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), page_at(eyes):
        assert not caplog.records
    with caplog.at_level(logging.WARNING), page_at(eyes, host="0.0.0.0"):
        assert "no password" in caplog.text
