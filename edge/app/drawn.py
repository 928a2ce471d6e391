"""What size of picture a camera's lines and zones were drawn in, and whether they suit it. How a picture of another size is scaled is the pipeline's."""

from __future__ import annotations

import hashlib
import logging

from edge.config import CameraConfig
from edge.config.model import check_inside
from edge.data import Size
from edge.errors import DiskFull, UsageError
from edge.store import Store

log = logging.getLogger(__name__)


def drawn_in(camera: str, config: CameraConfig, store: Store, size: Size, *, live: bool) -> Size:
    """The configuration's `reference`, else the size that the camera had when these lines and zones were new, else `size`, its size now.

    A camera that comes back smaller, after an update or a reset of its own, must neither move its lines nor end the device. UsageError: a line
    or zone has a point outside.
    """
    places = [
        f"{kind} {name} {one.digest}" for kind, some in (("line", config.lines), ("zone", config.zones)) for name, one in some.items()
    ]
    digest = hashlib.sha256(f"{config.source} {sorted(places)} {config.ignore}".encode()).hexdigest()[:16]
    remembered = live and config.reference is None
    known = store.drawn_in(camera, digest) if remembered else None
    reference = Size(*config.reference) if config.reference else known or size
    try:
        check_inside(config, reference)
    except ValueError as error:
        raise UsageError(f"camera {camera!r}: {error}") from None
    if known is not None and known != size:
        log.warning("%s: it gives pictures of %s, its lines and zones were drawn in %s, and stay where they were", camera, size, known)
    if remembered and known is None:
        try:
            store.keep_drawn_in(camera, digest, size)
        except DiskFull as error:
            log.error("%s: that its lines are drawn in %s is not kept: %s", camera, size, error)
    return reference


def warn_of_little_room(camera: str, config: CameraConfig, reference: Size) -> None:
    """A line along the picture's edge has a side on which nobody can be seen clearly."""
    least = config.band * reference.height / 4  # the band of a person a quarter of the picture high
    for name, line in config.lines.items():
        (x1, y1), (x2, y2) = line.start, line.end
        corners = [(0, 0), (reference.width, 0), (0, reference.height), (reference.width, reference.height)]
        across = [((x2 - x1) * (y - y1) - (y2 - y1) * (x - x1)) / line.length_px for x, y in corners]
        room = min(max(across), -min(across))
        if room < least:
            log.warning(
                "%s: line %r has only %.0f px of picture on one side; people who cross there may not be counted", camera, name, room
            )
