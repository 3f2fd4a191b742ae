"""Exercises and quiz of notebook 04: accuracy, precision, recall."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from numbers import Real
from typing import Any

import numpy as np
import pandas as pd

from cxrlab.exercises import Exercise, Wrong, expect
from cxrlab.exercises.engine import described
from cxrlab.exercises.quiz04 import quiz
from cxrlab.metrics import Confusion, confusion, ratio

__all__ = ["bootstrap_patients", "ppv", "quiz", "specificity_function", "threshold_for_recall"]

# --- 1: the specificity, which scikit-learn does not have ------------------------------------

# metric: (in letters, in words, from counts)
FORMULAS: dict[str, tuple[str, str, Callable[[Confusion], float | None]]] = {
    "recall": ("tp / (tp + fn)", "of the ill, the share found", lambda c: c.recall),
    "precision": ("tp / (tp + fp)", "of the alarms, the share that is true", lambda c: c.precision),
    "specificity": (
        "tn / (tn + fp)",
        "of the healthy, the share correctly cleared",
        lambda c: c.specificity,
    ),
    "accuracy": ("(tp + tn) / all", "of all, the share called correctly", lambda c: c.accuracy),
    "F1": ("2 tp / (2 tp + fp + fn)", "precision and recall in one", lambda c: c.f1),
    "negative predictive value": (
        "tn / (tn + fn)",
        "of those called healthy, the share that is",
        lambda c: ratio(c.tn, c.tn + c.fn),
    ),
    "false positive rate": (
        "fp / (fp + tn)",
        "of the healthy, the share alarmed",
        lambda c: ratio(c.fp, c.fp + c.tn),
    ),
    "miss rate": (
        "fn / (fn + tp)",
        "of the ill, the share missed",
        lambda c: ratio(c.fn, c.fn + c.tp),
    ),
    "share of true negatives among all": (
        "tn / all",
        "a share of everybody",
        lambda c: ratio(c.tn, c.n),
    ),
}
# No two formulas agree on all of these.
MATRICES = (
    Confusion(tp=18, fp=12, fn=2, tn=68),
    Confusion(tp=7, fp=3, fn=5, tn=25),
    Confusion(tp=30, fp=1, fn=11, tn=9),
    Confusion(tp=4, fp=6, fn=10, tn=0),
)
NOBODY_HEALTHY = (Confusion(tp=8, fp=0, fn=2, tn=0), Confusion(tp=5, fp=0, fn=0, tn=0))


def cases_of(counts: Confusion) -> tuple[np.ndarray, np.ndarray]:
    """Labels and calls with these counts."""
    numbers = [counts.tp, counts.fp, counts.fn, counts.tn]
    return np.repeat([1, 0, 1, 0], numbers), np.repeat([1, 1, 0, 0], numbers)


def check_specificity(specificity_of: Any) -> str:
    """A function of labels and calls, tried on several confusion matrices."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn and NumPy warn of what is judged here
        for counts in MATRICES:
            _check_defined(specificity_of, counts)
        for counts in NOBODY_HEALTHY:
            _check_undefined(specificity_of, counts)
    return "It also knows when there is nobody to be correctly cleared."


def _check_defined(function: Any, counts: Confusion) -> None:
    result = expect.called("specificity_of", function, *cases_of(counts))
    wanted, where = counts.specificity, f"{counts.tn} true negatives, {counts.fp} false positives"
    seen = f"With {where} `specificity_of` returns"
    if isinstance(result, bool) or not isinstance(result, Real):
        raise Wrong(f"{seen} {described(result)}, but should return a number.")
    if math.isclose(result, wanted, abs_tol=1e-9):
        return
    for other, (letters, in_words, _) in FORMULAS.items():
        if other != "specificity" and _computes(function, other):
            raise Wrong(
                f"`specificity_of` computes something else: that is the {other}, `{letters}` "
                f"({in_words}). Of the healthy, which share was correctly cleared?"
            )
    if wanted and math.isclose(result, 100 * wanted, rel_tol=0.01):
        raise Wrong(f"{seen} {result:g}: a percentage. Return a share from 0 to 1.")
    if expect.close(result, wanted, 0.06) and result == round(result, 2):
        raise Wrong(f"{seen} {result:g}, rounded. Return the whole {wanted:.6f}...")
    if result == wanted // 1:
        raise Wrong(f"{seen} {result:g}: `//` or `int` cuts off what comes after the point.")
    if wanted == 0:
        raise Wrong(f"{seen} {result:g}. 0 is a value like any other here, not an absence.")
    raise Wrong(f"{seen} {result:.3g}, but {wanted:.3f} was expected: `tn / (tn + fp)`.")


