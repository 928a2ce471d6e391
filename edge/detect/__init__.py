"""What stands before and behind a YOLO network: letterbox geometry and the reading of its head. Arrays only; no network runs here."""

from edge.detect.head import HeadLayout, head_layout, read_head
from edge.detect.letterbox import Letterbox
from edge.detect.names import class_ids
from edge.detect.options import DetectOptions

__all__ = ["DetectOptions", "HeadLayout", "Letterbox", "class_ids", "head_layout", "read_head"]
