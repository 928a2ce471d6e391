"""The file a user writes: what it may say, how it is read, an example of it. It opens nothing and imports no vendor."""

from edge.config.load import load, parse
from edge.config.model import CameraConfig, Config, HeatmapConfig

__all__ = ["CameraConfig", "Config", "HeatmapConfig", "load", "parse"]
