"""The exercises and the quiz of notebook 05: the search, and better or luck."""

from __future__ import annotations

import io
import tempfile
from contextlib import redirect_stderr
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binom, binomtest

from cxrlab.exercises.answers import called, described, kind, wrong_if
from cxrlab.exercises.engine import Exercise
from cxrlab.exercises.judge import FunctionExercise
from cxrlab.exercises.quiz import load_quiz
from cxrlab.tuning import SPACES

PUBLISHED = SPACES["shared"]


def check_choices(choose: Any) -> str:
    """The published space, declared to Keras Tuner."""
    import keras_tuner

    hp = keras_tuner.HyperParameters()
    returned = called("choose", choose, hp)
    declared = {each.name: each for each in hp.space}
    for name, wanted in PUBLISHED.items():
        names = ", ".join(declared) or "none"
        wrong_if(name not in declared, f'`choose` declares no "{name}" (declared: {names}).')
        setting, seen = declared[name], f'`choose` declares "{name}"'
        a_list = type(setting).__name__ == "Choice"
        wrong_if(not a_list, f"{seen} as {type(setting).__name__}, not as a list: `hp.Choice`.")
        lacking, extra = set(wanted) - set(setting.values), set(setting.values) - set(wanted)
        wrong_if(lacking, f"{seen}, but lacks {lacking}. Published are {wanted}.")
        wrong_if(extra, f"{seen}, but has {extra}, too. Published are {wanted}.")
        wrong_if(tuple(setting.values) != wanted, f"{seen} out of order. Published are {wanted}.")
    extra = ", ".join(declared.keys() - PUBLISHED.keys())
    wrong_if(extra, f'`choose` also declares "{extra}". The published space has three settings.')
    first = [values[0] for values in PUBLISHED.values()]
    three = "three values: dense units, dropout, learning rate"
    kind("choose(hp)", returned, list | tuple, three)
    wrong_if(len(returned) != 3, f"`choose` returns {described(returned)}, not {three}.")
    wrong_if(list(returned) != first, f"`choose` returns {returned}, not {first}: in this order.")
    return "Keras Tuner can now draw from it."


choices = Exercise(
    key="05.choices",
    title="Declare the space",
    variable="choose",
    judged_by=check_choices,
    hints=(
        "`hp.Choice(name, values)` declares one setting and gives its value in this trial.",
        '`hp.Choice("dropout", [0.2, 0.3, 0.4, 0.5])` is the second of the three.',
        "End with `return dense_units, dropout, learning_rate`.",
    ),
    answer="""
def choose(hp):
    dense_units = hp.Choice("dense_units", [64, 128])
    dropout = hp.Choice("dropout", [0.2, 0.3, 0.4, 0.5])
    learning_rate = hp.Choice("learning_rate", [1e-4, 1e-3, 1e-2])
    return dense_units, dropout, learning_rate
""",
)


def finished_search() -> Any:
    """A real search of Keras Tuner with made-up losses; its third trial failed."""
    import keras_tuner

    class MadeUp(keras_tuner.RandomSearch):
        def run_trial(self, trial, *args, **kwargs):
            if trial.trial_id == "2":
                raise keras_tuner.errors.FailedTrialError("the loss is not a number")
            return [0.52, 0.41, 0.0, 0.69, 0.47][int(trial.trial_id)]

    hp = keras_tuner.HyperParameters()
    for name, values in PUBLISHED.items():
        hp.Choice(name, list(values))
    # Keras Tuner prints the error of the failed trial.
    with tempfile.TemporaryDirectory() as folder, redirect_stderr(io.StringIO()):
        settings = {"objective": "val_loss", "max_trials": 5, "hyperparameters": hp, "seed": 1}
        tuner = MadeUp(hypermodel=None, directory=folder, **settings)
        tuner.search(verbose=0)
    return tuner


def check_board(leaderboard: Any) -> str:
    """A leaderboard made from the trials of a tuner."""
    tuner = finished_search()
    board = called("leaderboard", leaderboard, tuner)
    kind("leaderboard(tuner)", board, pd.DataFrame, "a DataFrame: return the table")
    missing = ", ".join(name for name in (*PUBLISHED, "val_loss") if name not in board)
    seen, losses = "The table of `leaderboard`", board.get("val_loss", pd.Series()).tolist()
    wrong_if(missing, f"{seen} has no column {missing}.")
    wrong_if(len(losses) == 1, f"{seen} has one row. A leaderboard shows all trials.")
    failed = "a row for the trial that failed; its score is None. `dropna` leaves it out."
    wrong_if(len(losses) == 5 or board["val_loss"].isna().any(), f"{seen} has {failed}")
    ours = sorted(losses) == [0.41, 0.47, 0.52, 0.69]
    wrong_if(not ours, f"{seen} has the losses {losses}, not the trials' scores.")
    wrong_if(losses == sorted(losses)[::-1], f"{seen} has the highest loss first. Lower is better.")
    to_do = '`sort_values("val_loss")` puts the best first'
    wrong_if(losses != sorted(losses), f"{seen} is not sorted: {to_do}.")
    best = tuner.get_best_hyperparameters()[0].values
    torn = any(board.iloc[0][name] != best[name] for name in PUBLISHED)
    wrong_if(torn, f"{seen} has values and losses that do not belong together: sort whole rows.")
    return "That is all that `results_summary` knows, as a table."


