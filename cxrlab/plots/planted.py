"""A shortcut that we planted: what it scores, where it works, and what hiding a place does."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.patches import Rectangle

from cxrlab.plots.style import COVID, GREY, INK, NOT_COVID, WIDTH
from cxrlab.plots.xrays import show_xray

SCORE_MAP = "cividis"  # even in greyscale and for every kind of colour vision
PANELS = {
    "auc": ("low", "high", "ROC AUC"),
    "recall": ("recall_low", "recall_high", "recall at the\nfrozen threshold"),
    "specificity": (
        "specificity_low", "specificity_high", "specificity at the\nfrozen threshold",
    ),
}  # fmt: skip


def plot_planted(table: pd.DataFrame) -> np.ndarray:
    """ROC AUC, recall and specificity with the marker as trained, taken away, moved and swapped.

    ``table``: of :class:`cxrlab.shortcuts.Planted`. A dot with its 95 % interval; the row as
    trained is drawn in another colour and shape. Returns the three Axes.
    """
    names = [_two_lines(name) for name in table["shown"]]
    _, axes = plt.subplots(
        1, len(PANELS), figsize=(WIDTH, 1.5 + 0.5 * len(table)), sharey=True, layout="constrained"
    )
    for ax, (measure, (low, high, label)) in zip(axes, PANELS.items(), strict=True):
        for place, row in enumerate(table.to_dict("records")):
            colour, marker = (COVID, "o") if place == 0 else (NOT_COVID, "D")
            if pd.isna(row[measure]):
                ax.text(0.02, place, "undefined", va="center", fontsize=9, color=GREY)
                continue
            ax.hlines(place, row[low], row[high], color=colour, linewidth=3, alpha=0.6)
            ax.plot(row[measure], place, marker, color=colour, markersize=8, clip_on=False)
            words = f"{row[measure]:.2f}"
            box = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}  # over the line of chance
            ax.text(row[measure], place - 0.2, words, ha="center", va="bottom", bbox=box)
        ax.set(xlim=(-0.13, 1.13), ylim=(len(table) - 0.6, -0.7), xlabel=label)
        ax.set_xticks([0, 0.5, 1], ["0", "0.5", "1"])
        ax.grid(axis="y", visible=False)
    axes[0].axvline(0.5, color=INK, linewidth=1.4, linestyle="--", zorder=1)
    axes[0].annotate("chance", (0.5, -0.72), ha="center", va="bottom", annotation_clip=False)
    axes[0].set_yticks(range(len(table)), names)
    return axes


def plot_marker_positions(
    xray: np.ndarray,
    scores: np.ndarray,
    threshold: float,
    without: float,
    simulated: bool = False,
) -> np.ndarray:
    """The network's score with the marker at each place of a grid, beside the X-ray.

    ``xray``: uint8, drawn on the left; its marker, if any, is as trained. ``scores``: shape
    (rows, columns), from :func:`cxrlab.shortcuts.marker_scores`: a cell stands for its part of
    the image. ``without``: the score without a marker. Scores that reach the threshold are
    printed in bold. Returns the two Axes.
    """
    figure, axes = plt.subplots(1, 2, figsize=(WIDTH, 3.7), layout="constrained")
    show_xray(axes[0], xray, simulated)
    axes[0].set_title("the marker as trained", fontsize=10.5, loc="center")
    grid = axes[1].imshow(scores, cmap=SCORE_MAP, vmin=0, vmax=1)
    for (row, column), score in np.ndenumerate(scores):
        axes[1].text(
            column, row, f"{score:.2f}", ha="center", va="center", fontsize=8.5,
            color="white" if score < 0.55 else INK,
            weight="bold" if score >= threshold else "normal",
        )  # fmt: skip
    axes[1].set(xticks=[], yticks=[])
    axes[1].grid(visible=False)
    axes[1].set_title("score, the marker moved to each place", fontsize=10.5, loc="center")
    axes[1].set_xlabel(
        f"without a marker: {without:.2f}\nbold: called COVID-19, from {threshold:.2f} on",
        fontsize=9.5,
    )
    figure.colorbar(grid, ax=axes[1], shrink=0.7).set_label("score")
    return axes


def plot_hidden_places(
    pictures: Sequence[np.ndarray],
    titles: Sequence[str],
    scores: Sequence[float],
    threshold: float,
    simulated: bool = False,
) -> np.ndarray:
    """X-rays with one place hidden after the other, and the score of each as a bar below.

    ``pictures``: uint8, (height, width) or (height, width, 1); the first is untouched, and its
    score is the line from which the drop of the others is counted. Returns the upper row of Axes,
    then the lower.
    """
    columns = len(pictures)
    tile = WIDTH / columns
    _, axes = plt.subplots(
        2, columns, figsize=(WIDTH, tile + 1.15), squeeze=False, layout="constrained",
        height_ratios=[tile, 0.3],
    )  # fmt: skip
    for place, (upper, lower) in enumerate(axes.T):
        show_xray(upper, pictures[place], simulated)
        upper.set_title(titles[place], fontsize=10, loc="center")
        score = float(scores[place])
        lower.add_patch(Rectangle((0, -0.4), 1, 0.8, facecolor="white", edgecolor=GREY))
        called = score >= threshold
        lower.barh(0, score, height=0.8, color=COVID if called else NOT_COVID, linewidth=0)
        lower.axvline(threshold, color=INK, linewidth=1.6, linestyle="--")
        # Of the numbers as printed, so that they add up for the reader; never "-0.00".
        change = round(score, 2) - round(float(scores[0]), 2) + 0.0
        drop = "" if place == 0 else f" ({change:+.2f})".replace("-", "\N{MINUS SIGN}")
        lower.set(
            xlim=(-0.01, 1.01), ylim=(-0.5, 0.5), yticks=[], xlabel=f"score {score:.2f}{drop}"
        )
        lower.set_xticks([threshold], ["threshold"], fontsize=8.5)
        lower.spines[:].set_visible(False)
        lower.grid(visible=False)
    return axes


def _two_lines(name: str) -> str:
    """A row's name on two lines, broken where it reads best."""
    for place in ("as trained", "to another", "on the healthy"):
        name = name.replace(f" {place}", f"\n{place}")
    return name
