"""Exercises and quiz of notebook 05: the search, and better or luck."""

from __future__ import annotations

from typing import Any

import pandas as pd

from cxrlab.exercises import Exercise, Option, Question, Quiz
from cxrlab.exercises.about_search import (
    counts_combinations,
    counts_discordant,
    is_best_trial,
    is_two_sided_p,
    tells_better_from_luck,
    widens,
)
from cxrlab.tuning import SPACES

#: No more combinations than this in the last exercise: a long weekend on a laptop.
MOST_COMBINATIONS = 100


def small_board() -> pd.DataFrame:
    """A leaderboard of seven made-up trials in no order, for the exercise."""
    return pd.DataFrame(
        {
            "trial": [4, 2, 5, 1, 3, 7, 6],
            "dense_units": [64, 128, 64, 128, 64, 128, 64],
            "dropout": [0.3, 0.4, 0.2, 0.5, 0.4, 0.3, 0.5],
            "learning_rate": [1e-4, 1e-3, 1e-3, 1e-2, 1e-3, 1e-4, 1e-4],
            "val_loss": [0.52, 0.47, 0.41, 0.69, 0.44, 0.55, 0.58],
            "recall_at_specificity": [0.64, 0.71, 0.75, 0.21, 0.82, 0.60, 0.57],
        }
    )


def _check_combinations(answer: Any) -> None:
    shared = SPACES["shared"]
    counts_combinations(
        "count_combinations", answer, [shared, {"depth": (1, 2, 3), "rate": (0.1, 0.2, 0.3, 0.4)}]
    )
    counts_combinations("count_combinations", answer, [SPACES["per-layer"], {"only": (1, 2, 3)}])


def _check_best(answer: Any) -> str:
    is_best_trial("best_trial", answer, small_board())
    return "Trial 3 has the higher recall, but that was not what this search was asked for."


def _check_discordant(answer: Any) -> None:
    cases = [
        # The last two networks make the same calls: no case is discordant.
        ([1, 1, 0, 0, 1, 0], [1, 1, 0, 1, 0, 0], [1, 0, 1, 0, 0, 1]),
        ([0, 0, 0, 1, 1], [1, 1, 0, 1, 0], [0, 0, 1, 0, 0]),
        ([1, 0, 1], [1, 0, 0], [1, 0, 0]),
    ]
    counts_discordant("discordant", answer, cases)


def _check_verdict(answer: Any) -> None:
    tells_better_from_luck("verdict", answer)


def _check_published(answer: Any) -> str:
    is_two_sided_p("smallest_p", answer, 5, 0, 100)
    return (
        "Even when every discordant case speaks for tuning, 0.0625 is above 0.05: with 100 "
        "positive cases the published rise in recall cannot be told from luck at the usual level."
    )


def _check_wider(answer: Any) -> str:
    count = widens("wider", answer, SPACES["shared"], MOST_COMBINATIONS)
    return f"Your space has {count} combinations."


combinations = Exercise(
    key="05.combinations",
    title="Count the combinations of a space",
    variable="count_combinations",
    judge_answer=_check_combinations,
    hints=(
        "Two settings with 2 and 4 choices: how many pairs can you make?",
        "Start with 1 and go through `space.values()`; multiply by the length of each.",
        "`math.prod` multiplies everything in a list: `prod(len(c) for c in space.values())`.",
    ),
    answer="""
        from math import prod

        def count_combinations(space):
            return prod(len(choices) for choices in space.values())
    """,
)

best_of_board = Exercise(
    key="05.best_trial",
    title="Pick the best trial of a leaderboard",
    variable="best_trial",
    judge_answer=_check_best,
    hints=(
        "The objective of this search is `val_loss`. Is a high one good or bad?",
        '`small["val_loss"].idxmin()` gives the label of the row with the lowest loss.',
        '`small.loc[label, "trial"]` reads the number of the trial in that row.',
    ),
    answer="""
        small = nb05.small_board()
        best_trial = small.loc[small["val_loss"].idxmin(), "trial"]
    """,
    imports="from cxrlab.exercises import nb05\n",
)

discordant_cases = Exercise(
    key="05.discordant",
    title="Count the discordant cases",
    variable="discordant",
    judge_answer=_check_discordant,
    hints=(
        "A network is right on a case when its call equals the truth, be it 1 or 0.",
        "Walk through the three lists together: `for t, a, b in zip(truth, calls_a, calls_b)`.",
        "Only A is right when `a == t and b != t`; only B when `b == t and a != t`.",
    ),
    answer="""
        def discordant(truth, calls_a, calls_b):
            cases = list(zip(truth, calls_a, calls_b))
            only_a = sum(a == t and b != t for t, a, b in cases)
            only_b = sum(b == t and a != t for t, a, b in cases)
            return only_a, only_b
    """,
)

better_or_luck = Exercise(
    key="05.verdict",
    title="Better, worse, or cannot tell",
    variable="verdict",
    judge_answer=_check_verdict,
    hints=(
        "The gain is after minus before. Which gains does the interval leave possible?",
        "If 0 lies between `low` and `high`, or on one of them, no gain at all is possible.",
        "Without discordant cases there is no interval: `low` and `high` are None. Ask that first.",
    ),
    answer="""
        def verdict(low, high):
            if low is None or low <= 0 <= high:
                return "cannot tell"
            return "better" if low > 0 else "worse"
    """,
)

published_gain = Exercise(
    key="05.published_gain",
    title="Could the published gain be luck?",
    variable="smallest_p",
    judge_answer=_check_published,
    hints=(
        "7 missed before, 2 after: tuning won 5 more than it lost. The fewest discordant cases "
        "that allow this are 5 won and 0 lost.",
        "How often does a fair coin give five heads in five tosses? And five tails?",
        "The function from above does it: `coin_p(5, 0)`. By hand: 2 times 0.5 to the power of 5.",
    ),
    answer="""
        smallest_p = 2 * 0.5**5
    """,
)

wider_space = Exercise(
    key="05.wider",
    title="Widen the space",
    variable="wider",
    judge_answer=_check_wider,
    hints=(
        "Look at `tuning.SPACES['shared']`: three settings, each with a tuple of choices.",
        "Keep every published choice and add, say, a dropout of 0.1 or a learning rate of 3e-4.",
        f"2 times 5 times 4 is 40, which is at most {MOST_COMBINATIONS}.",
    ),
    answer="""
        wider = {
            "dense_units": (64, 128),
            "dropout": (0.1, 0.2, 0.3, 0.4, 0.5),
            "learning_rate": (1e-4, 3e-4, 1e-3, 1e-2),
        }
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
