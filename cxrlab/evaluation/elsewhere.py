"""What if: another threshold, a rarer disease, a larger test set.

Functions behind notebook 04 and its widget. They ask of numbers that are known what would
become of them elsewhere, and say so in whole people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cxrlab.errors import CXRLabError
from cxrlab.evaluation.intervals import (
    Estimate,
    estimate_metrics,
    patient_numbers,
    weighted_metrics,
    wilson,
)
from cxrlab.evaluation.metrics import (
    METRICS,
    Confusion,
    check_cases,
    confusion,
    precision_at_prevalence,
)
from cxrlab.evaluation.resampling import resample
from cxrlab.evaluation.thresholds import every_threshold

AT_THE_THRESHOLD = METRICS[:5]  # the metrics that need one; the curves' areas do not
CELLS_A_STEP = 200_000  # resamples x cases: some 60 ms, so that a slider stays smooth
FEWEST_RESAMPLES = 200


@dataclass(frozen=True)
class WhatIf:
    """One threshold and one prevalence, and everything that follows from them."""

    threshold: float
    prevalence: float
    confusion: Confusion
    metrics: Mapping[str, Estimate]  # accuracy, precision, recall, specificity, f1
    precision: Estimate  # at the prevalence; see precision_range for its two ends
    people: Confusion | None  # of 1,000 people tested; None if recall or specificity is undefined
    resamples: int


def what_if(
    labels: ArrayLike,
    scores: ArrayLike,
    threshold: float,
    prevalence: float,
    patients: ArrayLike | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> WhatIf:
    """The cases judged at ``threshold``, and the precision where a ``prevalence`` is ill.

    Arguments as for :func:`cxrlab.evaluation.evaluate`, whose intervals these are; on large
    test sets with fewer resamples than asked for (``WhatIf.resamples`` says how many), because
    a slider waits for them.
    """
    counts = confusion(labels, scores, threshold)
    resamples = min(resamples, max(FEWEST_RESAMPLES, CELLS_A_STEP // counts.n))
    estimates = estimate_metrics(labels, scores, threshold, patients, resamples, seed)
    recall, specificity = estimates["recall"], estimates["specificity"]
    people = None
    if recall.value is not None and specificity.value is not None:
        people = people_tested(recall.value, specificity.value, prevalence)
    return WhatIf(
        threshold=float(threshold),
        prevalence=float(prevalence),
        confusion=counts,
        metrics={name: estimates[name] for name in AT_THE_THRESHOLD},
        precision=precision_range(recall, specificity, prevalence),
        people=people,
        resamples=resamples,
    )


def what_if_table(
    labels: ArrayLike,
    scores: ArrayLike,
    thresholds: Sequence[float],
    prevalences: Sequence[float],
    patients: ArrayLike | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """The precision for every threshold at every prevalence: ``value``, ``low``, ``high``.

    Columns ``threshold``, ``prevalence`` and these three, NaN where undefined; thresholds rise
    and none comes twice. The range is that of :func:`precision_range`.
    """
    rows = []
    for threshold in sorted(set(map(float, thresholds))):
        found = estimate_metrics(labels, scores, threshold, patients, resamples, seed)
        for prevalence in prevalences:
            e = precision_range(found["recall"], found["specificity"], prevalence)
            rows.append((threshold, prevalence, e.value, e.low, e.high))
    columns = ["threshold", "prevalence", "value", "low", "high"]
    return pd.DataFrame(rows, columns=columns).astype(float)


def range_words(table: pd.DataFrame, prevalence: float) -> list[str]:
    """The rows of :func:`what_if_table` at one prevalence, a line a threshold."""
    return [
        f"threshold {row.threshold:.2f}: undefined"
        if np.isnan(row.value)
        else f"threshold {row.threshold:.2f}: {row.value:.2f} ({row.low:.2f} to {row.high:.2f})"
        for row in table[table["prevalence"] == prevalence].itertuples()
    ]


def people_tested(
    recall: float, specificity: float, prevalence: float, people: int = 1000
) -> Confusion:
    """Whole people instead of shares: how the test would sort ``people`` of them.

    All three shares lie within 0...1. The four counts are rounded, and add up to ``people``.
    """
    precision_at_prevalence(recall, specificity, prevalence)  # complains of impossible shares
    ill = round(people * prevalence)
    found = round(ill * recall)
    spared = round((people - ill) * specificity)
    return Confusion(tp=found, fp=people - ill - spared, fn=ill - found, tn=spared)


def screening_sentence(people: Confusion) -> str:
    """Whole people in two sentences: the ill among them, the alarms, and how many are true."""
    ill, alarms = people.tp + people.fn, people.tp + people.fp
    start = f"Of {people.n:,} people tested, {ill:,} {_have(ill)} COVID-19. The test raises"
    if not alarms:
        return f"{start} no alarm at all: its precision is undefined, and all the ill are missed."
    raised = "1 alarm" if alarms == 1 else f"{alarms:,} alarms"
    true = "none" if not people.tp else f"{people.tp:,}"
    missed = f"{people.fn:,} of the ill {_are(people.fn)} missed"
    return f"{start} {raised}; {true} of them {_are(people.tp)} true, and {missed}."


def precision_range(recall: Estimate, specificity: Estimate, prevalence: float) -> Estimate:
    """The precision at a prevalence, from the lower and the upper ends of both intervals.

    ``low`` has recall and specificity at their lower ends together, ``high`` at their upper
    ends. Both being so unlucky at once is rarer than either, so this range is a cautious one,
    wider than a 95 % interval. All ``None`` where the precision is undefined.
    """
    if recall.value is None or specificity.value is None:
        return Estimate(None)
    value = precision_at_prevalence(recall.value, specificity.value, prevalence)
    if value is None:
        return Estimate(None)
    low = precision_at_prevalence(recall.low, specificity.low, prevalence)
    high = precision_at_prevalence(recall.high, specificity.high, prevalence)
    return Estimate(value, low, high)


def threshold_table(labels: ArrayLike, scores: ArrayLike) -> pd.DataFrame:
    """``threshold``, ``recall``, ``specificity``, ``precision``, ``f1``: every choice there is.

    One row a threshold that sorts the cases differently, rising. The precision is NaN,
    undefined, where nothing is called positive.
    Raises :class:`CXRLabError` when one class is missing.
    """
    thresholds, tp, fp, positives, negatives = every_threshold(labels, scores)
    called = tp + fp
    precision = np.divide(tp, called, out=np.full(tp.shape, np.nan), where=called > 0)
    return pd.DataFrame(
        {
            "threshold": thresholds,
            "recall": tp / positives,
            "specificity": (negatives - fp) / negatives,
            "precision": precision,
            "f1": 2 * tp / (called + positives),
        }
    )


def interval_table(shares: Sequence[float], sizes: Sequence[int]) -> pd.DataFrame:
    """Wilson's 95 % interval of each share when it was seen in ``n`` separate trials.

    Columns ``n``, ``share``, ``low``, ``high``; one row a size and share.
    """
    rows = [(n, share, *wilson(share, n)) for n in sizes for share in shares]
    return pd.DataFrame(rows, columns=["n", "share", "low", "high"])


def overlap(a: tuple[float, float], b: tuple[float, float]) -> bool:
    """Whether two intervals (low, high) have a point in common."""
    return a[0] <= b[1] and b[0] <= a[1]


def trials_to_separate(a: float, b: float, most: int = 1_000_000) -> int | None:
    """The smallest ``n`` for which the Wilson intervals of both shares no longer overlap.

    ``None`` when even ``most`` trials do not keep them apart.
    """
    low, high = 1, most
    if overlap(wilson(a, most), wilson(b, most)):
        return None
    while low < high:  # intervals only shrink as n grows, so halving finds the place
        middle = (low + high) // 2
        if overlap(wilson(a, middle), wilson(b, middle)):
            low = middle + 1
        else:
            high = middle
    return low


def resampled_metric(
    labels: ArrayLike,
    scores: ArrayLike,
    threshold: float,
    metric: str,
    patients: ArrayLike | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> NDArray[np.float64]:
    """``metric`` of every resample of the patients, shape (resamples,); NaN where undefined.

    The middle 95 % of these numbers are the bootstrap interval.
    """
    if metric not in METRICS:
        raise CXRLabError(f"There is no metric {metric!r}. Choose one of {', '.join(METRICS)}.")
    labels, scores = check_cases(labels, scores)
    return resample(
        lambda weights: weighted_metrics(labels, scores, threshold, weights)[metric],
        patient_numbers(patients, labels.size),
        resamples,
        seed,
    )


def _have(count: int) -> str:
    return "has" if count == 1 else "have"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
