"""What stands before and behind a YOLO network: letterbox geometry and the reading of its head. Arrays only; no network runs here."""

from edge.detect.head import Candidates, HeadLayout, best_of, head_layout, read_head
from edge.detect.letterbox import Letterbox, least_network
from edge.detect.names import class_ids
from edge.detect.options import DetectOptions

__all__ = ["Candidates", "DetectOptions", "HeadLayout", "Letterbox", "best_of", "class_ids", "head_layout", "least_network", "read_head"]
