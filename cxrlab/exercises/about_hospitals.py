"""Checks about another hospital: frozen thresholds, rare disease, probabilities, net benefit.

The answers to notebook 07's exercises with numbers; see ``nb07`` for the exercises themselves.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from numbers import Real
from typing import Any

import numpy as np

from cxrlab.evaluation import choose_threshold, confusion, net_benefit, precision_at_prevalence
from cxrlab.exercises.engine import Wrong, described
from cxrlab.exercises.expect import called, close, number, whole_number
from cxrlab.exercises.toy_hospitals import THRESHOLD, other_hospital, two_networks

Slips = Sequence[tuple[Callable[..., float | None], str]]

# Recall, specificity, prevalence; in the last nobody is called positive.
BAYES_CASES = [(0.9, 0.8, 0.5), (0.95, 0.9, 0.02), (0.6, 0.99, 0.2), (0.0, 1.0, 0.1)]
BRIER_CASES = [([1, 0, 1, 0], [0.9, 0.2, 0.4, 0.0]), ([1, 1, 0], [0.5, 1.0, 1.0])]
# True and false positives, people, threshold.
BENEFIT_CASES = [(8, 20, 100, 0.1), (30, 40, 200, 0.5), (9, 12, 60, 0.8)]


def check_frozen(frozen_specificity: Any) -> str:
    """The specificity at the threshold that came along, not at one chosen again."""
    name, cases = "frozen_specificity", other_hospital()
    value = number(name, frozen_specificity, 0, 1)
    counts = confusion(cases["label"], cases["score"], THRESHOLD)
    fitted = choose_threshold(cases["label"], cases["score"], rule="f1")
    edge = ((cases["label"] == 0) & (cases["score"] <= THRESHOLD)).sum() / (counts.tn + counts.fp)
    slips = [
        (
            edge,
            "a score of exactly 0.62 is called positive, because it has reached the threshold.",
        ),
        (
            confusion(cases["label"], cases["score"], fitted).specificity,
            f"at {fitted:.2f}, which these people would have chosen. Frozen is frozen: 0.62.",
        ),
        (
            counts.fp / (counts.fp + counts.tn),
            "share of the healthy who are alarmed. Take the rest.",
        ),
        (counts.recall, "that is the recall, of the ill. The specificity asks the healthy."),
        (
            counts.precision,
            "that is the precision, of the alarms. The specificity asks the healthy.",
        ),
        (counts.accuracy, "that is the accuracy, of all. The specificity asks the healthy."),
        (
            confusion(cases["label"], cases["score"], 0.5).specificity,
            "at 0.5. The threshold that came along is 0.62.",
        ),
    ]
    if close(value, counts.specificity):
        return (
            "Half of the healthy are alarmed, at a threshold that may have been a good one at "
            "home. Nobody here may move it: who moves it has a new test, which nobody has tested."
        )
    for slip, words in slips:
        if close(value, slip):
            raise Wrong(f"`{name}` is {value:.3f}: {words}")
    raise Wrong(
        f"`{name}` is {value:.3f}. Take the {counts.tn + counts.fp} rows with label 0: which "
        "share of them has a score below 0.62?"
    )


def check_bayes(ppv: Any) -> str:
    """A function of recall, specificity and prevalence; undefined is ``None``."""
    slips: Slips = [
        (lambda r, s, p: r * p, "that is the true alarms among all people. Divide by all alarms."),
        (
            lambda r, s, p: _share(r, 1 - s),
            "the prevalence is not used: this holds where half of the people are ill.",
        ),
        (
            lambda r, s, p: _share(r * p, s * (1 - p)),
            "the healthy who were correctly cleared were counted as alarms. Of the healthy, "
            "1 - specificity are alarmed.",
        ),
        (
            lambda r, s, p: _share(r * p, (1 - s) * p),
            "the false alarms come from the healthy, of whom there are 1 - prevalence.",
        ),
        (
            lambda r, s, p: _share((1 - s) * (1 - p), r * p),
            "that is the share of the alarms that is false.",
        ),
        (
            lambda r, s, p: _share(s * (1 - p), (1 - r) * p),
            "that is the negative predictive value: of those called healthy, the healthy.",
        ),
    ]
    _agrees(
        "ppv",
        ppv,
        BAYES_CASES,
        precision_at_prevalence,
        slips,
        "imagine 10,000 people: how many ill raise an alarm, how many healthy?",
    )
    return (
        "Recall and specificity are taken along as they are. In another hospital neither need be."
    )


def check_brier(brier: Any) -> str:
    """The mean squared distance of label and score."""

    def terms(labels, scores):
        return np.subtract(scores, labels)

    slips: Slips = [
        (
            lambda y, s: float(np.abs(terms(y, s)).mean()),
            "that is the mean distance. Square each distance before the mean.",
        ),
        (
            lambda y, s: float((terms(y, s) ** 2).sum()),
            "that is the sum of the squares. Divide by the number of cases.",
        ),
        (
            lambda y, s: float(np.sqrt((terms(y, s) ** 2).mean())),
            "that is the square root of it. Leave the mean of the squares as it is.",
        ),
        (
            lambda y, s: float(terms(y, s).mean() ** 2),
            "the mean was taken before the square, so that errors up and down cancel out.",
        ),
        (
            lambda y, s: float(terms(y, s).mean()),
            "errors up and down cancel out. Square each before the mean.",
        ),
        (
            lambda y, s: float(((np.asarray(s) >= 0.5) != np.asarray(y)).mean()),
            "that is the share of wrong calls. The Brier score asks how sure each score was.",
        ),
    ]

    def right(labels, scores):
        return float((terms(labels, scores) ** 2).mean())

    _agrees("brier", brier, BRIER_CASES, right, slips, "take (score - label) ** 2 of each case.")
    return "0 is perfect; a forecast that says 0.5 to everybody gets 0.25."


def check_benefit(benefit: Any) -> str:
    """True positives a person, less the false ones at the threshold's exchange rate."""
    slips: Slips = [
        (
            lambda tp, fp, n, t: (tp - fp) / n,
            "every false alarm costs as much as a case found is worth. That holds at a threshold "
            "of 0.5 alone: weight it with threshold / (1 - threshold).",
        ),
        (
            lambda tp, fp, n, t: tp / n - fp / n * (1 - t) / t,
            "the odds are upside down. A low threshold says that false alarms are cheap.",
        ),
        (
            lambda tp, fp, n, t: tp / n - fp / n * t,
            "the weight is the odds, threshold / (1 - threshold), not the threshold.",
        ),
        (
            lambda tp, fp, n, t: tp - fp * t / (1 - t),
            "that is for all people together. Divide by n, to have it a person.",
        ),
        (
            lambda tp, fp, n, t: tp / n,
            "the false alarms are for nothing here. Take their price off.",
        ),
        (lambda tp, fp, n, t: tp / (tp + fp), "that is the precision."),
        (
            lambda tp, fp, n, t: tp / n + fp / n * t / (1 - t),
            "false alarms are a cost: take them off.",
        ),
    ]
    _agrees(
        "benefit",
        benefit,
        BENEFIT_CASES,
        net_benefit,
        slips,
        "tp / n, less fp / n times the odds of the threshold.",
    )
    return "It can be negative: then it would be better to do nothing at all."


