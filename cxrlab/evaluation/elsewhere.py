"""What if: another threshold, a rarer disease.

Functions behind notebook 04 and its widget. They ask of numbers that are known what would
become of them elsewhere, and say so in whole people.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from numpy.typing import ArrayLike

from cxrlab.evaluation.intervals import Estimate, estimate_metrics
from cxrlab.evaluation.metrics import METRICS, Confusion, confusion, precision_at_prevalence

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


def _have(count: int) -> str:
    return "has" if count == 1 else "have"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
