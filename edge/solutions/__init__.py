"""The faces that Ultralytics' solutions have, over this package's own pipeline. Nothing is tracked, counted, warmed or painted by rules of its own here.

Importing it loads no vendor library; a Heatmap that is made does.
"""

from edge.solutions.heatmap import Heatmap, SolutionResults

__all__ = ["Heatmap", "SolutionResults"]
