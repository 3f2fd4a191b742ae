"""The exercises and the quiz of notebook 05: the search, and better or luck."""

import io
import tempfile
from contextlib import redirect_stderr
from functools import cache
from importlib import import_module
from numbers import Integral
from typing import Any

import numpy as np
import pandas as pd

from cxrlab.exercises.judge import FunctionExercise, kind, wrong_if
from cxrlab.exercises.quiz import load_quiz


def declared_and_returned(returned: Any, hp: Any) -> dict[str, Any]:
    """What was declared to Keras Tuner, and returned.

    64 is 64.0, but a layer has no 64.0 units: values count together with being whole or not.
    """
    rows = {each.name: getattr(each, "values", type(each).__name__) for each in hp.space}
    rows["returned"] = kind("choose(hp)", returned, list | tuple, "three values, with commas")
    return {name: [[e, isinstance(e, Integral)] for e in row] for name, row in rows.items()}


choices = FunctionExercise(
    key="05.choices",
    answer="""
        def choose(hp):
            dense_units = hp.Choice("dense_units", [64, 128])
            dropout = hp.Choice("dropout", [0.2, 0.3, 0.4, 0.5])
            learning_rate = hp.Choice("learning_rate", [1e-4, 1e-3, 1e-2])
            return dense_units, dropout, learning_rate
    """,
    cases=[()],
    arguments=lambda: (import_module("keras_tuner").HyperParameters(),),
    seen_as=declared_and_returned,
    slips={
        "dropout, learning_rate": "all three values are wanted.",
        "dropout, dense_units, learning_rate": "return dense units, dropout, learning rate.",
        'Choice("dropout", [0.2, 0.3, 0.4, 0.5]) -> Float("dropout", 0.2, 0.5)': "a range. "
        "Published is a list of four dropout rates: `hp.Choice`.",
        "[64, 128] -> [128, 64]": "keep the order of the table.",
        "[64, 128] -> [64.0, 128.0]": "a layer has 64 units, not 64.0: whole numbers.",
    },
)


@cache
def finished_search() -> Any:
    """A real search of Keras Tuner with made-up losses; its third trial failed."""
    import keras_tuner

    class MadeUp(keras_tuner.RandomSearch):
        def run_trial(self, trial, *args, **kwargs):
            if trial.trial_id == "2":
                raise keras_tuner.errors.FailedTrialError("the loss is not a number")
            return [0.52, 0.41, 0.0, 0.69, 0.47][int(trial.trial_id)]

    hp = keras_tuner.HyperParameters()
    choices.run()(hp)
    # Keras Tuner prints the error of the failed trial.
    with tempfile.TemporaryDirectory() as folder, redirect_stderr(io.StringIO()):
        settings = {"objective": "val_loss", "max_trials": 5, "hyperparameters": hp, "seed": 1}
        tuner = MadeUp(hypermodel=None, directory=folder, **settings)
        tuner.search(verbose=0)
    return tuner


def its_settings_and_losses(table: Any, *_: Any) -> pd.DataFrame:
    """Row by row, without further columns and the names of rows."""
    kind("leaderboard(tuner)", table, pd.DataFrame, "a DataFrame: return the table")
    wanted = ["dense_units", "dropout", "learning_rate", "val_loss"]
    missing = ", ".join(name for name in wanted if name not in table)
    wrong_if(missing, f"The table of `leaderboard` has no column {missing}.")
    return table[wanted].reset_index(drop=True)


board = FunctionExercise(
    key="05.leaderboard",
    answer="""
        def leaderboard(tuner):
            rows = [
                {**trial.hyperparameters.values, "val_loss": trial.score}
                for trial in tuner.oracle.trials.values()
            ]
            return pd.DataFrame(rows).dropna().sort_values("val_loss", ignore_index=True)
    """,
    cases=[()],
    arguments=lambda: (finished_search(),),
    seen_as=its_settings_and_losses,
    slips={
        ".dropna() -> ": "a row for the trial that failed: `dropna` leaves it out.",
        ".dropna() -> .fillna(0)": "0 is the best loss, for the trial that failed.",
        "pd.DataFrame(rows).dropna()": "the rows are not sorted: `sort_values`.",
        "ignore_index=True -> ascending=False": "the highest loss comes first. Lower is better.",
        'pd.DataFrame(rows).dropna().assign(val_loss=lambda t: sorted(t["val_loss"]))': "values "
        "and losses do not belong together: sort whole rows.",
    },
)

# Truth, calls of A, calls of B; in the last the two networks make the same calls.
DISCORDANT = [
    ([1, 1, 0, 0, 1, 0], [1, 1, 0, 1, 0, 0], [1, 0, 1, 0, 0, 1]),
    ([0, 0, 0, 1, 1], [1, 1, 0, 1, 0], [0, 0, 1, 0, 0]),
    ([1, 0, 1], [1, 0, 0], [1, 0, 0]),
]

discordant_cases = FunctionExercise(
    key="05.discordant",
    answer="""
        def discordant(truth, calls_a, calls_b):
            right_a, right_b = calls_a == truth, calls_b == truth
            return (right_a & ~right_b).sum(), (~right_a & right_b).sum()
    """,
    cases=[tuple(map(np.array, case)) for case in DISCORDANT],
    slips={
        "(~right_a & right_b).sum(), (right_a & ~right_b).sum()": "first those of A: swapped.",
        "right_a.sum(), right_b.sum()": "what both got right does not tell them apart.",
        "(~right_a & ~right_b).sum(), (right_a & right_b).sum()": "on these both agree.",
        "== truth -> == 1": "right means equal to the truth, be it 1 or 0.",
        ").sum() ->  & (truth == 1)).sum()": "of the positive cases only.",
    },
)

power = FunctionExercise(
    key="05.power",
    imports="""
from functools import cache
import numpy as np
from scipy.stats import binomtest

@cache
def coin_p(wins, losses):
    return binomtest(int(wins), int(wins + losses)).pvalue if wins + losses else 1.0
""",
    answer="""
        def power(cases, won, lost, tries=1000):
            rng = np.random.default_rng(0)
            draws = rng.multinomial(cases, [won, lost, 1 - won - lost], size=tries)
            return np.mean([coin_p(wins, losses) < 0.05 for wins, losses, _ in draws])
    """,
    cases=[(100, 0.07, 0.02), (300, 0.07, 0.02), (100, 0.15, 0.05)],
    tolerance=0.07,  # what 1,000 tries leave uncertain, the reader's and ours
    slips={
        "< 0.05 -> >= 0.05": "the share of tries in which it could *not* tell.",
        "< 0.05 -> < 0.1": "one-sided. Nobody said who would win: `coin_p` counts both sides.",
        "coin_p(wins, losses) -> coin_p(wins, 0)": "the lost cases are missing.",
    },
)

quiz = load_quiz("05")
