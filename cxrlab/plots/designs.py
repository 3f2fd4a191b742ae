"""Figures of designs and repairs: who is called positive, and at what price."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from cxrlab.plots.style import (
    COVID,
    GREY,
    INK,
    NOT_COVID,
    PALE,
    SERIES_COLOURS,
    WIDTH,
    new_axes,
)

# Who is shown how: the sick in their colour, the healthy in the other, adults filled.
GROUP_LOOKS = {
    "COVID-19": (COVID, "s", COVID, "COVID-19 patients: recall"),
    "children": (NOT_COVID, "o", "white", "healthy children: false positives"),
    "adults": (NOT_COVID, "D", NOT_COVID, "healthy adults: false positives"),
}


def plot_swapped(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """The share of each group that is called positive, one band a design, with 95 % intervals.

    ``table`` as in :class:`cxrlab.shortcuts.Swapped`.
    """
    designs = list(dict.fromkeys(table["design"]))
    ax = new_axes(ax, height=1.4 + 0.95 * len(designs))
    apart = np.linspace(-0.25, 0.25, len(GROUP_LOOKS))
    for offset, (group, (colour, marker, face, label)) in zip(
        apart, GROUP_LOOKS.items(), strict=True
    ):
        rows = table[table["group"] == group]
        heights = rows["design"].map(designs.index) + offset
        ax.hlines(heights, rows["low"], rows["high"], color=colour, linewidth=3, alpha=0.6)
        ax.plot(
            rows["called"],
            heights,
            marker,
            color=colour,
            markerfacecolor=face,
            markersize=8,
            label=label,
        )
        for share, height in zip(rows["called"], heights, strict=True):
            ax.annotate(f"{share:.2f}", (1.03, height), va="center", annotation_clip=False)
    for edge in range(1, len(designs)):
        ax.axhline(edge - 0.5, color=PALE, linewidth=1)
    names = [f"trained against\n{design}" for design in designs]
    ax.set_yticks(range(len(designs)), names)
    ax.set(xlim=(-0.02, 1.02), ylim=(len(designs) - 0.5, -0.5))
    ax.set_xlabel("share called positive, unseen patients (95 % interval)")
    ax.grid(axis="y", visible=False)
    ax.legend(loc="lower center", bbox_to_anchor=(0.4, 1.01), ncols=1, frameon=False)
    return ax


def plot_repairs(
    table: pd.DataFrame,
    recall: float = 0.9,
    false_positives: float = 0.05,
    ax: Axes | None = None,
) -> Axes:
    """Each repair as a number: false positives among healthy adults against recall.

    ``table`` as from :func:`cxrlab.repairs.repairs_table`; skipped repairs are left out. The pale
    field is where a repair should be: at least ``recall``, at most so many ``false_positives``.
    Whiskers are 95 % intervals. The list beside gives names, and in brackets the false positives
    among children.
    """
    shown = table[table["recall"].notna()].reset_index(drop=True)
    ax = new_axes(ax, width=WIDTH, height=4.8)
    ax.fill_between([-0.02, false_positives], recall, 1.02, color=PALE, alpha=0.6, linewidth=0)
    ax.annotate(
        "in brackets: children called positive",
        (1.03, 1.0),
        xycoords="axes fraction",
        color=GREY,
        va="bottom",
        fontsize=9.5,
        annotation_clip=False,
    )
    ax.axhline(recall, color=GREY, linestyle="--", linewidth=1)
    ax.axvline(false_positives, color=GREY, linestyle="--", linewidth=1)
    for place, row in shown.iterrows():
        colour = COVID if place in (0, len(shown) - 1) else INK
        ax.hlines(row["recall"], row["adults_low"], row["adults_high"], color=colour, alpha=0.35)
        ax.vlines(row["adults"], row["recall_low"], row["recall_high"], color=colour, alpha=0.35)
        ax.plot(row["adults"], row["recall"], "o", color=colour, markersize=15)
        ax.text(
            row["adults"],
            row["recall"],
            str(place + 1),
            color="white",
            ha="center",
            va="center_baseline",
            fontsize=10,
        )
        name = f"{place + 1}  {row['repair']} ({row['children']:.2f})"
        ax.annotate(
            name,
            (1.03, 0.97 - 0.085 * place),
            xycoords="axes fraction",
            color=colour,
            va="top",
            fontsize=10,
            annotation_clip=False,
        )
    lowest = shown["recall_low"].min()
    ax.set_ylim(max(0.0, np.floor(lowest * 10) / 10 - 0.02), 1.02)
    ax.set_xlim(-0.02, 1.02)
    ax.set_xlabel("healthy adults called positive (95 % interval)")
    ax.set_ylabel("recall of COVID-19 (95 % interval)")
    return ax


def plot_hidden_parts(table: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """The AUC of each repair's network on whole X-rays, on the frame alone, and without lungs."""
    shown = table[table["recall"].notna()].reset_index(drop=True)
    ax = new_axes(ax, height=1.6 + 0.34 * len(shown))
    looks = {
        "auc_adults": ("whole X-ray, against adults", SERIES_COLOURS[0], "o"),
        "frame_only": ("frame only, against children", SERIES_COLOURS[1], "s"),
        "lungs_hidden": ("lungs hidden, against all healthy", SERIES_COLOURS[2], "D"),
    }
    places = np.arange(len(shown))
    ax.axvline(0.5, color=INK, linewidth=1.4, linestyle="--", zorder=1)
    for offset, (name, (label, colour, marker)) in zip(
        (-0.2, 0.0, 0.2), looks.items(), strict=True
    ):
        ax.plot(shown[name], places + offset, marker, color=colour, markersize=7, label=label)
    ax.set_yticks(places, shown["repair"])
    ax.set_ylim(len(shown) - 0.5, -0.5)
    lowest = shown[list(looks)].min().min()
    ax.set_xlim(min(0.38, np.floor(lowest * 20) / 20), 1.02)
    ax.set_xlabel("ROC AUC (0.5: chance)")
    ax.grid(axis="y", visible=False)
    ax.legend(loc="lower center", bbox_to_anchor=(0.4, 1.01), ncols=1, frameon=False)
    return ax
