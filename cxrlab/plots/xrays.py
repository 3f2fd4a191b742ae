"""X-rays side by side, and what a network makes of one."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

from cxrlab.plots.style import GREY, INK, WIDTH


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


def plot_filters(kernels: np.ndarray, columns: int = 8) -> np.ndarray:
    """The kernels of a convolution, shape (filters, 3, 3): blue is negative, red positive."""
    rows = -(-len(kernels) // columns)
    _, axes = plt.subplots(
        rows, columns, figsize=(WIDTH, WIDTH / columns * rows), layout="constrained"
    )
    limit = float(np.abs(kernels).max()) or 1.0
    for ax in axes.flat:
        ax.axis("off")
    for ax, kernel in zip(axes.flat, kernels, strict=False):
        drawn = ax.imshow(kernel, cmap="RdBu_r", vmin=-limit, vmax=limit)
    bar = axes.flat[0].figure.colorbar(drawn, ax=axes, shrink=0.7)
    bar.set_label("weight")
    return axes


def plot_feature_maps(
    image: np.ndarray,
    maps: dict[str, np.ndarray],
    each: int = 5,
    simulated: bool = False,
    chosen: dict[str, list[int]] | None = None,
) -> np.ndarray:
    """One X-ray and, a row a layer, its ``each`` most varied maps (from ``feature_maps``).

    ``chosen`` names other maps to show: layer to ``each`` numbers.
    """
    _, axes = plt.subplots(
        len(maps), each + 1, figsize=(WIDTH, 1.45 * len(maps)), squeeze=False, layout="constrained"
    )
    for row, (name, found) in zip(axes, maps.items(), strict=True):
        show_xray(row[0], image, simulated)
        row[0].set_title("X-ray", fontsize=9, loc="center")
        # Maps that are zero everywhere show nothing; the varied ones show what the layer sees.
        liveliest = np.argsort(found.std(axis=(0, 1)))[::-1][:each]
        liveliest = liveliest if chosen is None else chosen[name]
        for ax, index in zip(row[1:], liveliest, strict=True):
            ax.imshow(found[:, :, index], cmap="magma")
            ax.set_title(f"{name} #{index}", fontsize=9, loc="center", color=GREY)
            ax.axis("off")
    return axes
