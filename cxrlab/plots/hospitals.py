"""Figures of notebook 07: predictive values in two hospitals, and what more data would bring."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from cxrlab.plots.style import COVID, GREY, INK, NOT_COVID, WIDTH

_LOOKS = ((NOT_COVID, "o", "-"), (COVID, "s", "--"))
_NAMES = {"ppv": "PPV: of those called ill, ill", "npv": "NPV: of those called healthy, healthy"}


def plot_predictive_values(hospitals: Mapping[str, pd.DataFrame]) -> np.ndarray:
    """PPV and NPV against the prevalence, a line for each of two hospitals at the most.

    ``hospitals``: a name and its table from :func:`cxrlab.evaluation.predictive_values`.
    Returns the two Axes.
    """
    figure, axes = plt.subplots(1, 2, figsize=(WIDTH, 3.5), sharey=True, layout="constrained")
    looks = list(zip(hospitals.items(), _LOOKS, strict=False))
    for ax, (column, title) in zip(axes, _NAMES.items(), strict=True):
        for (name, table), (colour, marker, line) in looks:
            table = table[table[column].notna()]
            shares = table["prevalence"]
            low, high = table[f"{column}_low"], table[f"{column}_high"]
            ax.fill_between(shares, low, high, color=colour, alpha=0.14, linewidth=0)
            ax.plot(
                shares, table[column], line, color=colour, marker=marker, markersize=5, label=name
            )
        ax.set_xscale("log")
        ax.xaxis.set_major_locator(FixedLocator([0.001, 0.01, 0.1, 0.5]))
        ax.xaxis.set_minor_locator(NullLocator())
        ax.xaxis.set_major_formatter(FuncFormatter(lambda share, _: f"{100 * share:g} %"))
        ax.set(ylim=(-0.02, 1.03), xlabel="prevalence (log scale)")
        ax.set_title(title, fontsize=10.5)
    axes[0].set_ylabel("share of these calls that is right")
    handles, names = axes[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper left", ncols=2)
    return axes


def plot_two_ways(
    sizes: pd.DataFrame, trials: pd.DataFrame, unit: str = "validation loss"
) -> np.ndarray:
    """More X-rays beside more settings, on one scale (lower is better).

    ``sizes``: ``images`` and ``val_loss``, one row a training of the same settings. ``trials``:
    ``val_loss``, one row a trial of a search on as many X-rays as the largest of ``sizes``.
    Returns the two Axes.
    """
    figure, axes = plt.subplots(
        1,
        2,
        figsize=(WIDTH, 3.6),
        sharey=True,
        layout="constrained",
        gridspec_kw={"width_ratios": [3, 2]},
    )
    left, right = axes
    left.plot(sizes["images"], sizes["val_loss"], "o-", color=NOT_COVID, markersize=7)
    left.set_xscale("log")
    left.xaxis.set_major_locator(FixedLocator(sizes["images"].tolist()))
    left.xaxis.set_minor_locator(NullLocator())
    left.xaxis.set_major_formatter(FuncFormatter(lambda images, _: f"{images:,.0f}"))
    left.margins(x=0.12)
    left.set(xlabel="training X-rays (log scale)", ylabel=f"{unit}, log scale\n(lower is better)")
    left.set_title("same settings, more X-rays", fontsize=10.5)
    places = 1 + np.linspace(-0.16, 0.16, len(trials)) if len(trials) > 1 else np.ones(1)
    right.plot(places, trials["val_loss"], "D", color=COVID, markersize=7)
    right.axhline(sizes["val_loss"].iloc[-1], color=GREY, linestyle=":", linewidth=1.5)
    right.annotate(
        "the last dot on the left",
        (0.52, sizes["val_loss"].iloc[-1]),
        xytext=(0, 3),
        textcoords="offset points",
        color=INK,
        fontsize=9,
    )
    right.set(xlim=(0.5, 1.5), xticks=[], xlabel=f"{len(trials)} trials of the search")
    right.set_title("same X-rays, other settings", fontsize=10.5)
    left.set_yscale("log")  # a trial that failed would press all others together
    left.yaxis.set_major_locator(MaxNLocator(5))  # decades would leave a narrow range without any
    left.yaxis.set_minor_locator(NullLocator())
    left.yaxis.set_major_formatter(FuncFormatter(lambda loss, _: f"{loss:g}"))
    left.margins(y=0.12)
    return axes
