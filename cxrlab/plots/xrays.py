"""X-rays side by side."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from cxrlab.plots.style import INK, WIDTH


def plot_xrays(
    images: Sequence[np.ndarray],
    titles: Sequence[str],
    columns: int = 4,
    simulated: bool = False,
) -> np.ndarray:
    """A grid of X-rays (uint8, any size), the patient's right on the reader's left.

    ``simulated`` stamps every image, so that a phantom is never mistaken for a patient.
    Returns the array of Axes.
    """
    rows = -(-len(images) // columns)
    tile = WIDTH / columns
    _, axes = plt.subplots(
        rows, columns, figsize=(WIDTH, rows * (tile + 0.35)), squeeze=False, layout="constrained"
    )
    for ax in axes.flat:
        ax.axis("off")
    for ax, image, title in zip(axes.flat, images, titles, strict=False):
        show_xray(ax, image, simulated)
        ax.set_title(title, fontsize=10, loc="center")
    return axes


def show_xray(ax: Axes, image: np.ndarray, simulated: bool = False) -> None:
    """One X-ray on ``ax``: black is 0, white 255."""
    ax.imshow(np.squeeze(image), cmap="gray", vmin=0, vmax=255)
    ax.axis("off")
    if simulated:
        ax.text(
            0.98,
            0.02,
            "simulated",
            transform=ax.transAxes,
            ha="right",
            va="bottom",
            fontsize=8,
            color="white",
            bbox={"facecolor": INK, "alpha": 0.6, "pad": 1.5, "linewidth": 0},
        )
