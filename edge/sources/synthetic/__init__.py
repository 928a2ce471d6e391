"""A synthetic camera: people walk over a plaza, and what happens is known exactly. Real cameras and files are elsewhere.

Nothing here loads OpenCV until a camera is opened, so that scenes and their truth are cheap to ask for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from edge.sources.synthetic.detector import SceneDetector
from edge.sources.synthetic.furniture import Layout, plaza_layout
from edge.sources.synthetic.options import PlazaOptions, parse_uri
from edge.sources.synthetic.scene import People, Scene
from edge.sources.synthetic.truth import Truth, truth

if TYPE_CHECKING:
    from edge.sources.synthetic.source import SyntheticSource

__all__ = [
    "Layout",
    "People",
    "PlazaOptions",
    "Scene",
    "SceneDetector",
    "Truth",
    "open_synthetic",
    "parse_uri",
    "plaza_layout",
    "scene_of",
    "truth",
]


def open_synthetic(uri: str, camera: str, *, start_index: int = 0, realtime: bool = False) -> SyntheticSource:
    """The camera that `uri` describes, from frame `start_index` on; a context manager. UsageError where the URI cannot be meant."""
    from edge.sources.synthetic.source import SyntheticSource

    return SyntheticSource(parse_uri(uri), camera, start_index=start_index, realtime=realtime)


def scene_of(uri: str) -> Scene:
    """The scene behind a camera's `uri`, for its truth and for SceneDetector. UsageError where the URI cannot be meant."""
    return Scene(parse_uri(uri))
