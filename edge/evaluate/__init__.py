"""The product measured on annotated video: tracks, counts, events, heat. Nothing that runs on a device belongs here, and nothing inside knows of it."""

from edge.evaluate.detections import RecordedDetections
from edge.evaluate.report import LineReport, Report
from edge.evaluate.score import evaluate
from edge.evaluate.truth import Truth, TruthLine, load_truth
from edge.evaluate.variants import Means, variants

__all__ = ["LineReport", "Means", "RecordedDetections", "Report", "Truth", "TruthLine", "evaluate", "load_truth", "variants"]
