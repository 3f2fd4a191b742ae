"""The figure of notebook 07: predictive values in two hospitals."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from cxrlab.plots.style import COVID, NOT_COVID, WIDTH

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
