"""What a user can say about heat. Colours and decay are views: they never touch the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from edge.heat.colors import colormap_number


@dataclass(frozen=True, slots=True)
class HeatOptions:
    """How presence is gathered and how it is shown."""

    cell: int = 8
    """Pixels of the reference picture a grid cell, 2 to 128."""
    footprint: Literal["feet", "box"] = "feet"
    """Where presence goes: the cell under the feet, or spread over the lower third of the box."""
    max_gap_s: float = 1.0
    """A track that was out of sight adds at most this much when it comes back."""
    colormap: str | int = "jet"
    """One of OpenCV's 22 by name or number."""
    alpha: float = 0.6
    """How opaque full heat is, 0 to 1."""
    blur: float = 16.0
    """Sigma of the Gaussian blur of pictures, in pixels of the reference picture; 0 for none."""
    half_life_s: float | None = None
    """After this long the live view has forgotten half; null never forgets. The ledger never does."""
    top_s: float | None = None
    """Presence-seconds a cell that get the last colour; null follows the 98th percentile, slowly."""

    @property
    def kept(self) -> tuple[object, ...]:
        """What the ledger depends on; the rest is a view."""
        return (self.cell, self.footprint, self.max_gap_s)

    def __post_init__(self) -> None:
        colormap_number(self.colormap)
        if self.footprint not in ("feet", "box"):
            raise ValueError(f"footprint is {self.footprint!r}, it must be feet or box")
        if not 2 <= self.cell <= 128:
            raise ValueError(f"cell is {self.cell}, it must be 2 to 128 px")
        if not 0 <= self.alpha <= 1:
            raise ValueError(f"alpha is {self.alpha:g}, it must be 0 to 1")
        if not 0 <= self.blur <= 500:
            raise ValueError(f"blur is {self.blur:g}, it must be 0 to 500 px")
        for name, value in (("max_gap_s", self.max_gap_s), ("half_life_s", self.half_life_s), ("top_s", self.top_s)):
            if value is not None and not 0 < value < float("inf"):
                raise ValueError(f"{name} is {value:g}, it must be greater than 0")
