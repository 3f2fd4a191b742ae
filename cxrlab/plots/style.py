"""How the course's figures look: one palette, and letters large enough to read."""

from __future__ import annotations

import warnings

import seaborn as sns
from matplotlib.axes import Axes

# Okabe and Ito's blue (darkened, so that the two differ in greyscale print too) and vermillion:
# apart for every kind of colour blindness, both dark enough for thin lines on white.
NOT_COVID = "#004C8C"
COVID = "#D55E00"
CLASS_COLOURS = (NOT_COVID, COVID)  # in the order of the labels 0 and 1
CLASS_NAMES = ("not COVID-19", "COVID-19")

INK = "#222222"  # text, thresholds, anything that must be seen
GREY = "#767676"  # references and remarks: still readable on white
PALE = "#D9D9D9"  # grid and background shapes

# For several models or runs in one figure: also use another marker or line for each.
SERIES_COLOURS = (INK, "#0072B2", "#A6447E", "#009E73")
SERIES_MARKERS = ("o", "s", "D", "^")

WIDTH = 7.0  # inches: the width of a notebook's output
DPI = 110


def use_style() -> None:
    """Set Matplotlib's defaults for the whole session; call it once at the top of a notebook."""
    # seaborn's grids bring a layout of their own, which is meant.
    warnings.filterwarnings("ignore", "The figure layout has changed to tight")
    sns.set_theme(
        style="whitegrid",
        palette=list(CLASS_COLOURS),
        rc={
            "axes.edgecolor": GREY,
            "axes.labelcolor": INK,
            "axes.labelsize": 11,
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.titlelocation": "left",
            "axes.titlesize": 12,
            "figure.constrained_layout.use": True,
            "figure.dpi": DPI,
            "figure.figsize": (WIDTH, 4.2),
            "font.size": 10.5,
            "grid.color": PALE,
            "grid.linewidth": 0.7,
            "image.cmap": "gray",
            "legend.fontsize": 10,
            "legend.frameon": False,
            "lines.linewidth": 2,
            "savefig.dpi": DPI,
            "text.color": INK,
            "xtick.color": INK,
            "xtick.labelsize": 10,
            "ytick.color": INK,
            "ytick.labelsize": 10,
        },
    )


def new_axes(ax: Axes | None = None, width: float = WIDTH, height: float = 4.2) -> Axes:
    """``ax`` itself, or the axes of a new figure of ``width`` x ``height`` inches."""
    if ax is not None:
        return ax
    import matplotlib.pyplot as plt

    return plt.subplots(figsize=(width, height), layout="constrained")[1]
