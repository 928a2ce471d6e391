"""The composition root: a configuration becomes running parts, opened in one ExitStack and closed in reverse. No rule is decided here."""

from edge.app.model import open_detector
from edge.app.running import Running, RunOptions, running

__all__ = ["RunOptions", "Running", "open_detector", "running"]
