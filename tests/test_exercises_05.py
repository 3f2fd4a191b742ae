"""Exercises of notebook 05: solutions pass, plausible mistakes fail, each with its own words."""

from __future__ import annotations

from pathlib import Path

import nbformat
import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from cxrlab.exercises import Exercise, State, exercises_in, nb05

NOTEBOOK = Path(__file__).resolve().parent.parent / "notebooks" / "05_hyperparameter_tuning.ipynb"


def coin_p(wins, losses):
    return binomtest(int(wins), int(wins + losses)).pvalue if wins + losses else 1.0


def written(code: str, exercise: Exercise):
    """What a reader's cell leaves in the variable of the exercise."""
    variables = {"np": np, "pd": pd, "coin_p": coin_p, "binomtest": binomtest}
    exec(code, variables)
    return variables[exercise.variable]


TASKS = [thing for thing in vars(nb05).values() if isinstance(thing, Exercise)]


@pytest.mark.parametrize("exercise", exercises_in(nb05), ids=lambda e: e.key)
def test_keys_and_hints(exercise):
    assert exercise.key.startswith("05.")
    assert len(exercise.hints) >= 2


@pytest.mark.parametrize("exercise", TASKS, ids=lambda e: e.key)
def test_the_solution_passes_and_stands_in_for_dots(exercise, capsys):
    verdict = exercise.judge(written(exercise.answer, exercise))
    assert verdict.state is State.CORRECT, verdict.message
    assert exercise.judge(exercise.or_solution(...)).state is State.CORRECT


@pytest.mark.parametrize("exercise", TASKS, ids=lambda e: e.key)
def test_the_notebooks_placeholder_is_not_attempted(exercise):
    cells = nbformat.read(NOTEBOOK, as_version=4).cells
    (source,) = (c.source for c in cells if f".check({exercise.variable})" in c.source)
    code = source.split("nb05.")[0]
    assert exercise.judge(written(code, exercise)).state is State.UNTOUCHED


CHOOSE, BOARD = nb05.choices.answer, nb05.board.answer
DISCORDANT, POWER = nb05.discordant_cases.answer, nb05.power.answer
ROWS = '[{**t.hyperparameters.values, "val_loss": t.score} for t in tuner.oracle.trials.values()]'


def swap(code: str, *pairs: str) -> str:
    for old, new in zip(pairs[::2], pairs[1::2], strict=True):
        assert old in code, old
        code = code.replace(old, new)
    return code


def function(name: str, arguments: str, value: str) -> str:
    return f"def {name}({arguments}):\n    return {value}"


def of_board(value: str) -> str:
    return function("leaderboard", "tuner", value)


def of_calls(value: str) -> str:
    return function("discordant", "t, a, b", value)


def of_power(line: str) -> str:
    return swap(POWER, "coin_p(wins, losses) < 0.05", line)


