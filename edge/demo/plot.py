"""A plot of counts over time from the store, by matplotlib (an extra). The heatmap is not drawn here."""

from __future__ import annotations

from pathlib import Path

from edge.count.tally import Key
from edge.errors import UsageError


def plot_counts(events: list[tuple[float, Key]], path: Path, *, title: str) -> None:
    """Draw each line's and zone's running totals over `events`, (seconds, what was counted), into a PNG."""
    try:
        import matplotlib
    except ImportError:
        raise UsageError("the plot needs matplotlib; install the extra: pip install 'edge-heatmap[demo]'") from None
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(9, 4.2), dpi=110, layout="constrained")
    series: dict[str, tuple[list[float], list[int]]] = {}
    for t_s, key in sorted(events, key=lambda event: event[0]):  # some are known later than others that came after them
        if key.field not in ("in", "out", "entered", "exited"):
            continue
        times, counts = series.setdefault(f"{key.place}: {key.field}", ([0.0], [0]))
        times.append(t_s)
        counts.append(counts[-1] + 1)
    end_s = max((t_s for t_s, _ in events), default=1.0)
    for name, (times, counts) in sorted(series.items()):
        axes.step([*times, end_s], [*counts, counts[-1]], where="post", label=name, linewidth=1.8)
    axes.set(xlabel="seconds", ylabel="people counted", title=title, ylim=(0, None), xlim=(0, end_s))
    axes.grid(alpha=0.25)
    axes.spines[["top", "right"]].set_visible(False)
    if series:
        axes.legend(frameon=False, fontsize=9)
    figure.savefig(path)
    pyplot.close(figure)
