"""Figures of an evaluation. They take results and return Axes; they compute no metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from numpy.typing import ArrayLike

from cxrlab.evaluation.metrics import METRICS, Confusion
from cxrlab.evaluation.report import Report
from cxrlab.plots.style import (
    CLASS_COLOURS,
    CLASS_NAMES,
    COVID,
    GREY,
    INK,
    NOT_COVID,
    SERIES_COLOURS,
    SERIES_MARKERS,
    new_axes,
)

METRIC_NAMES = {
    "accuracy": "accuracy",
    "precision": "precision",
    "recall": "recall",
    "specificity": "specificity",
    "f1": "F1",
    "roc_auc": "ROC AUC",
    "average_precision": "average precision",
}


def plot_confusion(counts: Confusion | Report, ax: Axes | None = None) -> Axes:
    """The confusion matrix: cases in each cell, and the share of the cell's row."""
    counts = counts.confusion if isinstance(counts, Report) else counts
    ax = new_axes(ax, 5.4, 3.8)
    found, spared = counts.recall, counts.specificity
    cells = [
        [("true negatives", counts.tn, spared), ("false positives", counts.fp, _rest(spared))],
        [("false negatives", counts.fn, _rest(found)), ("true positives", counts.tp, found)],
    ]
    words = [[f"{n:,}\n{_percent(share)}\n{name}" for name, n, share in row] for row in cells]
    shades = LinearSegmentedColormap.from_list("shades", ["#F4F6F8", NOT_COVID])
    sns.heatmap(
        np.array([[share or 0 for _, _, share in row] for row in cells]),
        annot=np.array(words),
        fmt="",
        cmap=shades,
        vmin=0,
        vmax=1,
        cbar=False,
        linewidths=3,
        linecolor="white",
        annot_kws={"fontsize": 12},
        ax=ax,
    )
    ax.set_xticklabels([f"called\n{name}" for name in CLASS_NAMES])
    ax.set_yticklabels(
        [f"truly {name}\n({n:,} cases)" for name, n in _class_sizes(counts)], rotation=0
    )
    ax.set(xlabel="", ylabel="")
    ax.tick_params(length=0)
    return ax


def plot_precision_recall(
    curve: pd.DataFrame, report: Report | None = None, ax: Axes | None = None
) -> Axes:
    """The curve of :func:`cxrlab.evaluation.precision_recall_curve`.

    With a ``report``, also its threshold, and the precision of calling everybody positive.
    """
    ax = new_axes(ax, 5.4, 4.2)
    # A recall between those of two thresholds takes the laxer one: steps, not slopes.
    ax.step(curve["recall"], curve["precision"], where="post", color=INK)
    if report is not None:
        ax.axhline(report.prevalence, color=GREY, linestyle=":", label="calling all positive")
        _mark_threshold(ax, report, report["recall"].value, report["precision"].value)
    return _square(ax, "recall", "precision", "lower left")


def plot_roc(curve: pd.DataFrame, report: Report | None = None, ax: Axes | None = None) -> Axes:
    """The curve of :func:`cxrlab.evaluation.roc_curve`; with a ``report``, also its threshold."""
    ax = new_axes(ax, 5.4, 4.2)
    ax.plot(curve["false_positive_rate"], curve["recall"], color=INK)
    ax.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="tossing a coin")
    if report is not None:
        _mark_threshold(ax, report, _rest(report["specificity"].value), report["recall"].value)
    return _square(ax, "false positive rate (1 - specificity)", "recall", "lower right")


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


def plot_scores(
    labels: ArrayLike, scores: ArrayLike, threshold: float | None = None, ax: Axes | None = None
) -> Axes:
    """How the scores of both classes are distributed, with the threshold between the calls."""
    ax = new_axes(ax, height=3.8)
    labels, scores = np.ravel(labels), np.ravel(scores)
    looks = zip((0, 1), CLASS_COLOURS, CLASS_NAMES, ("", "//"), strict=True)
    for label, colour, name, hatch in looks:
        chosen = scores[labels == label]
        ax.hist(
            chosen,
            bins=np.linspace(0, 1, 26),
            histtype="stepfilled",
            facecolor=(colour, 0.25),
            edgecolor=colour,
            hatch=hatch,
            linewidth=1.8,
            label=f"{name} ({chosen.size:,})",
        )
    if threshold is not None:
        ax.axvline(threshold, color=INK, linestyle="--", label=f"threshold {threshold:.2f}")
    ax.set(xlim=(0, 1), xlabel="score: 0 not COVID-19 ... 1 COVID-19", ylabel="cases")
    _legend_above(ax, *ax.get_legend_handles_labels(), ncols=3)
    return ax


def plot_precision_by_prevalence(
    curve: pd.DataFrame, report: Report | None = None, ax: Axes | None = None
) -> Axes:
    """The precision of one test among ever rarer disease (:func:`prevalence_curve`).

    With a ``report``, its own prevalence and precision are marked.
    """
    ax = new_axes(ax, height=3.8)
    ax.plot(curve["prevalence"], curve["precision"], color=INK)
    if report is not None and report["precision"].value is not None:
        ax.plot(
            report.prevalence,
            report["precision"].value,
            marker="o",
            markersize=9,
            color=COVID,
            linestyle="none",
            label=f"this test set: {100 * report.prevalence:.0f} % positive, "
            f"precision {report['precision'].value:.2f}",
        )
        ax.legend(loc="upper left")
    ax.set_xscale("log")
    ax.xaxis.set_major_locator(FixedLocator([0.001, 0.01, 0.1, 0.5, 1]))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g} %"))
    ax.set(
        ylim=(0, 1.02),
        xlabel="prevalence: share of the people tested who have COVID-19 (log scale)",
        ylabel="precision",
    )
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


def _mark_threshold(ax: Axes, report: Report, x: float | None, y: float | None) -> None:
    """A dot where the report's threshold lies, if both coordinates are defined."""
    if x is not None and y is not None:
        label = f"threshold {report.threshold:.2f}"
        ax.plot(x, y, marker="o", markersize=10, color=COVID, linestyle="none", label=label)


def _legend_above(ax: Axes, handles: list, names: list[str], ncols: int) -> None:
    """Above the axes, where it hides nothing; inside them when they share their figure."""
    if len(ax.figure.axes) == 1:
        ax.figure.legend(handles, names, loc="outside upper left", ncols=ncols)
    else:
        ax.legend(handles, names)


def _square(ax: Axes, x: str, y: str, corner: str) -> Axes:
    ax.set(xlim=(-0.02, 1.02), ylim=(-0.02, 1.02), xlabel=x, ylabel=y, aspect="equal")
    if ax.get_legend_handles_labels()[0]:
        ax.legend(loc=corner)
    return ax


def _class_sizes(counts: Confusion) -> zip:
    return zip(CLASS_NAMES, (counts.tn + counts.fp, counts.fn + counts.tp), strict=True)


def _rest(share: float | None) -> float | None:
    return None if share is None else 1 - share


def _percent(share: float | None) -> str:
    return "no cases" if share is None else f"{100 * share:.0f} % of the row"
