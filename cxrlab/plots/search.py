"""What a search tried, and what its settings have to do with its scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from cxrlab.plots.style import COVID, GREY, INK, SERIES_COLOURS, WIDTH, new_axes
from cxrlab.tuning import LOSS_OF_GUESSING, OBJECTIVE_NAMES, choices_of

Settings = Sequence[str] | Mapping[str, Sequence[float]]  # names, or a space with its choices

_BLUE = SERIES_COLOURS[1]
_LEAST_RANGE = 0.1  # of a score axis
_NARROW_NAMES = {**OBJECTIVE_NAMES, "recall_at_specificity": "recall at specificity 0.9"}


def plot_search_progress(
    leaderboard: pd.DataFrame, objective: str = "val_loss", ax: Axes | None = None
) -> Axes:
    """Each trial's score in the order of the trials, and the best one so far as a line.

    A loss is also held against that of guessing, where that is near enough to be drawn.
    """
    ax = new_axes(ax, height=3.2)
    board = leaderboard.sort_values("trial")
    best = board[objective].cummin() if objective == "val_loss" else board[objective].cummax()
    ax.step(board["trial"], best, where="post", color=INK, label="best so far", zorder=2)
    ax.plot(board["trial"], board[objective], "o", color=_BLUE, markersize=7, label="one trial")
    winner = leaderboard.iloc[0]
    ax.plot(winner["trial"], winner[objective], "D", color=COVID, markersize=9, label="best trial")
    _mark_guessing(ax, objective, board[objective], "guessing (0.693)")
    _give_room(ax, board[objective])
    ax.set_xlabel("trial, in the order they ran")
    ax.set_ylabel(_NARROW_NAMES[objective])
    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4)
    return ax


def plot_search_settings(
    leaderboard: pd.DataFrame, settings: Settings, objective: str = "val_loss"
) -> np.ndarray:
    """The score against each searched setting, one panel a setting; dots are trials.

    With a space, choices that no trial had keep their empty place. A dash marks the mean of a
    choice that at least two trials had. The best trial is a diamond in every panel.
    """
    choices = choices_of(leaderboard, settings)
    columns = min(3, len(choices))
    rows = -(-len(choices) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(WIDTH, 2.3 * rows), sharey=True, squeeze=False, layout="constrained"
    )
    for ax in axes.flat[len(choices) :]:
        ax.axis("off")
    for ax, name in zip(axes.flat, choices, strict=False):
        _draw_setting(ax, leaderboard, name, choices[name], objective)
        _mark_guessing(ax, objective, leaderboard[objective], "guessing (0.693)")
    _give_room(axes.flat[0], leaderboard[objective])
    figure.supylabel(_NARROW_NAMES[objective], fontsize=11)
    handles, labels = axes.flat[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=4)
    return axes


def plot_parallel(
    leaderboard: pd.DataFrame,
    settings: Settings,
    objective: str = "val_loss",
    ax: Axes | None = None,
) -> Axes:
    """Parallel coordinates: a line a trial through its settings to its score, at the right.

    The best trial stands out, the better half is blue, the worse half thin and dashed. Lines are
    set a little apart, so that trials which share a choice do not hide each other.
    """
    ax = new_axes(ax, height=3.8)
    choices = choices_of(leaderboard, settings)
    last = len(choices)
    low, high = leaderboard[objective].min(), leaderboard[objective].max()
    middle = (len(leaderboard) - 1) / 2
    for place, trial in enumerate(leaderboard.sort_values("rank").to_dict("records")):
        offset = 0.09 * (place - middle) / max(middle, 1)
        heights = [_height(trial[name], choices[name]) + offset for name in choices]
        heights.append((trial[objective] - low) / (high - low) if high > low else 0.5)
        ax.plot(range(last + 1), heights, **_line_of(place, len(leaderboard)))
    for place, name in enumerate(choices):
        for choice in choices[name]:
            _tag(ax, place, _height(choice, choices[name]), f"{choice:g}")
    _tag(ax, last, 0, f"{low:.3f}")
    if high > low:
        _tag(ax, last, 1, f"{high:.3f}")
    names = [_wrapped(name) for name in [*choices, _NARROW_NAMES[objective]]]
    ax.set_xticks(range(last + 1), names)
    ax.set_xlim(-0.35, last + 0.45)
    ax.set_ylim(-0.14, 1.14)
    ax.set_yticks([])
    ax.grid(axis="y", visible=False)
    ax.spines["left"].set_visible(False)
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
    return ax


def _draw_setting(
    ax: Axes, board: pd.DataFrame, name: str, choices: list[float], objective: str
) -> None:
    places = np.array([choices.index(value) for value in board[name]], dtype=float)
    for place in range(len(choices)):
        here = np.flatnonzero(places == place)
        # Side by side in the order they ran, not by chance: the same figure in every run.
        here = here[np.argsort(board["trial"].to_numpy()[here])]
        spread = np.linspace(-0.22, 0.22, len(here)) if len(here) > 1 else np.zeros(len(here))
        places[here] += spread
        if len(here) > 1:
            mean = board[objective].iloc[here].mean()
            label = "mean of a choice" if "mean of a choice" not in _labels(ax) else None
            ax.hlines(mean, place - 0.33, place + 0.33, color=INK, linewidth=2.5, label=label)
    best = (board["rank"] == 1).to_numpy()
    ax.plot(places[~best], board[objective][~best], "o", color=_BLUE, alpha=0.75, label="one trial")
    ax.plot(places[best], board[objective][best], "D", color=COVID, markersize=8, label="best")
    ax.set_xticks(range(len(choices)), [f"{choice:g}" for choice in choices])
    ax.set_xlim(-0.5, len(choices) - 0.5)
    ax.set_xlabel(name.replace("_", " "))
    ax.grid(axis="x", visible=False)


def _mark_guessing(ax: Axes, objective: str, scores: pd.Series, label: str) -> None:
    """A dotted line at the loss of a network that answers 0.5 to everything."""
    if objective != "val_loss":
        return
    # Far from all trials it would only squeeze them together.
    if scores.max() > 0.6 * LOSS_OF_GUESSING and scores.min() < 2 * LOSS_OF_GUESSING:
        ax.axhline(LOSS_OF_GUESSING, color=GREY, linestyle=":", zorder=1, label=label)


def _give_room(ax: Axes, scores: pd.Series) -> None:
    """Show at least a tenth of loss or recall: less would make nothing look like much."""
    low, high = ax.get_ylim()
    low, high = min(low, scores.min()), max(high, scores.max())
    missing = max(0.0, _LEAST_RANGE - (high - low)) / 2
    edge = 0.06 * max(high - low, _LEAST_RANGE)  # so that the diamond of the best is not cut
    ax.set_ylim(low - missing - edge, high + missing + edge)


def _line_of(place: int, count: int) -> dict:
    """How the line of the trial at this place of the ranking (0 the best) looks."""
    if place == 0:
        return {"color": COVID, "linewidth": 3.2, "zorder": 4, "label": "best trial"}
    half = -(-count // 2)
    if place < half:
        label = "better half" if place == 1 else None
        return {"color": _BLUE, "linewidth": 1.6, "alpha": 0.75, "zorder": 3, "label": label}
    label = "worse half" if place == max(1, half) else None
    return {
        "color": GREY,
        "linewidth": 1.1,
        "linestyle": "--",
        "alpha": 0.7,
        "zorder": 2,
        "label": label,
    }


def _tag(ax: Axes, x: float, y: float, text: str) -> None:
    box = {"boxstyle": "round,pad=0.2", "facecolor": "white", "edgecolor": "none", "alpha": 0.8}
    ax.text(x + 0.07, y, text, va="center", fontsize=9.5, zorder=5, bbox=box)


def _wrapped(name: str) -> str:
    return name.replace("_", "\n").replace(" ", "\n", 1)


def _labels(ax: Axes) -> list[str]:
    return ax.get_legend_handles_labels()[1]


def _height(choice: float, choices: list[float]) -> float:
    """Where a choice stands on its axis: evenly spaced, whatever the numbers."""
    return choices.index(choice) / max(len(choices) - 1, 1)
