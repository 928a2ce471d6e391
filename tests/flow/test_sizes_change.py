"""A camera whose pictures change their size in mid-stream: the same is counted, everywhere it is painted and recorded, and nothing begins anew."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import av
import numpy as np
import pytest

from edge.app import RunOptions, running
from edge.config import parse
from edge.data import Frame, HostPixels, Size, Stamp
from edge.ports import SourceFacts
from tests.flow.cameras_device import Walker

FPS, SECONDS = 10, 4
SIZES = (Size(320, 240), Size(640, 480), Size(160, 120), Size(320, 240))


class Stream:
    """Four seconds of each size, one behind the other, on one timeline; a file, so that no frame is dropped."""

    def __init__(self, sizes: Sequence[Size]) -> None:
        self._sizes = sizes
        self.facts = SourceFacts(
            sizes[0], FPS, live=False, frames=FPS * SECONDS * len(sizes), start_utc_ns=1_700_000_000 * 10**9, key="stream"
        )

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __iter__(self) -> Iterator[Frame]:
        index = 0
        for size in self._sizes:
            rows, columns = np.mgrid[: size.height, : size.width]
            # The same checks, whatever the size: a scene that neither moves nor is too dark to see.
            checks = ((rows * 12 // size.height + columns * 16 // size.width) % 2 * 120 + 60).astype(np.uint8)
            picture = np.ascontiguousarray(np.repeat(checks[..., None], 3, axis=2))
            for _ in range(FPS * SECONDS):
                yield Frame(Stamp("door", index, index * 10**9 // FPS, size), HostPixels(picture))
                index += 1


def counted(folder: Path, sizes: Sequence[Size], **more: object) -> tuple[dict[str, int], list[Path], int]:
    """What was counted of such a stream, what was recorded, and how often it was opened."""
    camera = {
        "source": "stream.mp4",
        "reference": [320, 240],
        "lines": {"middle": {"from": [160, 0], "to": [160, 240]}},
        "zones": {"right": [[160, 0], [320, 0], [320, 240], [160, 240]]},
        "heatmap": {"every_s": 2, "format": "jpeg"},
    }
    text = json.dumps({"device": "flow", "state": str(folder), "model": "scene", "cameras": {"door": camera}, **more})
    with running(parse(text), RunOptions(), detector=Walker(), sources=lambda *_, **__: Stream(sizes)) as device:
        device.run()
        totals = {" ".join(map(str, key)): n for key, n in device.store.totals("door").items()}
        recorded = [path for recorder in device.recorders.values() for path in recorder.recorded]
        meter = device.device.cameras[0].gauges
        assert meter.frames_processed == FPS * SECONDS * len(sizes)
    return totals, recorded, meter.opened


def test_what_is_counted_does_not_depend_on_the_size_in_which_it_came(tmp_path: Path) -> None:
    totals, _, opened = counted(tmp_path / "changing", SIZES)
    same, _, _ = counted(tmp_path / "same", SIZES[:1] * len(SIZES))
    assert opened == 1
    crossings = [totals[f"line middle person {way}"] for way in ("in", "out")]
    assert crossings == [4, 4]  # to and fro in four seconds
    # What is written to the second; a box is rounded to another pixel here and there.
    assert totals == pytest.approx(same, rel=0.01)


def test_each_size_is_recorded_in_segments_of_its_own_that_play(tmp_path: Path) -> None:
    _, recorded, _ = counted(tmp_path, SIZES, record={"segment_s": 60})
    played = []
    for path in recorded:
        with av.open(str(path)) as container:
            frames = list(container.decode(video=0))
            played.append((Size(frames[0].width, frames[0].height), len(frames)))
    assert played == [(size, FPS * SECONDS) for size in SIZES]