def _computes(function: Any, other: str) -> bool:
    """Whether the function gives this metric wherever that is defined."""
    known = [(FORMULAS[other][2](counts), counts) for counts in MATRICES]
    try:
        return all(
            value is None or math.isclose(function(*cases_of(counts)), value, abs_tol=1e-6)
            for value, counts in known
        )
    except Exception:  # a function that fails elsewhere is not that metric
        return False


def _check_undefined(function: Any, counts: Confusion) -> None:
    where = "Where nobody is healthy,"
    try:
        result = function(*cases_of(counts))
    except ZeroDivisionError:
        raise Wrong(f"{where} `specificity_of` divides by zero. Return np.nan there.") from None
    except Exception as error:
        raise Wrong(
            f"{where} `specificity_of` stops with {type(error).__name__} ({error}). With a single "
            "class `confusion_matrix` has one cell only, unless you add `labels=[0, 1]`."
        ) from error
    if result is None:
        raise Wrong(f"{where} `specificity_of` returns None. Say undefined with np.nan.")
    if isinstance(result, Real) and math.isnan(result):
        return
    if result == 0:
        raise Wrong(
            f"{where} `specificity_of` returns 0, which claims that all of them were alarmed. "
            "There was nothing to divide by: return np.nan (`zero_division=np.nan`)."
        )
    raise Wrong(f"{where} `specificity_of` returns {described(result)}. Return np.nan there.")


