"""Exercises and quiz of notebook 04: accuracy, precision, recall."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd

from cxrlab.exercises.answers import (
    Wrong,
    called,
    close,
    described,
    is_number,
    pair,
    recognised,
    wrong_if,
)
from cxrlab.exercises.engine import Exercise
from cxrlab.exercises.judge import FunctionExercise
from cxrlab.exercises.quiz import load_quiz
from cxrlab.metrics import Confusion, confusion


def cases_of(c: Confusion) -> tuple[np.ndarray, np.ndarray]:
    """Labels and calls with these counts."""
    numbers = [c.tp, c.fp, c.fn, c.tn]
    return np.repeat([1, 0, 1, 0], numbers), np.repeat([1, 1, 0, 0], numbers)


def right_specificity(c: Confusion) -> float:
    """Of the healthy, the share correctly cleared; undefined where nobody is healthy."""
    return c.tn / (c.tn + c.fp) if c.tn + c.fp else math.nan


# No two formulas agree on all of these; in the last two nobody is healthy.
COUNTS = [(18, 12, 2, 68), (7, 3, 5, 25), (4, 6, 10, 0), (8, 0, 2, 0), (5, 0, 0, 0)]

specificity_function = FunctionExercise(
    key="04.specificity",
    title="The specificity as a function",
    variable="specificity_of",
    cases=[(Confusion(*counts),) for counts in COUNTS],
    arguments=cases_of,
    right=right_specificity,
    slips={
        "that is the recall: of the ill, the share found.": lambda c: c.tp / (c.tp + c.fn),
        "that is the precision: of the alarms, those true.": lambda c: c.tp / (c.tp + c.fp),
        "that is the accuracy: of all, the right calls.": lambda c: (c.tp + c.tn) / c.n,
        "that is F1: precision and recall in one.": lambda c: 2 * c.tp / (2 * c.tp + c.fp + c.fn),
        "that is the negative predictive value: of those called healthy.": lambda c: (
            c.tn / (c.tn + c.fn)
        ),
        "that is the false positive rate: the healthy alarmed.": lambda c: c.fp / (c.fp + c.tn),
        "that is the miss rate: of the ill, the share missed.": lambda c: c.fn / (c.fn + c.tp),
        "those are the true negatives among all.": lambda c: c.tn / c.n,
        "0 where nobody is healthy says that all were alarmed: `zero_division=np.nan`.": (
            lambda c: np.nan_to_num(right_specificity(c))
        ),
        "where nobody is healthy, say undefined with np.nan, not None.": lambda c: (
            right_specificity(c) if c.tn + c.fp else None
        ),
        "0 is a value like any other.": lambda c: right_specificity(c) or math.nan,
        "`//` or `int` cuts off the decimals.": lambda c: right_specificity(c) // 1,
    },
    share=True,
    otherwise="`tn / (tn + fp)`, and np.nan where nobody is healthy.",
    praise="It also knows when there is nobody to be correctly cleared.",
    if_it_stops="Where nobody is healthy, return np.nan; `confusion_matrix` has one cell for a "
    "single class, unless you add `labels=[0, 1]`.",
    hints=(
        "Two ways lead there: from the four counts of `confusion_matrix`, or from `recall_score`. "
        "Of which class is the specificity the recall?",
        "`recall_score(labels, calls, pos_label=0)` is the recall of the healthy. What does it "
        "return where nobody is healthy?",
        "`zero_division=np.nan` says what to return where there is nothing to divide by.",
    ),
    imports="import numpy as np\nfrom sklearn.metrics import recall_score\n",
    answer="""
def specificity_of(labels, calls):
    return recall_score(labels, calls, pos_label=0, zero_division=np.nan)
