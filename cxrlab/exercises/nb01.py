"""Exercises and quiz of notebook 01: reading ten X-rays, and counting what went wrong."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxrlab.exercises.answers import kind, wrong_if
from cxrlab.exercises.engine import Exercise
from cxrlab.exercises.judge import FunctionExercise
from cxrlab.exercises.quiz import load_quiz

TEN = 10


def check_calls(calls: Any) -> str:
    """Ten calls of 0 or 1."""
    wrong_if(isinstance(calls, str), "`my_calls` is a text. Write a list, such as `[0, 1, 1]`.")
    kind("my_calls", calls, Sequence | np.ndarray | pd.Series, "a list of ten numbers")
    calls = list(calls)
    wrong_if(len(calls) != TEN, f"`my_calls` has {len(calls)} entries for {TEN} X-rays.")
    for place, call in enumerate(calls, start=1):
        seen = f"Entry {place} of `my_calls` is {call!r}"
        wrong_if(isinstance(call, str), f"{seen}. Write the number, without quotation marks.")
        undecided = "Undecided? Choose all the same, as a doctor has to."
        wrong_if(call not in (0, 1), f"{seen}, but a call is 1 or 0. {undecided}")
    if len(set(calls)) == 1:
        return "Each of your calls is the same. Watch what that does to your confusion matrix."
    return f"You called {sum(map(int, calls))} of the ten positive."


ten_calls = Exercise(
    key="01.ten_calls",
    title="Your ten calls",
    variable="my_calls",
    judged_by=check_calls,
    hints=(
        "Look at X-ray 1 in the grid, decide, and write 1 for COVID-19 or 0 for not. Then go on.",
        "The list has ten numbers between square brackets, with commas, in the order of the "
        "grid. There is no wrong list here; only its form is checked.",
    ),
    answer="my_calls = [1, 0, 1, 0, 0, 1, 0, 1, 0, 1]  # yours will differ",
)

# All four counts differ.
TRUTH = pd.Series([1, 1, 1, 1, 1, 1, 1, 0, 0, 0], name="truth")
CALL = pd.Series([1, 1, 1, 1, 0, 0, 0, 1, 0, 0], name="call")


def check_names(matrix_of: Any) -> None:
    """The counts stand in a table that names rows and columns."""
    named = isinstance(matrix_of(TRUTH, CALL), pd.DataFrame)
    later = "scikit-learn's `confusion_matrix` comes next; `pd.crosstab` names rows and columns."
    wrong_if(not named, f"`matrix_of` returns the right counts, but without names: {later}")


matrix = FunctionExercise(
    key="01.matrix",
    title="A confusion matrix with pandas",
    variable="matrix_of",
    cases=[(TRUTH, CALL)],
    right=lambda t, c: pd.crosstab(t, c).to_numpy(),
    slips={
        "the calls stand in the rows. Hand over the truth first.": lambda t, c: pd.crosstab(c, t),
        "shares. Leave `normalize` out.": lambda t, c: pd.crosstab(t, c, normalize="index"),
        "sums as well. Leave `margins` out.": lambda t, c: pd.crosstab(t, c, margins=True),
        "no mistake at all: you count a column against itself.": lambda t, c: pd.crosstab(t, t),
        "one column of counts. `pd.crosstab` makes columns of the calls.": lambda t, c: pd.concat(
            [t, c], axis=1
        ).value_counts(),
    },
    otherwise="a table of counts is wanted. `pd.crosstab` counts both arguments of the "
    "function, and nothing from outside.",
    praise="Four counts, with names. From here on your function counts the calls.",
    also=check_names,
    hints=(
        "One function of pandas counts how often each pair of values occurs in two columns. "
        "Search its documentation for *cross tabulation*.",
        "`pd.crosstab(rows, columns)`: which of your two arguments belongs in the rows?",
    ),
    answer="""
        def matrix_of(truth, call):
            return pd.crosstab(truth, call)
    """,
)


def fp_of(precision: float, recall: float) -> float:
    """False positives per negative case, where half of the cases are positive."""
    return recall * (1 - precision) / precision


implied_specificity = FunctionExercise(
    key="01.implied_specificity",
    title="The specificity that was not published",
    variable="implied_specificity",
    # The first two are what the project published, before and after tuning.
    cases=[(0.65, 0.93), (0.69, 0.98), (0.8, 0.6), (1.0, 0.9)],
    right=lambda p, r: 1 - fp_of(p, r),
    slips={
        "the share of false alarms; subtract it from 1.": fp_of,
        "all positive cases count as found; only `recall` is.": lambda p, r: 1 - fp_of(p, 1),
        "precision and recall have changed places.": lambda p, r: 1 - fp_of(r, p),
        "1 - precision is a share of the **alarms**, not of the **cases**.": lambda p, r: p,
        "1 - (1 - precision) * recall is about **alarms**.": lambda p, r: 1 - (1 - p) * r,
    },
    otherwise="with one unit of positive and one of negative cases, tp is the recall. Find fp "
    "from the precision first.",
    praise="It works for single numbers and for whole columns.",
    tolerance=0.006,
    share=True,
    columns=(np.array([0.65, 0.69]), np.array([0.93, 0.98])),
    hints=(
        "Step 1 of the derivation gives fp. In code, tp is `recall`, because there is one unit "
        "of positive cases.",
        "fp is `recall * (1 - precision) / precision`. Step 2 subtracts it from 1.",
        "Try it on 0.65 and 0.93 by hand: fp = 0.93 × 0.35 / 0.65 = 0.50.",
    ),
    answer="""
        def implied_specificity(precision, recall):
            false_alarms = recall * (1 - precision) / precision
            return 1 - false_alarms
    """,
)


def counts(r: float, s: float, ill: float, healthy: float, order: str = "tp fn fp tn") -> dict:
    """Four counts of people, under their own names or others in this ``order``."""
    found, cleared = ill * r, healthy * s
    return dict(zip(order.split(), (found, ill - found, healthy - cleared, cleared), strict=True))


def check_whole_people(sort_people: Any) -> None:
    """People are counted whole."""
    whole = all(float(n).is_integer() for n in sort_people(0.93, 0.7, 210, 805).values())
    wrong_if(not whole, "`sort_people` returns fractions of people. Use `round(...)`.")


people = FunctionExercise(
    key="01.people",
    title="From shares to people",
    variable="sort_people",
    cases=[(0.93, 0.7, 200, 800), (0.98, 0.56, 100, 900), (0.8, 0.95, 50, 950)],
    right=counts,
    slips={
        "tp and fn are swapped: tp are found.": lambda *case: counts(*case, "fn tp fp tn"),
        "fp and tn are swapped: tn are cleared.": lambda *case: counts(*case, "tp fn tn fp"),
        "fn and fp are swapped: fn are ill.": lambda *case: counts(*case, "tp fp fn tn"),
        "recall is of the ill, not the other way round.": lambda r, s, i, h: counts(s, r, i, h),
        "shares. Multiply by `ill` and `healthy`.": lambda r, s, i, h: counts(r, s, 1, 1),
    },
    otherwise="tp comes from `ill` and the recall, tn from `healthy` and the specificity; tp "
    "and fn add up to `ill`, fp and tn to `healthy`.",
    praise="With a recall of 0.93, 14 of 200 ill people are missed.",
    tolerance=1,
    also=check_whole_people,
    hints=(
        "A recall of 0.93 finds 93 of 100 ill people. How many of `ill` does it find?",
        "tp is `round(ill * recall)`, and the other ill people are missed: fn is `ill - tp`.",
        "The healthy go the same way: tn is `round(healthy * specificity)`, fp is the rest.",
    ),
    answer="""
        def sort_people(recall, specificity, ill, healthy):
            tp, tn = round(ill * recall), round(healthy * specificity)
            return {"tp": tp, "fn": ill - tp, "fp": healthy - tn, "tn": tn}
    """,
)


def cost(i: float, h: float, r: float, s: float, miss: Any, alarm: Any) -> Any:
    """What the misses among the ill and the false alarms among the healthy cost."""
    return i * (1 - r) * miss + h * (1 - s) * alarm


screening_cost = FunctionExercise(
    key="01.screening_cost",
    title="What a screening costs",
    variable="screening_cost",
    # Whole people, so that it is also right to count them.
    cases=[(50, 950, 0.98, 0.56, 10, 1), (50, 940, 0.8, 0.95, 9, 2), (20, 80, 0.9, 0.7, 1, 5)],
    right=cost,
    slips={
        "the two costs are swapped.": lambda i, h, r, s, m, a: cost(i, h, r, s, a, m),
        "you charge for right calls.": lambda i, h, r, s, m, a: cost(i, h, 1 - r, 1 - s, m, a),
        "the false alarms cost something, too.": lambda i, h, r, s, m, a: i * (1 - r) * m,
        "the misses cost something, too.": lambda i, h, r, s, m, a: h * (1 - s) * a,
        "multiply each by its cost.": lambda i, h, r, s, m, a: cost(i, h, r, s, 1, 1),
        "only the ill can be missed.": lambda i, h, *case: cost(i + h, i + h, *case),
        "per person. The cost of all is wanted.": lambda i, h, *c: cost(i, h, *c) / (i + h),
    },
    otherwise="add misses times their cost and false alarms times theirs.",
    praise="Which test is better now depends on two numbers that no test set contains.",
    columns=(50, 950, 0.98, 0.56, np.array([10, 41, 100]), 1),
    hints=(
        "How many of the ill are missed, and how many of the healthy raise a false alarm? "
        "Each kind has its own cost.",
        "Misses: ill × (1 - recall). False alarms: healthy × (1 - specificity).",
        "Return misses × miss + false alarms × alarm.",
    ),
    answer="""
        def screening_cost(ill, healthy, recall, specificity, miss, alarm):
            missed = ill * (1 - recall)
            false_alarms = healthy * (1 - specificity)
            return missed * miss + false_alarms * alarm
    """,
)

quiz = load_quiz("01")
