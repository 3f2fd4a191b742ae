"""The exercises and the quiz of notebook 05: the search, and better or luck."""

from __future__ import annotations

import io
import tempfile
from contextlib import redirect_stderr
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binom, binomtest

from cxrlab.exercises import Exercise, Option, Question, Quiz, Wrong, expect
from cxrlab.exercises.engine import described
from cxrlab.tuning import SPACES

PUBLISHED = SPACES["shared"]


def check_choices(choose: Any) -> str:
    """The published space, declared to Keras Tuner."""
    import keras_tuner

    hp = keras_tuner.HyperParameters()
    returned = expect.called("choose", choose, hp)
    declared = {each.name: each for each in hp.space}
    for name, wanted in PUBLISHED.items():
        if name not in declared:
            seen = ", ".join(declared) or "none"
            raise Wrong(
                f'`choose` declares no "{name}" (declared: {seen}). The first argument of '
                "`hp.Choice` is the name."
            )
        kind = type(declared[name]).__name__
        if kind != "Choice":
            raise Wrong(
                f'`choose` declares "{name}" as hp.{kind}. The published project searched a list '
                "of values: `hp.Choice`."
            )
        values = tuple(declared[name].values)
        if values == wanted:
            continue
        if set(values) == set(wanted):
            raise Wrong(f'The values of "{name}" are {values}; keep the order of the table.')
        missing = [value for value in wanted if value not in values]
        extra = [value for value in values if value not in wanted]
        what = f"lacks {missing[0]:g}" if missing else f"has {extra[0]:g}, which is not published"
        raise Wrong(f'The choice "{name}" {what}. The published values are {wanted}.')
    if extra := [name for name in declared if name not in PUBLISHED]:
        raise Wrong(f'`choose` also declares "{extra[0]}". The published space has three settings.')
    if returned is None:
        raise Wrong("`choose` returns None. Return the three values that `hp.Choice` gives.")
    if not isinstance(returned, list | tuple) or len(returned) != 3:
        raise Wrong(f"`choose` returns {described(returned)}, but should return three values.")
    first = tuple(values[0] for values in PUBLISHED.values())
    if tuple(returned) != first:
        raise Wrong(
            f"`choose` returns {tuple(returned)} where it should return {first}: dense units, "
            "dropout, learning rate, in this order."
        )
    return "Keras Tuner can now draw from it."


