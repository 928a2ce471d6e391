"""The synthetic camera as a source of frames. What is in them is the scene's and the renderer's."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Iterator
from types import TracebackType

from edge.data import Frame, HostPixels, Stamp
from edge.errors import SourceError
from edge.ports import SourceFacts
from edge.sources.synthetic.options import PlazaOptions
from edge.sources.synthetic.render import Renderer
from edge.sources.synthetic.scene import Scene

log = logging.getLogger(__name__)


class SyntheticSource:
    """Frames of the plaza, the source port. Frame `i` is the scene at ``i / fps`` seconds, whether or not those before it were read.

    With `realtime` frames come when they are due, and those that nobody was ready for are skipped. Their `t_ns` is the scene's own time in
    both cases, so the truth of a span is the same; that is why it never calls itself live: its timeline is that of a file.
    """

    def __init__(self, options: PlazaOptions, camera: str, *, start_index: int = 0, realtime: bool = False) -> None:
        if start_index < 0:
            raise ValueError(f"start_index is {start_index}, it must be 0 or more")
        self.scene = Scene(options)
        self._camera, self._start, self._realtime = camera, start_index, realtime
        self._frames = None if options.seconds is None else math.ceil(round(options.seconds * options.fps, 6))
        self._renderer: Renderer | None = None

    @property
    def facts(self) -> SourceFacts:
        options = self.scene.options
        return SourceFacts(options.size, options.fps, live=False, frames=self._frames, key=options.uri)

    def __enter__(self) -> SyntheticSource:
        self._renderer = Renderer(self.scene)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._renderer = None

    def __iter__(self) -> Iterator[Frame]:
        begun_s, index = time.monotonic(), self._start
        while self._frames is None or index < self._frames:
            if self._realtime:
                index = self._wait(begun_s, index)
                if self._frames is not None and index >= self._frames:
                    return
            yield self._frame(index)
            index += 1

    def _wait(self, begun_s: float, index: int) -> int:
        """Sleep until the frame `index` is due; where it is long past, the index of the one that is due now."""
        fps = self.scene.options.fps
        late_s = time.monotonic() - begun_s - (index - self._start) / fps
        if late_s < 0:
            time.sleep(-late_s)
        skipped = max(0, int(late_s * fps))
        if skipped:
            log.debug("%s: %d frames skipped, nobody was ready for them", self._camera, skipped)
        return index + skipped

    def _frame(self, index: int) -> Frame:
        if self._renderer is None:
            raise SourceError(f"camera {self._camera}: the synthetic camera is not open; read it inside its with block")
        options = self.scene.options
        stamp = Stamp(self._camera, index, round(index * 1e9 / options.fps), options.size)
        return Frame(stamp, HostPixels(self._renderer.paint(stamp.t_ns / 1e9)))
