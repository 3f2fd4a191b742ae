"""Figures of another hospital: calibration, decision curve, subgroups, internal and external."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter
from numpy.typing import ArrayLike

from cxrlab.errors import CXRLabError
from cxrlab.plots.style import (
    CLASS_COLOURS,
    CLASS_NAMES,
    COVID,
    GREY,
    INK,
    NOT_COVID,
    PALE,
    SERIES_COLOURS,
    SERIES_MARKERS,
    WIDTH,
    new_axes,
)

if TYPE_CHECKING:
    from cxrlab.evaluation.calibration import CalibrationError
    from cxrlab.evaluation.report import Report

COMPARED = ("recall", "specificity", "precision", "accuracy", "roc_auc")
_SHARES = (("recall", COVID, "s"), ("specificity", NOT_COVID, "o"))

# Metrics whose names in a figure differ from those in the code.
METRIC_NAMES = {"f1": "F1", "roc_auc": "ROC AUC", "average_precision": "average precision"}


def plot_calibration(
    curve: pd.DataFrame,
    labels: ArrayLike,
    scores: ArrayLike,
    error: CalibrationError | None = None,
) -> np.ndarray:
    """The observed share of positives against the mean score, above a histogram of the scores.

    ``curve`` is from :func:`cxrlab.evaluation.calibration_curve`, made from these ``labels`` and
    ``scores``; the ``error`` is written above. Returns the two Axes.
    """
    figure, axes = plt.subplots(
        2,
        1,
        figsize=(WIDTH * 0.75, 5.4),
        sharex=True,
        layout="constrained",
        gridspec_kw={"height_ratios": [3, 1]},
    )
    top, bottom = axes
    top.plot([0, 1], [0, 1], color=GREY, linestyle=":", label="perfectly calibrated")
    top.errorbar(
        curve["mean_score"],
        curve["observed"],
        yerr=[curve["observed"] - curve["low"], curve["high"] - curve["observed"]],
        fmt="o-",
        color=INK,
        capsize=3,
        linewidth=1.5,
        markersize=6,
        label=f"{len(curve)} bins of {_span(curve['cases'])} X-rays, 95 % intervals",
    )
    top.set(xlim=(-0.02, 1.02), ylim=(-0.03, 1.03), ylabel="share that has COVID-19")
    if error is not None:
        top.set_title(_error_words(error), fontsize=10)
    labels, scores = np.ravel(labels), np.ravel(scores)
    for label, hatch in ((0, ""), (1, "//")):
        bottom.hist(
            scores[labels == label],
            bins=np.linspace(0, 1, 21),
            histtype="stepfilled",
            facecolor=(CLASS_COLOURS[label], 0.25),
            edgecolor=CLASS_COLOURS[label],
            hatch=hatch,
            linewidth=1.5,
            label=CLASS_NAMES[label],
        )
    bottom.set(xlabel="score: 0 not COVID-19 ... 1 COVID-19", ylabel="X-rays")
    handles, names = [sum(both, []) for both in zip(*_legends(axes), strict=True)]
    figure.legend(handles, names, loc="outside upper left", ncols=2, fontsize=9.5)
    return axes


def plot_decision_curve(
    curve: pd.DataFrame, most: float = 0.99, name: str = "network", ax: Axes | None = None
) -> Axes:
    """The net benefit of ``name`` beside treating all and none (``decision_curve``).

    ``most`` is the highest threshold shown. What lies further below zero than the best lies above
    it is cut off: there acting does more harm than good.
    """
    ax = new_axes(ax, height=4.0)
    curve = curve[curve["threshold"] <= most]
    ax.fill_between(
        curve["threshold"], curve["low"], curve["high"], color=COVID, alpha=0.18, linewidth=0
    )
    ax.plot(curve["threshold"], curve["net_benefit"], color=COVID, label=f"{name}, 95 % interval")
    ax.plot(
        curve["threshold"], curve["treat_all"], color=NOT_COVID, linestyle="--", label="treat all"
    )
    ax.plot(curve["threshold"], curve["treat_none"], color=INK, linestyle=":", label="treat none")
    shown = curve[["net_benefit", "high", "treat_all"]].to_numpy()
    top = max(float(np.nanmax(shown)), 0.01)
    bottom = max(-top, min(-0.3 * top, float(curve["net_benefit"].min())))
    ax.set(
        xlim=(0, min(1.0, most + 0.01)),
        ylim=(bottom, 1.1 * top),
        xlabel="threshold: the risk of COVID-19 from which one would act",
        ylabel="net benefit\n(true positives a person)",
    )
    ax.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:.0f} %"))
    _legend_above(ax, 3)
    return ax


def plot_subgroups(table: pd.DataFrame) -> np.ndarray:
    """Recall and specificity of each group, with its counts (:func:`subgroup_table`).

    The dashed lines are the values of all cases together. Where the table is silent the figure
    says why. Returns the two Axes.
    """
    rows = table.reset_index(drop=True)
    # A gap before each new kind of group.
    kinds = (rows["by"] != rows["by"].shift()).cumsum() - 1
    places = np.arange(len(rows)) + 0.6 * kinds.to_numpy()
    figure, axes = plt.subplots(
        1, 2, figsize=(WIDTH, 1.2 + 0.33 * places[-1]), sharey=True, layout="constrained"
    )
    for ax, (name, colour, marker) in zip(axes, _SHARES, strict=True):
        count = "positives" if name == "recall" else "negatives"
        known = rows[name].notna().to_numpy()
        _whiskers(ax, rows[known], name, places[known], colour, marker)
        if known[0]:
            ax.axvline(rows[name].iloc[0], color=colour, linestyle="--", linewidth=1)
        for place, (_, row) in zip(places, rows.iterrows(), strict=True):
            if row[f"{name}_note"]:
                ax.text(0.02, place, row[f"{name}_note"], va="center", color=GREY, style="italic")
            ax.annotate(
                f"{row[count]:,}",
                (1.17, place),
                xycoords=("axes fraction", "data"),
                va="center",
                ha="right",
                fontsize=9.5,
            )
        ax.set(xlim=(-0.02, 1.02), xticks=[0, 0.5, 1], xlabel=f"{name} and 95 % interval")
        ax.set_title(f"n ({count})", loc="right", fontsize=9.5, x=1.17)
        ax.grid(False, axis="y")
    names = [_group_name(row) for row in rows.itertuples()]
    axes[0].set_yticks(places, names)
    axes[0].set_ylim(places[-1] + 0.7, -0.7)
    return axes


def plot_internal_external(
    internal: Report,
    external: Report | Mapping[str, Report],
    metrics: Sequence[str] = COMPARED,
    ax: Axes | None = None,
) -> Axes:
    """From the own test set to another hospital, metric by metric, at the same threshold.

    A line leads from the hollow dot (internal) to each filled one (external; three by name at
    the most), with 95 % intervals. Where a metric is undefined stands the word.
    Raises :class:`CXRLabError` for more than three.
    """
    external = dict(external) if isinstance(external, Mapping) else {"external": external}
    if len(external) > 3:
        raise CXRLabError(f"{len(external)} other hospitals crowd one figure. Give three at most.")
    rows = 1 + len(external)
    ax = new_axes(ax, height=1.3 + len(metrics) * (0.32 + 0.2 * rows))
    positions = np.arange(len(metrics))
    offsets = np.linspace(-0.28, 0.28, rows)
    _series(ax, internal, metrics, positions + offsets[0], GREY, "o", "own test set", hollow=True)
    looks = zip(external.items(), SERIES_COLOURS[1:], SERIES_MARKERS[1:], offsets[1:], strict=False)
    for (name, report), colour, marker, offset in looks:
        _series(ax, report, metrics, positions + offset, colour, marker, name)
        for metric, y in zip(metrics, positions, strict=True):
            ends = internal[metric].value, report[metric].value
            if None not in ends:
                ax.plot(
                    ends, [y + offsets[0], y + offset], color=colour, linewidth=1, linestyle=":"
                )
    for edge in positions[:-1] + 0.5:
        ax.axhline(edge, color=PALE, linewidth=0.7)
    ax.set_yticks(positions, [METRIC_NAMES.get(metric, metric) for metric in metrics])
    ax.set(xlim=(-0.02, 1.02), ylim=(len(metrics) - 0.5, -0.5), xlabel="value and 95 % interval")
    ax.grid(False, axis="y")
    _legend_above(ax, 2)
    return ax


def _series(ax, report, metrics, places, colour, marker, name, hollow=False) -> None:
    """One report; the word instead of a dot where a metric is undefined."""
    values = [(report[metric], place) for metric, place in zip(metrics, places, strict=True)]
    known = [(e, place) for e, place in values if e.value is not None]
    ax.errorbar(
        [e.value for e, _ in known],
        [place for _, place in known],
        xerr=np.array([[e.value - e.low, e.high - e.value] for e, _ in known]).reshape(-1, 2).T,
        fmt=marker,
        color=colour,
        markerfacecolor="white" if hollow else colour,
        markersize=7,
        linewidth=2,
        capsize=4,
        label=f"{name} ({report.n:,} X-rays)",
    )
    for estimate, place in values:
        if estimate.value is None:
            ax.text(0.01, place, "undefined", va="center", color=colour, fontsize=9.5)


def _whiskers(ax, rows, name, places, colour, marker) -> None:
    ax.errorbar(
        rows[name],
        places,
        xerr=[rows[name] - rows[f"{name}_low"], rows[f"{name}_high"] - rows[name]],
        fmt=marker,
        color=colour,
        capsize=3,
        markersize=6,
        linewidth=1.8,
    )


def _group_name(row) -> str:
    """``sex: F``, but the first row's name alone; long names on two lines."""
    if row.by == "all":
        return row.group
    name = f"{row.by}: {row.group}"
    return name if len(name) <= 24 else f"{row.by}:\n{row.group}"


def _error_words(error: CalibrationError) -> str:
    found = error.debiased
    interval = "" if found.low is None else f" ({found.low:.2f} to {found.high:.2f})"
    return (
        f"calibration error {found.value:.2f}{interval}\n"
        f"uncorrected {error.plug_in:.2f}, by chance alone {error.by_chance:.2f}"
    )


def _span(counts: pd.Series) -> str:
    low, high = int(counts.min()), int(counts.max())
    return f"{low}" if low == high else f"{low} to {high}"


def _legends(axes) -> list:
    return [ax.get_legend_handles_labels() for ax in axes]


def _legend_above(ax: Axes, ncols: int) -> None:
    """Above the axes, where it hides nothing; inside them when they share their figure."""
    if len(ax.figure.axes) == 1:
        handles, names = ax.get_legend_handles_labels()
        ax.figure.legend(handles, names, loc="outside upper left", ncols=ncols)
    else:
        ax.legend()