""",
)


def made_up_part(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels and scores of a classifier that is better than chance."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    return labels, np.clip(0.35 + 0.3 * labels + rng.normal(0, 0.15, n), 0, 1)


VALIDATION, TEST = made_up_part(2, 60), made_up_part(12, 90)


def highest_threshold(part: tuple[np.ndarray, np.ndarray], wanted: float) -> float:
    """The highest score at which the recall on the part is at least the wanted one."""
    labels, scores = part
    ill = np.sort(scores[labels == 1])[::-1]
    return float(ill[math.ceil(wanted * len(ill)) - 1])


def check_choice(choose_and_report: Any) -> str:
    """The threshold comes from validation, the specificity from test."""
    for wanted in (0.95, 0.8):
        found = called("choose_and_report", choose_and_report, VALIDATION, TEST, wanted)
        threshold, specificity = pair("choose_and_report(...)", found)
        check_threshold(threshold, wanted)
        test, validation = confusion(*TEST, threshold), confusion(*VALIDATION, threshold)
        slips = {
            "the one on validation. Report it on the test part.": validation.specificity,
            "the recall on test. The specificity looks at the healthy.": test.recall,
            "the share of the healthy who were alarmed.": 1 - test.specificity,
            "the precision on test, a share of the alarms.": test.precision,
        }
        if not close(specificity, test.specificity, 1e-6):
            why = recognised(specificity, slips) or "not at this threshold: `scores >= threshold`."
            raise Wrong(f"`choose_and_report` returns the specificity {specificity:.3f}: {why}")
    return "Chosen on one part, reported on another: that is all the discipline there is."


def check_threshold(threshold: float, wanted: float) -> None:
    """Whether it has the wanted recall on validation, at no more false alarms than needed."""
    wrong_if(not is_number(threshold), f"`threshold` is {described(threshold)}, not a number.")
    seen = f"For a recall of {wanted} `choose_and_report` returns the threshold {threshold:.4f}"
    nobody = "the first of `roc_curve`, at which nobody is called positive"
    wrong_if(threshold == np.inf, f"{seen}: {nobody}.")
    reached = confusion(*VALIDATION, threshold)
    best = confusion(*VALIDATION, highest_threshold(VALIDATION, wanted))
    if reached.recall >= wanted and reached.fp == best.fp:
        return
    slips = {
        "chosen on the test part, which then judges its own choice": highest_threshold(
            TEST, wanted
        ),
        "the wanted recall, not a score": wanted,
    }
    why = "too low a recall. A lower threshold finds more"
    if reached.recall >= wanted:
        why = f"{reached.fp} false alarms where {best.fp} would do. Of all that do take the highest"
    why = recognised(threshold, slips) or why
    raise Wrong(f"{seen}: {why}. (The recall on validation is {reached.recall:.3f}.)")


threshold_for_recall = Exercise(
    key="04.threshold",
    title="A threshold that misses few",
    variable="choose_and_report",
    judged_by=check_choice,
    hints=(
        "`precision, recall, cuts = precision_recall_curve(labels, scores)` holds every choice. "
        "Whose labels and scores should it see?",
        "`cuts` rise and the recall falls. `recall[:-1]` is the recall at each of the cuts, so "
        "`cuts[recall[:-1] >= wanted]` are those that are low enough. Which one do you take?",
        "The highest: `.max()`. Then `labels, scores = test`, and `specificity_of` of the calls "
        "`scores >= threshold`.",
    ),
    imports="from sklearn.metrics import precision_recall_curve, recall_score\n",
    answer="""
def choose_and_report(validation, test, wanted):
    precision, recall, cuts = precision_recall_curve(*validation)
    threshold = cuts[recall[:-1] >= wanted].max()
    labels, scores = test
    return threshold, recall_score(labels, scores >= threshold, pos_label=0)
