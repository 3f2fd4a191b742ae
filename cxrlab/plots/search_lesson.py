"""Figures around the search: the space as a grid, the luck of the winner, and other seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, NullLocator, ScalarFormatter

from cxrlab.plots.evaluation import METRIC_NAMES
from cxrlab.plots.style import COVID, GREY, INK, PALE, SERIES_COLOURS, WIDTH, new_axes

_BLUE = SERIES_COLOURS[1]


def plot_space_grid(space: Mapping[str, Sequence[float]]) -> np.ndarray:
    """A space of three settings as numbered cells: a panel for each choice of the first.

    Rows are the choices of the second setting, columns those of the third. Returns the panels.
    """
    panel, rows, columns = space
    figure, axes = plt.subplots(
        1, len(space[panel]), figsize=(WIDTH, 2.9), squeeze=False, layout="constrained"
    )
    cells = len(space[rows]) * len(space[columns])
    for number, (ax, choice) in enumerate(zip(axes.flat, space[panel], strict=True)):
        for cell in range(cells):
            row, column = divmod(cell, len(space[columns]))
            text = str(number * cells + cell + 1)
            ax.add_patch(plt.Rectangle((column, row), 1, 1, facecolor="#EEF3F8", edgecolor=_BLUE))
            ax.text(column + 0.5, row + 0.5, text, ha="center", va="center", fontsize=11)
        ax.set(xlim=(0, len(space[columns])), ylim=(len(space[rows]), 0))
        ax.set_xticks(np.arange(len(space[columns])) + 0.5, [f"{c:g}" for c in space[columns]])
        ax.set_yticks(np.arange(len(space[rows])) + 0.5, [f"{c:g}" for c in space[rows]])
        ax.set_title(f"{panel.replace('_', ' ')} {choice:g}")
        ax.set_xlabel(columns.replace("_", " "))
        ax.grid(False)
        ax.tick_params(length=0)
        for spine in ax.spines.values():
            spine.set_visible(False)
    axes.flat[0].set_ylabel(rows.replace("_", " "))
    return axes


def plot_winners_luck(
    expected: Mapping[str, Sequence[float]],
    candidates: Sequence[int],
    truth: float,
    chosen: int | None = None,
    ax: Axes | None = None,
) -> Axes:
    """What the best of many equally good models shows on validation, against the truth.

    ``expected`` has a line's name and its values, one for each number of ``candidates``;
    ``chosen`` marks the number of trials of this run.
    """
    ax = new_axes(ax, height=3.4)
    looks = zip(expected.items(), (COVID, _BLUE), ("-", "--"), ("o", "s"), strict=False)
    for (name, values), colour, style, marker in looks:
        ax.plot(candidates, values, style, color=colour, marker=marker, markersize=5, label=name)
    name = f"the truth, and the mean on a test set: {truth:.2f}"
    ax.axhline(truth, color=INK, linestyle=":", label=name)
    if chosen:
        ax.axvline(chosen, color=GREY, linewidth=1)
        note = ax.annotate(
            "this run",
            (chosen, 0.93),
            xycoords=("data", "axes fraction"),
            xytext=(4, 0),
            textcoords="offset points",
            color=GREY,
        )
        note.set_in_layout(False)
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(FixedLocator(list(candidates)))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(ScalarFormatter())
    ax.set_xlabel("models to choose from, all equally good (log scale)")
    ax.set_ylabel("winner's mean recall\non validation")
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0))
    return ax


def plot_seeds(
    seeds: pd.DataFrame,
    before: Mapping[str, float | None],
    metrics: Sequence[str] = ("recall", "specificity", "f1"),
    ax: Axes | None = None,
) -> Axes:
    """One row a metric: the same settings from several seeds, beside the network before tuning.

    ``seeds`` has a column a metric (0...1) and a row a seed; ``before`` a value a metric.
    Undefined values are left out.
    """
    ax = new_axes(ax, height=0.9 + 0.7 * len(metrics))
    for row, metric in enumerate(metrics):
        values = pd.to_numeric(seeds[metric], errors="coerce").dropna().sort_values().to_numpy()
        first = row == 0
        if values.size:
            ax.hlines(row, values.min(), values.max(), color=PALE, linewidth=9, zorder=1)
        # Equal values are set apart in height, or two seeds would look like one.
        ties = np.array([np.sum(values[:place] == value) for place, value in enumerate(values)])
        heights = row + 0.13 * ties
        label = "after tuning, one dot a seed" if first else None
        ax.plot(values, heights, "o", color=_BLUE, markersize=8, label=label)
        if before.get(metric) is not None:
            label = "before tuning, one seed" if first else None
            ax.plot(before[metric], row - 0.22, "D", color=COVID, markersize=8, label=label)
    ax.set_yticks(range(len(metrics)), [METRIC_NAMES.get(metric, metric) for metric in metrics])
    ax.set_ylim(len(metrics) - 0.5, -0.6)
    shown = [*seeds[list(metrics)].to_numpy(dtype=float).ravel(), *map(before.get, metrics)]
    lowest = min((value for value in shown if value is not None and value == value), default=0)
    # The axis begins a tenth below the lowest dot: from 0 on, small differences would vanish.
    ax.set_xlim(max(-0.02, lowest - 0.1), 1.02)
    ax.set_xlabel("value on the test set")
    ax.grid(axis="y", visible=False)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=2)
    return ax
