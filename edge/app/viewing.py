"""Who looks at a device's cameras at this moment, joined to the pictures they paint and the numbers they count. Windows and pages are sinks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from edge.app.archive import Seen
from edge.config import CameraConfig, Config
from edge.count.tally import Key, crossings_of, occupancy_of
from edge.runtime import CameraLoop, Device, HealthMeter
from edge.runtime.looking import LivePicture
from edge.store import Store

if TYPE_CHECKING:
    from edge.sinks.view import ViewPage
    from edge.sinks.view_page import CameraNow

WINDOW_FPS = 30.0
"""As many pictures as a window shows of a camera in a second."""


def live_pictures(config: Config, max_fps: float) -> dict[str, LivePicture]:
    """A picture a camera, for one way of looking at them."""
    return {name: LivePicture(max_fps=max_fps) for name in config.cameras}


def view_page(
    config: Config, *, store: Store, device: Device, seen: Mapping[str, Seen], health: HealthMeter, pictures: Mapping[str, LivePicture]
) -> ViewPage:
    """The page of `config.view`, not entered yet."""
    from edge.sinks.view import ViewPage, Watched

    assert config.view is not None
    kept = {name: store.totals(name) for name in config.cameras}  # what stands there until a camera gives its first frame

    def watched(loop: CameraLoop) -> Watched:
        name = loop.name

        def now() -> CameraNow:
            # The camera's thread counts on meanwhile; a dict is copied in one go.
            totals: Mapping[Key, int] = dict(seen[name].totals) if name in seen else kept[name]
            return _now(loop, config.cameras[name], totals, health)

        return Watched(pictures[name], now)

    return ViewPage(config.view, config.device, {loop.name: watched(loop) for loop in device.cameras})


def _now(loop: CameraLoop, camera: CameraConfig, totals: Mapping[Key, int], health: HealthMeter) -> CameraNow:
    from edge.sinks.view_page import CameraNow

    state, measured = loop.state.now, health.latest
    return CameraNow(
        state=state.name,
        why=state.why,
        fps=None if measured is None else measured.cameras[loop.name].fps_processed,
        lines={line: crossings_of(totals, line) for line in camera.lines},
        zones={zone: occupancy_of(totals, zone) for zone in camera.zones},
    )
