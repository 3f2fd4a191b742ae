"""Convolution, ReLU, pooling and dropout as pictures, with numbers where they can be read."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from cxrlab.plots.style import COVID, GREY, INK, NOT_COVID, WIDTH, show
from cxrlab.plots.xrays import show_xray

SIGNED = "RdBu_r"  # blue is negative, white zero, red positive


def plot_convolution_step(
    xray: np.ndarray,
    corner: tuple[int, int],
    patch: np.ndarray,
    kernel: np.ndarray,
    outputs: np.ndarray,
    simulated: bool = False,
) -> None:
    """Show an X-ray with a patch framed, the patch in numbers, the kernel, and the outputs.

    ``corner``: top row and left column of ``patch`` in ``xray`` (uint8). ``outputs`` is the
    kernel's answer to the patch; the first one and the window it comes from are framed.
    """
    sides = [patch.shape[1], patch.shape[1], kernel.shape[1], outputs.shape[1]]
    size = (WIDTH, 2.5)
    figure, axes = plt.subplots(1, 4, figsize=size, width_ratios=sides, layout="constrained")
    show_xray(axes[0], xray, simulated)
    _frame(axes[0], (corner[0] - 0.5, corner[1] - 0.5), patch.shape, COVID)
    _write_numbers(axes[1], patch, cmap="gray", vmin=0, vmax=255)
    _frame(axes[1], (0, 0), kernel.shape, COVID)
    _write_numbers(axes[2], kernel)
    _write_numbers(axes[3], outputs)
    _frame(axes[3], (0, 0), (1, 1), COVID)
    of = f"{patch.shape[0]} × {patch.shape[1]} pixels"
    for ax, title in zip(axes, ("X-ray", f"patch, {of}", "kernel", "outputs"), strict=True):
        ax.set_title(title, fontsize=10, loc="center")
        ax.set_anchor("C")
    rows, columns = kernel.shape
    show(
        figure,
        f"An X-ray with a framed patch of {of}. The first window of the patch has the rows "
        f"{_rows(patch[:rows, :columns])}; the kernel {_rows(kernel)}; the first of "
        f"{outputs.size} outputs is {outputs[0, 0]:.4g}.",
    )


def plot_maps(maps: Sequence[np.ndarray], titles: Sequence[str]) -> None:
    """Show feature maps two in a row, in the same colours: blue below zero, white zero, red above.

    Without negative values the scale begins at zero; NaN is grey. The axes count pixels, so that a
    smaller map says so. A bar gives the values, and the brightest 1 % of them are cut off.
    """
    rows = -(-len(maps) // 2)
    size = (WIDTH, 3.1 * rows)
    figure, axes = plt.subplots(rows, 2, figsize=size, squeeze=False, layout="constrained")
    every = np.concatenate([values.ravel() for values in maps])
    limit = float(np.nanpercentile(np.abs(every), 99)) or 1.0
    signed = np.nanmin(every) < 0
    colours = plt.get_cmap(SIGNED if signed else "Reds").with_extremes(bad=GREY)
    said = []
    for ax in axes.flat:
        ax.axis("off")
    for ax, values, title in zip(axes.flat, maps, titles, strict=False):
        drawn = ax.imshow(values, cmap=colours, vmin=-limit if signed else 0, vmax=limit)
        ax.set_title(title, fontsize=10, loc="center")
        _count_pixels(ax, values.shape)
        said.append(f"{title}: {in_words(values)}")
    bar = figure.colorbar(drawn, ax=axes, shrink=0.8, extend="both" if signed else "max")
    bar.set_label("output")
    show(figure, f"Feature maps. {' '.join(said)}")


def plot_dropout(before: np.ndarray, masked: Sequence[np.ndarray], titles: Sequence[str]) -> None:
    """Show a map without negative values, and the same under several masks of dropout.

    Numbers that a mask has silenced are painted grey; white ones were zero before.
    """
    kept = [np.where((values == 0) & (before != 0), np.nan, values) for values in masked]
    plot_maps([before, *kept], titles)


def plot_pooling(
    before: np.ndarray, after: np.ndarray, corner: tuple[int, int], squares: int = 3, size: int = 2
) -> None:
    """Show a map before and after pooling, and one corner of both in numbers.

    ``corner``: row and column, in ``after``, of the first of ``squares`` × ``squares`` outputs
    that are shown in numbers. ``size`` is the side of a pooled square.
    """
    figure, axes = plt.subplots(2, 2, figsize=(WIDTH, 6.2), layout="constrained")
    limit = float(np.percentile(np.abs(before), 99)) or 1.0
    told = []
    for place, (when, values, side) in enumerate((("before", before, size), ("after", after, 1))):
        row, column, shown = side * corner[0], side * corner[1], side * squares
        inner = values[row : row + shown, column : column + shown]
        whole, part = axes[:, place]
        whole.imshow(values, cmap=SIGNED, vmin=-limit, vmax=limit)
        _count_pixels(whole, values.shape)
        _frame(whole, (row - 0.5, column - 0.5), inner.shape, NOT_COVID)
        _write_numbers(part, inner)
        for down, right in np.ndindex(squares, squares):
            _frame(part, (side * down, side * right), (side, side), INK)
        wide, narrow = (f"{each.shape[0]} × {each.shape[1]}" for each in (values, inner))
        whole.set_title(f"{when}: {wide}", fontsize=10, loc="center")
        part.set_title(f"the frame {when}: {narrow}", fontsize=10, loc="center")
        begins = _rows(inner[:side, :side])
        told.append(f"{when.capitalize()}: {wide} numbers, the frame begins with {begins}.")
    kept = f"of each {size} × {size} numbers the largest stays"
    show(figure, f"A map before and after pooling: {kept}. {' '.join(told)}")


def in_words(values: np.ndarray) -> str:
    """Size and range of a feature map; NaN stands for what dropout has silenced."""
    below, zero, gone = (share.mean() for share in (values < 0, values == 0, np.isnan(values)))
    return (
        f"Map of {values.shape[0]} × {values.shape[1]} numbers from {np.nanmin(values):.2f} to "
        f"{np.nanmax(values):.2f}: {below:.0%} below zero, {zero:.0%} exactly zero"
        + (f", {gone:.0%} silenced." if gone else ".")
    )


def _write_numbers(ax: Axes, values: np.ndarray, **look: object) -> None:
    """A small table of numbers on ``ax``, each on a field of its own shade.

    Blue below zero and red above, in half the range of the colours: text stays readable on all.
    """
    limit = 2 * float(np.abs(values).max()) or 1.0
    text = {"fontsize": 9} | ({} if look else {"color": INK})
    look = look or {"cmap": SIGNED, "vmin": -limit, "vmax": limit}
    sns.heatmap(
        values, annot=True, fmt=".4g", annot_kws=text, cbar=False, square=True, ax=ax, **look
    )
    ax.axis("off")


def _count_pixels(ax: Axes, shape: tuple[int, ...]) -> None:
    ax.axis("on")
    ax.grid(False)
    ax.set_xticks([0, shape[1] - 1], ["1", str(shape[1])], fontsize=8)
    ax.set_yticks([0, shape[0] - 1], ["1", str(shape[0])], fontsize=8)


def _frame(ax: Axes, corner: tuple[float, float], shape: tuple[int, ...], colour: str) -> None:
    """A rectangle around ``shape`` pixels; ``corner``: the upper and left edge of the first."""
    look = {"fill": False, "edgecolor": colour, "linewidth": 2, "clip_on": False}
    ax.add_patch(Rectangle((corner[1], corner[0]), shape[1], shape[0], **look))


def _rows(values: np.ndarray) -> str:
    return "; ".join(", ".join(f"{value:.4g}" for value in row) for row in values)
