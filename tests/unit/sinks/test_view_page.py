"""The words of the page, and what a user may say about it. How it is served is in `test_view`."""

from __future__ import annotations

from typing import Any

import pytest

from edge.config import parse
from edge.errors import ConfigError
from edge.sinks.options_view import ViewOptions
from edge.sinks.view_page import CameraNow, page_of
from tests.unit.sinks.viewers import NOW

CAMERA = "cameras: {door: {source: rtsp://h/s}}"


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


def test_people_are_shown_to_other_machines_only_where_they_may_leave() -> None:
    assert parse(CAMERA).view is None
    with pytest.raises(ConfigError, match=r"line 1: view: view at 0\.0\.0\.0 would show people .*`live_pictures: true`"):
        parse(f"view: {{host: 0.0.0.0}}\n{CAMERA}")
    allowed = parse(f"view: {{host: 0.0.0.0}}\nlive_pictures: true\n{CAMERA}")
    assert allowed.view == ViewOptions(host="0.0.0.0")
