"""Counting over lines and zones: pure rules over sights. Neither totals nor messages are kept here."""

from edge.count.lines import Lines
from edge.count.options import LineOptions, ZoneOptions
from edge.count.zones import Zones

__all__ = ["LineOptions", "Lines", "ZoneOptions", "Zones"]
