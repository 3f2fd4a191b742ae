"""Convolution, ReLU, pooling and dropout as pictures, with numbers where they can be read."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.patches import Rectangle

from cxrlab.plots.style import COVID, GREY, INK, NOT_COVID, PALE, WIDTH
from cxrlab.plots.xrays import show_xray

SIGNED = "RdBu_r"  # blue is negative, white zero, red positive


def plot_convolution_step(
    xray: np.ndarray,
    corner: tuple[int, int],
    patch: np.ndarray,
    kernel: np.ndarray,
    outputs: np.ndarray,
    position: tuple[int, int] = (0, 0),
    simulated: bool = False,
) -> np.ndarray:
    """An X-ray with a patch framed, the patch in numbers, the kernel, and the outputs.

    ``corner``: top row and left column of ``patch`` in ``xray`` (uint8). ``outputs`` is the
    kernel's answer to the patch; the one at ``position`` and the window it comes from are framed.
    Returns the four Axes.
    """
    sides = [patch.shape[1], patch.shape[1], kernel.shape[1], outputs.shape[1]]
    _, axes = plt.subplots(
        1, 4, figsize=(WIDTH, 2.5), width_ratios=sides, layout="constrained", squeeze=True
    )
    show_xray(axes[0], xray, simulated)
    _frame(axes[0], corner, patch.shape, COVID, 1.5)
    show_numbers(axes[1], patch, vmin=0, vmax=255)
    _frame(axes[1], position, kernel.shape, COVID)
    show_numbers(axes[2], kernel, signed=True)
    show_numbers(axes[3], outputs, signed=True)
    _frame(axes[3], position, (1, 1), COVID)
    rows, columns = patch.shape
    titles = ("X-ray", f"patch, {rows} × {columns} pixels", "kernel", "outputs")
    for ax, title in zip(axes, titles, strict=True):
        ax.set_title(title, fontsize=10, loc="center")
        ax.set_anchor("C")
    return axes


def show_numbers(
    ax: Axes,
    values: np.ndarray,
    signed: bool = False,
    vmin: float | None = None,
    vmax: float | None = None,
    fontsize: float = 9,
) -> None:
    """A small table of numbers on ``ax``, each on a field of its own shade.

    ``signed``: blue below zero, red above; else grey from ``vmin`` to ``vmax``.
    """
    values = np.asarray(values, float)
    if signed:
        vmax = float(np.abs(values).max()) or 1.0
        # Half the range of the colours: text stays readable on all of them.
        drawn = ax.imshow(values, cmap=SIGNED, vmin=-2 * vmax, vmax=2 * vmax)
    else:
        drawn = ax.imshow(values, cmap="gray", vmin=vmin, vmax=vmax)
    for (row, column), value in np.ndenumerate(values):
        red, green, blue, _ = drawn.cmap(drawn.norm(value))
        dark = 0.299 * red + 0.587 * green + 0.114 * blue < 0.5
        ax.text(
            column,
            row,
            f"{value:.4g}",
            ha="center",
            va="center",
            fontsize=fontsize,
            color="white" if dark else INK,
        )
    ax.axis("off")


def plot_maps(
    maps: Sequence[np.ndarray], titles: Sequence[str], columns: int = 2, height: float = 3.2
) -> np.ndarray:
    """Feature maps side by side in the same colours: blue below zero, white zero, red above.

    Without negative values the scale begins at zero. The axes count pixels, so that a smaller map
    says so. ``height`` of a row is in inches; a bar gives the values, and the brightest 1 % of
    them are cut off. Returns the array of Axes.
    """
    rows = -(-len(maps) // columns)
    _, axes = plt.subplots(
        rows, columns, figsize=(WIDTH, height * rows), squeeze=False, layout="constrained"
    )
    every = np.concatenate([values.ravel() for values in maps])
    limit = float(np.percentile(np.abs(every), 99)) or 1.0
    signed = every.min() < 0
    look = {"cmap": SIGNED if signed else "Reds", "vmin": -limit if signed else 0, "vmax": limit}
    for ax in axes.flat:
        ax.axis("off")
    for ax, values, title in zip(axes.flat, maps, titles, strict=False):
        drawn = ax.imshow(values, **look)
        ax.set_title(title, fontsize=10, loc="center")
        _count_pixels(ax, values.shape)
    extend = "both" if signed else "max"
    bar = axes.flat[0].figure.colorbar(drawn, ax=axes, shrink=0.8, extend=extend)
    bar.set_label("output")
    return axes


def plot_dropout(
    before: np.ndarray, masked: Sequence[np.ndarray], titles: Sequence[str]
) -> np.ndarray:
    """A map without negative values, and the same under several masks of dropout.

    Numbers that a mask has silenced are painted grey; white ones were zero before. Returns the
    array of Axes.
    """
    axes = plot_maps([before, *masked], titles, columns=2, height=3.0)
    for ax, values in zip(axes.flat[1:], masked, strict=False):
        silenced = np.ma.masked_where((values != 0) | (before == 0), np.ones(before.shape))
        ax.imshow(silenced, cmap=ListedColormap([GREY]))
    return axes


def plot_pooling(
    before: np.ndarray, after: np.ndarray, corner: tuple[int, int], squares: int = 3, size: int = 2
) -> np.ndarray:
    """A map before and after pooling, and one corner of both in numbers.

    ``corner``: row and column, in ``after``, of the first of ``squares`` × ``squares`` outputs
    that are shown in numbers. ``size`` is the side of a pooled square. Returns the four Axes.
    """
    _, axes = plt.subplots(2, 2, figsize=(WIDTH, 6.2), layout="constrained")
    limit = float(np.percentile(np.abs(before), 99)) or 1.0
    row, column = corner
    inner = before[size * row : size * (row + squares), size * column : size * (column + squares)]
    outer = after[row : row + squares, column : column + squares]
    for ax, values, scale in zip(axes[0], (before, after), (size, 1), strict=True):
        ax.imshow(values, cmap=SIGNED, vmin=-limit, vmax=limit)
        _count_pixels(ax, values.shape)
        place = (scale * row, scale * column)
        _frame(ax, place, (scale * squares, scale * squares), NOT_COVID, 2)
    for ax, values in zip(axes[1], (inner, outer), strict=True):
        show_numbers(ax, values, signed=True, fontsize=10)
    for down in range(squares):
        for right in range(squares):
            _frame(axes[1, 0], (size * down, size * right), (size, size), INK)
            _frame(axes[1, 1], (down, right), (1, 1), INK)
    shown = [f"{values.shape[0]} × {values.shape[1]}" for values in (before, after, inner, outer)]
    titles = ("before: {}", "after: {}", "the frame before: {}", "the frame after: {}")
    for ax, title, shape in zip(axes.flat, titles, shown, strict=True):
        ax.set_title(title.format(shape), fontsize=10, loc="center")
    return axes


def _count_pixels(ax: Axes, shape: tuple[int, ...]) -> None:
    ax.axis("on")
    ax.grid(False)
    ax.set_xticks([0, shape[1] - 1], ["1", str(shape[1])], fontsize=8, color=INK)
    ax.set_yticks([0, shape[0] - 1], ["1", str(shape[0])], fontsize=8, color=INK)
    for side in ax.spines.values():
        side.set_visible(True)
        side.set_color(PALE)


def _frame(
    ax: Axes,
    corner: tuple[int, int],
    shape: tuple[int, ...],
    colour: str = NOT_COVID,
    width: float = 2.5,
) -> None:
    """A rectangle around ``shape`` pixels whose first one is ``corner`` (row, column)."""
    left_top = (corner[1] - 0.5, corner[0] - 0.5)
    ax.add_patch(
        Rectangle(
            left_top,
            shape[1],
            shape[0],
            fill=False,
            edgecolor=colour,
            linewidth=width,
            clip_on=False,
        )
    )
