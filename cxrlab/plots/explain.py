"""Maps of evidence over X-rays, their sanity check, and how they score against known masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize

from cxrlab.plots.style import COVID, GREY, INK, NOT_COVID, WIDTH, new_axes
from cxrlab.plots.xrays import show_xray

if TYPE_CHECKING:
    from cxrlab.explain.sanity import Cascade

# Brighter means more, in greyscale print too. Little evidence is drawn see-through, so that the
# dark end of the scale does not hide the film.
HEAT = plt.get_cmap("inferno")
MASK_LINE = "#56E0FF"  # on grey film and on the heat map alike
OPACITY = 0.6


def plot_heat_map(
    xray: np.ndarray,
    heat: np.ndarray,
    title: str = "",
    simulated: bool = False,
    mask: np.ndarray | None = None,
    label: str = "evidence for COVID-19, share of the largest",
    ax: Axes | None = None,
) -> Axes:
    """A map over its X-ray, with a bar for its colours: the more evidence, the more colour.

    ``xray``: uint8, (height, width) or (height, width, 1). ``heat``: shape (height, width);
    values of 0 and below are not painted. ``mask``: bool, outlined.
    """
    ax = new_axes(ax, width=5.0, height=4.2)
    _lay_over(ax, xray, heat, simulated, mask)
    ax.set_title(title, fontsize=11, loc="center")
    largest = float(np.max(heat))
    scale = ScalarMappable(Normalize(0, largest if largest > 0 else 1), HEAT)
    ax.figure.colorbar(scale, ax=ax, shrink=0.85).set_label(label)
    if largest <= 0:
        _say_empty(ax)
    return ax


def plot_explanations(
    xrays: Sequence[np.ndarray],
    maps: Mapping[str, Sequence[np.ndarray]],
    titles: Sequence[str],
    masks: Sequence[np.ndarray] | None = None,
    simulated: bool = False,
) -> np.ndarray:
    """A row an X-ray: the X-ray, each kind of map over it, and the mask where it is known.

    ``maps``: name to maps (n, height, width). Each map has its own scale, from 0 to its largest
    value, as kinds of map share no unit. ``titles``: what to say below each X-ray. The mask is
    outlined in the maps and drawn in the last column. Returns the array of Axes.
    """
    columns = 1 + len(maps) + (masks is not None)
    tile = WIDTH / columns
    _, axes = plt.subplots(
        len(xrays),
        columns,
        figsize=(WIDTH, len(xrays) * (tile + 0.28) + 0.55),
        squeeze=False,
        layout="constrained",
    )
    names = ["X-ray", *maps, *(["opacities"] if masks is not None else [])]
    for ax, name in zip(axes[0], names, strict=True):
        ax.set_title(name, fontsize=10, loc="center")
    for number, (row, xray, title) in enumerate(zip(axes, xrays, titles, strict=True)):
        mask = None if masks is None else np.asarray(masks[number], bool)
        show_xray(row[0], xray, simulated)
        row[0].text(
            0.5, -0.03, title, transform=row[0].transAxes, ha="center", va="top", fontsize=9
        )
        for ax, found in zip(row[1:], maps.values(), strict=False):
            _lay_over(ax, xray, found[number], simulated, mask)
            if np.max(found[number]) <= 0:
                _say_empty(ax)
        if mask is not None:
            row[-1].imshow(mask, cmap="gray", vmin=0, vmax=1)
            row[-1].axis("off")
    bar = axes.flat[0].figure.colorbar(
        ScalarMappable(Normalize(0, 1), HEAT), ax=axes, location="bottom", shrink=0.5, aspect=40
    )
    bar.set_label("evidence for COVID-19, share of each map's largest", fontsize=9)
    return axes


def plot_cascade(cascade: Cascade, xray: np.ndarray, simulated: bool = False) -> np.ndarray:
    """One X-ray's maps while the layers are made random, above the rank correlation of them all.

    Returns the Axes: the maps, then the chart.
    """
    table = cascade.table
    steps = len(table)
    figure = plt.figure(figsize=(WIDTH, WIDTH / steps + 3.1), layout="constrained")
    grid = figure.add_gridspec(2, steps, height_ratios=[WIDTH / steps, 2.6])
    tiles = [figure.add_subplot(grid[0, step]) for step in range(steps)]
    for ax, heat, layer in zip(tiles, cascade.maps, table["layer"], strict=True):
        _lay_over(ax, xray, heat, simulated, None, fontsize=6)
        ax.set_title(layer, fontsize=9, loc="center")
        if np.max(heat) <= 0:
            _say_empty(ax)
    chart = figure.add_subplot(grid[1, :])
    places = np.arange(steps)
    value = table["spearman"].to_numpy(float)
    low = np.nan_to_num(value - table["low"].to_numpy(float))
    high = np.nan_to_num(table["high"].to_numpy(float) - value)
    from cxrlab.explain.sanity import ALIKE

    chart.axhspan(ALIKE, 1, color=COVID, alpha=0.1, linewidth=0)
    chart.text(steps - 0.55, 0.97, "alike", color=COVID, ha="right", va="top", fontsize=10)
    chart.axhline(0, color=GREY, linewidth=1)
    chart.errorbar(
        places, value, [low, high], fmt="o-", color=NOT_COVID, capsize=4, clip_on=False, zorder=3
    )
    labels = [table["layer"].iloc[0], *(f"{layer}\nrandom" for layer in table["layer"].iloc[1:])]
    chart.set_xticks(places, labels, fontsize=9)
    # With an empty map everywhere there is no value at all.
    lowest = min(-0.3, float(np.min(value - low, initial=0, where=~np.isnan(value))) - 0.1)
    chart.set(
        xlim=(-0.5, steps - 0.5),
        ylim=(lowest, 1.05),
        ylabel="rank correlation with\nthe trained network's map",
        xlabel="layers made random, one more a step (from the last to the first)",
    )
    return np.array([*tiles, chart])


def plot_map_scores(scores: pd.DataFrame) -> np.ndarray:
    """How well kinds of map point at known opacities, beside maps that look at no X-ray.

    ``scores``: from ``cxrlab.explain.score_maps``. One panel a measure. Returns the two Axes.
    """
    measures = list(scores["measure"].unique())
    rows = int(scores["map"].nunique())
    _, axes = plt.subplots(
        1,
        len(measures),
        figsize=(WIDTH, 1.3 + 0.42 * rows),
        sharey=True,
        squeeze=False,
        layout="constrained",
    )
    words = {
        "pointing game": "pointing game: share of X-rays\nwhose brightest point hits",
        "energy inside": "energy inside: share of the map\nthat lies on opacities",
    }
    for ax, measure in zip(axes[0], measures, strict=True):
        part = scores[scores["measure"] == measure].reset_index(drop=True)
        for place, row in part.iterrows():
            colour = GREY if row["baseline"] else NOT_COVID
            if pd.isna(row["value"]):
                ax.text(0.02, place, "no map to score", va="center", fontsize=9, color=GREY)
                continue
            ax.barh(place, row["value"], height=0.62, color=colour, alpha=0.85, linewidth=0)
            end = row["value"] if pd.isna(row["high"]) else row["high"]
            if pd.notna(row["low"]):
                ax.plot([row["low"], row["high"]], [place, place], color=INK, linewidth=2)
            ax.text(end + 0.03, place, f"{row['value']:.2f}", va="center", fontsize=10)
        names = [
            f"{name}\n(no X-ray seen)" if blind else name
            for name, blind in zip(part["map"], part["baseline"], strict=True)
        ]
        ax.set_yticks(range(len(part)), names, fontsize=9.5)
        ax.set(xlim=(0, 1.17), ylim=(len(part) - 0.4, -0.6))
        ax.set_xticks(np.linspace(0, 1, 5))
        ax.set_xlabel(words.get(measure, measure))
        ax.grid(False, axis="y")
    return axes[0]


def _lay_over(
    ax: Axes,
    xray: np.ndarray,
    heat: np.ndarray,
    simulated: bool,
    mask: np.ndarray | None,
    fontsize: float = 8,
) -> None:
    """A map over an X-ray: the weaker the evidence, the clearer the film."""
    show_xray(ax, xray, simulated)
    for stamp in ax.texts:
        stamp.set_fontsize(fontsize)
    positive = np.maximum(np.asarray(heat, float), 0)
    largest = positive.max()
    shares = positive / largest if largest > 0 else positive
    painted = HEAT(shares)
    painted[..., 3] = OPACITY * np.sqrt(shares)
    ax.imshow(painted)
    if mask is not None and np.any(mask):
        ax.contour(np.asarray(mask, float), [0.5], colors=[MASK_LINE], linewidths=1.2)


def _say_empty(ax: Axes) -> None:
    """Say that a map is empty, which otherwise looks like a forgotten one."""
    ax.text(
        0.5, 0.95, "empty", transform=ax.transAxes, ha="center", va="top", fontsize=8,
        color="white", bbox={"facecolor": INK, "alpha": 0.6, "pad": 1.5, "linewidth": 0},
    )  # fmt: skip
