"""A running device that is looked at by HTTP and by a real browser. All that the page does is in its unit tests, windows are in `test_show`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import threading
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.demo.broker import free_port
from edge.runtime.looking import LivePicture
from edge.sinks.options_view import ViewOptions
from edge.sinks.picture import decode
from edge.sinks.view import ViewPage, Watched
from edge.sinks.view_page import CameraNow
from tests.flow.asked_device import SIZE, running_device, text_of

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_browser = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium (make system-packages, on Debian)")


def fetched(url: str) -> bytes:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return bytes(answer.read())


def test_a_device_is_painted_when_it_is_looked_at_and_says_what_it_counted(tmp_path: Path) -> None:
    port = free_port()
    text = text_of(tmp_path, 0, mqtt=None, view={"port": port})
    with running_device(text) as device:
        page = fetched(f"http://127.0.0.1:{port}/").decode()
        (camera,) = device.device.cameras
        assert "paint" not in camera.gauges.stages, "nobody has looked"
        picture = decode(fetched(f"http://127.0.0.1:{port}/gate.jpg"))
        assert picture.shape == (SIZE.height, SIZE.width, 3)
        assert picture.std() > 20
        assert "paint" in camera.gauges.stages
    assert '<span class="state live">live</span>' in page
    for name in json.loads(text)["cameras"]["gate"]["lines"]:
        assert f"<td>{name}<td>in " in page


def looked_at(url: str, folder: Path, *how: str) -> subprocess.CompletedProcess[bytes]:
    """What the browser made of a page when it had loaded, or after some seconds: it never has while a camera gives nothing."""
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    fixed = ["--headless", "--disable-gpu", "--timeout=5000", f"--user-data-dir={folder / 'profile'}", "--window-size=1000,800"]
    return subprocess.run([str(BROWSER), *root, *fixed, *how, url], cwd=folder, capture_output=True, timeout=60, check=True)


@pytest.fixture
def painting() -> Iterator[Callable[[tuple[int, int, int]], LivePicture]]:
    """`painting(colour)` -> pictures of one colour, for whoever looks."""
    over, threads = threading.Event(), []

    def pictures_of(colour: tuple[int, int, int]) -> LivePicture:
        live = LivePicture(max_fps=10)

        def run() -> None:
            while not over.wait(0.005):
                if live.wants_picture:
                    live.put(np.full((90, 160, 3), colour, np.uint8))

        threads.append(threading.Thread(target=run))
        threads[-1].start()
        return live

    yield pictures_of
    over.set()
    for thread in threads:
        thread.join()


@pytest.mark.system
@needs_browser
@pytest.mark.parametrize("cameras", [2, 5], ids=["moving pictures", "stills"])
def test_a_browser_shows_every_camera_and_keeps_the_words_new(tmp_path: Path, painting: Any, cameras: int) -> None:
    colours = [(255, 0, 0), (0, 160, 0), (0, 0, 255), (200, 0, 200), (200, 200, 0)][:cameras]
    asked = 0

    def now() -> CameraNow:
        nonlocal asked
        asked += 1
        return CameraNow("live", lines={"entrance": (asked, 0)})

    watched = {f"camera-{number}": Watched(painting(colour), now) for number, colour in enumerate(colours)}
    with ViewPage(ViewOptions(port=0), "shop-7", watched) as page:
        looked_at(f"http://localhost:{page.port}/", tmp_path, f"--screenshot={tmp_path / 'page.png'}")
    watched["dead"] = Watched(LivePicture(max_fps=10), lambda: CameraNow("reconnecting", why="the stream ended"))
    with ViewPage(ViewOptions(port=0), "shop-7", watched) as page:
        before = asked
        dom = looked_at(f"http://localhost:{page.port}/", tmp_path, "--dump-dom").stdout.decode()
    picture = cv2.imread(str(tmp_path / "page.png"))
    assert picture is not None
    for colour in colours:
        near = (np.abs(picture.astype(int) - colour) < 12).all(axis=2)
        assert near.sum() > 20_000, f"a picture of {colour} is not to be seen"
    counted = [int(part.split("<")[0]) for part in dom.split("<td>in ")[1:]]
    assert len(counted) == cameras
    assert min(counted) > before + cameras, "the words are those that came with the page"
    assert "the stream ended" in dom
