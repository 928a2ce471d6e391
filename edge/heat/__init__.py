"""Heat: where people were, for how long, in presence-seconds. Grids, their windows and their views as numbers; no pictures, no files."""

from edge.heat.colors import COLORMAPS, colormap_number, colormap_table
from edge.heat.floor import FloorOptions, on_floor
from edge.heat.grid import HeatGrid, grid_size
from edge.heat.options import HeatOptions
from edge.heat.scale import Scale, top_of

__all__ = [
    "COLORMAPS",
    "FloorOptions",
    "HeatGrid",
    "HeatOptions",
    "Scale",
    "colormap_number",
    "colormap_table",
    "grid_size",
    "on_floor",
    "top_of",
]
