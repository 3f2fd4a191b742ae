"""Figures of an evaluation. They take results and return Axes; they compute no metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes

from cxrlab.evaluation.metrics import METRICS
from cxrlab.evaluation.report import Report
from cxrlab.plots.style import COVID, GREY, SERIES_COLOURS, SERIES_MARKERS, new_axes

METRIC_NAMES = {
    "accuracy": "accuracy",
    "precision": "precision",
    "recall": "recall",
    "specificity": "specificity",
    "f1": "F1",
    "roc_auc": "ROC AUC",
    "average_precision": "average precision",
}


def plot_intervals(
    reports: Report | Mapping[str, Report],
    published: Mapping[str, Mapping[str, float]] | None = None,
    metrics: Sequence[str] = METRICS,
    ax: Axes | None = None,
) -> Axes:
    """Every metric as a dot with its 95 % interval as a whisker.

    ``reports`` is one report or several by name (four at the most); ``published`` holds
    values without an interval by name, such as :data:`cxrlab.evaluation.PUBLISHED`.
    """
    single = isinstance(reports, Report)
    reports = {"this test set": reports} if single else reports
    published = published or {}
    rows = len(reports) + len(published)
    ax = new_axes(ax, height=1.2 + len(metrics) * max(0.38, 0.17 * rows + 0.1))
    offsets = np.linspace(-0.3, 0.3, rows) if rows > 1 else [0.0]
    positions = np.arange(len(metrics))

    looks = zip(reports.items(), SERIES_COLOURS, SERIES_MARKERS, offsets, strict=False)
    for (name, report), colour, marker, offset in looks:
        estimates = [report[metric] for metric in metrics]
        _dots_and_whiskers(ax, estimates, positions + offset, colour, marker, name)
        if single:
            _write_values(ax, estimates, positions)
    for (name, values), offset, filled in zip(
        published.items(), offsets[len(reports) :], (False, True), strict=False
    ):
        known = [i for i, metric in enumerate(metrics) if metric in values]
        ax.plot(
            [values[metrics[i]] for i in known],
            positions[known] + offset,
            linestyle="none",
            marker="*",
            markersize=11,
            color=COVID,
            markerfacecolor=COVID if filled else "white",
            label=name,
        )

    for edge in positions[:-1] + 0.5:
        ax.axhline(edge, color=GREY, linewidth=0.4)
    ax.set_yticks(positions, [METRIC_NAMES.get(m, m) for m in metrics])
    ax.set(xlim=(-0.02, 1.02), ylim=(len(metrics) - 0.5, -0.5), xlabel="value and 95 % interval")
    ax.grid(False, axis="y")
    if rows > 1:
        # Matplotlib lists dots with whiskers last; keep the order in which the rows are drawn.
        by_name = dict(zip(*reversed(ax.get_legend_handles_labels()), strict=True))
        names = [*reports, *published]
        _legend_above(ax, [by_name[n] for n in names], names, ncols=2)
    return ax


def _dots_and_whiskers(ax, estimates, positions, colour, marker, name) -> None:
    """One series; an undefined metric gets the word instead of a dot."""
    defined = [(e, y) for e, y in zip(estimates, positions, strict=True) if e.value is not None]
    values = [e.value for e, _ in defined]
    whiskers = [[e.value - e.low for e, _ in defined], [e.high - e.value for e, _ in defined]]
    ax.errorbar(
        values,
        [y for _, y in defined],
        xerr=whiskers if values else None,
        fmt=marker,
        color=colour,
        markersize=7,
        linewidth=2,
        capsize=4,
        label=name,
    )
    for estimate, y in zip(estimates, positions, strict=True):
        if estimate.value is None:
            ax.text(0.01, y, "undefined", va="center", color=colour)


def _write_values(ax, estimates, positions) -> None:
    """The numbers themselves, to the right of the frame."""
    for estimate, y in zip(estimates, positions, strict=True):
        if estimate.value is not None:
            words = f"{estimate.value:.2f}  ({estimate.low:.2f} to {estimate.high:.2f})"
            ax.annotate(words, (1.02, y), xycoords=("axes fraction", "data"), va="center")


def _legend_above(ax: Axes, handles: list, names: list[str], ncols: int) -> None:
    """Above the axes, where it hides nothing; inside them when they share their figure."""
    if len(ax.figure.axes) == 1:
        ax.figure.legend(handles, names, loc="outside upper left", ncols=ncols)
    else:
        ax.legend(handles, names)