specificity_function = Exercise(
    key="04.specificity",
    title="The specificity as a function",
    variable="specificity_of",
    judge_answer=check_specificity,
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

# --- 2: a threshold for a wanted recall ------------------------------------------------------


def made_up_part(seed: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Labels and scores of a classifier that is better than chance."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, n)
    return labels, np.clip(0.35 + 0.3 * labels + rng.normal(0, 0.15, n), 0, 1)


VALIDATION, TEST = made_up_part(2, 60), made_up_part(12, 90)
WANTED = (0.95, 0.8)


def highest_threshold(part: tuple[np.ndarray, np.ndarray], wanted: float) -> float:
    """The highest score at which the recall on the part is at least the wanted one."""
    labels, scores = part
    ill = np.sort(scores[labels == 1])[::-1]
    return float(ill[math.ceil(wanted * len(ill)) - 1])


def check_choice(choose_and_report: Any) -> str:
    """The threshold comes from validation, the specificity from test."""
    for wanted in WANTED:
        found = expect.called("choose_and_report", choose_and_report, VALIDATION, TEST, wanted)
        threshold, specificity = expect.pair("choose_and_report(...)", found)
        threshold = _number("threshold", threshold)
        _check_threshold(threshold, wanted)
        _check_report(_number("specificity", specificity), threshold)
    return "Chosen on one part, reported on another: that is all the discipline there is."


def _number(name: str, value: Any) -> float:
    return expect.number(name, value, 0, 1) if value != np.inf else np.inf


def _check_threshold(threshold: float, wanted: float) -> None:
    seen = f"For a recall of {wanted} `choose_and_report` returns the threshold {threshold:.4f}"
    if threshold == np.inf:
        raise Wrong(f"{seen}: the first of `roc_curve`, at which nobody is called positive.")
    best = highest_threshold(VALIDATION, wanted)
    reached, there = confusion(*VALIDATION, threshold), confusion(*VALIDATION, best)
    if reached.recall >= wanted and reached.fp == there.fp:
        return
    if expect.close(threshold, highest_threshold(TEST, wanted), 1e-9):
        raise Wrong(
            f"{seen}, chosen on the test part, which then judges its own choice. Hand the labels "
            "and scores of validation to the curve."
        )
    if expect.close(threshold, wanted, 1e-9):
        raise Wrong(f"{seen}: that is the wanted recall. Look for the score that reaches it.")
    if reached.recall < wanted:
        raise Wrong(
            f"{seen}. There the recall on validation is {reached.recall:.3f}: too low. A lower "
            "threshold finds more. (The curve has one recall more than thresholds, at the end.)"
        )
    raise Wrong(
        f"{seen}. There the recall on validation is {reached.recall:.3f}, with {reached.fp} false "
        f"alarms where {there.fp} would do. Of all thresholds that reach it take the highest."
    )


def _check_report(value: float, threshold: float) -> None:
    test, validation = confusion(*TEST, threshold), confusion(*VALIDATION, threshold)
    if expect.close(value, test.specificity, 1e-6):
        return
    seen = f"`choose_and_report` returns the specificity {value:.3f}"
    for slip, why in (
        (validation.specificity, "that is the one on validation. Report it on the test part."),
        (test.recall, "that is the recall on test. The specificity looks at the healthy."),
        (1 - test.specificity, "that is the share of the healthy who were alarmed."),
        (test.precision, "that is the precision on test, a share of the alarms."),
    ):
        if expect.close(value, slip, 1e-6):
            raise Wrong(f"{seen}: {why}")
    raise Wrong(f"{seen}, but not at this threshold: the calls are `scores >= threshold`.")


threshold_for_recall = Exercise(
    key="04.threshold",
    title="A threshold that misses few",
    variable="choose_and_report",
    judge_answer=check_choice,
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

# --- 3: the bootstrap over patients ----------------------------------------------------------

DRAWS, ENDS = 1000, (0.025, 0.975)


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
    first, ends = _resampled(bootstrap, cases, 0)
    again, _ = _resampled(bootstrap, cases, 1)
    recall = cases["found"].mean()
    if len(first) != DRAWS:
        raise Wrong(f"`bootstrap` returns {len(first)} recalls, but should return {DRAWS:,}.")
    if first.min() < 0 or first.max() > 1:
        raise Wrong(
            f"`bootstrap` returns recalls up to {first.max():g}. Divide the X-rays found by the "
            "X-rays drawn."
        )
    if np.ptp(first) == 0:
        raise Wrong(
            "All recalls of `bootstrap` are equal. Who is drawn once must be able to come again: "
            "`rng.integers`, or `rng.choice` and `sample` with `replace=True`."
        )
    if (first == again).all():
        raise Wrong(
            "`bootstrap` draws the same patients with another generator. Use the `rng` that it "
            "gets, and make none of your own."
        )
    _check_units(first, cases, recall)
    _check_ends(ends, first)
    return "A patient who is drawn brings all of their X-rays along."


def _resampled(bootstrap: Any, cases: pd.DataFrame, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    found = expect.called("bootstrap", bootstrap, cases.copy(), rng)
    recalls, ends = expect.pair("bootstrap(...)", found)
    try:
        recalls = np.asarray(recalls, dtype=float)
        ends = np.asarray(ends, dtype=float)
    except (TypeError, ValueError):
        raise Wrong("`bootstrap` should return numbers: the recalls, then the two ends.") from None
    if recalls.ndim != 1:
        raise Wrong(
            f"`bootstrap` returns recalls of shape {recalls.shape}, but should return {DRAWS:,} "
            "numbers: add up over the patients of a resample (`axis=1`), then divide."
        )
    if ends.shape != (2,):
        raise Wrong("`bootstrap` should return two ends: `np.quantile(recalls, [0.025, 0.975])`.")
    return recalls, ends


def _check_units(recalls: np.ndarray, cases: pd.DataFrame, recall: float) -> None:
    """Whether whole patients were drawn, as many as there are."""
    per_patient = cases.groupby("patient")["found"].agg(["sum", "count"]).to_numpy()
    means = per_patient[:, 0] / per_patient[:, 1]
    middle, spread = recalls.mean(), recalls.std()
    rng = np.random.default_rng(3)
    drawn = per_patient[rng.integers(len(per_patient), size=(4000, len(per_patient)))].sum(axis=1)
    right, single = (drawn[:, 0] / drawn[:, 1]).std(), (recall * (1 - recall) / len(cases)) ** 0.5
    if not expect.close(middle, recall, 0.025):
        if expect.close(middle, means.mean(), 0.025):
            raise Wrong(
                f"The recalls of `bootstrap` are {middle:.2f} on average: means over patients. A "
                f"patient with more X-rays counts more: add up, then divide ({recall:.2f})."
            )
        raise Wrong(
            f"The recalls of `bootstrap` are {middle:.2f} on average, but the recall of these "
            f"cases is {recall:.2f}. Draw every patient with the same chance."
        )
    if expect.close(spread, single, 0.15 * single):
        raise Wrong(
            f"The recalls of `bootstrap` scatter by {spread:.3f}, as if X-rays were drawn. Several "
            f"X-rays of one patient are no separate evidence: draw patients ({right:.3f})."
        )
    if not expect.close(spread, right, 0.15 * right):
        raise Wrong(
            f"The recalls of `bootstrap` scatter by {spread:.3f}, where {right:.3f} was expected. "
            "Draw as many patients as there are."
        )


def _check_ends(ends: np.ndarray, recalls: np.ndarray) -> None:
    seen = f"The ends of `bootstrap` are {ends[0]:.3f} and {ends[1]:.3f}"
    wanted = np.quantile(recalls, ENDS)
    if np.allclose(ends, wanted, atol=0.002):
        return
    if np.allclose(ends, wanted[::-1], atol=0.002):
        raise Wrong(f"{seen}: the higher one first. Return the lower one first.")
    middle, spread = recalls.mean(), recalls.std()
    for slip, why in (
        (np.quantile(recalls, [0.05, 0.95]), "the middle 90 %. 5 % are left out, 2.5 % per side."),
        (np.quantile(recalls, [0.005, 0.995]), "the middle 99 %. Asked for are 95 %."),
        (np.quantile(recalls, [0.25, 0.75]), "the middle half. Asked for are 95 %."),
        ([recalls.min(), recalls.max()], "the extremes, which grow with the number of draws."),
        (middle + np.array([-1, 1]) * spread, "one standard deviation to each side, about 68 %."),
        (
            middle + np.array([-1.96, 1.96]) * spread,
            "the ends of a bell curve, which may lie beyond 1. Take the quantiles.",
        ),
    ):
        if np.allclose(ends, slip, atol=0.002):
            raise Wrong(f"{seen}: {why}")
    raise Wrong(
        f"{seen}, but the middle 95 % of the recalls are {wanted[0]:.3f} to {wanted[1]:.3f}."
    )


bootstrap_patients = Exercise(
    key="04.bootstrap",
    title="A bootstrap over patients",
    variable="bootstrap",
    judge_answer=check_bootstrap,
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

# --- 4: the precision at another prevalence --------------------------------------------------

TESTS = ((0.8, 0.95, 0.01), (0.9, 0.7, 0.2), (0.6, 0.85, 0.5))
Slip = tuple[Callable[[float, float, float], float], str]
PPV_SLIPS: list[Slip] = [
    (
        lambda r, s, p: r * p / (r * p + s * (1 - p)),
        "the healthy who were correctly cleared are counted as alarms. 1 - specificity of the "
        "healthy are alarmed.",
    ),
    (lambda r, s, p: r * p, "those are the true alarms among all people. Divide by all alarms."),
    (lambda r, s, p: r * p / ((1 - s) * (1 - p)), "divide the true alarms by *all* alarms."),
    (
        lambda r, s, p: (1 - s) * (1 - p) / (r * p + (1 - s) * (1 - p)),
        "that is the share of the alarms that is false.",
    ),
    (
        lambda r, s, p: r / (r + 1 - s),
        "the prevalence is missing: that is the precision where half of the people are ill.",
    ),
    (
        lambda r, s, p: r * p / (r * p + (1 - s)),
        "the false alarms come from the healthy only: multiply with 1 - prevalence.",
    ),
    (
        lambda r, s, p: s * (1 - p) / (s * (1 - p) + (1 - r) * p),
        "that is the negative predictive value: of those called healthy, the share that is.",
    ),
    (lambda r, s, p: r, "that is the recall: of the ill. The question is of the alarms."),
]


def precision_at(recall: float, specificity: float, prevalence: float) -> float:
    """Bayes' theorem, in shares of all people."""
    true, false = recall * prevalence, (1 - specificity) * (1 - prevalence)
    return true / (true + false)


def check_ppv(ppv: Any) -> str:
    """The precision from recall, specificity and prevalence."""
    found = [_one_ppv(ppv, test) for test in TESTS]
    right = [precision_at(*test) for test in TESTS]
    seen = f"`ppv(0.8, 0.95, 0.01)` returns {found[0]:.4g}"
    if not np.allclose(found, right, atol=1e-4):
        for slip, why in PPV_SLIPS:
            if np.allclose(found, [slip(*test) for test in TESTS], atol=1e-4):
                raise Wrong(f"{seen}: {why}")
        if np.allclose(found, 100 * np.array(right), rtol=0.01):
            raise Wrong(f"{seen}: a percentage. Return a share from 0 to 1.")
        if np.allclose(found, right, atol=0.006):
            raise Wrong(f"{seen}, rounded. Return the whole number.")
        raise Wrong(
            f"{seen}. Of 10,000 people 100 are ill, and 80 of them raise an alarm; of the 9,900 "
            f"healthy 495 do. Of all these alarms, {right[0]:.3f} are true."
        )
    shares = np.array([0.01, 0.5])
    try:
        several = np.asarray(ppv(0.8, 0.95, shares), float)
    except Exception:
        several = np.array([])
    if several.shape != (2,) or not np.allclose(several, precision_at(0.8, 0.95, shares)):
        raise Wrong(
            "`ppv` is right for one prevalence, but the figure below hands it a whole array of "
            "them. Use arithmetic only: no `if`, no `round`, no `float`."
        )
    return f"At a prevalence of 1 % some {1 / right[0]:.0f} alarms lead to one ill person."


def _one_ppv(ppv: Any, test: tuple[float, float, float]) -> float:
    result = expect.called("ppv", ppv, *test)
    return expect.number(f"ppv{test}", result)


ppv = Exercise(
    key="04.ppv",
    title="Precision where the disease is rare",
    variable="ppv",
    judge_answer=check_ppv,
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