""",
)


def made_up_ill(patients: int = 30) -> pd.DataFrame:
    """X-rays of ill people: each patient is found on all of 1 to 5 X-rays, or on none."""
    rng = np.random.default_rng(5)
    count = np.resize([1, 1, 2, 3, 5], patients)
    found = rng.random(patients) < np.where(count > 2, 0.9, 0.5)
    numbers = np.repeat(np.arange(patients), count)
    return pd.DataFrame({"patient": numbers, "found": found[numbers].astype(int)})


def check_bootstrap(bootstrap: Any) -> str:
    """1,000 recalls of resampled patients, and the ends of the middle 95 %."""
    cases = made_up_ill()
    (recalls, ends), (again, _) = (
        pair("bootstrap(...)", called("bootstrap", bootstrap, cases, np.random.default_rng(seed)))
        for seed in (0, 1)
    )
    seen = f"`bootstrap` returns recalls of shape {np.shape(recalls)}"
    wrong_if(np.shape(recalls) != (1000,), f"{seen}, not 1,000 numbers: add up with `axis=1`.")
    recalls, ends = np.asarray(recalls, float), np.asarray(ends, float)
    wrong_if(ends.shape != (2,), "`bootstrap` returns no two ends: `np.quantile(..., [..., ...])`.")
    wrong_if(recalls.max() > 1, "`bootstrap` returns recalls above 1. Divide by the X-rays drawn.")
    again_and_again = "who is drawn must be able to come again: `replace=True`, or `rng.integers`."
    wrong_if(np.ptp(recalls) == 0, f"All recalls of `bootstrap` are equal: {again_and_again}")
    same = "`bootstrap` draws the same with another generator. Use its `rng`, none of your own."
    wrong_if(close(recalls, again, 0), same)
    check_units(recalls, cases)
    check_ends(ends, recalls)
    return "A patient who is drawn brings all of their X-rays along."


def check_units(recalls: np.ndarray, cases: pd.DataFrame) -> None:
    """Whether whole patients were drawn, as many as there are."""
    per_patient = cases.groupby("patient")["found"].agg(["sum", "count"]).to_numpy()
    n, recall = len(per_patient), cases["found"].mean()
    drawn = per_patient[np.random.default_rng(3).integers(n, size=(4000, n))].sum(axis=1)
    right, single = (drawn[:, 0] / drawn[:, 1]).std(), (recall * (1 - recall) / len(cases)) ** 0.5
    mean_over_patients = (per_patient[:, 0] / per_patient[:, 1]).mean()
    seen = f"The recalls of `bootstrap` are {recalls.mean():.2f} on average"
    means = "means over patients. A patient with more X-rays counts more: add up, then divide."
    wrong_if(close(recalls.mean(), mean_over_patients, 0.025), f"{seen}: {means}")
    chance = f"but {recall:.2f} was expected. Draw every patient with the same chance."
    wrong_if(not close(recalls.mean(), recall, 0.025), f"{seen}, {chance}")
    seen = f"The recalls of `bootstrap` scatter by {recalls.std():.3f}"
    alone = f"as if X-rays were drawn. Draw patients ({right:.3f}): theirs come together."
    wrong_if(close(recalls.std(), single, 0.15 * single), f"{seen}, {alone}")
    all_of_them = f"where {right:.3f} was expected. Draw as many patients as there are."
    wrong_if(not close(recalls.std(), right, 0.15 * right), f"{seen}, {all_of_them}")


def check_ends(ends: np.ndarray, recalls: np.ndarray) -> None:
    """Whether these are the ends of the middle 95 %."""
    middle, spread, wanted = recalls.mean(), recalls.std(), np.quantile(recalls, [0.025, 0.975])
    slips = {
        "the higher one first. Return the lower one first.": wanted[::-1],
        "the middle 90 %. 5 % are left out, 2.5 % per side.": np.quantile(recalls, [0.05, 0.95]),
        "the middle 99 %. Asked for are 95 %.": np.quantile(recalls, [0.005, 0.995]),
        "the middle half. Asked for are 95 %.": np.quantile(recalls, [0.25, 0.75]),
        "the extremes, which grow with the number of draws.": np.quantile(recalls, [0, 1]),
        "one standard deviation to each side.": middle + np.array([-1, 1]) * spread,
        "the ends of a bell curve. Take quantiles.": middle + np.array([-1.96, 1.96]) * spread,
    }
    if not close(ends, wanted, 0.002):
        why = recognised(ends, slips, 0.002) or f"but the middle 95 % are {wanted.round(3)}."
        raise Wrong(f"The ends of `bootstrap` are {ends.round(3)}: {why}")


bootstrap_patients = Exercise(
    key="04.bootstrap",
    title="A bootstrap over patients",
    variable="bootstrap",
    judged_by=check_bootstrap,
    hints=(
        "Count once per patient: how many X-rays, and how many of them found? "
        '`cases.groupby("patient")["found"].agg(["sum", "count"]).to_numpy()` has a row for each.',
        "`rng.integers(n, size=(1000, n))` draws n patients with replacement, 1,000 times: a table "
        "of row numbers. `per_patient[...]` takes these rows: shape (1000, n, 2).",
        "`.sum(axis=1)` adds up the patients of each resample. Then divide the first column by the "
        "second; `np.quantile(recalls, [0.025, 0.975])` are the ends.",
    ),
    answer="""