MISTAKES = [
    (nb05.choices, swap(CHOOSE, '"dropout"', '"rate"'), 'declares no "dropout"'),
    (nb05.choices, swap(CHOOSE, "0.4, 0.5", "0.4"), "lacks 0.5"),
    (nb05.choices, swap(CHOOSE, "[64, 128]", "[64, 128, 256]"), "has 256"),
    (nb05.choices, swap(CHOOSE, "[64, 128]", "[128, 64]"), "keep the order"),
    (nb05.choices, swap(CHOOSE, "[1e-4, 1e-3, 1e-2]", "[0.0001, 0.001, 0.1]"), "lacks 0.01"),
    (
        nb05.choices,
        swap(CHOOSE, 'Choice("dropout", [0.2, 0.3, 0.4, 0.5])', 'Float("dropout", 0.2, 0.5)'),
        "hp.Float",
    ),
    (nb05.choices, swap(CHOOSE, "dense_units, dropout, learning_rate", "dropout"), "three values"),
    (
        nb05.choices,
        swap(CHOOSE, "return dense_units, dropout", "return dropout, dense_units"),
        "in this order",
    ),
    (
        nb05.choices,
        swap(CHOOSE, "    return dense_units, dropout, learning_rate", ""),
        "returns None",
    ),
    (
        nb05.choices,
        swap(CHOOSE, "    return", '    hp.Choice("depth", [2, 3])\n    return'),
        'also declares "depth"',
    ),
    (nb05.choices, "choose = [64, 128]", "should be a function"),
    (nb05.board, of_board(f"pd.DataFrame({ROWS})"), "trial that failed"),
    (nb05.board, of_board(f"pd.DataFrame({ROWS}).fillna(0)"), "trial that failed"),
    (nb05.board, of_board(f"pd.DataFrame({ROWS}).dropna()"), "not sorted"),
    (
        nb05.board,
        of_board(f'pd.DataFrame({ROWS}).dropna().sort_values("val_loss", ascending=False)'),
        "highest loss",
    ),
    (
        nb05.board,
        of_board(f'pd.DataFrame({ROWS}).dropna().sort_values("val_loss").head(1)'),
        "one row",
    ),
    (
        nb05.board,
        of_board(f'pd.DataFrame({ROWS}).drop(columns="val_loss")'),
        'no column "val_loss"',
    ),
    (
        nb05.board,
        of_board(f'pd.DataFrame({ROWS}).dropna().assign(val_loss=lambda t: sorted(t["val_loss"]))'),
        "do not belong together",
    ),
    (nb05.board, of_board(ROWS), "should be a DataFrame"),
    (nb05.board, "def leaderboard(tuner):\n    pd.DataFrame()", "returns None"),
    (
        nb05.discordant_cases,
        of_calls("((t != a) & (t == b)).sum(), ((t == a) & (t != b)).sum()"),
        "swapped",
    ),
    (nb05.discordant_cases, of_calls("(t == a).sum(), (t == b).sum()"), "both got right"),
    (
        nb05.discordant_cases,
        of_calls("((t != a) & (t != b)).sum(), ((t == a) & (t == b)).sum()"),
        "both agree",
    ),
    (
        nb05.discordant_cases,
        of_calls("((a == 1) & (b == 0)).sum(), ((a == 0) & (b == 1)).sum()"),
        "called the case positive",
    ),
    (
        nb05.discordant_cases,
        of_calls("((t == a) & (t != b) & (t == 1)).sum(), ((t != a) & (t == b) & (t == 1)).sum()"),
        "positive cases only",
    ),
    (nb05.discordant_cases, of_calls("0, 0"), "go case by case"),
    (nb05.discordant_cases, of_calls("3"), "two counts"),
    (nb05.power, swap(POWER, "np.mean(", "sum("), "that is a count"),
    (nb05.power, of_power("coin_p(wins, losses) >= 0.05"), "could *not* tell"),
    (nb05.power, of_power("coin_p(wins, losses) / 2 < 0.05"), "one-sided"),
    (nb05.power, swap(POWER, "[won, lost, 1 - won", "[won, 0, 1 - won"), "missing from the draw"),
    (nb05.power, swap(POWER, "    return np.mean", "    np.mean"), "returns None"),
    (nb05.power, function("power", "cases, won, lost", "0.5"), "of each try anew"),
]


@pytest.mark.parametrize(("exercise", "code", "words"), MISTAKES)
def test_each_mistake_gets_words_of_its_own(exercise, code, words):
    verdict = exercise.judge(written(code, exercise))
    assert verdict.state is State.WRONG, verdict.message
    assert words in verdict.message
    assert "cannot be checked" not in verdict.message


def test_the_exact_power_is_that_of_a_simulation():
    rng = np.random.default_rng(1)
    draws = rng.multinomial(150, [0.1, 0.03, 0.87], size=4000)
    share = np.mean([coin_p(won, lost) < 0.05 for won, lost, _ in draws])
    assert nb05.exact_power(150, 0.1, 0.03) == pytest.approx(share, abs=0.03)
