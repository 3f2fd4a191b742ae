"""Checks of decisions: a threshold chosen on the right part, a test set that is large enough.

The answers to notebook 04's later exercises; see ``nb04`` for the exercises themselves.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cxrlab.errors import CXRLabError
from cxrlab.evaluation import (
    Confusion,
    choose_threshold,
    confusion,
    overlap,
    precision_at_prevalence,
    wilson,
)
from cxrlab.exercises.engine import Wrong
from cxrlab.exercises.expect import close, kind, number

# Exercise 4: the recall to be reached on validation.
WANTED_RECALL = 0.95

# Exercise 5: two networks, and test sets of several sizes to read from.
FOUND_A, FOUND_B, POSITIVES = 45, 48, 50
SIZES = (50, 100, 200, 400, 800)

# Exercise 6: a test, and people of whom 1 % are ill.
TEST = {"recall": 0.80, "specificity": 0.95}


def check_frozen(frozen: Any) -> str:
    """Exercise 4: the threshold comes from validation, the specificity from test."""
    kind("frozen", frozen, dict, "the dictionary that the cell makes")
    if missing := {"threshold", "specificity", "validation", "test"} - frozen.keys():
        raise Wrong(f"`frozen` lacks {', '.join(sorted(missing))}. Keep the cell's four entries.")
    validation, test = frozen["validation"], frozen["test"]
    threshold = number("threshold", frozen["threshold"], 0, 1)
    _check_threshold(threshold, validation, test)

    specificity = number("specificity", frozen["specificity"], 0, 1)
    counts = confusion(*test, threshold)
    if close(specificity, counts.specificity):
        kept = (
            "what one part promises is not always kept on another."
            if counts.recall < WANTED_RECALL
            else "it is kept this time, which nothing guarantees."
        )
        return (
            f"On validation the recall is {confusion(*validation, threshold).recall:.3f}, on test "
            f"{counts.recall:.3f}: {kept}"
        )
    on_validation = confusion(*validation, threshold)
    _complain_of_specificity(specificity, counts, on_validation)


def check_intervals(separable: Any) -> str:
    """Exercise 5: read two Wilson intervals, then find the test set that keeps them apart."""
    kind("separable", separable, dict, "the dictionary that the cell makes")
    if missing := {"overlap", "positives"} - separable.keys():
        raise Wrong(f"`separable` lacks {', '.join(sorted(missing))}. Keep both entries.")
    a, b = FOUND_A / POSITIVES, FOUND_B / POSITIVES
    answer, positives = separable["overlap"], separable["positives"]
    if not isinstance(answer, bool | np.bool_):
        raise Wrong(f"`overlap` is {answer!r}, but should be True or False.")
    if bool(answer) != overlap(wilson(a, POSITIVES), wilson(b, POSITIVES)):
        raise Wrong(
            f"`overlap` is {answer}. At n = {POSITIVES}, does the upper end of the lower recall "
            "reach above the lower end of the higher one? Then they have points in common."
        )
    positives = number("positives", positives)
    if positives not in SIZES:
        raise Wrong(f"`positives` is {positives:g}, but the table has n = {_listed(SIZES)}.")
    apart = [n for n in SIZES if not overlap(wilson(a, n), wilson(b, n))]
    if positives not in apart:
        raise Wrong(
            f"`positives` is {positives:g}, but there the intervals still overlap: compare the "
            "upper end of the lower recall with the lower end of the higher one."
        )
    if positives != apart[0]:
        raise Wrong(
            f"`positives` is {positives:g}. There they are apart, but a smaller n of the table "
            "is enough already."
        )
    return (
        "An overlap does not show that two networks are equally good: this test cannot tell. "
        "Notebook 05 has a sharper tool, for two networks on the same cases."
    )


def check_rare(precision_at_1_percent: Any) -> str:
    """Exercise 6: precision at a prevalence of 1 %, by counting people."""
    value = number("precision_at_1_percent", precision_at_1_percent, 0, 1)
    recall, specificity = TEST["recall"], TEST["specificity"]
    true, false = recall * 0.01, (1 - specificity) * 0.99
    mistakes = [
        (true, "that is the true alarms among all people. Divide by all alarms instead."),
        (
            true / (true + specificity * 0.99),
            "the healthy who are left in peace were counted as alarms. The specificity is who is "
            "*not* alarmed: 1 - specificity are.",
        ),
    ]
    for mistaken, words in mistakes:  # both small and close to each other
        if close(value, mistaken, 0.0002):
            raise Wrong(f"`precision_at_1_percent` is {value:.4f}: {words}")
    mistakes = [
        (recall, "that is the recall: of the ill. The question is of the alarms."),
        (specificity, "that is the specificity: of the healthy. The question is of the alarms."),
        (
            precision_at_prevalence(recall, specificity, 0.5),
            "that is the precision where half of the people are ill. Here it is 1 in 100.",
        ),
        (true / false, "true alarms were divided by false ones. Divide by all alarms."),
        (false / (true + false), "that is the share of the alarms that is false."),
    ]
    expected = precision_at_prevalence(recall, specificity, 0.01)
    if close(value, expected):
        return f"Some {round(1 / expected)} alarms have to be looked into to find one ill person."
    for mistaken, words in mistakes:
        if close(value, mistaken):
            raise Wrong(f"`precision_at_1_percent` is {value:.3f}: {words}")
    raise Wrong(
        f"`precision_at_1_percent` is {value:.3g}. Imagine 10,000 people: how many are ill, how "
        "many of these raise an alarm, and how many of the healthy do?"
    )


def _check_threshold(threshold: float, validation: tuple, test: tuple) -> None:
    """The threshold is the one that validation asks for, or :class:`Wrong` says what it is."""
    best = _best(validation)
    of_test = _best(test)
    if close(threshold, of_test, 1e-9) and not close(threshold, best, 1e-9):
        raise Wrong(
            f"`threshold` is {threshold:.4f}: that one was chosen on the test set, which then "
            "judges its own choice. Hand the labels and scores of validation to the rule."
        )
    reached, wanted = confusion(*validation, threshold), confusion(*validation, best)
    if reached == wanted:
        return
    if close(threshold, WANTED_RECALL, 1e-9):
        raise Wrong(
            f"`threshold` is {threshold:g}: that is the recall to be reached. The threshold is "
            "the score from which on a case is called positive."
        )
    if reached.recall < WANTED_RECALL:
        raise Wrong(
            f"At `threshold` {threshold:.4f} the recall on validation is {reached.recall:.3f}, "
            f"below {WANTED_RECALL}. A lower threshold finds more."
        )
    raise Wrong(
        f"At `threshold` {threshold:.4f} the recall on validation is {reached.recall:.3f}, but it "
        f"raises {reached.fp} false alarms where {wanted.fp} would do. Raise it as far as the "
        "recall allows."
    )


def _complain_of_specificity(value: float, test: Confusion, validation: Confusion) -> None:
    seen = f"`specificity` is {value:.3f}"
    if close(value, validation.specificity):
        raise Wrong(f"{seen}: that is the one on validation. Report it on the test set.")
    if close(value, test.recall):
        raise Wrong(f"{seen}: that is the recall on test. The specificity looks at the healthy.")
    if close(value, 1 - test.specificity):
        raise Wrong(f"{seen}: that is the share of the healthy who were alarmed. Take the rest.")
    if test.precision is not None and close(value, test.precision):
        raise Wrong(f"{seen}: that is the precision on test, a share of the alarms.")
    raise Wrong(
        f"{seen}, but not at this threshold. Use `evaluation.confusion` on the labels and scores "
        "of the test part, with your threshold."
    )


def _best(part: tuple) -> float:
    try:
        return choose_threshold(*part, rule="recall", target=WANTED_RECALL)
    except (CXRLabError, TypeError) as error:
        raise Wrong(
            "`validation` and `test` should each be (labels, scores), as the cell makes them. "
            f"{error}"
        ) from error


def _listed(numbers: tuple[int, ...]) -> str:
    return ", ".join(map(str, numbers))
