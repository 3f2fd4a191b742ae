"""The filtering as a flow chart: as a map before anything is counted, and with a run's counts."""

from __future__ import annotations

import textwrap

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch, Rectangle

from cxrlab.plots.style import COVID, GREY, INK, NOT_COVID, WIDTH

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
BOX = 2.8  # width of a box
HIGH = 0.56  # height of a box
LEFT, MIDDLE, RIGHT = 0.05, 3.6, 5.3  # where the boxes of a branch begin
NOTE = 0.12  # from a box to the remark on its right
WRAP = 21  # letters in a line of a remark


def plot_workflow(counts: dict[str, int] | None = None) -> Axes:
    """Draw the way from two sources to three parts.

    ``counts`` (name of a step to what is left after it) writes the numbers into the boxes; the
    shaded part of a box is as long as its number is large, on one scale for all boxes. Without
    counts the chart is a map. :func:`workflow_text` says the same in words.
    """
    counts = counts or {}
    meet = len(POSITIVES) + 0.35
    bottom = meet + len(BOTH) - 1 + 1.45 + 0.4
    _, ax = plt.subplots(figsize=(WIDTH, 0.55 * (bottom + 0.5)), layout="constrained")
    ax.set_xlim(0, 10)
    ax.set_ylim(-bottom, 0.5)
    ax.axis("off")
    scale = BOX / max([1, *counts.values()])

    def chain(x: float, y: float, steps: dict[str, str], colour: str, feet: list) -> tuple:
        before = None
        for number, (name, dropped) in enumerate(steps.items()):
            for foot in feet:
                _arrow(ax, foot, (x + BOX / 2, y - number + HIGH / 2))
            now = counts.get(name)
            feet = [_box(ax, x, y - number, name, now, colour, scale)]
            if dropped:
                known = f"−{before - now}: " if None not in (before, now) else "drops: "
                note = textwrap.fill(known + dropped, WRAP + 5 * (x == MIDDLE))
                ax.text(x + BOX + NOTE, y - number, note, va="center", fontsize=8.5, color=GREY)
            before = now
        return feet[0]

    feet = [
        chain(LEFT, 0, POSITIVES, COVID, []),
        chain(RIGHT, 0, NEGATIVES, NOT_COVID, []),
    ]
    foot = chain(MIDDLE, -meet, BOTH, INK, feet)
    gap = (10 - 2 * LEFT - len(PARTS) * BOX) / (len(PARTS) - 1)
    y = foot[1] - 1.45 + HIGH / 2
    for number, name in enumerate(PARTS):
        x = LEFT + number * (BOX + gap)
        _arrow(ax, foot, (x + BOX / 2, y + HIGH / 2))
        _box(ax, x, y, name, counts.get(name), INK, scale)
    ax.text(foot[0] + NOTE, foot[1] - 0.22, "split by patient", color=GREY, va="center", fontsize=9)
    return ax


def workflow_text(counts: dict[str, int] | None = None) -> str:
    """The chart of :func:`plot_workflow` in words."""

    def said(steps) -> str:
        return ", ".join(f"{name} {counts[name]}" if name in counts else name for name in steps)

    counts = counts or {}
    return (
        f"Workflow. COVID-19 source: {said(POSITIVES)}. Normal X-rays: {said(NEGATIVES)}. "
        f"Both: {said(BOTH)}. Split by patient into {said(PARTS)}."
    )


def _box(
    ax: Axes, x: float, y: float, name: str, count: int | None, colour: str, scale: float
) -> tuple[float, float]:
    """A box with a name and a count; returns the middle of its lower edge."""
    low = y - HIGH / 2
    frame = FancyBboxPatch(
        (x, low),
        BOX,
        HIGH,
        boxstyle="round,pad=0,rounding_size=0.1",
        facecolor="none",
        edgecolor=colour,
        linewidth=1.4,
    )
    ax.add_patch(frame)
    ax.text(x + 0.12, y, name, va="center", fontsize=9)
    if count is not None:
        shade = Rectangle((x, low), count * scale, HIGH, facecolor=colour, alpha=0.16, linewidth=0)
        ax.add_patch(shade)
        shade.set_clip_path(frame)
        where = {"va": "center", "ha": "right", "fontsize": 10, "weight": "bold"}
        ax.text(x + BOX - 0.12, y, str(count), **where)
    return x + BOX / 2, low


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Down, across where needed, and down again."""
    turn = end[1] + 0.32
    corners = [start, (start[0], turn), (end[0], turn)] if start[0] != end[0] else [start]
    line = [*corners, (end[0], end[1] + 0.05)]
    ax.plot(*zip(*line, strict=True), color=GREY, linewidth=1.2, solid_joinstyle="round")
    head = {"arrowstyle": "-|>", "color": GREY, "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", xy=end, xytext=(end[0], end[1] + 0.2), arrowprops=head)