def bootstrap(cases, rng):
    per_patient = cases.groupby("patient")["found"].agg(["sum", "count"]).to_numpy()
    n = len(per_patient)
    drawn = per_patient[rng.integers(n, size=(1000, n))].sum(axis=1)
    recalls = drawn[:, 0] / drawn[:, 1]
    return recalls, np.quantile(recalls, [0.025, 0.975])
""",
)


def precision_at(recall: float, specificity: float, prevalence: float) -> float:
    """Bayes' theorem, in shares of all people."""
    true, false = recall * prevalence, (1 - specificity) * (1 - prevalence)
    return true / (true + false)


# What a wrong formula for the precision gives (notebook 07 asks for it again).
PPV_SLIPS = {
    "the healthy who were correctly cleared are no alarms; 1 - specificity of them are.": (
        lambda r, s, p: r * p / (r * p + s * (1 - p))
    ),
    "those are the true alarms among all people. Divide by all alarms.": lambda r, s, p: r * p,
    "divide the true alarms by *all* alarms.": lambda r, s, p: r * p / ((1 - s) * (1 - p)),
    "that is the share of the alarms that is false.": lambda r, s, p: 1 - precision_at(r, s, p),
    "the prevalence is missing or cancels out.": lambda r, s, p: precision_at(r, s, 0.5),
    "false alarms come from the healthy only: × (1 - prevalence).": lambda r, s, p: (
        r * p / (r * p + (1 - s))
    ),
    "that is the negative predictive value: of those called healthy.": lambda r, s, p: (
        s * (1 - p) / (s * (1 - p) + (1 - r) * p)
    ),
    "that is the recall: of the ill. The question is of the alarms.": lambda r, s, p: r,
}

ppv = FunctionExercise(
    key="04.ppv",
    title="Precision where the disease is rare",
    variable="ppv",
    cases=[(0.8, 0.95, 0.01), (0.9, 0.7, 0.2), (0.6, 0.85, 0.5)],
    right=precision_at,
    slips=PPV_SLIPS,
    share=True,
    otherwise="of 10,000 people 100 are ill, and 80 of them raise an alarm; of the 9,900 "
    "healthy 495 do. How many of all these alarms are true?",
    praise="At a prevalence of 1 % some 7 alarms lead to one ill person.",
    tolerance=1e-4,
    columns=(0.8, 0.95, np.array([0.01, 0.5])),
    hints=(
        "Count people instead of shares: of 10,000, how many are ill, and how many healthy? How "
        "many of each raise an alarm?",
        "In shares of all people: `recall * prevalence` are ill and alarmed. The healthy are "
        "`1 - prevalence`, and `1 - specificity` of them are alarmed.",
        "The precision is the first, divided by the sum of both.",
    ),
    answer="""
def ppv(recall, specificity, prevalence):
    true = recall * prevalence
    false = (1 - specificity) * (1 - prevalence)
    return true / (true + false)
""",
)

quiz = load_quiz("04")
