"""The chart of the search explorer, as SVG: drawn in well under a millisecond."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np
import pandas as pd

from cxrlab.plots.style import COVID, GREY, INK, SERIES_COLOURS
from cxrlab.tuning import OBJECTIVE_NAMES

WIDTH, HEIGHT = 620, 250  # pixels
LEFT, RIGHT, TOP, BOTTOM = 62, 14, 14, 46


def scatter_svg(
    trials: pd.DataFrame,
    across: str,
    objective: str = "val_loss",
    chosen: int | None = None,
    choices: Sequence[float] | None = None,
) -> str:
    """The objective of each trial against ``across``, as SVG text with a title for listeners.

    ``across`` is a setting, whose ``choices`` stand evenly spaced, or ``"trial"`` (``None``), a
    plain axis. The trial ``chosen`` is a large diamond; dots of one choice stand side by side.
    """
    scores = trials[objective].to_numpy(dtype=float)
    low, high = _range(scores)
    x, ticks = _across(trials, across, choices)
    y = TOP + (HEIGHT - TOP - BOTTOM) * (high - scores) / (high - low)
    chosen_here = (trials["trial"] == chosen).to_numpy()
    dots = [
        _dot(left, top, trial, score)
        for left, top, trial, score, here in zip(
            x, y, trials["trial"], scores, chosen_here, strict=True
        )
        if not here
    ]
    for left, top in zip(x[chosen_here], y[chosen_here], strict=True):
        dots.append(_diamond(left, top, chosen))
    name = OBJECTIVE_NAMES[objective]
    title = f"{name} of {len(trials)} trials across {across.replace('_', ' ')}"
    if chosen_here.any():
        title += f"; trial {chosen} stands out at {scores[chosen_here][0]:.3f}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" viewBox="0 0 {WIDTH} {HEIGHT}" '
        f'style="width:100%;max-width:{WIDTH}px;background:white" font-family="sans-serif" '
        f'font-size="12" fill="{INK}"><title>{html.escape(title)}</title>'
        f"{_frame(low, high, ticks)}{_axis_names(name, across)}{''.join(dots)}</svg>"
    )


def _range(scores: np.ndarray) -> tuple[float, float]:
    """The y axis: all scores, some room, and at least a tenth, as in the plots."""
    low, high = float(scores.min()), float(scores.max())
    room = max(0.06 * (high - low), (0.1 - (high - low)) / 2, 0.01)
    return low - room, high + room


def _across(
    trials: pd.DataFrame, across: str, choices: Sequence[float] | None
) -> tuple[np.ndarray, list[tuple[float, str]]]:
    """Horizontal places in pixels, and the ticks as (place, text)."""
    width = WIDTH - LEFT - RIGHT
    values = trials[across].to_numpy(dtype=float)
    if choices is None:
        last = max(float(values.max()), 2.0)
        steps = sorted({round(n) for n in np.linspace(1, last, min(int(last), 9))})
        scale = 0.94 * width / (last - 1)
        start = LEFT + 0.03 * width
        ticks = [(start + scale * (step - 1), f"{step:g}") for step in steps]
        return start + scale * (values - 1), ticks
    slot = width / len(choices)
    indices = np.argmin(np.abs(values[:, None] - np.asarray(choices)[None, :]), axis=1)
    offsets = np.zeros(len(values))
    for index in np.unique(indices):
        here = np.flatnonzero(indices == index)
        here = here[np.argsort(trials["trial"].to_numpy()[here])]
        if len(here) > 1:
            offsets[here] = np.linspace(-0.3, 0.3, len(here))
    ticks = [(LEFT + slot * (n + 0.5), f"{choice:g}") for n, choice in enumerate(choices)]
    return LEFT + slot * (indices + 0.5 + offsets), ticks


def _frame(low: float, high: float, ticks: list[tuple[float, str]]) -> str:
    foot = HEIGHT - BOTTOM
    parts = []
    for share in (0, 0.25, 0.5, 0.75, 1):
        y = foot - share * (foot - TOP)
        parts.append(f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="#D9D9D9"/>')
        label = f"{low + share * (high - low):.3f}"
        parts.append(f'<text x="{LEFT - 6}" y="{y + 4:.1f}" text-anchor="end">{label}</text>')
    parts.append(f'<path d="M{LEFT} {TOP}V{foot}H{WIDTH - RIGHT}" fill="none" stroke="{GREY}"/>')
    for x, text in ticks:
        parts.append(f'<text x="{x:.1f}" y="{foot + 16}" text-anchor="middle">{text}</text>')
    return "".join(parts)


def _axis_names(objective: str, across: str) -> str:
    middle = (TOP + HEIGHT - BOTTOM) / 2
    name = "trial, in the order they ran" if across == "trial" else across.replace("_", " ")
    return (
        f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 8}" text-anchor="middle" '
        f'font-size="13">{html.escape(name)}</text>'
        f'<text transform="translate(14 {middle}) rotate(-90)" text-anchor="middle" '
        f'font-size="13">{html.escape(objective.removesuffix(" at a specificity of 0.9"))}</text>'
    )


def _dot(x: float, y: float, trial: int, score: float) -> str:
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{SERIES_COLOURS[1]}" fill-opacity="0.75">'
        f"<title>trial {trial}: {score:.3f}</title></circle>"
    )


def _diamond(x: float, y: float, trial: int | None) -> str:
    points = f"{x:.1f},{y - 10:.1f} {x + 10:.1f},{y:.1f} {x:.1f},{y + 10:.1f} {x - 10:.1f},{y:.1f}"
    return (
        f'<polygon points="{points}" fill="{COVID}" stroke="white" stroke-width="1.5">'
        f"<title>trial {trial}, chosen</title></polygon>"
    )
