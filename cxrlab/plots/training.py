"""Learning curves, and where the parameters sit."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from cxrlab.plots.style import GREY, INK, SERIES_COLOURS, WIDTH, new_axes


def plot_history(history: pd.DataFrame, best_epoch: int | None = None) -> np.ndarray:
    """Loss and accuracy over the epochs, training solid and validation dashed.

    ``history`` has ``epoch``, ``loss``, ``val_loss``, ``accuracy`` and ``val_accuracy``.
    ``best_epoch`` is marked: its weights are kept. Returns the two Axes.
    """
    _, axes = plt.subplots(1, 2, figsize=(WIDTH, 3.0), layout="constrained")
    for ax, name in zip(axes, ("loss", "accuracy"), strict=True):
        ax.plot(history["epoch"], history[name], "o-", color=INK, label="training")
        ax.plot(
            history["epoch"],
            history[f"val_{name}"],
            "s--",
            color=SERIES_COLOURS[1],
            label="validation",
        )
        if best_epoch is not None:
            ax.axvline(best_epoch, color=GREY, linewidth=1, linestyle=":", label="kept")
        ax.set_xlabel("epoch")
        ax.set_ylabel("binary cross-entropy" if name == "loss" else "accuracy")
        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes[0].set_ylim(bottom=0)
    axes[1].set_ylim(top=1.02)
    axes[1].legend()
    return axes


def plot_parameters(layers: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Parameters a layer (from ``layer_table``), on a logarithmic scale with counts and shares."""
    ax = new_axes(ax, height=2.6)
    learning = layers[layers["parameters"] > 0].iloc[::-1]
    bars = ax.barh(learning["layer"], learning["parameters"], color=SERIES_COLOURS[1])
    ax.bar_label(
        bars,
        [
            f" {count:,} ({share:.1%})"
            for count, share in zip(learning["parameters"], learning["share"], strict=True)
        ],
    )
    ax.set_xscale("log")
    ax.set_xlim(10, 3e8)
    ax.set_xlabel("parameters (logarithmic)")
    ax.grid(axis="y", visible=False)
    return ax
