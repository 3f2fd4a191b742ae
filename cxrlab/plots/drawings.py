"""Two drawings: what is what in a chest X-ray, and the way of the filtering from source to part."""

from __future__ import annotations

import textwrap
from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Ellipse, Polygon, Rectangle
from matplotlib.patheffects import withStroke
from scipy.interpolate import splev, splprep

from cxrlab.plots.style import COVID, GREY, INK, NOT_COVID, WIDTH, show

# The chest's own units: the film is 10 wide and 10 high, y grows upwards. x counts from the
# midline, so that one lung is the mirror image of the other.
FILM, TISSUE, LUNG, DENSE = "#101010", "#6E6E6E", "#262626", "#C9C9C9"
LUNG_X = np.array([1.25, 2.05, 2.75, 3.15, 3.3, 2.4, 1.3, 0.85, 0.72, 0.62, 0.68])
LUNG_Y = np.array([8.55, 8.1, 6.6, 4.6, 2.35, 2.95, 3.15, 2.9, 4.6, 6.4, 7.8])
BODY_X = np.array([1.0, 1.3, 4.3, 4.4, 4.1, 4.2])
BODY_Y = np.array([10, 9.2, 8.3, 6.5, 4.0, 0])
HEART_X = np.array([-0.9, 0.3, 1.2, 2.05, 1.9, -0.7])
HEART_Y = np.array([4.9, 5.8, 5.2, 3.6, 2.8, 2.85])
PARTS_OF_A_CHEST = (  # words, where they stand, what they point at
    ("lung: full of air,\nX-rays pass, dark", (-5.4, 7.5), (-1.7, 7.0)),
    (
        "hazy patches of COVID-19\nare often here: both sides,\nlow, near the edge",
        (-5.4, 4),
        (-3, 4),
    ),
    ("diaphragm and belly:\ndense, light", (-5.4, 1.2), (-2.2, 2.0)),
    ("ribs: pale bands", (5.4, 8.2), (2.25, 6.9)),
    ("heart: dense, light", (5.4, 5.2), (1.0, 4.3)),
    ("spine", (5.4, 1.2), (0.2, 1.4)),
)


def plot_chest_guide() -> None:
    """Show a drawing of a frontal chest X-ray: what is dark, what is light, which side is which."""
    _, ax = plt.subplots(figsize=(WIDTH, 4.3), layout="constrained")
    ax.add_patch(Rectangle((-5, 0), 10, 10, facecolor=FILM, linewidth=0))
    ax.fill([*-BODY_X, *BODY_X[::-1]], [*BODY_Y, *BODY_Y[::-1]], color=TISSUE, linewidth=0)
    for side in (-1, 1):
        lung = Polygon(_smooth(side * LUNG_X, LUNG_Y), facecolor=LUNG, linewidth=0)
        ax.add_patch(lung)
        for top in np.arange(8.6, 3.0, -0.8):  # ribs: faint arcs, cut off at the lung's outline
            x = np.linspace(0, 3.2, 40)
            y = top - 0.02 * x - 0.14 * x**2
            (rib,) = ax.plot(side * (x + 0.4), y, color=DENSE, alpha=0.35, linewidth=4)
            rib.set_clip_path(lung)
        zone = {"facecolor": (COVID, 0.35), "edgecolor": COVID, "linewidth": 1.8, "hatch": ".."}
        ax.add_patch(Ellipse((side * 2.5, 4.05), 1.25, 2.5, angle=side * 6, **zone))
    ax.add_patch(Rectangle((-0.42, 0), 0.84, 10, facecolor=DENSE, alpha=0.75, linewidth=0))
    ax.add_patch(Polygon(_smooth(HEART_X, HEART_Y), facecolor=DENSE, linewidth=0))
    halo = [withStroke(linewidth=3.5, foreground="white")]  # the line is seen on the film, too
    line = {"arrowstyle": "-", "color": INK, "path_effects": halo}
    for words, place, target in PARTS_OF_A_CHEST:
        side = "right" if place[0] < 0 else "left"
        ax.annotate(words, target, place, ha=side, va="center", fontsize=10, arrowprops=line)
        ax.plot(*target, marker="o", markersize=5, color="white", markeredgecolor=INK)
    for x, words in ((-2.5, "the patient's right"), (2.5, "the patient's left")):
        ax.text(x, -0.25, words, ha="center", va="top", fontsize=10.5, weight="bold")
    ax.set(xlim=(-10.4, 10.4), ylim=(-0.9, 10.2), aspect="equal")
    ax.axis("off")
    show(
        ax,
        "Drawing of a chest X-ray: two dark lungs crossed by pale ribs, between them the light "
        "spine and heart; below, the light diaphragm. The patient's right is on the left. Two "
        "dotted areas low in the lungs, near the outer edge, mark where COVID-19 is often seen.",
    )


