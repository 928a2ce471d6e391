"""Following: detections of one camera become tracks with identities. Nothing here counts, draws, knows pixels or reads a clock."""

from edge.track.bytetrack import ByteTrack
from edge.track.options import TrackOptions

__all__ = ["ByteTrack", "TrackOptions"]
