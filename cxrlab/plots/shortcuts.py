"""Disease or data source: what a probe was shown, what it scored, and what a leak adds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from cxrlab.plots.style import (
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
from cxrlab.plots.xrays import show_xray
from cxrlab.shortcuts import Leakage, Region

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


def plot_leakage(results: Leakage | Mapping[str, Leakage]) -> np.ndarray:
    """AUC by patient and by image, a line a seed: every line that climbs is a leak.

    One panel for each probe of each result (by name). Returns the array of Axes.
    """
    results = {"": results} if isinstance(results, Leakage) else dict(results)
    panels = [
        (name, probe, result, rows)
        for name, result in results.items()
        for probe, rows in result.scores.groupby("probe", sort=False)
    ]
    columns = min(4, len(panels))
    lines = -(-len(panels) // columns)
    figure, axes = plt.subplots(
        lines, columns, figsize=(WIDTH, 3.5 * lines), sharey=True, squeeze=False,
        layout="constrained",
    )  # fmt: skip
    for ax in axes.flat[len(panels) :]:
        ax.axis("off")
    for ax, (name, probe, result, rows) in zip(axes.flat, panels, strict=False):
        _draw_pairs(ax, rows)
        gained = result.differences[probe]
        interval = (
            "" if gained.low is None else f"\n({_signed(gained.low)} to {_signed(gained.high)})"
        )
        title = "\n".join(filter(None, [name, probe]))
        ax.set_title(f"{title}\n{_signed(gained.value)}{interval}", fontsize=10, loc="center")
    axes[0, 0].set_ylim(min(0.45, axes[0, 0].get_ylim()[0]), 1.02)
    figure.supylabel("ROC AUC of held-out images", fontsize=11)
    handles = [
        Line2D([], [], color=NOT_COVID, marker="o", linestyle="", label="split by patient"),
        Line2D([], [], color=COVID, marker="D", linestyle="", label="split by image: leaks"),
        Line2D([], [], color=INK, linestyle="--", linewidth=1.4, label="chance"),
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=3)
    return axes


def _draw_pairs(ax: Axes, rows: pd.DataFrame) -> None:
    """Two columns of dots, by patient and by image, joined for each seed."""
    ax.axhline(CHANCE, color=INK, linewidth=1.4, linestyle="--", zorder=1)
    for row in rows.itertuples():
        ax.plot([0, 1], [row.by_patient, row.by_image], color=GREY, linewidth=1.2, zorder=2)
    ax.plot(np.zeros(len(rows)), rows["by_patient"], "o", color=NOT_COVID, markersize=7)
    ax.plot(np.ones(len(rows)), rows["by_image"], "D", color=COVID, markersize=7)
    ax.set_xticks([0, 1], ["by\npatient", "by\nimage"])
    ax.set_xlim(-0.4, 1.4)
    ax.grid(axis="x", visible=False)


def _wrapped(name: str) -> str:
    """A region's name on two lines."""
    if " blacked" in name:
        return name.replace("of ", "").replace(" blacked", "\nblacked")
    return name.replace(" of ", "\nof ").replace(" image", "\nimage")


def _signed(value: float) -> str:
    """With its sign and two digits; what rounds to nothing is plain 0.00, not -0.00."""
    return "0.00" if abs(value) < 0.005 else f"{value:+.2f}"
