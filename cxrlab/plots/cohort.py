"""Who and what is in a data set: the classes face to face, and pictures that look the same."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from cxrlab.plots.style import CLASS_NAMES, COVID, GREY, INK, NOT_COVID, WIDTH, new_axes
from cxrlab.plots.xrays import show_xray

HEADINGS = {"age": "age (years)"}


def plot_makeup(tables: dict[str, pd.DataFrame]) -> Axes:
    """The two classes face to face, one row a value, for each table of ``makeup``.

    ``tables``: name to counts of X-rays, a row a value, columns 0 (to the left) and 1 (right).
    """
    rows = sum(len(table) + 1 for table in tables.values())
    ax = new_axes(height=0.31 * rows + 1.1)
    longest = max(int(table.to_numpy().max()) for table in tables.values())
    names, places, y = [], [], 0.0
    for title, table in tables.items():
        ax.text(
            -1.62 * longest, y, HEADINGS.get(title, title), weight="bold", va="center", fontsize=11
        )
        for value, left, right in zip(table.index, table[0], table[1], strict=True):
            y -= 1
            names.append(value)
            places.append(y)
            _wing(ax, y, -int(left), NOT_COVID)
            _wing(ax, y, int(right), COVID)
        y -= 1.15
    ax.axvline(0, color=INK, linewidth=1)
    ax.set_yticks(places, names)
    ax.set_ylim(y + 0.6, 0.7)
    ax.set_xlim(-1.2 * longest, 1.2 * longest)
    ax.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{abs(x):.0f}"))
    ax.set_xlabel("X-rays")
    ax.spines["left"].set_visible(False)
    ax.grid(axis="y", visible=False)
    for side, label, colour in ((-1, 0, NOT_COVID), (1, 1, COVID)):
        ax.set_title(
            CLASS_NAMES[label], loc="left" if side < 0 else "right", color=colour, weight="bold"
        )
    return ax


def plot_pairs(
    pairs: Sequence[tuple[np.ndarray, np.ndarray]],
    titles: Sequence[str],
    captions: Sequence[tuple[str, str]],
    simulated: bool = False,
) -> np.ndarray:
    """Pairs of X-rays (uint8, any size) that look alike, a row a pair.

    ``titles``: a line above each pair; ``captions``: one below each of its two images. Without
    any pair the figure says so. Returns the array of Axes.
    """
    shown = max(len(pairs), 1)
    _, axes = plt.subplots(
        shown, 2, figsize=(WIDTH, 3.7 * shown), squeeze=False, layout="constrained"
    )
    axes[0, 0].figure.get_layout_engine().set(h_pad=0.04, hspace=0.09)
    for ax in axes.flat:
        ax.axis("off")
    if not pairs:
        axes[0, 0].set_title("No two pictures look the same here.", loc="left")
    for row, pair, title, words in zip(axes, pairs, titles, captions, strict=False):
        row[0].set_title(title, fontsize=11, loc="left")
        for ax, image, caption in zip(row, pair, words, strict=True):
            show_xray(ax, image, simulated)
            ax.text(
                *(0.5, -0.03),
                caption,
                transform=ax.transAxes,
                ha="center",
                va="top",
                fontsize=9,
                color=INK,
            )
    return axes


def _wing(ax: Axes, y: float, count: int, colour: str) -> None:
    ax.barh(y, count, height=0.72, color=colour)
    ax.annotate(
        str(abs(count)),
        (count, y),
        xytext=(-4 if colour == NOT_COVID else 4, 0),
        textcoords="offset points",
        ha="right" if colour == NOT_COVID else "left",
        va="center",
        fontsize=9,
        color=INK if count else GREY,
    )
