"""Figures of decisions: people sorted by a test, thresholds, and what chance does to a count."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import ArrayLike
from scipy.stats import binom

from cxrlab.evaluation.metrics import Confusion
from cxrlab.plots.evaluation import METRIC_NAMES, plot_scores
from cxrlab.plots.style import COVID, GREY, INK, NOT_COVID, SERIES_COLOURS, WIDTH, new_axes

# Truth by colour and shape, the call by filling: nothing hangs on colour alone.
_PEOPLE = (  # count, marker, colour, called, words
    ("tp", "s", COVID, True, "ill, found"),
    ("fn", "s", COVID, False, "ill, MISSED"),
    ("fp", "o", NOT_COVID, True, "healthy, false alarm"),
    ("tn", "o", NOT_COVID, False, "healthy, correctly cleared"),
)
_LINES = {  # metric: colour, line
    "recall": (COVID, "-"),
    "specificity": (NOT_COVID, "--"),
    "precision": (SERIES_COLOURS[2], "-."),
    "f1": (INK, ":"),
}


def plot_people(
    counts: Confusion | Mapping[str, Confusion], columns: int = 10, width: float = WIDTH
) -> np.ndarray:
    """One mark per person: squares are ill, circles healthy; filled means called positive.

    ``counts`` is one confusion matrix or several by title, drawn side by side in rows of
    ``columns``. Returns the array of Axes.
    """
    groups = {"": counts} if isinstance(counts, Confusion) else dict(counts)
    rows = max(-(-group.n // columns) for group in groups.values())
    dpi = plt.rcParams["figure.dpi"]
    # Whole pixels from mark to mark, or marks at unlike fractions of a pixel show as bands.
    pitch = int(min(0.97 * width / len(groups) / columns, 0.3) * dpi)
    across, down, head, foot = pitch * columns, pitch * rows, int(0.3 * dpi), int(1.0 * dpi)
    size = (int(width * dpi), down + head + foot)
    figure = plt.figure(figsize=(size[0] / dpi, size[1] / dpi), layout="none")
    for place, (title, group) in enumerate(groups.items()):
        left = int((place + 0.5) * size[0] / len(groups) - across / 2)
        box = (left / size[0], foot / size[1], across / size[0], down / size[1])
        ax = figure.add_axes(box)
        _draw_people(ax, group, columns, rows, 0.56 * 72 * pitch / dpi)
        ax.set_title(title, loc="center")
    return np.array(figure.axes)


def plot_threshold_choice(table: pd.DataFrame, threshold: float, ax: Axes | None = None) -> Axes:
    """Recall, specificity, precision and F1 at every threshold (``threshold_table``)."""
    ax = new_axes(ax, height=3.8)
    for name, (colour, line) in _LINES.items():
        # Between two thresholds of the table the calls stay as they are: steps, not slopes.
        ax.step(
            table["threshold"],
            table[name],
            where="mid",
            color=colour,
            linestyle=line,
            label=METRIC_NAMES[name],
        )
    ax.axvline(threshold, color=GREY, linewidth=1.5, label=f"chosen: {threshold:.2f}")
    ax.set(xlim=(0, 1), ylim=(-0.02, 1.02), xlabel="threshold", ylabel="on validation")
    handles, names = ax.get_legend_handles_labels()
    ax.figure.legend(handles, names, loc="outside upper left", ncols=5)
    return ax


def plot_resamples(
    draws: ArrayLike, value: float, low: float, high: float, name: str, ax: Axes | None = None
) -> Axes:
    """How a metric scatters over the resamples, its value, and the interval low...high."""
    ax = new_axes(ax, height=3.0)
    draws = np.asarray(draws, dtype=float)
    draws = draws[~np.isnan(draws)]
    span = max(float(draws.max() - draws.min()), 0.02)
    edges = np.linspace(draws.min() - 0.02 * span, draws.min() + 1.02 * span, 24)
    ax.hist(draws, bins=edges, color=SERIES_COLOURS[1], alpha=0.75)
    ax.axvline(value, color=INK, label=f"this test set: {value:.2f}")
    ax.axvspan(low, high, color=GREY, alpha=0.18, label=f"95 % interval: {low:.2f} to {high:.2f}")
    ax.set(xlabel=f"{name} of a resampled test set", ylabel="resamples")
    ax.figure.legend(*ax.get_legend_handles_labels(), loc="outside upper left", ncols=2)
    return ax


def plot_hits(positives: int, recalls: Sequence[float] = (0.93, 0.98)) -> Axes:
    """How likely each number of hits among ``positives`` is, for networks of these true recalls."""
    ax = new_axes(height=3.4)
    looks = zip(recalls, (SERIES_COLOURS[1], COVID), ("", "//"), strict=False)
    hits = np.arange(positives + 1)
    width = 0.8 / len(recalls)
    for place, (recall, colour, hatch) in enumerate(looks):
        ax.bar(
            hits + (place - (len(recalls) - 1) / 2) * width,
            100 * binom.pmf(hits, positives, recall),
            width,
            facecolor=(colour, 0.55),
            edgecolor=colour,
            hatch=hatch,
            label=f"true recall {recall:g}",
        )
    fewest = int(min(binom.ppf(0.001, positives, recall) for recall in recalls))
    ax.set_xlim(fewest - 0.7, positives + 0.7)
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.set(xlabel=f"positive cases found, of {positives}", ylabel="% of test sets")
    ax.grid(visible=False, axis="x")
    ax.legend(loc="upper left")
    return ax


def plot_interval_sizes(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """The intervals of :func:`cxrlab.evaluation.interval_table`, side by side for each ``n``."""
    ax = new_axes(ax, height=3.4)
    sizes = sorted(table["n"].unique())
    shares = sorted(table["share"].unique())
    looks = zip(shares, (SERIES_COLOURS[1], COVID), ("o", "s"), strict=False)
    for place, (share, colour, marker) in enumerate(looks):
        rows = table[table["share"] == share].set_index("n").loc[sizes]
        ax.errorbar(
            np.arange(len(sizes)) + 0.2 * (place - (len(shares) - 1) / 2),
            rows["share"],
            yerr=[rows["share"] - rows["low"], rows["high"] - rows["share"]],
            fmt=marker,
            color=colour,
            capsize=4,
            markersize=6,
            label=f"a recall of {share:g}",
        )
    ax.set_xticks(range(len(sizes)), [f"{n:,}" for n in sizes])
    ax.set(xlabel="positive cases in the test set", ylabel="recall and its 95 % interval")
    ax.set_ylim(top=1.005)
    ax.grid(visible=False, axis="x")
    ax.legend(loc="lower right")
    return ax


def plot_threshold_and_prevalence(
    labels: ArrayLike, scores: ArrayLike, table: pd.DataFrame, chosen: float
) -> np.ndarray:
    """What the widget of notebook 04 shows, for a few thresholds and prevalences at once.

    ``table`` has ``threshold`` (three at the most), ``prevalence``, and the precision there as
    ``value``, ``low``, ``high`` (NaN where undefined). Returns the two Axes.
    """
    shape = {"width_ratios": [1, 1.35]}
    _, axes = plt.subplots(1, 2, figsize=(WIDTH, 3.9), layout="constrained", gridspec_kw=shape)
    plot_scores(labels, scores, ax=axes[0])
    axes[0].get_legend().remove()
    axes[0].set(xlabel="score", title="scores (hatched: COVID-19)")
    prevalences = sorted(table["prevalence"].unique(), reverse=True)
    colours = (SERIES_COLOURS[1], INK, SERIES_COLOURS[2])
    looks = list(zip(colours, ("o", "s", "D"), (":", "-", "--"), strict=True))
    for place, (threshold, rows) in enumerate(table.groupby("threshold")):
        colour, marker, line = looks[place]
        axes[0].axvline(threshold, color=colour, linestyle=line)
        rows = rows.set_index("prevalence").loc[prevalences]
        axes[1].errorbar(
            np.arange(len(prevalences)) + 0.2 * (place - 1),
            rows["value"],
            yerr=[rows["value"] - rows["low"], rows["high"] - rows["value"]],
            fmt=marker,
            color=colour,
            capsize=3,
            label=f"{threshold:.2f}" + (" (chosen)" if threshold == chosen else ""),
        )
    axes[1].set_xticks(range(len(prevalences)), [f"{100 * p:g} %" for p in prevalences])
    axes[1].set(ylim=(-0.02, 1.02), xlabel="prevalence", ylabel="precision and its range")
    axes[1].grid(visible=False, axis="x")
    axes[1].figure.legend(
        *axes[1].get_legend_handles_labels(),
        loc="outside lower center",
        ncols=3,
        title="threshold (dotted, solid, dashed line on the left)",
    )
    return axes


def _draw_people(ax: Axes, counts: Confusion, columns: int, rows: int, size: float) -> None:
    """The marks row by row, the ill first, and a legend below with the four counts."""
    start = 0
    for name, marker, colour, called, words in _PEOPLE:
        count = getattr(counts, name)
        places = np.arange(start, start + count)
        ax.plot(
            places % columns,
            -(places // columns),
            linestyle="none",
            marker=marker,
            markersize=size,
            color=colour,
            markerfacecolor=colour if called else "white",
            markeredgewidth=max(0.8, size / 9),
            label=f"{count:,} {words}",
        )
        start += count
    ax.set(xlim=(-0.5, columns - 0.5), ylim=(0.5 - rows, 0.5))
    ax.axis("off")
    legend = ax.legend(
        loc="upper center",
        bbox_to_anchor=(0.5, 0.0),
        ncols=1 if columns <= 10 else 2,
        fontsize=10,
    )
    for handle in legend.legend_handles:
        handle.set_markersize(8)
