"""What an evaluation found, as values, as JSON and as a table. Nothing is measured here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table


@dataclass(frozen=True, slots=True)
class LineReport:
    """Crossings of one line, as counted and in truth."""

    count_in: int
    count_out: int
    truth_in: int
    truth_out: int


@dataclass(frozen=True, slots=True)
class Report:
    """The product measured on one annotated video."""

    mota: float
    """Of the tracks the pipeline returned at each frame, IoU 0.5; 1 is perfect, below 0 is possible."""
    idf1: float
    """Share of boxes under the right identity, 0 to 1."""
    id_switches: int
    """How often an object changed its track."""
    count_error: float
    """Crossings counted wrong, summed over lines and directions, as a share of the true ones."""
    event_f1: float
    """Of single crossings: line, direction and within 1 s of the true time, 0 to 1."""
    lines: Mapping[str, LineReport]
    heat_correlation: Mapping[str, float]
    """Of the heat with the annotated feet's presence, by the sigma in px of the blur both were given."""
    fps: float
    """Frames a second that came out of the pipeline, reading and detection included."""

    def as_json(self) -> dict[str, Any]:
        """The report as JSON values; its keys are an interface."""
        return {
            "mota": self.mota,
            "idf1": self.idf1,
            "id_switches": self.id_switches,
            "count_error": self.count_error,
            "event_f1": self.event_f1,
            "lines": {
                name: {"in": line.count_in, "out": line.count_out, "truth_in": line.truth_in, "truth_out": line.truth_out}
                for name, line in self.lines.items()
            },
            "heat_correlation": dict(self.heat_correlation),
            "fps": self.fps,
        }

    def tables(self) -> tuple[Table, Table]:
        """The same for a person at a terminal: the scores, and the lines."""
        from rich.table import Table

        scores = Table("measure", "value", "meaning")
        scores.columns[1].justify = "right"
        scores.add_row("MOTA", f"{self.mota:.3f}", "tracks against annotated boxes, 1 is perfect")
        scores.add_row("IDF1", f"{self.idf1:.3f}", "share of boxes under the right identity")
        scores.add_row("id switches", str(self.id_switches), "people who changed their track")
        scores.add_row("count error", f"{self.count_error:.1%}", "crossings counted wrong, of the true ones")
        scores.add_row("event F1", f"{self.event_f1:.3f}", "single crossings, within 1 s")
        for sigma, value in self.heat_correlation.items():
            scores.add_row(f"heat, {sigma} px", f"{value:.3f}", "correlation with the annotated feet, both blurred so")
        scores.add_row("fps", f"{self.fps:.1f}", "frames a second through the pipeline")
        lines = Table("line", "in", "truth", "out", "truth")
        for column in lines.columns[1:]:
            column.justify = "right"
        for name, line in self.lines.items():
            lines.add_row(name, *map(str, (line.count_in, line.truth_in, line.count_out, line.truth_out)))
        return scores, lines
