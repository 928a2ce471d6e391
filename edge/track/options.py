"""What a user says about following people from frame to frame, and what of it cannot be meant. No following happens here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_ULTRALYTICS_KEYS = (
    "tracker_type",
    "track_high_thresh",
    "track_low_thresh",
    "new_track_thresh",
    "track_buffer",
    "match_thresh",
    "fuse_score",
)


@dataclass(frozen=True, slots=True)
class TrackOptions:
    """How detections become tracks. Scores and overlaps are in 0..1, times in seconds of frame time."""

    high_score: float = 0.25
    """Detections of at least this score are matched first, and only these can begin a track."""
    low_score: float = 0.1
    """Detections between this and `high_score` keep a track alive that is in sight; below it they are noise."""
    new_score: float = 0.3
    """The least score with which a track begins."""
    new_iou: float = 0.5
    """The most overlap with a box that another track has just taken with which a track begins; 1 is any."""
    min_iou: float = 0.1
    """Least overlap (times score, if `fuse_score`) of a confirmed track with a high detection."""
    min_iou_low: float = 0.5
    """Least overlap of a confirmed track in sight with a low detection."""
    min_iou_young: float = 0.3
    """Least overlap (times score, if `fuse_score`) of an unconfirmed track with a high detection."""
    fuse_score: bool = True
    """Weigh overlaps with high detections by their score."""
    reach: float = 1.0
    """How far beyond its box, in box sizes on each side, an unconfirmed track also looks for a detection nothing else wants; 0 is off."""
    reach_score: float = 0.4
    """The least score of a detection found in that way."""
    confirm_s: float = 0.2
    """A track is confirmed at a later sight that comes at least this long after its first; until then a missed frame ends it."""
    confirm_first_frame: bool = False
    """Tracks of the very first frame are confirmed at once."""
    lost_s: float = 2.0
    """A confirmed track out of sight ends with the first frame that comes later than this after its last sight and does not find it."""
    stitch_s: float = 0.0
    """A newborn track that is confirmed at most this long after the last sight of a lost one, and where that one would be, goes on under its id;
    0 is off. Ids then end no earlier than this after their last sight."""
    hidden_feet_s: float = 0.5
    """A box cut off above its feet is completed to the height foreseen for it until this long after it was last seen whole; 0 is off."""
    duplicate_iou: float = 0.85
    """Of a track in sight and a lost one that overlap more than this, the one with the shorter life ends."""
    predict_young: bool = True
    """Let the motion model also carry unconfirmed tracks; without, their second sight teaches them no velocity."""
    sure_score: float = 0.8
    """From this score on a box counts as exactly placed; one of less is believed less, its variance grows with 1 - score. 0 believes all alike."""
    position_noise: float = 1 / 80
    """By how much a box strays from steady motion in 1/30 s (standard deviation), in box heights."""
    velocity_noise: float = 1 / 320
    """By how much the velocity, in box heights per 1/30 s, changes in 1/30 s (standard deviation)."""

    def __post_init__(self) -> None:
        for name in (
            "high_score",
            "low_score",
            "new_score",
            "min_iou",
            "min_iou_low",
            "min_iou_young",
            "new_iou",
            "reach_score",
            "duplicate_iou",
        ):
            value = getattr(self, name)
            if not 0 <= value <= 1:
                raise ValueError(f"{name} must be between 0 and 1, here it is {value}")
        if self.low_score > self.high_score:
            raise ValueError(f"low_score ({self.low_score}) must not be above high_score ({self.high_score})")
        if not 0 <= self.sure_score < 1:
            raise ValueError(f"sure_score must be at least 0 and less than 1, here it is {self.sure_score}")
        for name in ("confirm_s", "reach", "stitch_s", "hidden_feet_s", "position_noise", "velocity_noise"):
            value = getattr(self, name)
            if not 0 <= value < float("inf"):
                raise ValueError(f"{name} must be 0 or more, here it is {value}")
        if not 0 < self.lost_s < float("inf"):
            raise ValueError(f"lost_s must be more than 0 seconds, here it is {self.lost_s}")

    @classmethod
    def ultralytics(cls, *, track_buffer: float = 30, **changes: Any) -> TrackOptions:
        """The behaviour of Ultralytics' tracker with its own bytetrack.yaml, for stamps 1/30 s apart; `track_buffer` is in its frames."""
        return cls(
            **{
                "high_score": 0.25,
                "low_score": 0.1,
                "new_score": 0.25,
                "new_iou": 1.0,
                "min_iou": 0.2,
                "min_iou_low": 0.5,
                "min_iou_young": 0.3,
                "fuse_score": True,
                "confirm_s": 0.0,
                "confirm_first_frame": True,
                "lost_s": (track_buffer + 1.5) / 30,  # their lists keep what is removed one frame longer; half a frame against rounding
                "duplicate_iou": 0.85,
                "predict_young": False,
                "reach": 0.0,
                "hidden_feet_s": 0.0,
                "sure_score": 0.0,
                "position_noise": 1 / 20,
                "velocity_noise": 1 / 160,
                **changes,
            }
        )

    @classmethod
    def from_ultralytics_yaml(cls, settings: Mapping[str, Any]) -> TrackOptions:
        """The options that a tracker file of Ultralytics means; what is not in it has the value of their bytetrack.yaml.

        Raises ValueError, in one sentence, for another tracker than ByteTrack and for a key that ByteTrack does not have.
        """
        kind = settings.get("tracker_type", "bytetrack")
        if kind != "bytetrack":
            raise ValueError(
                f"tracker_type is {kind!r}; this tracker is ByteTrack, so write `tracker_type: bytetrack` or use bytetrack.yaml"
            )
        unknown = sorted(set(settings) - set(_ULTRALYTICS_KEYS))
        if unknown:
            raise ValueError(f"ByteTrack has no setting {unknown[0]!r}; its settings are {', '.join(_ULTRALYTICS_KEYS)}")
        changes: dict[str, Any] = {}
        for theirs, ours in (("track_high_thresh", "high_score"), ("track_low_thresh", "low_score"), ("new_track_thresh", "new_score")):
            if theirs in settings:
                changes[ours] = float(settings[theirs])
        if "match_thresh" in settings:
            changes["min_iou"] = 1 - float(settings["match_thresh"])
        if "fuse_score" in settings:
            changes["fuse_score"] = bool(settings["fuse_score"])
        return cls.ultralytics(track_buffer=float(settings.get("track_buffer", 30)), **changes)
