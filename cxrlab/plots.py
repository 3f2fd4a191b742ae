"""Didactic figures: each shows itself, and says in words made of its own numbers what it shows.

The text is the picture's ``alt`` and the output's ``text/plain``, and stands in the PNG.
"""

import textwrap
import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from io import BytesIO
from itertools import pairwise
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from IPython import get_ipython
from IPython.display import display
from matplotlib.patches import Ellipse, Polygon, Rectangle
from matplotlib.patheffects import withStroke
from scipy.interpolate import splev, splprep

from cxrlab.errors import CXRLabError
from cxrlab.images import picture_html, to_square
from cxrlab.metrics import Confusion, Estimate

# Okabe and Ito's blue, darkened, and vermillion: apart in print and for the colour-blind.
NOT_COVID, COVID = "#004C8C", "#D55E00"
CLASS_NAMES = ("not COVID-19", "COVID-19")  # in the order of the labels 0 and 1
INK = "#222222"  # text, thresholds, anything that must be seen
GREY = "#767676"  # references and remarks: still readable on white
SERIES_COLOURS = (NOT_COVID, COVID, "#A6447E", "#009E73", INK)  # several columns in one figure
SERIES_MARKERS = ("o", "s", "D", "^", "v")
WIDTH, DPI = 7.0, 110  # inches, the width of a notebook's output; pixels per inch


def use_style() -> None:
    """Set Matplotlib's defaults for the whole session; call it once at the top of a notebook."""
    # seaborn's grids bring a layout of their own, which is meant.
    warnings.filterwarnings("ignore", "The figure layout has changed to tight")
    look = {
        "axes.edgecolor": GREY,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "axes.titlelocation": "left",
        "figure.constrained_layout.use": True,
        "figure.dpi": DPI,
        "figure.figsize": (WIDTH, 4.2),
        "image.cmap": "gray",
        "legend.frameon": False,
        "savefig.dpi": DPI,
    }
    sns.set_theme(style="whitegrid", palette=[NOT_COVID, COVID], font_scale=0.9, rc=look)


def show(figure: Any, alt: str) -> None:
    """Show a figure below the notebook's cell, say in ``alt`` what it shows, and close it.

    ``figure`` is a Matplotlib Figure, Axes, an array of Axes, or a seaborn grid. Outside
    Jupyter only the text is printed. Raises :class:`CXRLabError` when ``alt`` is empty.
    Example: ``plots.show(ax, f"A line rises from {low} to {high}.")``
    """
    alt = " ".join(alt.split())
    if not alt:
        raise CXRLabError("A figure needs a text alternative. Say in alt what it shows.")
    drawn = getattr(np.ravel(np.asarray(figure, dtype=object))[0], "figure", None)
    if not isinstance(drawn, plt.Figure):
        kind = type(figure).__name__
        raise CXRLabError(f"A {kind} is no figure. Give a Matplotlib figure or axes.")
    picture = picture_html(closed_png(drawn, alt), alt)
    if get_ipython() is None:
        print(alt)
    else:
        display({"text/html": picture, "text/plain": alt}, raw=True)


def closed_png(figure: plt.Figure, alt: str) -> bytes:
    """The figure as a PNG, its text inside; closed, or it would be shown once more."""
    png, about = BytesIO(), {"Description": alt, "Software": None}
    figure.savefig(png, format="png", dpi=figure.dpi, bbox_inches="tight", metadata=about)
    plt.close(figure)
    return png.getvalue()


# X-rays, and maps over them

HEAT = plt.get_cmap("inferno")  # brighter means more, in greyscale print too
FIELD = {"facecolor": INK, "alpha": 0.6, "pad": 1.5, "linewidth": 0}
STAMP = {"bbox": FIELD, "color": "white", "fontsize": 8}  # words on a film


