"""Who encodes video: the device's own encoder where there is one that works, else libx264. It is tried, not looked up: an Orin Nano has the element
and no hardware behind it.

The trial is a process of its own, for what it tries may crash or hang: ``python -m edge.sinks.recorder_choice`` ends with 0 where the encoder is good.
"""

from __future__ import annotations

import logging
import platform
import subprocess
import sys
from itertools import count
from typing import TYPE_CHECKING

from edge.data import Size
from edge.sinks.options import RecordOptions

if TYPE_CHECKING:
    from av.container import OutputContainer

    from edge.sinks.recorder_gstreamer import GstreamerElement
    from edge.sinks.recorder_segment import Encoder, MakeEncoder

log = logging.getLogger(__name__)

_TRIAL_S = 30.0
_TRIAL_PICTURES = 20
_TRIAL_KEYS = (0, 8, 16)
_PATIENCE = 3
"""How often the device's encoder may fail at work before it is not asked again: a driver that is broken now is so until the next start."""


def choose_encoder(options: RecordOptions) -> MakeEncoder:
    """What makes a segment's encoder. It takes a second where there may be hardware; that it is not used, though it might be, is logged."""
    if options.encoder == "nvenc" or (options.encoder == "auto" and platform.machine() == "aarch64"):
        trouble = trial()
        if not trouble:
            log.info("video is encoded by the device's own encoder")
            return HardwareEncoder(options)
        if options.encoder == "nvenc":
            log.warning("video is encoded by libx264, on the processor: the device's own encoder cannot be used: %s", trouble)
        else:
            log.info("video is encoded by libx264, on the processor: %s", trouble)
    return x264(options)


def x264(options: RecordOptions) -> MakeEncoder:
    """libx264 as the options want it."""

    def make(container: OutputContainer, size: Size) -> Encoder:
        from edge.sinks.recorder_x264 import X264Encoder

        return X264Encoder(container, size, crf=options.crf, preset=options.preset)

    return make


class HardwareEncoder:
    """Makes the device's encoder for each segment, and libx264 once `_PATIENCE` of them have failed. `element`: another than a Jetson's, for tests."""

    def __init__(self, options: RecordOptions, element: GstreamerElement | None = None) -> None:
        self._options, self._element = options, element
        self._made = count()
        self._failed: set[int] = set()

    def __call__(self, container: OutputContainer, size: Size) -> Encoder:
        from edge.sinks.recorder_gstreamer import NVENC, GstreamerEncoder

        if len(self._failed) >= _PATIENCE:
            return x264(self._options)(container, size)
        number = next(self._made)
        return GstreamerEncoder(
            container,
            size,
            crf=self._options.crf,
            element=self._element or NVENC,
            on_failure=lambda why: self._fail(number, why),
        )

    def _fail(self, number: int, why: str) -> None:
        before = len(self._failed)
        self._failed.add(number)  # it may say so again when its segment is ended
        if before < len(self._failed) == _PATIENCE:
            log.warning("video is encoded by libx264, on the processor, until the next start: %s", why)


def trial(element: str = "") -> str:
    """Why the hardware encoder cannot be used; '' when it can. `element`: another one's ``name launch`` line, for tests."""
    command = [sys.executable, "-m", "edge.sinks.recorder_choice", *([element] if element else [])]
    try:
        child = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=_TRIAL_S, check=False)
    except subprocess.TimeoutExpired:
        return f"it did not encode {_TRIAL_PICTURES} pictures in {_TRIAL_S:.0f} s"
    if child.returncode == 0:
        return ""
    lines = child.stderr.strip().splitlines()
    return lines[-1] if child.returncode == 1 and lines else f"its process ended with {child.returncode}"


def attempt(element: GstreamerElement) -> str:
    """Encode some pictures in this process; what is wrong with what came of it, '' when it is right."""
    import io

    import av
    import numpy as np

    from edge.errors import RecorderError
    from edge.sinks.recorder_gstreamer import GstreamerEncoder
    from edge.sinks.recorder_segment import TICKS

    size = Size(640, 360)
    try:
        with av.open(io.BytesIO(), "w", format="mp4", options={"movflags": "frag_keyframe+empty_moov"}) as container:
            encoder = GstreamerEncoder(container, size, crf=26, element=element)
            packets = []
            try:
                for number in range(_TRIAL_PICTURES):
                    picture = np.full((size.height, size.width, 3), number * 12, np.uint8)
                    packets += encoder.encode(picture, number * TICKS // 30, key=number in _TRIAL_KEYS)
                packets += encoder.finish()
                for packet in packets:
                    container.mux(packet)
            finally:
                encoder.close()
    except (RecorderError, av.error.FFmpegError) as error:
        return str(error)
    keys = sum(packet.is_keyframe for packet in packets)
    if len(packets) != _TRIAL_PICTURES or keys < len(_TRIAL_KEYS):
        return (
            f"{element.name} made {len(packets)} packets and {keys} key frames of {_TRIAL_PICTURES} pictures, of which {len(_TRIAL_KEYS)}"
            " were to be key frames: its video would not survive a kill"
        )
    return ""


if __name__ == "__main__":
    from edge.sinks.recorder_gstreamer import NVENC, GstreamerElement

    trouble = attempt(GstreamerElement(*sys.argv[1].split(" ", 1)) if sys.argv[1:] else NVENC)
    sys.stderr.write(trouble + "\n")
    sys.exit(1 if trouble else 0)
