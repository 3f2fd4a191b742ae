"""A chest X-ray as a drawing, for readers who have never read one."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Ellipse, Polygon, Rectangle
from scipy.interpolate import splev, splprep

from cxrlab.plots.style import COVID, INK, WIDTH

# The drawing's own units: the film is 10 wide and 10 high, y grows upwards. x counts from the
# midline, so that one lung is the mirror image of the other, but for the heart.
FILM, TISSUE, LUNG, DENSE = "#101010", "#6E6E6E", "#262626", "#C9C9C9"
_LUNG = [  # one lung, clockwise from its tip, x towards the side
    (1.25, 8.55),
    (2.05, 8.1),
    (2.75, 6.6),
    (3.15, 4.6),
    (3.3, 2.35),
    (2.4, 2.95),
    (1.3, 3.15),
    (0.85, 2.9),
    (0.72, 4.6),
    (0.62, 6.4),
    (0.68, 7.8),
]
_BODY = [(1.0, 10), (1.3, 9.2), (4.3, 8.3), (4.4, 6.5), (4.1, 4.0), (4.2, 0)]


def plot_chest_guide() -> Axes:
    """A drawing of a frontal chest X-ray: what is dark, what is light, which side is which."""
    _, ax = plt.subplots(figsize=(WIDTH, 4.3), layout="constrained")
    ax.add_patch(Rectangle((-5, 0), 10, 10, facecolor=FILM, linewidth=0))
    right_side = [(-x, y) for x, y in _BODY]
    ax.add_patch(Polygon(right_side + _BODY[::-1], facecolor=TISSUE, linewidth=0))
    for side in (-1, 1):
        lung = _smooth([(side * x, y) for x, y in _LUNG])
        ax.add_patch(Polygon(lung, facecolor=LUNG, linewidth=0))
        _draw_ribs(ax, side, lung)
        zone = Ellipse(
            (side * 2.5, 4.05),
            1.25,
            2.5,
            angle=side * 6,
            facecolor=(COVID, 0.35),
            edgecolor=COVID,
            linewidth=1.8,
            hatch="..",
        )
        ax.add_patch(zone)
    ax.add_patch(Rectangle((-0.42, 0), 0.84, 10, facecolor=DENSE, alpha=0.75, linewidth=0))
    heart = _smooth([(-0.9, 4.9), (0.3, 5.8), (1.2, 5.2), (2.05, 3.6), (1.9, 2.8), (-0.7, 2.85)])
    ax.add_patch(Polygon(heart, facecolor=DENSE, linewidth=0))
    _draw_words(ax)
    ax.set(xlim=(-10.4, 10.4), ylim=(-0.9, 10.2), aspect="equal")
    ax.axis("off")
    return ax


def _draw_ribs(ax: Axes, side: int, lung: np.ndarray) -> None:
    """Faint arcs from the spine to the side, cut off at the edge of the lung's outline."""
    inside = Polygon(lung, transform=ax.transData, facecolor="none", linewidth=0)
    ax.add_patch(inside)
    for top in np.arange(8.6, 3.0, -0.8):
        x = np.linspace(0.4, 3.6, 40)
        y = top - 0.02 * (x - 0.4) - 0.14 * (x - 0.4) ** 2
        (rib,) = ax.plot(side * x, y, color=DENSE, alpha=0.35, linewidth=4)
        rib.set_clip_path(inside)


def _draw_words(ax: Axes) -> None:
    """The words beside the film, each with a line to what it names."""
    for words, place, target, align in (
        ("lung: full of air,\nX-rays pass, dark", (-5.4, 7.5), (-1.7, 7.0), "right"),
        ("hazy patches of COVID-19\nare often here: both sides,\nlow, near the edge", (-5.4, 4.0),
         (-3.0, 4.0), "right"),
        ("diaphragm and belly:\ndense, light", (-5.4, 1.2), (-2.2, 2.0), "right"),
        ("ribs: pale bands", (5.4, 8.2), (2.25, 6.9), "left"),
        ("heart: dense, light", (5.4, 5.2), (1.0, 4.3), "left"),
        ("spine", (5.4, 1.2), (0.2, 1.4), "left"),
    ):  # fmt: skip
        ax.text(*place, words, ha=align, va="center", fontsize=10, color=INK)
        # The line is white on the film and ink outside it.
        start = place[0] - np.sign(place[0]) * 0.15
        edge = np.sign(place[0]) * 5.0
        middle = np.interp(edge, *zip(*sorted([(start, place[1]), target]), strict=True))
        ax.plot([start, edge], [place[1], middle], color=INK, linewidth=1.4)
        ax.plot([edge, target[0]], [middle, target[1]], color="white", linewidth=1.4)
        ax.plot(*target, marker="o", markersize=5, color="white", markeredgecolor=INK)
    for x, words in ((-2.5, "the patient's right"), (2.5, "the patient's left")):
        ax.text(x, -0.25, words, ha="center", va="top", fontsize=10.5, weight="bold", color=INK)


def _smooth(corners: list[tuple[float, float]]) -> np.ndarray:
    """A closed smooth curve through the corners, shape (points, 2)."""
    closed = np.array([*corners, corners[0]]).T
    spline, _ = splprep(closed, s=0, per=True)
    return np.column_stack(splev(np.linspace(0, 1, 160), spline))