def plot_xrays(images, titles, columns: int = 4, simulated: bool = False, note: str = "") -> None:
    """Show a grid of X-rays (uint8, any size), the patient's right on the reader's left.

    ``simulated`` stamps every image. ``note`` ends the text alternative: what titles leave unsaid.
    Example: ``plots.plot_xrays(list(xrays.test.pixels[:4]), ["ill"] * 4)``
    """
    figure, axes = _tiles(titles, len(images), columns, WIDTH / columns + 0.35)
    for ax, image in zip(axes, images, strict=False):
        _show_xray(ax, image, simulated)
    said = [f"{name} ({n} times)" if n > 1 else name for name, n in Counter(titles).items()]
    kind = "simulated chest image" if simulated else "chest image"
    many = f"{len(images)} {kind}s, {columns} per row" if len(images) > 1 else f"One {kind}"
    show(figure, f"{many}: {', '.join(said)}. {note}")


def _tiles(titles, count: int, columns: int, height: float) -> tuple[plt.Figure, np.ndarray]:
    """A figure of tiles, ``count`` of them under a title of their own; their axes."""
    if len(titles) != count:
        raise CXRLabError(f"There are {len(titles)} titles for {count} pictures. Give one each.")
    rows = -(-count // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(WIDTH, rows * height), squeeze=False)
    for ax in axes.flat[count:]:
        ax.axis("off")
    _name(axes.flat[:count], titles)
    return figure, axes.ravel()


def _name(axes: Sequence[plt.Axes], titles: Sequence[str]) -> None:
    for ax, title in zip(axes, titles, strict=True):
        ax.set_title(title, fontsize=10, loc="center")


def _show_xray(ax: plt.Axes, image: np.ndarray, simulated: bool) -> None:
    """Draw one X-ray on ``ax``: black is 0, white 255."""
    ax.imshow(np.squeeze(image), cmap="gray", vmin=0, vmax=255)
    ax.axis("off")
    if simulated:
        ax.text(0.98, 0.02, "simulated", ha="right", va="bottom", transform=ax.transAxes, **STAMP)


def plot_heat(xrays, maps, titles, masks=None, simulated: bool = False) -> None:
    """Show a row per X-ray: the X-ray, and each kind of map over it.

    ``xrays``: uint8, (height, width, 1). ``maps``: name to maps of any size, (n, rows, columns),
    each on its own scale from 0 to its largest value. ``masks`` (bool, (n, height, width)) are
    outlined. ``titles``: what to say below each X-ray.
    Example: ``plots.plot_heat(xrays[:2], {"Grad-CAM": maps[:2]}, ["ill", "healthy"])``
    """
    columns, tile = 1 + len(maps), WIDTH / max(1 + len(maps), 3)
    size = tile * columns, len(xrays) * (tile + 0.28) + 0.55
    figure, axes = plt.subplots(len(xrays), columns, figsize=size, squeeze=False)
    _name(axes[0], ["X-ray", *maps])
    said, masks = [], [None] * len(xrays) if masks is None else masks
    for n, (row, xray, mask, title) in enumerate(zip(axes, xrays, masks, titles, strict=True)):
        for ax in row:
            _show_xray(ax, xray, simulated)
        row[0].annotate(title, (0.5, -0.03), xycoords="axes fraction", ha="center", va="top")
        for ax, (name, found) in zip(row[1:], maps.items(), strict=True):
            where = _lay_over(ax, np.asarray(found[n], float), len(xray), mask)
            said.append(f"X-ray {n + 1}, {name}: {where}")
    scale = plt.cm.ScalarMappable(cmap=HEAT)
    bar = figure.colorbar(scale, ax=axes, location="bottom", shrink=0.5, aspect=40)
    bar.set_label("evidence for COVID-19, share of each map's largest", fontsize=9)
    show(figure, f"Maps over {len(xrays)} X-rays ({', '.join(titles)}). {'; '.join(said)}.")


def _lay_over(ax: plt.Axes, heat: np.ndarray, size: int, mask: np.ndarray | None) -> str:
    """A map over an X-ray of ``size`` pixels; in words, where its brightest point is."""
    if mask is not None and np.any(mask):
        ax.contour(np.asarray(mask, float), [0.5], colors=["#56E0FF"], linewidths=1.2)
    if not (largest := heat.max()) > 0:
        ax.text(0.5, 0.95, "empty", ha="center", va="top", transform=ax.transAxes, **STAMP)
        return "empty"
    shares = to_square(np.uint8(255 * np.maximum(heat, 0) / largest), size) / 255
    ax.imshow(HEAT(shares, alpha=np.where(shares < 0.3, 0, 0.55)))  # the faint is not painted
    row, column = np.unravel_index(shares.argmax(), shares.shape)
    inside = "" if mask is None else (", on an opacity" if mask[row, column] else ", not on one")
    return f"brightest {row / size:.0%} down and {column / size:.0%} across{inside}"


# What a test does to people, and values with their intervals

# Truth by colour and shape, the call by filling: nothing hangs on colour alone.
PEOPLE = (  # count, marker, colour, filling, words
    ("tp", "s", COVID, COVID, "ill, found"),
    ("fn", "s", COVID, "white", "ill, MISSED"),
    ("fp", "o", NOT_COVID, NOT_COVID, "healthy, false alarm"),
    ("tn", "o", NOT_COVID, "white", "healthy, correctly cleared"),
)


def plot_people(counts: Confusion | Mapping[str, Confusion], columns: int = 10) -> None:
    """Show one mark per person: squares are ill, circles healthy; filled means called positive.

    Several confusion matrices, by title, stand side by side.
    Example: ``plots.plot_people(Confusion(tp=9, fp=18, fn=1, tn=72))``
    """
    groups = counts if isinstance(counts, Mapping) else {"": counts}
    dpi, rows = plt.rcParams["figure.dpi"], max(-(-one.n // columns) for one in groups.values())
    # Whole pixels from mark to mark, or marks at unlike fractions of a pixel show as bands.
    pitch = int(min(0.97 * WIDTH / len(groups) / columns, 0.3) * dpi)
    width, height, foot = int(WIDTH * dpi), pitch * rows + int(1.3 * dpi), int(1.0 * dpi)
    figure = plt.figure(figsize=(width / dpi, height / dpi), layout="none")
    size, told = 0.56 * 72 * pitch / dpi, []
    for number, (title, group) in enumerate(groups.items()):
        left = int((number + 0.5) * width / len(groups) - pitch * columns / 2)
        box = left / width, foot / height, pitch * columns / width, pitch * rows / height
        ax = figure.add_axes(box, xlim=(-0.5, columns - 0.5), ylim=(0.5 - rows, 0.5))
        start, said = 0, []
        for name, marker, colour, filling, words in PEOPLE:  # row by row, the ill first
            places = np.arange(start, start + getattr(group, name))
            said.append(f"{len(places):,} {words}")
            look = {"mfc": filling, "mew": max(0.8, size / 9), "ms": size, "color": colour}
            ax.plot(places % columns, -(places // columns), marker, label=said[-1], **look)
            start += len(places)
        ax.set_title(title, loc="center")
        ax.axis("off")
        look = {"loc": "upper center", "fontsize": 10, "markerscale": 8 / size}
        ax.legend(bbox_to_anchor=(0.5, 0.0), ncols=1 if columns <= 10 else 2, **look)
        told.append(f"{title}: {'; '.join(said)}" if title else "; ".join(said))
    many = sum(group.n for group in groups.values())
    show(figure, f"{many:,} people as marks, filled when called positive. {'. '.join(told)}.")


def plot_intervals(table: pd.DataFrame, label: str, chance: float | None = None) -> None:
    """Show each :class:`cxrlab.metrics.Estimate` of a table as a dot with its 95 % interval.

    ``label`` names what is measured, ``chance`` draws a line; undefined values leave a gap.
    Example: ``plots.plot_intervals(table, "ROC AUC", chance=0.5)``
    """
    count, said = len(table.columns), []
    step = min(0.22, 0.7 / count)
    _, ax = plt.subplots(figsize=(WIDTH, 1.1 + len(table) * max(0.38, 0.26 * count)))
    for number, column in enumerate(table):
        parts = [[getattr(e, end, None) for end in ("value", "low", "high")] for e in table[column]]
        value, low, high = ends = np.reshape(np.array(parts, float), (-1, 3)).T
        rows = np.flatnonzero(~np.isnan(value))
        for row in rows:
            known = ends[: 1 if np.isnan(ends[:, row]).any() else 3, row]
            words = " ".join(str(table.index[row]).split()) + (f", {column}" if count > 1 else "")
            said.append(f"{words}: {Estimate(*known)}")
        spans = [(value - low)[rows], (high - value)[rows]]
        marker, colour = SERIES_MARKERS[number % 5], SERIES_COLOURS[number % 5]
        look = {"color": colour, "markersize": 7, "elinewidth": 3, "clip_on": False}
        beside = rows + (number - (count - 1) / 2) * step
        ax.errorbar(value[rows], beside, xerr=spans, fmt=marker, label=str(column), **look)
    if chance is not None:
        ax.axvline(chance, color=INK, linewidth=1.3, linestyle="--", zorder=1)
        ax.text(chance, 1, "chance", transform=ax.get_xaxis_transform(), ha="center", va="bottom")
    ax.set_yticks(range(len(table)), [str(row) for row in table.index])
    ax.set(xlim=(-0.03, 1.03), ylim=(len(table) - 0.45, -0.55), xlabel=label)
    ax.grid(axis="y", visible=False)
    if count > 1 and said:
        ax.figure.legend(loc="outside lower center", ncols=min(count, 4))
    show(ax, f"{label}, dots with 95 % intervals. {'; '.join(said) or 'Nothing is defined'}.")


# Convolution, ReLU, pooling and dropout, with numbers where they can be read

SIGNED = "RdBu_r"  # blue is negative, white zero, red positive


def plot_convolution_step(xray, corner, patch, kernel, outputs, simulated: bool = False) -> None:
    """Show an X-ray with a patch framed, the patch in numbers, the kernel, and the outputs.

    ``corner``: top row and left column of ``patch`` in ``xray`` (uint8). The first of the
    ``outputs`` and the window it comes from are framed.
    """
    widths = [len(part[0]) for part in (patch, patch, kernel, outputs)]
    figure, axes = plt.subplots(1, 4, figsize=(WIDTH, 2.5), width_ratios=widths)
    _show_xray(axes[0], xray, simulated)
    _frame(axes[0], (corner[0] - 0.5, corner[1] - 0.5), patch.shape, COVID)
    _write_numbers(axes[1], patch, cmap="gray", vmin=0, vmax=255)
    _frame(axes[1], (0, 0), kernel.shape, COVID)
    _write_numbers(axes[2], kernel)
    _write_numbers(axes[3], outputs)
    _frame(axes[3], (0, 0), (1, 1), COVID)
    of = f"{patch.shape[0]} × {patch.shape[1]} pixels"
    _name(axes, ("X-ray", f"patch, {of}", "kernel", "outputs"))
    for ax in axes:
        ax.set_anchor("C")
    first, window = f"the first of {outputs.size} outputs", patch[: len(kernel), : len(kernel[0])]
    said = f"An X-ray with a framed patch of {of}. The first window of the patch has the rows "
    said += f"{_rows(window)}; the kernel {_rows(kernel)}; {first} is {outputs[0, 0]:.4g}."
    show(figure, said)


def plot_maps(maps: Sequence[np.ndarray], titles: Sequence[str]) -> None:
    """Show feature maps two in a row, in the same colours: blue below zero, white zero, red above.

    NaN is grey, and the most extreme 1 % of the values are cut off. The axes count pixels.
    Example: ``plots.plot_maps([before, relu(before)], ["before ReLU", "after ReLU"])``
    """
    figure, axes = _tiles(titles, len(maps), 2, 3.1)
    every = np.concatenate([values.ravel() for values in maps])
    limit = float(np.nanpercentile(np.abs(every), 99)) or 1.0
    signed = np.nanmin(every) < 0
    colours = plt.get_cmap(SIGNED if signed else "Reds").with_extremes(bad=GREY)
    for ax, values in zip(axes, maps, strict=False):
        drawn = ax.imshow(values, cmap=colours, vmin=-limit if signed else 0, vmax=limit)
        _count_pixels(ax, values.shape)
    bar = figure.colorbar(drawn, ax=axes, shrink=0.8, extend="both" if signed else "max")
    bar.set_label("output")
    said = [f"{title}: {in_words(values)}" for title, values in zip(titles, maps, strict=True)]
    show(figure, f"Feature maps. {' '.join(said)}")


def plot_dropout(before: np.ndarray, masked: Sequence[np.ndarray], titles: Sequence[str]) -> None:
    """Show a map without negative values, and under masks of dropout: silenced numbers are grey."""
    kept = [np.where((values == 0) & (before != 0), np.nan, values) for values in masked]
    plot_maps([before, *kept], titles)


def plot_pooling(before: np.ndarray, after: np.ndarray, corner: tuple[int, int]) -> None:
    """Show a map before and after 2 × 2 pooling, and one corner of both in numbers.

    ``corner``: row and column, in ``after``, of the first of 3 × 3 outputs shown in numbers.
    """
    figure, axes = plt.subplots(2, 2, figsize=(WIDTH, 6.2))
    limit = float(np.percentile(np.abs(before), 99)) or 1.0
    told = ["A map before and after pooling: of each 2 × 2 numbers the largest stays."]
    for place, (when, values, side) in enumerate((("before", before, 2), ("after", after, 1))):
        row, column = side * corner[0], side * corner[1]
        inner = values[row : row + 3 * side, column : column + 3 * side]
        whole, part = axes[:, place]
        whole.imshow(values, cmap=SIGNED, vmin=-limit, vmax=limit)
        _count_pixels(whole, values.shape)
        _frame(whole, (row - 0.5, column - 0.5), inner.shape, NOT_COVID)
        _write_numbers(part, inner)
        for down, right in np.ndindex(3, 3):
            _frame(part, (side * down, side * right), (side, side), INK)
        wide, narrow = (f"{each.shape[0]} × {each.shape[1]}" for each in (values, inner))
        _name((whole, part), (f"{when}: {wide}", f"the frame {when}: {narrow}"))
        begins = _rows(inner[:side, :side])
        told.append(f"{when.capitalize()}: {wide} numbers, the frame begins with {begins}.")
    show(figure, " ".join(told))


def _rows(values: np.ndarray) -> str:
    return "; ".join(", ".join(f"{value:.4g}" for value in row) for row in values)


def in_words(values: np.ndarray) -> str:
    """Size and range of a feature map; NaN stands for what dropout has silenced."""
    below, zero, gone = (share.mean() for share in (values < 0, values == 0, np.isnan(values)))
    size, low, high = " × ".join(map(str, values.shape)), np.nanmin(values), np.nanmax(values)
    said = f"Map of {size} numbers from {low:.2f} to {high:.2f}: {below:.0%} below zero"
    return f"{said}, {zero:.0%} exactly zero" + (f", {gone:.0%} silenced." if gone else ".")


def _write_numbers(ax: plt.Axes, values: np.ndarray, **look: object) -> None:
    """A small table of numbers on ``ax``, each on a field of its own shade."""
    text = {"fontsize": 9}
    if not look:  # in half the range of the colours, so that text stays readable on all
        limit = 2 * float(np.abs(values).max()) or 1.0
        text, look = text | {"color": INK}, {"cmap": SIGNED, "vmin": -limit, "vmax": limit}
    look |= {"annot": True, "fmt": ".4g", "annot_kws": text, "cbar": False}
    sns.heatmap(values, square=True, ax=ax, **look)
    ax.axis("off")


def _count_pixels(ax: plt.Axes, shape: tuple[int, ...]) -> None:
    ax.grid(False)
    ax.set_xticks([0, shape[1] - 1], ["1", str(shape[1])], fontsize=8)
    ax.set_yticks([0, shape[0] - 1], ["1", str(shape[0])], fontsize=8)


def _frame(ax: plt.Axes, corner: tuple[float, float], shape: tuple[int, ...], colour: str) -> None:
    """A rectangle around ``shape`` pixels; ``corner``: the upper and left edge of the first."""
    look = {"fill": False, "edgecolor": colour, "linewidth": 2, "clip_on": False}
    ax.add_patch(Rectangle((corner[1], corner[0]), shape[1], shape[0], **look))


# What is what in a chest X-ray, and the way of the filtering from source to part

# The chest's own units: the film is 10 wide and 10 high, y grows upwards, x from the midline.
FILM, TISSUE, LUNG, DENSE = "#101010", "#6E6E6E", "#262626", "#C9C9C9"
LUNG_X = np.array([1.25, 2.05, 2.75, 3.15, 3.3, 2.4, 1.3, 0.85, 0.72, 0.62, 0.68])
LUNG_Y = np.array([8.55, 8.1, 6.6, 4.6, 2.35, 2.95, 3.15, 2.9, 4.6, 6.4, 7.8])
BODY_X, BODY_Y = np.array([[1.0, 1.3, 4.3, 4.4, 4.1, 4.2], [10, 9.2, 8.3, 6.5, 4.0, 0]])
HEART_X, HEART_Y = [-0.9, 0.3, 1.2, 2.05, 1.9, -0.7], [4.9, 5.8, 5.2, 3.6, 2.8, 2.85]
PARTS_OF_A_CHEST = (  # words, their height, what they point at
    ("lung: full of air,\nX-rays pass, dark", 7.5, (-1.7, 7.0)),
    ("hazy patches of COVID-19\nare often here: both sides,\nlow, near the edge", 4, (-3, 4)),
    ("diaphragm and belly:\ndense, light", 1.2, (-2.2, 2.0)),
    ("ribs: pale bands", 8.2, (2.25, 6.9)),
    ("heart: dense, light", 5.2, (1.0, 4.3)),
    ("spine", 1.2, (0.2, 1.4)),
)


def plot_chest_guide() -> None:
    """Show a drawing of a frontal chest X-ray: what is dark, what is light, which side is which."""
    _, ax = plt.subplots(figsize=(WIDTH, 4.3))
    ax.add_patch(Rectangle((-5, 0), 10, 10, facecolor=FILM, linewidth=0))
    ax.fill([*-BODY_X, *BODY_X[::-1]], [*BODY_Y, *BODY_Y[::-1]], color=TISSUE, linewidth=0)
    zone = {"facecolor": (COVID, 0.35), "edgecolor": COVID, "linewidth": 1.8, "hatch": ".."}
    for side in (-1, 1):
        lung = ax.add_patch(Polygon(_smooth(side * LUNG_X, LUNG_Y), facecolor=LUNG, linewidth=0))
        for top in np.arange(8.6, 3.0, -0.8):  # ribs: faint arcs, cut off at the lung's outline
            x = np.linspace(0, 3.2, 40)
            y = top - 0.02 * x - 0.14 * x**2
            (rib,) = ax.plot(side * (x + 0.4), y, color=DENSE, alpha=0.35, linewidth=4)
            rib.set_clip_path(lung)
        ax.add_patch(Ellipse((side * 2.5, 4.05), 1.25, 2.5, angle=side * 6, **zone))
    ax.add_patch(Rectangle((-0.42, 0), 0.84, 10, facecolor=DENSE, alpha=0.75, linewidth=0))
    ax.add_patch(Polygon(_smooth(HEART_X, HEART_Y), facecolor=DENSE, linewidth=0))
    halo = [withStroke(linewidth=3.5, foreground="white")]  # the line is seen on the film, too
    line = {"arrowstyle": "-", "color": INK, "path_effects": halo}
    for words, height, (x, y) in PARTS_OF_A_CHEST:
        place, side = (-5.4, "right") if x < 0 else (5.4, "left")
        look = {"ha": side, "va": "center", "fontsize": 10, "arrowprops": line}
        ax.annotate(words, (x, y), (place, height), **look)
        ax.plot(x, y, marker="o", markersize=5, color="white", markeredgecolor=INK)
    for x, words in ((-2.5, "the patient's right"), (2.5, "the patient's left")):
        ax.text(x, -0.25, words, ha="center", va="top", fontsize=10.5, weight="bold")
    ax.set(xlim=(-10.4, 10.4), ylim=(-0.9, 10.2), aspect="equal")
    ax.axis("off")
    alt = "Drawing of a chest X-ray: two dark lungs crossed by pale ribs, between them the light "
    alt += "spine and heart; below, the light diaphragm. The patient's right is on the left. Two "
    alt += "dotted areas low in the lungs, near the outer edge, mark where COVID-19 is often seen."
    show(ax, alt)


def _smooth(x: Sequence[float], y: Sequence[float]) -> np.ndarray:
    """A closed smooth curve through the corners, shape (points, 2)."""
    spline, _ = splprep([[*x, x[0]], [*y, y[0]]], s=0, per=True)
    return np.column_stack(splev(np.linspace(0, 1, 160), spline))


BOX, HIGH = 2.8, 0.56  # a box, where the chart is 10 wide, and 1 from one step to the next
WORKFLOW = {  # the steps of notebook 02 by branch: each step with what it drops
    "COVID-19 source": {
        "metadata.csv": "",
        "COVID-19": "another finding",
        "X-ray": "computed tomography",
        "PA": "AP, lateral and other views",
        "file is there": "listed, but not in the folder",
    },
    "Normal X-rays": {"chest_xray": "", "NORMAL": "pneumonia"},
    "Both": {
        "together": "",
        "readable": "damaged files",
        "no duplicates": "the same file again",
        "ten set aside": "all X-rays of the ten patients of notebook 01",
        "balanced 1:1": "drawn at random from the larger class",
    },
}
# Where a branch begins (the normal X-rays leave room for a remark on their right), its colour.
BEGINS = (0.05, 0, COVID), (5.95, 0, NOT_COVID), (3.6, -5.35, INK)
PARTS = {"train": 0.05, "validation": 3.6, "test": 7.15}


def plot_workflow(counts: dict[str, int] | None = None) -> None:
    """Show the way from two sources to three parts.

    ``counts`` (name of every step to what is left after it) stand in the boxes, and shade them on
    one scale. Without counts the chart is a map.
    Raises :class:`CXRLabError` where a step has no count.
    """
    names = {name for steps in WORKFLOW.values() for name in steps} | PARTS.keys()
    if counts and (missing := names - counts.keys()):
        raise CXRLabError(f"No count for {', '.join(sorted(missing))}: run all cells above first.")
    _, ax = plt.subplots(figsize=(WIDTH, 6.4))
    ax.set(xlim=(0, 10), ylim=(-11.35, 0.5))
    ax.axis("off")
    boxes, arrows = {}, [("file is there", "together"), ("NORMAL", "together")]
    for (branch, steps), (left, top, colour) in zip(WORKFLOW.items(), BEGINS, strict=True):
        boxes |= {name: (left, top - number, colour) for number, name in enumerate(steps)}
        arrows += pairwise(steps)
        for before, name in pairwise(steps):
            gone = f"−{counts[before] - counts[name]}" if counts else "drops"
            note = textwrap.fill(f"{gone}: {steps[name]}", 26 if branch == "Both" else 21)
            place = left + BOX + 0.12, boxes[name][1]
            ax.text(*place, note, va="center", fontsize=8.5, color=GREY)
    last = boxes["balanced 1:1"][1]
    boxes |= {name: (x, last - 1.45, INK) for name, x in PARTS.items()}
    arrows += [("balanced 1:1", part) for part in PARTS]
    for name, (x, y, colour) in boxes.items():
        ax.barh(y, BOX, HIGH, x, facecolor="none", edgecolor=colour, linewidth=1.4)
        ax.text(x + 0.12, y, name, va="center", fontsize=9)
        if counts:
            share = counts[name] / max(counts.values())
            ax.barh(y, share * BOX, HIGH, x, color=colour, alpha=0.16, linewidth=0)
            where = {"va": "center", "ha": "right", "fontsize": 10, "weight": "bold"}
            ax.text(x + BOX - 0.12, y, str(counts[name]), **where)
    for start, end in arrows:  # from the foot of one box to the head of another
        (x, y, _), (to_x, to_y, _) = boxes[start], boxes[end]
        look = {"arrowstyle": "-|>", "color": GREY, "shrinkA": 0, "shrinkB": 0}
        head, foot = (to_x + BOX / 2, to_y + HIGH / 2), (x + BOX / 2, y - HIGH / 2)
        ax.annotate("", head, foot, arrowprops=look)
    words = {"ha": "center", "va": "center", "fontsize": 9, "backgroundcolor": "white"}
    ax.text(5, last - 0.68, "split by patient", color=GREY, **words)
    said = {name: f"{name} {counts[name]}" if counts else name for name in boxes}
    alt = [f"{branch}: {', '.join(map(said.get, steps))}" for branch, steps in WORKFLOW.items()]
    parts = ", ".join(map(said.get, PARTS))
    show(ax, f"Workflow. {'. '.join(alt)}. Split by patient into {parts}.")
