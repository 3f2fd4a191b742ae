"""Reading a leaderboard: sort it, filter it, say a trial in words, and ask what it can prove."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations
from math import factorial, log

import numpy as np
import pandas as pd

from cxrlab.errors import CXRLabError

#: The binary cross-entropy of a network that answers 0.5 to everything: it has learned nothing.
LOSS_OF_GUESSING = log(2)

ANY = "any"

OBJECTIVE_NAMES = {
    "val_loss": "validation loss",
    "recall_at_specificity": "validation recall at a specificity of 0.9",
}

# Up to seven trials every order of their scores is tried; more have too many orders, so we draw.
_ALL_ORDERS_UP_TO = 7


def choices_of(
    leaderboard: pd.DataFrame, settings: Sequence[str] | Mapping[str, Sequence[float]]
) -> dict[str, list[float]]:
    """Each setting's choices in rising order: those of the space, or else those that were tried.

    ``settings`` is a space (:data:`cxrlab.tuning.SPACES`) or only the names of its settings.
    """
    given = settings if isinstance(settings, Mapping) else {}
    return {
        name: sorted({*map(float, given.get(name, ())), *map(float, leaderboard[name].unique())})
        for name in settings
    }


def filter_trials(leaderboard: pd.DataFrame, wanted: Mapping[str, float | str]) -> pd.DataFrame:
    """The trials with these values; a setting whose value is ``"any"`` does not matter."""
    kept = np.ones(len(leaderboard), dtype=bool)
    for name, value in wanted.items():
        if value != ANY:
            kept &= np.isclose(leaderboard[name].to_numpy(dtype=float), float(value))
    return leaderboard[kept]


def sort_trials(leaderboard: pd.DataFrame, by: str) -> pd.DataFrame:
    """Rising by this column; trials that agree in it stay in the order of their rank.

    Raises :class:`CXRLabError` when there is no such column.
    """
    if by not in leaderboard:
        raise CXRLabError(
            f"The leaderboard has no column {by!r}. Sort by one of: {', '.join(leaderboard)}."
        )
    return leaderboard.sort_values([by, "rank"] if by != "rank" else ["rank"], ignore_index=True)


def trial_in_words(
    leaderboard: pd.DataFrame, trial: int, names: Sequence[str], objective: str = "val_loss"
) -> str:
    """One trial as two or three sentences: settings, score, rank, and how far from the best."""
    row = leaderboard.loc[leaderboard["trial"] == trial].iloc[0]
    chosen = ", ".join(f"{name.replace('_', ' ')}: {row[name]:g}" for name in names)
    # A made-up search trained nothing, so it has no epochs.
    epochs = int(row.get("epochs", 0))
    trained = f" after {epochs} {'epoch' if epochs == 1 else 'epochs'}" if epochs else ""
    words = (
        f"Trial {trial} of {len(leaderboard)} ({chosen}) has rank {int(row['rank'])}, with a "
        f"{OBJECTIVE_NAMES[objective]} of {row[objective]:.3f}{trained}"
    )
    best = leaderboard.loc[leaderboard["rank"] == 1, objective].iloc[0]
    behind = "" if row["rank"] == 1 else f", {abs(row[objective] - best):.3f} behind the best"
    guessing = f" Guessing, 0.5 for every X-ray, has a loss of {LOSS_OF_GUESSING:.3f}."
    near = objective == "val_loss" and row[objective] > LOSS_OF_GUESSING - 0.02
    return f"{words}{behind}.{guessing if near else ''}"


def setting_effects(
    leaderboard: pd.DataFrame,
    names: Sequence[str],
    objective: str = "val_loss",
    shuffles: int = 2000,
    seed: int = 0,
) -> pd.DataFrame:
    """How far apart the choices of each setting score, and how often luck does as much.

    Columns: ``setting``; ``gap``, the largest minus the smallest mean score of its choices;
    ``luck``, the share (0...1) of shuffles of the scores among the trials whose gap is at least
    as large (a permutation test; up to seven trials all orders are tried, so nothing below one in
    their number can come out). Both are NaN where only one choice was tried. Largest gap first.
    """
    scores = leaderboard[objective].to_numpy(dtype=float)
    orders = _orders(len(scores), shuffles, seed)
    rows = []
    for name in names:
        groups = np.unique(leaderboard[name], return_inverse=True)[1]
        gap, luck = np.nan, np.nan
        if groups.max(initial=0) > 0:
            gap = _gaps(scores[None, :], groups)[0]
            # A hair's tolerance: sums in another order may differ in the last bit.
            luck = float(np.mean(_gaps(scores[orders], groups) >= gap - 1e-9))
        rows.append({"setting": name, "gap": gap, "luck": luck})
    return pd.DataFrame(rows).sort_values("gap", ascending=False, kind="stable", ignore_index=True)


def made_up_search(
    space: Mapping[str, Sequence[float]], trials: int, noise: float = 0.05, seed: int = 0
) -> pd.DataFrame:
    """A leaderboard of a search in which **nothing matters**: its losses are luck alone.

    Settings are drawn at random; each loss is 0.4 and normal noise with the standard deviation
    ``noise``. Columns as in :func:`cxrlab.tuning.leaderboard`, as far as plots need them.
    """
    rng = np.random.default_rng(seed)
    board = pd.DataFrame({name: rng.choice(choices, trials) for name, choices in space.items()})
    board["val_loss"] = 0.4 + noise * rng.standard_normal(trials)
    board["trial"] = np.arange(1, trials + 1)
    board = board.sort_values("val_loss", ignore_index=True)
    board.insert(0, "rank", board.index + 1)
    return board


def share_of_right_choices(
    trials: int,
    choices: int = 4,
    step: float = 0.01,
    noise: float = 0.05,
    repeats: int = 4000,
    seed: int = 0,
) -> float:
    """How often a random search picks the truly best choice of one setting, within 0...1.

    The first of ``choices`` is best; each step away from it costs ``step`` of loss; two trainings
    of the same settings differ by ``noise`` (standard deviation). The choice with the lowest mean
    over its trials is picked. Of other settings nothing is disturbed: a real search has it harder.
    """
    rng = np.random.default_rng(seed)
    drawn = rng.integers(choices, size=(repeats, trials))
    losses = step * drawn + noise * rng.standard_normal((repeats, trials))
    means = np.full((repeats, choices), np.inf)  # a choice that no trial had is never picked
    for choice in range(choices):
        had = drawn == choice
        count = had.sum(axis=1)
        total = np.where(had, losses, 0).sum(axis=1)
        means[:, choice] = np.where(count, total / np.maximum(count, 1), np.inf)
    return float(np.mean(means.argmin(axis=1) == 0))


def _orders(trials: int, shuffles: int, seed: int) -> np.ndarray:
    """Orders of the trials, shape (orders, trials): all of them, or some and the seen one."""
    if trials <= _ALL_ORDERS_UP_TO:
        return np.array([*permutations(range(trials))]).reshape(factorial(trials), trials)
    rng = np.random.default_rng(seed)
    drawn = np.tile(np.arange(trials), (shuffles + 1, 1))
    # The seen order counts as one of them: no result is ever impossible.
    drawn[1:] = rng.permuted(drawn[1:], axis=1)
    return drawn


def _gaps(scores: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Largest minus smallest group mean of each row of ``scores``, shape (rows, trials)."""
    means = [scores[:, groups == group].mean(axis=1) for group in range(groups.max() + 1)]
    return np.max(means, axis=0) - np.min(means, axis=0)
