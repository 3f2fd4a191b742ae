"""One X-ray before and after each preparation."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np

from cxrlab.plots.style import GREY, INK, WIDTH
from cxrlab.plots.xrays import show_xray
from cxrlab.preparation import PREPARATIONS, prepare_pixels

TITLES = {
    "none": "as it is",
    "equalise": "histogram equalised",
    "clahe": "CLAHE",
    "lung field": "lung field",
}
BINS = 32  # of eight grey values each


def plot_preparations(image: np.ndarray, simulated: bool = False) -> np.ndarray:
    """The same X-ray prepared in every way, and below how often each grey value is left.

    ``image``: uint8, shape (side, side) or (side, side, 1). Returns the Axes, shape
    (2, preparations).
    """
    _, axes = plt.subplots(
        2,
        len(PREPARATIONS),
        figsize=(WIDTH, WIDTH / len(PREPARATIONS) + 1.55),
        height_ratios=(1.75, 1),
        sharex="row",
        sharey="row",
        layout="constrained",
    )
    for how, above, below in zip(PREPARATIONS, *axes, strict=True):
        prepared = prepare_pixels(image, how)
        show_xray(above, prepared, simulated)
        above.set_title(TITLES[how], fontsize=10, loc="center")
        counts, edges = np.histogram(prepared, bins=BINS, range=(0, 256))
        shares = 100 * counts / prepared.size
        below.bar(edges[:-1], shares, np.diff(edges), align="edge", color=GREY, linewidth=0)
        below.set(xlim=(0, 256), xticks=(0, 128, 255), xlabel="grey value")
        below.axhline(100 / BINS, color=INK, linewidth=0.8, linestyle=":")
        below.grid(axis="x", visible=False)
    axes[1, 0].set_ylabel("share of pixels, %")
    return axes
