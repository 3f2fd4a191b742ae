"""X-rays side by side, and maps of evidence over them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable

from cxrlab.images import to_square
from cxrlab.plots.style import INK, WIDTH, show

HEAT = plt.get_cmap("inferno")  # brighter means more, in greyscale print too
MASK_LINE = "#56E0FF"  # on grey film and on the heat map alike
OPACITY = 0.55
VEIL = 0.3  # what is below this share of the largest value is not painted: the film stays clear
STAMP = {"facecolor": INK, "alpha": 0.6, "pad": 1.5, "linewidth": 0}  # behind words on a film


def plot_xrays(
    images: Sequence[np.ndarray],
    titles: Sequence[str],
    columns: int = 4,
    simulated: bool = False,
    note: str = "",
) -> None:
    """Show a grid of X-rays (uint8, any size), the patient's right on the reader's left.

    ``simulated`` stamps every image, so that a phantom is never mistaken for a patient. ``note``
    ends the text alternative: a sentence about what the titles leave unsaid.
    """
    rows = -(-len(images) // columns)
    height = rows * (WIDTH / columns + 0.35)
    figure, axes = plt.subplots(
        rows, columns, figsize=(WIDTH, height), squeeze=False, layout="constrained"
    )
    for ax in axes.flat:
        ax.axis("off")
    for ax, image, title in zip(axes.flat, images, titles, strict=False):
        show_xray(ax, image, simulated)
        ax.set_title(title, fontsize=10, loc="center")
    said = [f"{name} ({n} times)" if n > 1 else name for name, n in Counter(titles).items()]
    kind = "simulated chest image" if simulated else "chest image"
    many = f"{len(images)} {kind}s, {columns} per row" if len(images) > 1 else f"One {kind}"
    show(figure, f"{many}: {', '.join(said)}. {note}")


def show_xray(ax: Axes, image: np.ndarray, simulated: bool = False) -> None:
    """Draw one X-ray on ``ax``: black is 0, white 255."""
    ax.imshow(np.squeeze(image), cmap="gray", vmin=0, vmax=255)
    ax.axis("off")
    if simulated:
        where = {"transform": ax.transAxes, "ha": "right", "va": "bottom", "fontsize": 8}
        ax.text(0.98, 0.02, "simulated", color="white", bbox=STAMP, **where)


def plot_heat(
    xrays: Sequence[np.ndarray],
    maps: Mapping[str, Sequence[np.ndarray]],
    titles: Sequence[str],
    masks: Sequence[np.ndarray] | None = None,
    simulated: bool = False,
) -> None:
    """Show a row per X-ray: the X-ray, and each kind of map over it.

    ``xrays``: uint8, (height, width, 1). ``maps``: name to maps of any size, (n, rows, columns);
    each has its own scale, from 0 to its largest value, as kinds of map share no unit. ``masks``
    (bool, (n, height, width)) are outlined. ``titles``: what to say below each X-ray.
    """
    columns = 1 + len(maps)
    tile = WIDTH / max(columns, 3)
    size = (tile * columns, len(xrays) * (tile + 0.28) + 0.55)
    figure, axes = plt.subplots(
        len(xrays), columns, figsize=size, squeeze=False, layout="constrained"
    )
    for ax, name in zip(axes[0], ["X-ray", *maps], strict=True):
        ax.set_title(name, fontsize=10, loc="center")
    said = []
    for number, (row, xray, title) in enumerate(zip(axes, xrays, titles, strict=True)):
        for ax in row:
            show_xray(ax, xray, simulated)
        row[0].annotate(title, (0.5, -0.03), xycoords="axes fraction", ha="center", va="top")
        for ax, (name, found) in zip(row[1:], maps.items(), strict=True):
            mask = None if masks is None else np.asarray(masks[number], bool)
            where = _lay_over(ax, np.asarray(found[number], float), len(xray), mask)
            said.append(f"X-ray {number + 1}, {name}: {where}")
    scale = ScalarMappable(cmap=HEAT)
    bar = figure.colorbar(scale, ax=axes, location="bottom", shrink=0.5, aspect=40)
    bar.set_label("evidence for COVID-19, share of each map's largest", fontsize=9)
    show(figure, f"Maps over {len(xrays)} X-rays ({', '.join(titles)}). {'; '.join(said)}.")


def _lay_over(ax: Axes, heat: np.ndarray, size: int, mask: np.ndarray | None) -> str:
    """A map over an X-ray of ``size`` pixels; in words, where its brightest point is."""
    if mask is not None and mask.any():
        ax.contour(mask.astype(float), [0.5], colors=[MASK_LINE], linewidths=1.2)
    if not (largest := heat.max()) > 0:
        where = {"transform": ax.transAxes, "ha": "center", "va": "top", "fontsize": 8}
        ax.text(0.5, 0.95, "empty", color="white", bbox=STAMP, **where)
        return "empty"
    shares = to_square(np.uint8(255 * np.maximum(heat, 0) / largest), size) / 255
    painted = HEAT(shares)
    painted[..., 3] = np.where(shares < VEIL, 0, OPACITY)
    ax.imshow(painted)
    row, column = np.unravel_index(shares.argmax(), shares.shape)
    inside = "" if mask is None else (", on an opacity" if mask[row, column] else ", not on one")
    return f"brightest {row / size:.0%} down and {column / size:.0%} across{inside}"
