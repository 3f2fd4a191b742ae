"""The loss of one answer, and the learning curves of several trainings beside each other."""

from __future__ import annotations

from collections.abc import Mapping

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from cxrlab.plots.style import COVID, GREY, INK, NOT_COVID, SERIES_COLOURS, WIDTH, new_axes


def plot_loss_of_scores(points: Mapping[str, tuple[float, float]], ax: Axes | None = None) -> Axes:
    """Binary cross-entropy over the score, for a positive and for a negative X-ray.

    ``points``: name to (score, loss) of answers about a positive X-ray, marked on its curve.
    """
    ax = new_axes(ax, height=3.4)
    scores = np.linspace(0.01, 0.99, 200)
    ax.plot(scores, -np.log(scores), color=COVID, label="the X-ray is positive")
    ax.plot(scores, -np.log(1 - scores), "--", color=NOT_COVID, label="the X-ray is negative")
    for name, (score, loss) in points.items():
        ax.plot(score, loss, "o", color=INK, markersize=7)
        # Above its point and on white, because the curves pass there.
        ax.annotate(
            f"{name}: {loss:.2f}",
            (score, loss),
            xytext=(0, 24) if 0.25 < score < 0.75 else (0, 30) if score >= 0.75 else (10, 6),
            textcoords="offset points",
            ha="left" if score <= 0.25 else "right" if score >= 0.75 else "center",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )
    ax.set(xlabel="score for COVID-19", ylabel="loss", xlim=(0, 1), ylim=(0, 4.8))
    ax.legend(loc="upper center")
    return ax


def plot_histories(
    histories: Mapping[str, pd.DataFrame],
    quantity: str = "loss",
    guess: float | None = None,
    columns: int = 3,
) -> np.ndarray:
    """The learning curves of several trainings beside each other, on the same axes.

    ``histories``: title to a table with ``epoch``, ``quantity`` and ``val_quantity``.
    ``guess``: what knowing nothing would reach, as a dotted line. Returns the array of Axes.
    """
    rows = -(-len(histories) // columns)
    _, axes = plt.subplots(
        rows,
        columns,
        figsize=(WIDTH, 0.5 + 2.6 * rows),
        sharex=True,
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    for ax, (title, history) in zip(axes.flat, histories.items(), strict=False):
        ax.plot(history["epoch"], history[quantity], "o-", color=INK, ms=4, label="training")
        ax.plot(
            history["epoch"],
            history[f"val_{quantity}"],
            "s--",
            color=SERIES_COLOURS[1],
            ms=4,
            label="validation",
        )
        if guess is not None:
            ax.axhline(guess, color=GREY, linewidth=1.2, linestyle=":", label="knowing nothing")
        ax.set_title(title, fontsize=10, loc="center")
        ax.set_xlabel("epoch")
        ax.set_ylabel("binary cross-entropy" if quantity == "loss" else quantity)
        ax.label_outer()
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes[0, 0].set_ylim(bottom=0)
    # Below the panels: inside one of them it would hide a curve.
    handles, labels = axes[0, 0].get_legend_handles_labels()
    axes[0, 0].figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return axes