def check_pairs(only_one: Any) -> str:
    """The discordant cases of two networks: (only A right, only B right)."""
    name, table = "only_one", two_networks()
    truth, a, b = (table[column].to_numpy() for column in ("label", "call_a", "call_b"))
    if not isinstance(only_one, tuple | list | np.ndarray) or len(only_one) != 2:
        raise Wrong(f"`{name}` is {described(only_one)}, but should be two counts: A, then B.")
    seen = tuple(whole_number(name, value) for value in only_one)
    right_a, right_b = a == truth, b == truth
    wanted = int((right_a & ~right_b).sum()), int((~right_a & right_b).sum())
    if seen == wanted:
        return (
            "Five discordant cases, four of them for B. A fair coin is at least as one-sided in 12 "
            "of 32 tries: two networks that are right on the same people need many of them to be "
            "told apart."
        )
    positive = truth == 1
    slips = {
        wanted[::-1]: "the two counts are swapped: first the cases that only A got right.",
        (int(right_a.sum()), int(right_b.sum())): "these are all that each got right. Leave out "
        "the cases that both got right.",
        (int((~right_a).sum()), int((~right_b).sum())): "these are the mistakes of each. Leave "
        "out the cases on which both are wrong.",
        (int((~right_a & ~right_b).sum()), int((right_a & right_b).sum())): "these are the cases "
        "on which both agree; the others are wanted.",
        (int((a > b).sum()), int((b > a).sum())): "that counts who called the case ill. Right "
        "means equal to the label, and a healthy case may be called 0.",
        (
            int((right_a & ~right_b & positive).sum()),
            int((~right_a & right_b & positive).sum()),
        ): "that looks at the ill alone. The healthy count, too.",
    }
    why = slips.get(seen, "go row by row: is A right, is B right, and is only one of them?")
    raise Wrong(f"`{name}` is {seen}: {why}")


def _share(part: float, rest: float) -> float | None:
    return part / (part + rest) if part + rest else None


def _agrees(
    name: str,
    function: Any,
    cases: Sequence[tuple],
    right: Callable[..., float | None],
    slips: Slips,
    otherwise: str,
) -> None:
    """Whether a function of numbers agrees with ``right`` (as far as one rounds) on ``cases``."""
    results = [called(name, function, *case) for case in cases]
    wanted = [right(*case) for case in cases]
    for case, seen, expected in zip(cases, results, wanted, strict=True):
        call = f"`{name}({', '.join(map(str, case))})` is"
        if seen is None and expected is not None:
            raise Wrong(f"{call} None. End the function with `return` and the value.")
        if seen is not None and (isinstance(seen, bool) or not isinstance(seen, Real)):
            raise Wrong(f"{call} {described(seen)}, but should be a number.")
    if all(map(_same, results, wanted)):
        return
    for slip, words in slips:
        if all(map(_same, results, [slip(*case) for case in cases])):
            case = next(
                c for c, r, w in zip(cases, results, wanted, strict=True) if not _same(r, w)
            )
            raise Wrong(f"`{name}({', '.join(map(str, case))})`: {words}")
    for case, seen, expected in zip(cases, results, wanted, strict=True):
        call = f"`{name}({', '.join(map(str, case))})`"
        if expected is None and seen is not None:
            raise Wrong(f"{call} is {seen:g}, but nobody is called positive: return None.")
        if not _same(seen, expected):
            raise Wrong(f"{call} is {seen:.4g}, but should be {expected:.4g}: {otherwise}")


def _same(a: float | None, b: float | None) -> bool:
    if a is None or b is None:
        return a is b
    return math.isclose(a, b, abs_tol=5e-4)
