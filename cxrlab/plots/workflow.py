"""The filtering as a flow chart, with the counts of this run."""

from __future__ import annotations

import textwrap

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.axes import Axes

from cxrlab.plots.style import COVID, GREY, INK, NOT_COVID, WIDTH

_STEP = 1.0  # height of one step in the chart's own units
_BOX = {"boxstyle": "round,pad=0.4", "facecolor": "white", "linewidth": 1.5}


def plot_workflow(steps: pd.DataFrame, parts: dict[str, int] | None = None) -> Axes:
    """Draw the filters of ``FilterLog.table()``: two branches that meet, counts in every box.

    ``steps`` has ``branch`` ("COVID-19", "normal", "both"), ``step``, ``before``, ``dropped``,
    ``after`` and ``why``. ``parts`` (name to number of X-rays) adds the split at the foot.
    """
    left, right = (steps[steps["branch"] == name] for name in ("COVID-19", "normal"))
    joined = steps[steps["branch"] == "both"]
    top = max(len(left), len(right)) + 1
    height = top + len(joined) + (1.2 if parts else 0.2)
    _, ax = plt.subplots(figsize=(WIDTH, 0.78 * height), layout="constrained")
    ax.set_xlim(0, 10)
    ax.set_ylim(-height * _STEP, 0.6)
    ax.axis("off")
    feet = [
        _draw_branch(ax, 1.5, left, "COVID-19 source", COVID),
        _draw_branch(ax, 6.5, right, "source of the normals", NOT_COVID),
    ]
    foot = _draw_joined(ax, feet, joined, -top * _STEP)
    if parts:
        _draw_parts(ax, foot, parts)
    return ax


def _draw_branch(ax: Axes, x: float, steps: pd.DataFrame, title: str, colour: str) -> tuple:
    y = 0.0
    start = steps["before"].iloc[0] if len(steps) else 0
    _box(ax, x, y, f"{title}\n{start} rows", colour)
    for step in steps.itertuples():
        y -= _STEP
        _arrow(ax, (x, y + _STEP), (x, y))
        _box(ax, x, y, f"{step.step}\n{step.after}", colour)
        _note(ax, x + 1.25, y + 0.02, step)
    return x, y


def _draw_joined(ax: Axes, feet: list[tuple], steps: pd.DataFrame, y: float) -> tuple:
    x = 4.0
    for number, step in enumerate(steps.itertuples()):
        here = y - number * _STEP
        for foot in feet if number == 0 else [(x, here + _STEP)]:
            _arrow(ax, foot, (x, here))
        _box(ax, x, here, f"{step.step}\n{step.after}", INK)
        _note(ax, x + 1.45, here, step)
    return x, y - (len(steps) - 1) * _STEP


def _draw_parts(ax: Axes, foot: tuple, parts: dict[str, int]) -> None:
    y = foot[1] - 1.2 * _STEP
    for x, (name, count) in zip((1.5, 4.0, 6.5), parts.items(), strict=True):
        _arrow(ax, foot, (x, y))
        _box(ax, x, y, f"{name}\n{count}", INK)
    ax.text(7.9, y, "split by patient", color=GREY, va="center", fontsize=9)


def _box(ax: Axes, x: float, y: float, text: str, colour: str) -> None:
    ax.text(
        x,
        y,
        text,
        ha="center",
        va="center",
        fontsize=9,
        zorder=3,
        bbox={**_BOX, "edgecolor": colour},
    )


def _note(ax: Axes, x: float, y: float, step) -> None:
    if step.dropped:
        # Some reasons begin with the count themselves: several reasons, each with its own.
        counted = step.why.startswith(str(step.dropped))
        note = f"−{step.why}" if counted else f"−{step.dropped}: {step.why}"
        note = textwrap.fill(note, 32)
        ax.text(x, y, note, va="center", fontsize=8.5, color=GREY)


def _arrow(ax: Axes, start: tuple, end: tuple) -> None:
    ax.annotate(
        "",
        xy=(end[0], end[1] + 0.33),
        xytext=(start[0], start[1] - 0.33),
        arrowprops={"arrowstyle": "->", "color": GREY, "linewidth": 1.2},
    )
