"""Values with their intervals, one row per question: the figure of notebooks 06 and 07."""

from __future__ import annotations

import pandas as pd

from cxrlab.plots.alt_text import show
from cxrlab.plots.style import COVID, INK, NOT_COVID, SERIES_COLOURS, SERIES_MARKERS, WIDTH

COLOURS = (NOT_COVID, COVID, *SERIES_COLOURS[2:], INK)


def plot_intervals(
    table: pd.DataFrame, label: str, chance: float | None = None, ours: str = ""
) -> None:
    """Show each :class:`cxrlab.metrics.Estimate` of a table as a dot with its 95 % interval.

    A row of the figure per row of the table, a colour and a marker per column. ``label`` names
    what is measured, ``chance`` draws a line. ``ours`` says in the text alternative what else the
    figure shows. Undefined values and NaN leave a gap.

    Example: ``plots.plot_intervals(table, "ROC AUC", chance=0.5)``.
    """
    import matplotlib.pyplot as plt

    columns = list(table.columns)
    step = min(0.22, 0.7 / max(len(columns), 1))
    height = 1.1 + len(table) * max(0.38, 0.26 * len(columns))
    _, ax = plt.subplots(figsize=(WIDTH, height), layout="constrained")
    said = []
    for number, column in enumerate(columns):
        colour = COLOURS[number % len(COLOURS)]
        marker = (*SERIES_MARKERS, "v")[number % 5]
        drawn = False
        for place, (row, found) in enumerate(table[column].items()):
            if getattr(found, "value", None) is None:
                continue
            at = place + (number - (len(columns) - 1) / 2) * step
            if found.low is not None:
                ax.hlines(at, found.low, found.high, color=colour, linewidth=3, alpha=0.55)
            name = None if drawn else str(column)
            ax.plot(found.value, at, marker, color=colour, markersize=7, clip_on=False, label=name)
            drawn = True
            words = " ".join(str(row).split())
            of = f"{words}, {column}" if len(columns) > 1 else words
            said.append(f"{of}: {found:.2f}")
    if chance is not None:
        ax.axvline(chance, color=INK, linewidth=1.3, linestyle="--", zorder=1)
        ax.annotate(
            "chance", (chance, 1), xycoords=("data", "axes fraction"), ha="center", va="bottom"
        )
    ax.set_yticks(range(len(table)), [str(row) for row in table.index])
    ax.set(xlim=(-0.03, 1.03), ylim=(len(table) - 0.45, -0.55), xlabel=label)
    ax.grid(axis="y", visible=False)
    if len(columns) > 1:
        ax.figure.legend(loc="outside lower center", ncols=min(len(columns), 4))
    show(ax, f"{label}, dots with 95 % intervals. {'; '.join(said)}. {ours}")
