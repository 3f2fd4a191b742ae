"""What a search tried, and what its settings have to do with its scores."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from cxrlab.plots.style import COVID, GREY, INK, SERIES_COLOURS, WIDTH, new_axes

_AXIS_NAMES = {
    "val_loss": "validation loss",
    "recall_at_specificity": "validation recall at a specificity of 0.9",
}


def plot_search_progress(
    leaderboard: pd.DataFrame, objective: str = "val_loss", ax: Axes | None = None
) -> Axes:
    """Each trial's score in the order of the trials, and the best one so far as a line."""
    ax = new_axes(ax, height=3.0)
    board = leaderboard.sort_values("trial")
    best = board[objective].cummin() if objective == "val_loss" else board[objective].cummax()
    ax.plot(board["trial"], board[objective], "o", color=SERIES_COLOURS[1], label="trial")
    ax.step(board["trial"], best, where="post", color=INK, label="best so far")
    ax.set_xlabel("trial")
    ax.set_ylabel(_AXIS_NAMES[objective])
    ax.xaxis.get_major_locator().set_params(integer=True)
    ax.legend()
    return ax


def plot_search_settings(
    leaderboard: pd.DataFrame, names: list[str], objective: str = "val_loss"
) -> np.ndarray:
    """The score against each searched setting, one panel a setting; dots are trials."""
    columns = min(3, len(names))
    rows = -(-len(names) // columns)
    _, axes = plt.subplots(
        rows, columns, figsize=(WIDTH, 2.4 * rows), sharey=True, squeeze=False, layout="constrained"
    )
    for ax in axes.flat[len(names) :]:
        ax.axis("off")
    for ax, name in zip(axes.flat, names, strict=False):
        order = [f"{choice:g}" for choice in sorted(leaderboard[name].unique())]
        sns.stripplot(
            x=leaderboard[name].map("{:g}".format),
            y=leaderboard[objective],
            order=order,
            color=SERIES_COLOURS[1],
            jitter=False,  # chance would make the figure differ from run to run
            size=7,
            alpha=0.8,
            ax=ax,
        )
        ax.set_xlabel(name.replace("_", " "))
        ax.set_ylabel("")
    for ax in axes[:, 0]:
        ax.set_ylabel(_AXIS_NAMES[objective])
    return axes


def plot_parallel(
    leaderboard: pd.DataFrame, names: list[str], objective: str = "val_loss", ax: Axes | None = None
) -> Axes:
    """Parallel coordinates: a line a trial through its settings; the best trial stands out."""
    ax = new_axes(ax, height=3.4)
    choices = {name: sorted(leaderboard[name].unique()) for name in names}
    places = range(len(names))
    for _, trial in leaderboard.iloc[::-1].iterrows():
        heights = [_height(trial[name], choices[name]) for name in names]
        best = trial["rank"] == 1
        # Lines that share a choice would hide each other; a small offset a trial keeps them apart.
        offset = 0.012 * (trial["rank"] - 1 - len(leaderboard) / 2) if not best else 0
        ax.plot(
            places,
            np.array(heights) + offset,
            color=COVID if best else GREY,
            linewidth=3 if best else 1.2,
            alpha=1 if best else 0.55,
            zorder=3 if best else 2,
            label=f"best trial ({_AXIS_NAMES[objective]} {trial[objective]:.3f})" if best else None,
        )
    for place, name in zip(places, names, strict=True):
        for choice in choices[name]:
            ax.text(
                place + 0.04, _height(choice, choices[name]), f"{choice:g}", va="center", zorder=4
            )
    ax.set_xticks(list(places), [name.replace("_", " ") for name in names])
    ax.set_xlim(-0.1, len(names) - 0.6)
    ax.set_yticks([])
    ax.grid(axis="y", visible=False)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0))
    return ax


def _height(choice: float, choices: list[float]) -> float:
    """Where a choice stands on its axis: evenly spaced, whatever the numbers."""
    return choices.index(choice) / max(len(choices) - 1, 1)
