"""What a tracker file of Ultralytics means here: the one room that reads it. Tracking itself is `edge.track`."""

from __future__ import annotations

import difflib
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edge.errors import UsageError
from edge.track import TrackOptions

log = logging.getLogger(__name__)

_NAMES = ("bytetrack.yaml", "botsort.yaml")
_BOTSORT_ONLY = ("gmc_method", "proximity_thresh", "appearance_thresh", "with_reid", "model")
_BOTSORT_SENTENCE = "%s asks for BoT-SORT; this tracker is ByteTrack, which follows by boxes alone, and it goes on with that"


def track_options(tracker: str | Path) -> TrackOptions:
    """The options of a tracker file. A file that is there is read as ByteTrack's settings; `bytetrack.yaml` where there is none means ours.

    BoT-SORT is answered with a warning and ByteTrack. UsageError: the file is not there, or says what cannot be meant.
    """
    if not isinstance(tracker, (str, Path)):
        raise UsageError(f"tracker is {tracker!r}; it must be bytetrack.yaml, or the path of a tracker file")
    path = Path(tracker)
    if not path.is_file():
        if str(tracker) not in _NAMES:
            near = difflib.get_close_matches(str(tracker), _NAMES, n=1)
            hint = f"did you mean {near[0]}?" if near else "give the path of one, or bytetrack.yaml"
            raise UsageError(f"there is no tracker file {tracker}; {hint}")
        if str(tracker) == "botsort.yaml":
            log.warning(_BOTSORT_SENTENCE, tracker)
        return TrackOptions()
    settings = _read(path)
    if settings.get("tracker_type") == "botsort":
        log.warning(_BOTSORT_SENTENCE, tracker)
        settings = {key: value for key, value in settings.items() if key not in _BOTSORT_ONLY} | {"tracker_type": "bytetrack"}
    try:
        return TrackOptions.from_ultralytics_yaml(settings)
    except (TypeError, ValueError) as wrong:
        raise UsageError(f"tracker file {path}: {wrong}") from None


def _read(path: Path) -> Mapping[str, Any]:
    import yaml

    try:
        settings = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UsageError(f"tracker file {path} cannot be read as YAML: {' '.join(str(error).split())}") from error
    if not isinstance(settings, Mapping):
        raise UsageError(f"tracker file {path} is no mapping of settings; it should begin with tracker_type: bytetrack")
    return settings
