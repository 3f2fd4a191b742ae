"""The filtering as a flow chart, with the counts of this run."""

from __future__ import annotations

import textwrap

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import FancyBboxPatch, Rectangle

from cxrlab.plots.style import COVID, GREY, INK, NOT_COVID, WIDTH

# The chart's own units: 10 across the width, 1 from one step to the next.
BOX = 2.8  # width of a box
HIGH = 0.56  # height of a box
LEFT, MIDDLE, RIGHT = 0.05, 3.6, 5.3  # where the boxes of a branch begin
NOTE = 0.12  # from a box to the remark on its right
WRAP = 21  # letters in a line of a remark


def plot_workflow(steps: pd.DataFrame, parts: dict[str, int] | None = None) -> Axes:
    """Draw the filters of ``FilterLog.table()``: two branches that meet, counts in every box.

    ``steps`` has ``branch`` ("COVID-19", "normal", "both"), ``step``, ``before``, ``dropped``,
    ``after`` and ``why``. ``parts`` (name to number of X-rays) adds the split at the foot. The
    shaded part of a box is as long as its number of rows is large, on one scale for all boxes.
    """
    left, right = (steps[steps["branch"] == name] for name in ("COVID-19", "normal"))
    joined = steps[steps["branch"] == "both"]
    meet = max(len(left), len(right)) + 1.35
    bottom = meet + max(len(joined) - 1, 0) + (1.45 if parts else 0) + 0.4
    _, ax = plt.subplots(figsize=(WIDTH, 0.62 * (bottom + 0.5)), layout="constrained")
    ax.set_xlim(0, 10)
    ax.set_ylim(-bottom, 0.5)
    ax.axis("off")
    scale = BOX / max(1, steps["before"].max())
    feet = [
        _draw_branch(ax, LEFT, left, "COVID-19 source", COVID, scale),
        _draw_branch(ax, RIGHT, right, "source of normals", NOT_COVID, scale),
    ]
    foot = _draw_joined(ax, feet, joined, -meet, scale)
    if parts:
        _draw_parts(ax, foot, parts, scale)
    return ax


def _draw_branch(
    ax: Axes, x: float, steps: pd.DataFrame, title: str, colour: str, scale: float
) -> tuple[float, float]:
    """Draw a branch from its source downwards; return where its last box ends below."""
    start = steps["before"].iloc[0] if len(steps) else 0
    foot = _box(ax, x, 0, title, start, colour, scale)
    for number, step in enumerate(steps.itertuples(), start=1):
        _arrow(ax, foot, (foot[0], -number + HIGH / 2))
        foot = _box(ax, x, -number, step.step, step.after, colour, scale)
        _note(ax, x, -number, step)
    return foot


def _draw_joined(
    ax: Axes, feet: list[tuple[float, float]], steps: pd.DataFrame, y: float, scale: float
) -> tuple[float, float]:
    for number, step in enumerate(steps.itertuples()):
        for foot in feet:
            _arrow(ax, foot, (MIDDLE + BOX / 2, y - number + HIGH / 2))
        feet = [_box(ax, MIDDLE, y - number, step.step, step.after, INK, scale)]
        _note(ax, MIDDLE, y - number, step)
    return feet[0]


def _draw_parts(ax: Axes, foot: tuple[float, float], parts: dict[str, int], scale: float) -> None:
    y = foot[1] - 1.45 + HIGH / 2
    gap = (10 - 2 * LEFT - len(parts) * BOX) / max(1, len(parts) - 1)
    for number, (name, count) in enumerate(parts.items()):
        x = LEFT + number * (BOX + gap)
        _arrow(ax, foot, (x + BOX / 2, y + HIGH / 2))
        _box(ax, x, y, name, count, INK, scale)
    ax.text(foot[0] + NOTE, foot[1] - 0.22, "split by patient", color=GREY, va="center", fontsize=9)


def _box(
    ax: Axes, x: float, y: float, name: str, count: int, colour: str, scale: float
) -> tuple[float, float]:
    """A box with a name and a count; returns the middle of its lower edge."""
    low = y - HIGH / 2
    shade = Rectangle((x, low), count * scale, HIGH, facecolor=colour, alpha=0.16, linewidth=0)
    frame = FancyBboxPatch(
        (x, low),
        BOX,
        HIGH,
        boxstyle="round,pad=0,rounding_size=0.1",
        facecolor="none",
        edgecolor=colour,
        linewidth=1.4,
    )
    ax.add_patch(shade)
    ax.add_patch(frame)
    shade.set_clip_path(frame)
    ax.text(x + 0.12, y, name, va="center", fontsize=9)
    ax.text(x + BOX - 0.12, y, str(count), va="center", ha="right", fontsize=10, weight="bold")
    return x + BOX / 2, low


def _note(ax: Axes, x: float, y: float, step) -> None:
    # Some reasons begin with the count themselves: several reasons, each with its own.
    counted = step.why.startswith(str(step.dropped))
    note = f"−{step.why}" if counted else f"−{step.dropped}: {step.why}"
    note = textwrap.fill(note, WRAP if x != MIDDLE else WRAP + 5) if step.dropped else "−0"
    ax.text(x + BOX + NOTE, y, note, va="center", fontsize=8.5, color=GREY, linespacing=1.15)


def _arrow(ax: Axes, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Down, across where needed, and down again."""
    turn = end[1] + 0.32
    corners = [start, (start[0], turn), (end[0], turn)] if start[0] != end[0] else [start]
    line = [*corners, (end[0], end[1] + 0.05)]
    ax.plot(*zip(*line, strict=True), color=GREY, linewidth=1.2, solid_joinstyle="round")
    head = {"arrowstyle": "-|>", "color": GREY, "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0}
    ax.annotate("", xy=end, xytext=(end[0], end[1] + 0.2), arrowprops=head)
