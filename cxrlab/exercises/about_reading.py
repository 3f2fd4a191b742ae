"""What notebook 01 asks of a reader's calls, counts, recall and costs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from cxrlab.evaluation import PUBLISHED, published_specificity
from cxrlab.exercises.engine import Wrong, described
from cxrlab.exercises.expect import called, close, number
from cxrlab.reader import TEN, confusion_of, in_a_sentence

COUNTS = ("tp", "fp", "fn", "tn")
MEANING = {
    "tp": "positive cases called positive",
    "fp": "negative cases called positive",
    "fn": "positive cases called negative",
    "tn": "negative cases called negative",
}
# The reader of exercise 3, who read 80 X-rays.
HAND = {"tp": 27, "fp": 6, "fn": 3, "tn": 44}
ILL = 2000  # people with COVID-19 in exercise 4


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


def check_counts(answer: Any) -> str:
    """(counts, table): the four counts of a table with the columns ``truth`` and ``call``."""
    if not isinstance(answer, tuple) or len(answer) != 2 or not _is_reading(answer[1]):
        raise Wrong("Hand over both, the counts and the table: `check((my_counts, read))`.")
    given, read = answer
    if isinstance(given, dict):
        given = tuple(given.get(name) for name in COUNTS)
    if not isinstance(given, Sequence) or isinstance(given, str) or len(given) != len(COUNTS):
        raise Wrong(
            f"`my_counts` is {described(given)}, but should be four numbers: tp, fp, fn, tn."
        )
    seen = dict(zip(COUNTS, given, strict=True))
    for name, count in seen.items():
        number(f"{name} in my_counts", count, 0, len(read))
    counts = confusion_of(read)
    right = {name: getattr(counts, name) for name in COUNTS}
    if seen == right:
        return in_a_sentence(counts)
    if sum(seen.values()) != len(read):
        raise Wrong(
            f"The four numbers of `my_counts` add up to {sum(seen.values())}, but the table has "
            f"{len(read)} X-rays, and each belongs to exactly one of the four."
        )
    if seen == right | {"fp": right["fn"], "fn": right["fp"]}:
        raise Wrong(
            "In `my_counts`, fp and fn are swapped. A false positive is a false alarm (truth 0, "
            "call 1), a false negative is a miss (truth 1, call 0)."
        )
    if seen == right | {"tp": right["tn"], "tn": right["tp"]}:
        raise Wrong(
            "In `my_counts`, tp and tn are swapped. The second word is the call: a true positive "
            "was called 1."
        )
    first = next(name for name in COUNTS if seen[name] != right[name])
    raise Wrong(
        f"`{first}` in `my_counts` is {seen[first]:g}. Count the {MEANING[first]}: "
        f"rows with truth {int(first in ('tp', 'fn'))} and call {int(first in ('tp', 'fp'))}."
    )


def check_recall(recall: Any) -> str:
    """The recall of HAND, as a share."""
    tp, fp, fn, tn = (HAND[name] for name in COUNTS)
    if close(number("recall", recall), (tp + fn) / tp):
        raise Wrong(
            f"`recall` is {recall:.2f}. That is the fraction upside down: divide the positive "
            "cases that were found by all positive cases."
        )
    recall = number("recall", recall, 0, 1)
    if close(recall, tp / (tp + fn)):
        return f"Of {tp + fn} positive cases, {tp} were found and {fn} missed."
    mistakes = (
        (
            tp / (tp + fp),
            "the precision: of the cases called positive, the share that is. Recall looks at "
            "the cases that **are** positive",
        ),
        (tn / (tn + fp), "the specificity: it is about the negative cases"),
        ((tp + tn) / 80, "the accuracy: it mixes positive and negative cases"),
        (tp / 80, "tp divided by all 80 cases. Divide by the positive cases only"),
        (fn / (tp + fn), "the share that was missed. Recall is the share that was found"),
    )
    for value, words in mistakes:
        if close(recall, value):
            raise Wrong(f"`recall` is {recall:.2f}. That is {words}.")
    raise Wrong(
        f"`recall` is {recall:.2f}. Divide the positive cases that were found by all positive "
        "cases, found or missed."
    )


def check_fewer_missed(fewer: Any) -> str:
    """Misses among ILL people at the two published recalls, the difference."""
    fewer = number("fewer_missed", fewer)
    before, after = (values["recall"] for values in PUBLISHED.values())
    if math.isclose(fewer, ILL * (after - before), abs_tol=0.5):
        return (
            f"{ILL * (1 - before):.0f} are missed before tuning and {ILL * (1 - after):.0f} after."
        )
    mistakes = (
        (ILL * (1 - before), "the misses before tuning. Take off the misses after it"),
        (ILL * (1 - after), "the misses after tuning. The question is how many fewer that is"),
        (ILL * before, "the people who are **found** before tuning"),
        (ILL * after, "the people who are **found** after tuning"),
        (ILL * (before - after), "right but for its sign: fewer misses, counted as positive"),
        (100 * (after - before), f"of 100 people. Here {ILL:,} people have COVID-19"),
        (after - before, "a share. The question is how many people"),
    )
    for value, words in mistakes:
        if math.isclose(fewer, value, abs_tol=1e-6):
            raise Wrong(f"`fewer_missed` is {fewer:g}. That is {words}.")
    raise Wrong(
        f"`fewer_missed` is {fewer:g}. Work out how many of {ILL:,} are missed at each recall, "
        "then subtract."
    )


def check_implied(function: Any) -> str:
    """implied_specificity(precision, recall) on a balanced test set."""
    name = "implied_specificity"
    pairs = [(v["precision"], v["recall"]) for v in PUBLISHED.values()] + [(0.8, 0.6), (1.0, 0.9)]
    for precision, recall in pairs:
        given = number(f"{name}({precision}, {recall})", called(name, function, precision, recall))
        wanted = published_specificity(precision, recall)
        if close(given, wanted, 0.006):
            continue
        shown = f"`{name}({precision}, {recall})` is {given:.2f}, but should be {wanted:.2f}."
        false_alarms = recall * (1 - precision) / precision
        if close(given, false_alarms):
            raise Wrong(f"{shown} You return the share of false alarms; subtract it from 1.")
        if close(given, 1 - (1 - precision) / precision):
            raise Wrong(f"{shown} You count all positive cases as found; only `recall` of them is.")
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
    return "So before tuning about half of the healthy were called positive, and after it 44 %."


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
        if math.isclose(given, wanted, rel_tol=0.005):
            continue
        shown = f"`{name}{arguments}` is {given:g}, but should be {wanted:g}."
        found, spared = ill * recall, healthy * specificity
        mistakes = (
            (missed * alarm + alarms * miss, "The two costs are swapped."),
            (
                found * miss + spared * alarm,
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
            (wanted / (ill + healthy), "That is the cost a person. The cost of all is asked for."),
        )
        for value, words in mistakes:
            if math.isclose(given, value, rel_tol=1e-6):
                raise Wrong(f"{shown} {words}")
        raise Wrong(f"{shown} Add misses times their cost and false alarms times theirs.")
    return "Which test is the better one now hangs on two numbers that no test set contains."


def _is_reading(table: Any) -> bool:
    return isinstance(table, pd.DataFrame) and {"truth", "call"} <= set(table)
