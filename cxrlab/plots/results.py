"""What a test does to people, one mark each, and values with their intervals, one row each."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cxrlab.metrics import Confusion, Estimate
from cxrlab.plots.style import COVID, INK, NOT_COVID, SERIES_COLOURS, SERIES_MARKERS, WIDTH, show

# Truth by colour and shape, the call by filling: nothing hangs on colour alone.
PEOPLE = (  # count, marker, colour, filling, words
    ("tp", "s", COVID, COVID, "ill, found"),
    ("fn", "s", COVID, "white", "ill, MISSED"),
    ("fp", "o", NOT_COVID, NOT_COVID, "healthy, false alarm"),
    ("tn", "o", NOT_COVID, "white", "healthy, correctly cleared"),
)


def plot_people(counts: Confusion | Mapping[str, Confusion], columns: int = 10) -> None:
    """Show one mark per person: squares are ill, circles healthy; filled means called positive.

    ``counts`` is one confusion matrix or several by title, drawn side by side in rows of
    ``columns``.
    """
    groups = dict(counts) if isinstance(counts, Mapping) else {"": counts}
    rows = max(-(-group.n // columns) for group in groups.values())
    dpi = plt.rcParams["figure.dpi"]
    # Whole pixels from mark to mark, or marks at unlike fractions of a pixel show as bands.
    pitch = int(min(0.97 * WIDTH / len(groups) / columns, 0.3) * dpi)
    width, height, foot = int(WIDTH * dpi), pitch * rows + int(1.3 * dpi), int(1.0 * dpi)
    figure = plt.figure(figsize=(width / dpi, height / dpi), layout="none")
    said = []
    for place, (title, group) in enumerate(groups.items()):
        left = int((place + 0.5) * width / len(groups) - pitch * columns / 2)
        box = left / width, foot / height, pitch * columns / width, pitch * rows / height
        ax = figure.add_axes(box, xlim=(-0.5, columns - 0.5), ylim=(0.5 - rows, 0.5))
        ax.set_title(title, loc="center")
        words = _draw_people(ax, group, columns, 0.56 * 72 * pitch / dpi)
        said.append(f"{title}: {words}" if title else words)
    n = sum(group.n for group in groups.values())
    show(figure, f"{n:,} people as marks, filled when called positive. {'. '.join(said)}.")


def _draw_people(ax: Axes, counts: Confusion, columns: int, size: float) -> str:
    """The marks row by row, the ill first, and a legend below; the four counts in words."""
    start, said = 0, []
    for name, marker, colour, filling, words in PEOPLE:
        count = getattr(counts, name)
        places = np.arange(start, start + count)
        look = {
            "markersize": size,
            "markerfacecolor": filling,
            "markeredgewidth": max(0.8, size / 9),
        }
        said.append(f"{count:,} {words}")
        x, y = places % columns, -(places // columns)
        ax.plot(x, y, marker, color=colour, label=said[-1], **look)
        start += count
    ax.axis("off")
    across = 1 if columns <= 10 else 2
    legend = ax.legend(loc="upper center", bbox_to_anchor=(0.5, 0.0), ncols=across, fontsize=10)
    for handle in legend.legend_handles:
        handle.set_markersize(8)
    return "; ".join(said)


def plot_intervals(table: pd.DataFrame, label: str, chance: float | None = None) -> None:
    """Show each :class:`cxrlab.metrics.Estimate` of a table as a dot with its 95 % interval.

    A row of the figure per row of the table, a colour and a marker per column. ``label`` names
    what is measured, ``chance`` draws a line. Undefined values and NaN leave a gap.

    Example: ``plots.plot_intervals(table, "ROC AUC", chance=0.5)``.
    """
    count = len(table.columns)
    step = min(0.22, 0.7 / max(count, 1))
    height = 1.1 + len(table) * max(0.38, 0.26 * count)
    _, ax = plt.subplots(figsize=(WIDTH, height), layout="constrained")
    said = []
    for number, column in enumerate(table):
        defined = {row: each for row, each in enumerate(table[column]) if _is_number(each, "value")}
        for row, each in defined.items():
            words = " ".join(str(table.index[row]).split())
            whole = _is_number(each, "low") and _is_number(each, "high")
            shown = each if whole else Estimate(each.value)
            said.append(f"{words}, {column}: {shown}" if count > 1 else f"{words}: {shown}")
        if not defined:
            continue
        found = np.array([[each.value, each.low, each.high] for each in defined.values()], float)
        value, low, high = found.T
        ax.errorbar(
            value,
            [row + (number - (count - 1) / 2) * step for row in defined],
            xerr=[value - low, high - value],
            fmt=SERIES_MARKERS[number % 5],
            color=SERIES_COLOURS[number % 5],
            markersize=7,
            elinewidth=3,
            label=str(column),
            clip_on=False,
        )
    if chance is not None:
        ax.axvline(chance, color=INK, linewidth=1.3, linestyle="--", zorder=1)
        ax.text(chance, 1, "chance", transform=ax.get_xaxis_transform(), ha="center", va="bottom")
    ax.set_yticks(range(len(table)), [str(row) for row in table.index])
    ax.set(xlim=(-0.03, 1.03), ylim=(len(table) - 0.45, -0.55), xlabel=label)
    ax.grid(axis="y", visible=False)
    if count > 1 and said:
        ax.figure.legend(loc="outside lower center", ncols=min(count, 4))
    show(ax, f"{label}, dots with 95 % intervals. {'; '.join(said) or 'Nothing is defined'}.")


def _is_number(estimate: object, name: str) -> bool:
    """Whether this part of an estimate is defined: neither ``None`` nor NaN."""
    return pd.notna(getattr(estimate, name, None))