choices = Exercise(
    key="05.choices",
    title="Declare the space",
    variable="choose",
    judge_answer=check_choices,
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
        tuner = MadeUp(
            hypermodel=None,
            objective="val_loss",
            max_trials=5,
            hyperparameters=hp,
            seed=1,
            directory=folder,
        )
        tuner.search(verbose=0)
    return tuner


def check_board(leaderboard: Any) -> str:
    """A leaderboard made from the trials of a tuner."""
    tuner = finished_search()
    board = expect.called("leaderboard", leaderboard, tuner)
    if board is None:
        raise Wrong("`leaderboard` returns None. Return the table.")
    expect.kind("leaderboard(tuner)", board, pd.DataFrame, "a DataFrame")
    if missing := [name for name in (*PUBLISHED, "val_loss") if name not in board]:
        raise Wrong(
            f'The table has no column "{missing[0]}" (it has {", ".join(map(str, board))}). '
            "A row holds the values of a trial and, as val_loss, its score."
        )
    losses = board["val_loss"].tolist()
    if len(losses) == 1:
        raise Wrong("The table has one row. A leaderboard shows all trials, not the best alone.")
    if board["val_loss"].isna().any() or len(losses) == 5:
        raise Wrong(
            "The table has a row for the trial that failed; its score is None. Leave it out, or "
            "`dropna` it."
        )
    if sorted(losses) != [0.41, 0.47, 0.52, 0.69]:
        raise Wrong(f"The losses are {losses}; expected are those of the four finished trials.")
    if losses == sorted(losses, reverse=True):
        raise Wrong("The highest loss stands first. A loss is better when it is lower.")
    if losses != sorted(losses):
        raise Wrong('The table is not sorted. `sort_values("val_loss")` puts the best first.')
    best = tuner.get_best_hyperparameters()[0].values
    if any(board.iloc[0][name] != best[name] for name in PUBLISHED):
        raise Wrong("The values and the losses do not belong together: sort whole rows.")
    return "That is all that `results_summary` knows, as a table."


board = Exercise(
    key="05.leaderboard",
    title="Build the leaderboard",
    variable="leaderboard",
    judge_answer=check_board,
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


# truth, calls of A, calls of B; in the last the two networks make the same calls.
DISCORDANT_CASES = (
    ([1, 1, 0, 0, 1, 0], [1, 1, 0, 1, 0, 0], [1, 0, 1, 0, 0, 1]),
    ([0, 0, 0, 1, 1], [1, 1, 0, 1, 0], [0, 0, 1, 0, 0]),
    ([1, 0, 1], [1, 0, 0], [1, 0, 0]),
)


def check_discordant(discordant: Any) -> None:
    """(only A right, only B right) for the truth and the calls of A and B."""
    for case in DISCORDANT_CASES:
        truth, calls_a, calls_b = map(np.array, case)
        result = expect.called("discordant", discordant, truth, calls_a, calls_b)
        if not isinstance(result, tuple | list | np.ndarray) or len(result) != 2:
            raise Wrong(
                f"`discordant` returns {described(result)}, but should return two counts: "
                "`return only_a, only_b`."
            )
        seen = tuple(expect.whole_number("discordant", value) for value in result)
        right_a, right_b = truth == calls_a, truth == calls_b
        wanted = int((right_a & ~right_b).sum()), int((~right_a & right_b).sum())
        if seen == wanted:
            continue
        positive = truth == 1
        called_only = tuple(
            int(((x == 1) & (y == 0)).sum()) for x, y in ((calls_a, calls_b), (calls_b, calls_a))
        )
        slips = {
            wanted[::-1]: "the two counts are swapped: first the cases that only A got right",
            (int(right_a.sum()), int(right_b.sum())): "these are all cases that A and B got "
            "right; leave out those that both got right, for they do not tell the two apart",
            (int((~right_a & ~right_b).sum()), int((right_a & right_b).sum())): "these are the "
            "cases on which both agree; the others are wanted",
            called_only: "that counts who called the case positive. Right means equal to the "
            "truth, and on a negative case 0 is right",
            (
                int((right_a & ~right_b & positive).sum()),
                int((~right_a & right_b & positive).sum()),
            ): "that looks at the positive cases only. Negative ones can be right or wrong too",
        }
        why = slips.get(seen, "go case by case: is A right, is B right, and is only one of them?")
        raise Wrong(
            f"`discordant` gives {seen} for truth {case[0]}, A {case[1]}, B {case[2]}; "
            f"expected {wanted}: {why}."
        )


discordant_cases = Exercise(
    key="05.discordant",
    title="Count the discordant cases",
    variable="discordant",
    judge_answer=check_discordant,
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


def exact_power(cases: int, won: float, lost: float, p_value: Any = None) -> float:
    """How often McNemar's exact test gives p < 0.05, from the binomial distributions."""
    p_value = p_value or (lambda a, b: binomtest(a, a + b).pvalue if a + b else 1.0)
    total = 0.0
    for tosses in range(cases + 1):
        weight = binom.pmf(tosses, cases, won + lost)
        if weight < 1e-9:
            continue
        wins = np.arange(tosses + 1)
        small = np.array([p_value(int(a), int(tosses - a)) < 0.05 for a in wins])
        total += weight * binom.pmf(wins, tosses, won / (won + lost))[small].sum()
    return float(total)


POWER_CASES = ((100, 0.07, 0.02), (300, 0.07, 0.02), (100, 0.15, 0.05))


def one_sided(wins: int, losses: int) -> float:
    """The p-value of whoever looks at the heads alone."""
    return float(binom.sf(wins - 1, wins + losses, 0.5)) if wins + losses else 1.0


def check_power(power: Any) -> str:
    """The simulated power of McNemar's test, for three sizes and effects."""
    found = []
    for case in POWER_CASES:
        value = expect.called("power", power, *case)
        if value is None:
            raise Wrong("`power` returns None. Return the share of the tries that had p < 0.05.")
        value = expect.number("power(...)", value)
        if value > 1:
            raise Wrong(
                f"`power{case}` gives {value:g}: that is a count. Divide it by the number of tries."
            )
        found.append(value)

    def matches(wanted: list[float]) -> bool:
        return np.allclose(found, wanted, atol=0.06)

    right = [exact_power(*case) for case in POWER_CASES]
    if matches(right):
        return "Simulation needs no formula, only the test and a way to draw."
    slips = {
        "that is the share of tries in which the test could *not* tell": [1 - p for p in right],
        "that fits a one-sided test. Nobody said beforehand who would win: `coin_p` counts both "
        "sides": [exact_power(*case, one_sided) for case in POWER_CASES],
        "the lost cases are missing from the draw": [
            exact_power(cases, won, 1e-9) for cases, won, _ in POWER_CASES
        ],
    }
    known = [why for why, values in slips.items() if matches(values)]
    why = known[0] if known else "draw the won and the lost cases of each try anew"
    worst = int(np.argmax(np.abs(np.subtract(found, right))))
    raise Wrong(
        f"`power{POWER_CASES[worst]}` gives {found[worst]:.2f}, but should be near "
        f"{right[worst]:.2f}: {why}."
    )


power = Exercise(
    key="05.power",
    title="Power by simulation",
    variable="power",
    judge_answer=check_power,
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

quiz = Quiz(
    (
        Question(
            "05.quiz1",
            "Which of these is a hyperparameter?",
            (
                Option(
                    "A weight of the first convolution",
                    "Training changes the weights batch by batch; that is a parameter.",
                ),
                Option(
                    "The learning rate",
                    "It is set before training, and training does not change it by what it learns.",
                    right=True,
                ),
                Option(
                    "The validation loss",
                    "That is a result, by which hyperparameters are ranked.",
                ),
            ),
        ),
        Question(
            "05.quiz2",
            "A random search is told to do 50 trials of a space with 24 combinations. It stops",
            (
                Option(
                    "after 50 trials, some of them twice",
                    "Keras Tuner does not try a combination twice.",
                ),
                Option(
                    "at 24 trials, or one or so before",
                    "There is nothing new to draw, and near the end it draws known ones so often "
                    "that it may give up a little earlier.",
                    right=True,
                ),
                Option(
                    "with an error",
                    "It stops quietly. Whoever does not count the trials does not notice.",
                ),
            ),
        ),
        Question(
            "05.quiz3",
            "The winner of 50 trials has a validation recall of 0.97. On the test set expect",
            (
                Option(
                    "less, on average",
                    "It was chosen because validation liked it; part of that is luck that stays "
                    "behind.",
                    right=True,
                ),
                Option("0.97, on average", "That holds for a model that was not chosen by it."),
                Option(
                    "more, because the test set is larger",
                    "A larger set makes the number steadier, not higher.",
                ),
            ),
        ),
        Question(
            "05.quiz4",
            "Two networks are right on the same 90 of 93 test cases. Then",
            (
                Option(
                    "they are equally good",
                    "Nothing here shows a difference, but other patients might.",
                ),
                Option(
                    "the test proves that tuning is useless",
                    "No difference seen is no proof that there is none.",
                ),
                Option(
                    "this test set cannot tell them apart",
                    "No case is discordant, so there is nothing to toss a coin for.",
                    right=True,
                ),
            ),
        ),
        Question(
            "05.quiz5",
            "After tuning, F1 rises by 0.03. Three seeds of the same settings differ by 0.05. You",
            (
                Option(
                    "report the best of the three seeds",
                    "That is one more search, over seeds, and one more winner by luck.",
                ),
                Option(
                    "report all seeds, and that a rise of 0.03 is within their spread",
                    "The spread without any change of settings is the measure for a change.",
                    right=True,
                ),
                Option(
                    "report the rise: it is measured on the same test cases",
                    "The same cases take away one kind of luck. Another seed would be another.",
                ),
            ),
        ),
    )
)
