"""What notebook 01 asks of a reader's calls, matrix, shares, people and costs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxrlab.cases import TEN
from cxrlab.exercises.engine import NotAttempted, Wrong, described, holds_dots
from cxrlab.exercises.expect import called, close, number

# What the function of exercise 2 is tried on: all four counts differ.
TRUTH = pd.Series([1, 1, 1, 1, 1, 1, 1, 0, 0, 0], name="truth")
CALL = pd.Series([1, 1, 1, 1, 0, 0, 0, 1, 0, 0], name="call")
COUNTS = ("tp", "fn", "fp", "tn")


def check_calls(calls: Any) -> str | None:
    """Ten calls of 0 or 1."""
    if isinstance(calls, str):
        raise Wrong(f"`my_calls` is {described(calls)}. Write a list, such as `[0, 1, 1]`.")
    if not isinstance(calls, Sequence | np.ndarray | pd.Series):
        raise Wrong(f"`my_calls` is {described(calls)}, but should be a list of ten numbers.")
    calls = list(calls)
    if len(calls) != TEN:
        raise Wrong(f"`my_calls` has {len(calls)} entries, but there are {TEN} X-rays.")
    for place, call in enumerate(calls, start=1):
        if isinstance(call, str):
            raise Wrong(
                f"Entry {place} of `my_calls` is the text {call!r}. Write the number 1 for "
                "COVID-19 or 0 for not, without quotation marks."
            )
        if call not in (0, 1):
            raise Wrong(
                f"Entry {place} of `my_calls` is {call}, but a call is 1 or 0. Undecided? "
                "Choose all the same, as a doctor on duty has to."
            )
    if len(set(calls)) == 1:
        return (
            "Each of your ten calls is the same. That is allowed, and what it does to your "
            "confusion matrix is worth watching."
        )
    return f"You called {sum(map(int, calls))} of the ten positive."


def check_matrix(function: Any) -> str:
    """matrix_of(truth, call): a table of counts, truth in rows and calls in columns."""
    name = "matrix_of"
    table = called(name, function, TRUTH, CALL)
    right = pd.crosstab(TRUTH, CALL)
    if isinstance(table, np.ndarray) and np.array_equal(table, right):
        raise Wrong(
            f"`{name}` returns the right counts without names: that is scikit-learn's "
            "`confusion_matrix`, which comes next. Use `pd.crosstab`, which names rows and columns."
        )
    if isinstance(table, pd.Series):
        raise Wrong(
            f"`{name}` returns one column of counts. In a confusion matrix the calls are columns: "
            "`pd.crosstab` puts them there."
        )
    if not isinstance(table, pd.DataFrame):
        raise Wrong(f"`{name}` returns {described(table)}, but should return a table of counts.")
    if len(table) == TEN:
        raise Wrong(f"`{name}` returns one row per X-ray. Count them: `pd.crosstab` does.")
    if table.shape == (3, 3):
        raise Wrong(f"`{name}` returns sums as well. Leave `margins` out.")
    values = table.to_numpy()
    if table.shape != (2, 2):
        raise Wrong(
            f"`{name}` returns {table.shape[0]} × {table.shape[1]} numbers, but truth and call "
            "each have two values: 2 × 2."
        )
    if np.array_equal(values, right):
        return "Four counts, with names. From here on your function counts the calls."
    if np.array_equal(values, right.T):
        raise Wrong(
            f"`{name}` puts the calls in the rows. Hand over the truth first: rows are the truth, "
            "columns the calls."
        )
    if np.all(values <= 1):
        raise Wrong(f"`{name}` returns shares. Leave `normalize` out: four counts are wanted.")
    if values[0, 1] == values[1, 0] == 0:
        raise Wrong(
            f"`{name}` finds no mistake at all. It counts one of the two columns against itself: "
            "use `truth` and `call`."
        )
    raise Wrong(
        f"`{name}` returns {values.tolist()} where {right.to_numpy().tolist()} is right. Use both "
        "arguments of the function, and nothing from outside it."
    )


def check_implied(function: Any) -> str:
    """implied_specificity(precision, recall) on a balanced test set."""
    name = "implied_specificity"
    # The first two are what the project published, before and after tuning.
    for precision, recall in ((0.65, 0.93), (0.69, 0.98), (0.8, 0.6), (1.0, 0.9)):
        given = number(f"{name}({precision}, {recall})", called(name, function, precision, recall))
        wanted = 1 - recall * (1 - precision) / precision
        if close(given, wanted, 0.006):
            continue
        shown = f"`{name}({precision}, {recall})` is {given:.2f}, but should be {wanted:.2f}."
        false_alarms = recall * (1 - precision) / precision
        if close(given, false_alarms):
            raise Wrong(f"{shown} You return the share of false alarms; subtract it from 1.")
        if close(given, 1 - (1 - precision) / precision):
            raise Wrong(f"{shown} You count all positive cases as found; only `recall` of them is.")
        if close(given, 1 - precision * (1 - recall) / recall):
            raise Wrong(f"{shown} Precision and recall have changed places in the formula.")
        if close(given, 1 - (1 - precision) * recall) or close(given, 1 - (1 - precision)):
            raise Wrong(
                f"{shown} 1 - precision is the share of the **alarms** that are false. "
                "Specificity needs the share of the negative **cases** that raise one."
            )
        if close(given, 100 * wanted, 0.6):
            raise Wrong(f"{shown} That is a percentage. Return a share from 0 to 1.")
        raise Wrong(
            f"{shown} With one unit of positive and one of negative cases, tp is the recall. "
            "Find fp from the precision first."
        )
    _takes_a_column(name, function, np.array([0.65, 0.69]), np.array([0.93, 0.98]))
    return "It works for single numbers and for whole columns."


def check_people(function: Any) -> str:
    """sort_people(recall, specificity, ill, healthy): four counts of whole people."""
    name = "sort_people"
    for arguments in ((0.93, 0.7, 200, 800), (0.98, 0.56, 100, 900), (0.8, 0.95, 50, 950)):
        recall, specificity, ill, healthy = arguments
        given = called(name, function, *arguments)
        if not isinstance(given, dict) or set(given) != set(COUNTS):
            raise Wrong(
                f"`{name}` returns {described(given)}, but should return a dictionary with "
                "the four counts tp, fn, fp and tn."
            )
        if holds_dots(given):
            raise NotAttempted
        seen = {key: number(f"{key} of {name}{arguments}", given[key]) for key in COUNTS}
        tp, tn = ill * recall, healthy * specificity
        right = {"tp": tp, "fn": ill - tp, "fp": healthy - tn, "tn": tn}
        if _same_people(seen, right, 1):
            continue
        shown = f"`{name}{arguments}` is {given}."
        mistakes = (
            (_swapped(right, "tp", "fn"), "tp and fn are swapped: tp of the ill are found."),
            (_swapped(right, "fp", "tn"), "fp and tn are swapped: tn of the healthy are cleared."),
            (_swapped(right, "fn", "fp"), "fn and fp are swapped: fn are ill, fp are healthy."),
            (
                {
                    "tp": ill * specificity,
                    "fn": ill * (1 - specificity),
                    "fp": healthy * (1 - recall),
                    "tn": healthy * recall,
                },
                "Recall is about the ill, specificity about the healthy. Here it is the other way.",
            ),
            (
                {
                    "tp": recall,
                    "fn": 1 - recall,
                    "fp": 1 - specificity,
                    "tn": specificity,
                },
                "These are shares. Multiply them by `ill` and by `healthy`.",
            ),
        )
        for wrong, words in mistakes:
            if _same_people(seen, wrong, 0.02 if max(wrong.values()) <= 1 else 1):
                raise Wrong(f"{shown} {words}")
        for group, keys in (("ill", ("tp", "fn")), ("healthy", ("fp", "tn"))):
            size = {"ill": ill, "healthy": healthy}[group]
            if abs(seen[keys[0]] + seen[keys[1]] - size) > 1:
                raise Wrong(
                    f"{shown} {keys[0]} and {keys[1]} add up to "
                    f"{seen[keys[0]] + seen[keys[1]]:g}, but {size} people are {group}."
                )
        key = next(key for key in COUNTS if abs(seen[key] - right[key]) > 1)
        raise Wrong(f"{shown} {key} should be {right[key]:.0f}: start from {_start_of(key)}.")
    if any(not float(count).is_integer() for count in seen.values()):
        raise Wrong(f"`{name}` returns fractions of people. Wrap the counts in `round(...)`.")
    return "With a recall of 0.93, 14 of 200 ill people are missed."


def check_cost(function: Any) -> str:
    """screening_cost(ill, healthy, recall, specificity, miss, alarm)."""
    name = "screening_cost"
    for ill, healthy, recall, specificity, miss, alarm in (
        (50, 950, 0.98, 0.56, 10, 1),
        (50, 950, 0.80, 0.95, 10, 1),
        (200, 800, 0.90, 0.70, 1, 5),
    ):
        arguments = (ill, healthy, recall, specificity, miss, alarm)
        given = number(f"{name}{arguments}", called(name, function, *arguments))
        missed, alarms = ill * (1 - recall), healthy * (1 - specificity)
        wanted = missed * miss + alarms * alarm
        # Whoever counts whole people is off by half a person of each kind.
        if math.isclose(given, wanted, rel_tol=0.005, abs_tol=0.5 * (miss + alarm) + 1e-9):
            continue
        shown = f"`{name}{arguments}` is {given:g}, but should be {wanted:g}."
        found, cleared = ill * recall, healthy * specificity
        mistakes = (
            (missed * alarm + alarms * miss, "The two costs are swapped."),
            (
                found * miss + cleared * alarm,
                "You charge for the right calls. Misses are `ill * (1 - recall)`, and false "
                "alarms come from `1 - specificity`.",
            ),
            (missed * miss, "The false alarms cost something, too."),
            (alarms * alarm, "The misses cost something, too."),
            (missed + alarms, "You count the mistakes; multiply each kind by what one costs."),
            (
                (ill + healthy) * ((1 - recall) * miss + (1 - specificity) * alarm),
                "Only the ill can be missed, and only the healthy can raise a false alarm.",
            ),
            (wanted / (ill + healthy), "That is the cost per person. The cost of all is wanted."),
        )
        for value, words in mistakes:
            if math.isclose(given, value, rel_tol=1e-6):
                raise Wrong(f"{shown} {words}")
        raise Wrong(f"{shown} Add misses times their cost and false alarms times theirs.")
    _takes_a_column(name, function, 50, 950, 0.98, 0.56, np.array([10, 41, 100]), 1)
    return "Which test is the better one now depends on two numbers that no test set contains."


def _takes_a_column(name: str, function: Any, *arguments: Any) -> None:
    """The function goes on to work on many numbers at once, as the notebook uses it."""
    try:
        fits = np.shape(function(*arguments)) == np.shape(np.broadcast_arrays(*arguments)[0])
    except Exception as error:
        raise Wrong(
            f"`{name}` is right for single numbers, but stops with {type(error).__name__} for a "
            "column of them. Write the formula alone, without `if`, `int(...)` or `float(...)`."
        ) from error
    if not fits:
        raise Wrong(f"`{name}` is right for single numbers, but gives one number for a column.")


def _same_people(seen: dict[str, float], other: dict[str, float], tolerance: float) -> bool:
    return all(abs(seen[key] - other[key]) <= tolerance for key in COUNTS)


def _swapped(counts: dict[str, float], first: str, second: str) -> dict[str, float]:
    return counts | {first: counts[second], second: counts[first]}


def _start_of(key: str) -> str:
    return "`ill` and the recall" if key in ("tp", "fn") else "`healthy` and the specificity"
