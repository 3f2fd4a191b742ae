"""Disease or data source: what a probe was shown, and what it scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from cxrlab.plots.style import (
    COVID,
    INK,
    PALE,
    SERIES_COLOURS,
    SERIES_MARKERS,
    WIDTH,
    new_axes,
)
from cxrlab.plots.xrays import show_xray

if TYPE_CHECKING:
    from cxrlab.shortcuts import Region

CHANCE = 0.5


def plot_probe_aucs(
    tables: pd.DataFrame | Mapping[str, pd.DataFrame], ax: Axes | None = None
) -> Axes:
    """What each probe scored: a dot with its 95 % interval, against the line of chance.

    ``tables``: what the experiments of :mod:`cxrlab.shortcuts` return, or several of them by
    name, drawn beside each other. A row is what the probe was shown. Undefined scores are left
    out.
    """
    tables = {"": tables} if isinstance(tables, pd.DataFrame) else dict(tables)
    shown = list(dict.fromkeys(name for table in tables.values() for name in table["shown"]))
    row = 0.34 + 0.12 * (len(tables) - 1)
    ax = new_axes(ax, height=1.2 + row * len(shown) + 0.3 * (len(tables) > 1))
    apart = np.linspace(-0.24, 0.24, len(tables)) if len(tables) > 1 else [0.0]
    ax.axvline(CHANCE, color=INK, linewidth=1.4, linestyle="--", zorder=1)
    for place, (name, table) in enumerate(tables.items()):
        colour = SERIES_COLOURS[place % len(SERIES_COLOURS)] if len(tables) > 1 else COVID
        marker = SERIES_MARKERS[place % len(SERIES_MARKERS)]
        defined = table[table["auc"].notna()]
        heights = defined["shown"].map(shown.index) + apart[place]
        ax.hlines(heights, defined["low"], defined["high"], color=colour, linewidth=3, alpha=0.6)
        ax.plot(defined["auc"], heights, marker, color=colour, markersize=8, label=name)
        if len(tables) == 1:
            for auc, height in zip(defined["auc"], heights, strict=True):
                ax.annotate(f"{auc:.3f}", (1.03, height), va="center", annotation_clip=False)
    ax.annotate("chance", (CHANCE, -0.62), ha="center", va="bottom", color=INK)
    lowest = min([CHANCE, *(table["low"].min() for table in tables.values())])
    ax.set_xlim(min(0.38, np.floor(lowest * 20) / 20), 1.02)
    ax.set_ylim(len(shown) - 0.5, -0.65)
    ax.set_yticks(range(len(shown)), shown)
    ax.set_xlabel("ROC AUC, patients held out (95 % interval)")
    ax.grid(axis="y", visible=False)
    if len(tables) > 1:
        ax.legend(loc="lower center", bbox_to_anchor=(0.4, 1.04), ncols=min(2, len(tables)))
    return ax


def plot_shown(
    pictures: Mapping[str, np.ndarray],
    regions: Sequence[Region],
    simulated: bool = False,
) -> np.ndarray:
    """What the probe was allowed to see: a row an X-ray, a column a region; the rest is hatched.

    ``pictures``: name to grey values, uint8 (size, size), as from ``small_pictures``. Returns the
    array of Axes.
    """
    tile = WIDTH / max(4, len(regions))
    _, axes = plt.subplots(
        len(pictures),
        len(regions),
        figsize=(WIDTH, len(pictures) * (tile + 0.1) + 0.65),
        squeeze=False,
        layout="constrained",
    )
    for row, (name, picture) in zip(axes, pictures.items(), strict=True):
        size = len(picture)
        for ax, region in zip(row, regions, strict=True):
            hidden = np.ma.masked_where(~region.mask(size), picture)
            back = Rectangle((-0.5, -0.5), size, size, facecolor="white", edgecolor=PALE, zorder=-1)
            back.set(hatch="////", linewidth=0)
            ax.add_patch(back)
            show_xray(ax, hidden, simulated and region.kind == "whole")
        row[0].axis("on")
        row[0].set(xticks=[], yticks=[])
        row[0].grid(visible=False)
        row[0].set_ylabel(name, fontsize=9)
    for ax, region in zip(axes[0], regions, strict=True):
        ax.set_title(_wrapped(region.name), fontsize=8.5, loc="center")
    return axes


def _wrapped(name: str) -> str:
    """A region's name on two lines."""
    if " blacked" in name:
        return name.replace("of ", "").replace(" blacked", "\nblacked")
    return name.replace(" of ", "\nof ").replace(" image", "\nimage")