board = Exercise(
    key="05.leaderboard",
    title="Build the leaderboard",
    variable="leaderboard",
    judged_by=check_board,
    hints=(
        "`tuner.oracle.trials.values()` are the trials. A trial has `hyperparameters.values`, a "
        "dictionary, and a `score`.",
        '`{**trial.hyperparameters.values, "val_loss": trial.score}` is one row; a list of such '
        "dictionaries makes a DataFrame.",
        'A failed trial has the score None: `.dropna()`. Then `.sort_values("val_loss")`.',
    ),
    answer="""
def leaderboard(tuner):
    rows = [
        {**trial.hyperparameters.values, "val_loss": trial.score}
        for trial in tuner.oracle.trials.values()
    ]
    return pd.DataFrame(rows).dropna().sort_values("val_loss", ignore_index=True)
""",
)


def both_ways(condition: Any) -> Any:
    """Counts the cases on which a condition on (truth, x, y) holds, for A and B and for B and A."""
    return lambda truth, a, b: [condition(truth, a, b).sum(), condition(truth, b, a).sum()]


# Truth, calls of A, calls of B; in the last the two networks make the same calls.
DISCORDANT = [
    ([1, 1, 0, 0, 1, 0], [1, 1, 0, 1, 0, 0], [1, 0, 1, 0, 0, 1]),
    ([0, 0, 0, 1, 1], [1, 1, 0, 1, 0], [0, 0, 1, 0, 0]),
    ([1, 0, 1], [1, 0, 0], [1, 0, 0]),
]

discordant_cases = FunctionExercise(
    key="05.discordant",
    title="Count the discordant cases",
    variable="discordant",
    cases=[tuple(map(np.array, case)) for case in DISCORDANT],
    right=both_ways(lambda t, x, y: (x == t) & (y != t)),
    slips={
        "swapped: first the cases that only A got right.": (
            both_ways(lambda t, x, y: (x != t) & (y == t))
        ),
        "those that both got right do not tell the two apart: leave them out.": (
            both_ways(lambda t, x, y: x == t)
        ),
        "on these both agree; the others are wanted.": lambda t, a, b: [
            ((a != t) & (b != t)).sum(),
            ((a == t) & (b == t)).sum(),
        ],
        "who called the case positive? Right means equal to the truth, be it 1 or 0.": (
            both_ways(lambda t, x, y: (x == 1) & (y == 0))
        ),
        "of the positive cases only. Negative ones can be right or wrong, too.": (
            both_ways(lambda t, x, y: (t == 1) & (x == t) & (y != t))
        ),
    },
    otherwise="return two counts. Go case by case: is A right, is B, and is only one of them?",
    hints=(
        "A network is right on a case when its call equals the truth, be it 1 or 0: "
        "`right_a = calls_a == truth`.",
        "`~right_b` are the cases that B got wrong, `&` joins two conditions.",
        "`(right_a & ~right_b).sum()` counts the cases that only A got right.",
    ),
    answer="""
def discordant(truth, calls_a, calls_b):
    right_a, right_b = calls_a == truth, calls_b == truth
    return (right_a & ~right_b).sum(), (~right_a & right_b).sum()
""",
)


def two_sided(wins: int, losses: int) -> float:
    """The p-value of McNemar's exact test."""
    return float(binomtest(wins, wins + losses).pvalue) if wins + losses else 1.0


def one_sided(wins: int, losses: int) -> float:
    """The p-value of whoever looks at the wins alone."""
    return float(binom.sf(wins - 1, wins + losses, 0.5)) if wins + losses else 1.0


def exact_power(cases: int, won: float, lost: float, p_value: Any = two_sided) -> float:
    """How often the test gives p < 0.05, from the binomial distributions."""
    total = 0.0
    for tosses in range(cases + 1):
        weight = binom.pmf(tosses, cases, won + lost)
        if weight < 1e-9:
            continue
        wins = np.arange(tosses + 1)
        small = np.array([p_value(int(a), int(tosses - a)) < 0.05 for a in wins])
        total += weight * binom.pmf(wins, tosses, won / (won + lost))[small].sum()
    return float(total)


power = FunctionExercise(
    key="05.power",
    title="Power by simulation",
    variable="power",
    cases=[(100, 0.07, 0.02), (300, 0.07, 0.02), (100, 0.15, 0.05)],
    right=exact_power,
    slips={
        "the share of tries in which it could *not* tell.": lambda *c: 1 - exact_power(*c),
        "one-sided. Nobody said who would win: `coin_p` counts both sides.": lambda *case: (
            exact_power(*case, one_sided)
        ),
        "the lost cases are missing.": lambda cases, won, lost: exact_power(cases, won, 1e-9),
    },
    otherwise="draw the won and the lost cases of each try anew, and return the share of the "
    "tries, not their count.",
    praise="Simulation needs no formula, only the test and a way to draw.",
    tolerance=0.06,
    hints=(
        "One try is one made-up test set. `rng.multinomial(cases, [won, lost, 1 - won - lost])` "
        "draws how many of its cases are won, lost, and neither.",
        "`coin_p(wins, losses) < 0.05` says whether the test tells the two apart in this try.",
        "Count these tries and divide by their number: `np.mean` of a list of truth values does.",
    ),
    answer="""
def power(cases, won, lost, tries=1000):
    rng = np.random.default_rng(0)
    draws = rng.multinomial(cases, [won, lost, 1 - won - lost], size=tries)
    return np.mean([coin_p(wins, losses) < 0.05 for wins, losses, _ in draws])
""",
    imports="""
import numpy as np
from scipy.stats import binomtest

def coin_p(wins, losses):
    return binomtest(int(wins), int(wins + losses)).pvalue if wins + losses else 1.0
""",
)

quiz = load_quiz("05")