def _smooth(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A closed smooth curve through the corners, shape (points, 2)."""
    spline, _ = splprep([[*x, x[0]], [*y, y[0]]], s=0, per=True)
    return np.column_stack(splev(np.linspace(0, 1, 160), spline))


# The steps of notebook 02: name to what each drops (a branch begins with what it starts from).
POSITIVES = {
    "metadata.csv": "",
    "COVID-19": "another finding",
    "X-ray": "computed tomography",
    "PA": "AP, lateral and other views",
    "file is there": "listed, but not in the folder",
}
NEGATIVES = {"chest_xray": "", "NORMAL": "pneumonia"}
BOTH = {
    "together": "",
    "readable": "damaged files",
    "no duplicates": "the same file again",
    "ten set aside": "all X-rays of the ten patients of notebook 01",
    "balanced 1:1": "drawn at random from the larger class",
}
PARTS = ("train", "validation", "test")

# The chart's own units: 10 across the width, 1 from one step to the next.
BOX, HIGH = 2.8, 0.56  # width and height of a box
LEFT, MIDDLE, RIGHT = 0.05, 3.6, 7.15  # where a box of the last line begins
NEGATIVES_LEFT = 5.95  # there is room for a remark on its right
MEET = -5.35  # where the two sources come together


def plot_workflow(counts: dict[str, int] | None = None) -> None:
    """Show the way from two sources to three parts.

    ``counts`` (name of a step to what is left after it) writes the numbers into the boxes; the
    shaded part of a box is as long as its number is large, on one scale for all boxes. Without
    counts the chart is a map.
    """
    counts = counts or {}
    _, ax = plt.subplots(figsize=(WIDTH, 6.4), layout="constrained")
    ax.set(xlim=(0, 10), ylim=(MEET - 6, 0.5))
    ax.axis("off")
    scale = BOX / max([1, *counts.values()])
    boxes = {}  # name to left edge, height and colour
    for left, top, steps, colour in (
        (LEFT, 0, POSITIVES, COVID),
        (NEGATIVES_LEFT, 0, NEGATIVES, NOT_COVID),
        (MIDDLE, MEET, BOTH, INK),
    ):
        boxes |= {name: (left, top - number, colour) for number, name in enumerate(steps)}
        for before, name in pairwise(steps):
            gone = counts[before] - counts[name] if {before, name} <= counts.keys() else None
            note = ("drops: " if gone is None else f"−{gone}: ") + steps[name]
            x, y = left + BOX + 0.12, boxes[name][1]
            note = textwrap.fill(note, 26 if steps is BOTH else 21)
            ax.text(x, y, note, va="center", fontsize=8.5, color=GREY)
    last = boxes["balanced 1:1"][1]
    boxes |= {
        name: (x, last - 1.45, INK) for name, x in zip(PARTS, (LEFT, MIDDLE, RIGHT), strict=True)
    }
    for name, (x, y, colour) in boxes.items():
        ax.barh(y, BOX, HIGH, x, facecolor="none", edgecolor=colour, linewidth=1.4)
        ax.text(x + 0.12, y, name, va="center", fontsize=9)
        if name in counts:
            ax.barh(y, counts[name] * scale, HIGH, x, color=colour, alpha=0.16, linewidth=0)
            where = {"va": "center", "ha": "right", "fontsize": 10, "weight": "bold"}
            ax.text(x + BOX - 0.12, y, str(counts[name]), **where)
    meeting = [("file is there", "together"), ("NORMAL", "together")]
    parting = [("balanced 1:1", part) for part in PARTS]
    for start, end in (
        *pairwise(POSITIVES), *pairwise(NEGATIVES), *meeting, *pairwise(BOTH), *parting
    ):  # fmt: skip
        _arrow(ax, boxes[start], boxes[end])
    words = {"ha": "center", "va": "center", "fontsize": 9, "backgroundcolor": "white"}
    ax.text(MIDDLE + BOX / 2, last - 0.68, "split by patient", color=GREY, **words)
    show(ax, _workflow_in_words(counts))


def _arrow(ax: Axes, start: tuple, end: tuple) -> None:
    """An arrow from the foot of one box to the head of another."""
    foot, head = (start[0] + BOX / 2, start[1] - HIGH / 2), (end[0] + BOX / 2, end[1] + HIGH / 2)
    look = {"arrowstyle": "-|>", "color": GREY, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", head, foot, arrowprops=look)


def _workflow_in_words(counts: dict[str, int]) -> str:
    said = [
        ", ".join(f"{name} {counts[name]}" if name in counts else name for name in steps)
        for steps in (POSITIVES, NEGATIVES, BOTH, PARTS)
    ]
    return (
        "Workflow. COVID-19 source: {}. Normal X-rays: {}. Both: {}. Split by patient into {}."
    ).format(*said)
