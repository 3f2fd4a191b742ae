"""Is one model better than another on the same cases, or is it luck?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from statsmodels.stats.contingency_tables import mcnemar

from cxrlab.errors import CXRLabError
from cxrlab.evaluation.intervals import (
    Estimate,
    patient_numbers,
    percentile_interval,
    weighted_metrics,
)
from cxrlab.evaluation.metrics import METRICS, all_metrics, check_cases
from cxrlab.evaluation.resampling import resample


@dataclass(frozen=True)
class Comparison:
    """Two models, case by case. Only the discordant cases can tell the models apart."""

    both_right: int
    only_a_right: int
    only_b_right: int
    both_wrong: int
    p_value: float | None  # None without discordant cases: nothing was tested
    names: tuple[str, str] = ("A", "B")

    @property
    def n(self) -> int:
        """All cases."""
        return self.both_right + self.only_a_right + self.only_b_right + self.both_wrong

    @property
    def discordant(self) -> int:
        """The cases that exactly one of the two models called rightly."""
        return self.only_a_right + self.only_b_right

    @property
    def sentence(self) -> str:
        """The result in plain words."""
        a, b = self.names
        if self.p_value is None:
            if not self.both_wrong:
                why = f"both are right on all {self.n} cases, so there is no headroom left"
            else:
                why = f"both are right on the same {self.both_right} of {self.n} cases"
            return f"{a} and {b} cannot be told apart here: {why}."
        counts = (
            f"On {self.discordant} of {self.n} cases only one of them is right: "
            f"{a} on {self.only_a_right}, {b} on {self.only_b_right}."
        )
        verdict = (
            "more than luck would explain at the usual 5 % level"
            if self.p_value < 0.05
            else "no more than luck would explain at the usual 5 % level"
        )
        p = "p < 0.001" if self.p_value < 0.001 else f"p = {self.p_value:.3f}"
        return f"{counts} That is {verdict} (exact McNemar test, {p})."


def compare(
    labels: ArrayLike, calls_a: ArrayLike, calls_b: ArrayLike, names: tuple[str, str] = ("A", "B")
) -> Comparison:
    """McNemar's exact test on the calls (0 or 1) of two models on the same cases.

    It takes the cases as independent (McNemar 1947): with several images a patient, give one
    case a patient, or use :func:`difference`, which resamples patients.
    Raises :class:`CXRLabError` when labels and calls do not match.
    """
    truth, calls_a = check_cases(labels, calls_a)
    _, calls_b = check_cases(labels, calls_b)
    if not np.isin([calls_a, calls_b], [0, 1]).all():
        raise CXRLabError("Calls are 0 or 1, but some lie between. Compare scores >= threshold.")
    right_a, right_b = calls_a == truth, calls_b == truth
    both, only_a = int(np.sum(right_a & right_b)), int(np.sum(right_a & ~right_b))
    only_b, neither = int(np.sum(~right_a & right_b)), int(np.sum(~right_a & ~right_b))
    p_value = None
    if only_a + only_b:
        p_value = float(mcnemar([[both, only_a], [only_b, neither]], exact=True).pvalue)
    return Comparison(both, only_a, only_b, neither, p_value, names)


def difference(
    labels: ArrayLike,
    before: tuple[ArrayLike, float],
    after: tuple[ArrayLike, float],
    metric: str = "recall",
    patients: ArrayLike | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> Estimate:
    """``metric`` after minus before on the same cases, with a paired bootstrap interval.

    ``before`` and ``after`` are (scores, threshold). Both are judged on the very same
    resampled patients, so that what is hard for both cancels. The interval is ``None`` when
    no resample differs from another, as with two flawless models: there is nothing to compare.
    """
    if metric not in METRICS:
        raise CXRLabError(f"There is no metric {metric!r}. Choose one of {', '.join(METRICS)}.")
    labels, scores_before = check_cases(labels, before[0])
    _, scores_after = check_cases(labels, after[0])
    value_before = all_metrics(labels, scores_before, before[1])[metric]
    value_after = all_metrics(labels, scores_after, after[1])[metric]
    if value_before is None or value_after is None:
        return Estimate(None)

    def gain(weights: NDArray) -> NDArray:
        return (
            weighted_metrics(labels, scores_after, after[1], weights)[metric]
            - weighted_metrics(labels, scores_before, before[1], weights)[metric]
        )

    draws = resample(gain, patient_numbers(patients, labels.size), resamples, seed)
    low, high = percentile_interval(draws) or (None, None)
    return Estimate(value_after - value_before, low, high)
