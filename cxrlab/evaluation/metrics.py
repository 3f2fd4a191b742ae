"""The confusion matrix and the seven metrics of the course, as readable as the lesson."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from cxrlab.errors import CXRLabError

METRICS = (
    "accuracy",
    "precision",
    "recall",
    "specificity",
    "f1",
    "roc_auc",
    "average_precision",
)

# What the published project (Phan Dinh, 2021) reports. The specificity is implied, not
# published: see published_specificity.
PUBLISHED = {
    "published, before tuning": {"precision": 0.65, "recall": 0.93, "specificity": 0.50},
    "published, after tuning": {"precision": 0.69, "recall": 0.98, "specificity": 0.56},
}


def ratio(part: float, whole: float) -> float | None:
    """``part / whole``; ``None``, undefined, when there is no whole to divide by."""
    return part / whole if whole else None


@dataclass(frozen=True)
class Confusion:
    """How often the calls were right and wrong, for each kind of case.

    ``tp`` positive cases called positive, ``fp`` negative cases called positive,
    ``fn`` positive cases called negative (the misses), ``tn`` negative cases called negative.
    A metric that divides by nothing is ``None``: undefined, which is not the same as 0.
    """

    tp: int
    fp: int
    fn: int
    tn: int

    @property
    def n(self) -> int:
        """All cases."""
        return self.tp + self.fp + self.fn + self.tn

    @property
    def prevalence(self) -> float | None:
        """Of all cases, the share that is positive."""
        return ratio(self.tp + self.fn, self.n)

    @property
    def accuracy(self) -> float | None:
        """Of all cases, the share that was called correctly."""
        return ratio(self.tp + self.tn, self.n)

    @property
    def precision(self) -> float | None:
        """Of the cases called positive, the share that is positive."""
        return ratio(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> float | None:
        """Of the positive cases, the share that was found (in medicine: sensitivity)."""
        return ratio(self.tp, self.tp + self.fn)

    @property
    def specificity(self) -> float | None:
        """Of the negative cases, the share that was correctly called negative."""
        return ratio(self.tn, self.tn + self.fp)

    @property
    def f1(self) -> float | None:
        """The harmonic mean of precision and recall, written without either."""
        return ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)


def confusion(labels: ArrayLike, scores: ArrayLike, threshold: float) -> Confusion:
    """Count right and wrong calls; a case is called positive when its score >= ``threshold``.

    ``labels`` are 0 or 1, ``scores`` within 0...1, both of shape (n,).
    Raises :class:`CXRLabError` when they are not, or the threshold is outside 0...1.
    """
    labels, scores = check_cases(labels, scores)
    positive = labels == 1
    called = scores >= check_threshold(threshold)
    return Confusion(
        tp=int(np.sum(positive & called)),
        fp=int(np.sum(~positive & called)),
        fn=int(np.sum(positive & ~called)),
        tn=int(np.sum(~positive & ~called)),
    )


def roc_auc(labels: ArrayLike, scores: ArrayLike) -> float | None:
    """The chance that a positive case scores above a negative one, ties counting half.

    ``None`` when one of the two classes is missing.
    """
    labels, scores = check_cases(labels, scores)
    return float(roc_auc_score(labels, scores)) if 0 < labels.sum() < labels.size else None


def average_precision(labels: ArrayLike, scores: ArrayLike) -> float | None:
    """The precision averaged over the thresholds, each weighted by the recall it adds.

    ``None`` without positive cases.
    """
    labels, scores = check_cases(labels, scores)
    return float(average_precision_score(labels, scores)) if labels.any() else None


def all_metrics(labels: ArrayLike, scores: ArrayLike, threshold: float) -> dict[str, float | None]:
    """All of ``METRICS`` in their order; undefined ones are ``None``."""
    counts = confusion(labels, scores, threshold)
    values = {name: getattr(counts, name) for name in METRICS[:5]}
    values["roc_auc"] = roc_auc(labels, scores)
    values["average_precision"] = average_precision(labels, scores)
    return values


def precision_at_prevalence(recall: float, specificity: float, prevalence: float) -> float | None:
    """The precision among people of whom a share of ``prevalence`` is ill (Bayes' theorem).

    Recall and specificity are taken to stay as they are, which another hospital may well
    deny. ``None`` when nobody would be called positive.
    """
    for name, value in [
        ("recall", recall),
        ("specificity", specificity),
        ("prevalence", prevalence),
    ]:
        _check_share(name, value)
    true_calls = recall * prevalence
    false_calls = (1 - specificity) * (1 - prevalence)
    return ratio(true_calls, true_calls + false_calls)


def published_specificity(precision: float, recall: float, prevalence: float = 0.5) -> float:
    """The specificity that a published precision and recall imply, by Bayes backwards.

    The published project gives 0.65 and 0.93, then 0.69 and 0.98; with a balanced test set
    that leaves a specificity of 0.50 and 0.56. Raises :class:`CXRLabError` when no
    specificity fits.
    """
    if not (0 < precision <= 1 and 0 <= recall <= 1 and 0 < prevalence < 1):
        raise CXRLabError(
            f"Precision {precision}, recall {recall} and prevalence {prevalence} imply no "
            "specificity. Give a precision above 0, a recall within 0 to 1, and a prevalence "
            "between 0 and 1."
        )
    false_calls = recall * prevalence * (1 - precision) / precision
    specificity = 1 - false_calls / (1 - prevalence)
    if specificity < 0:
        raise CXRLabError(
            f"No specificity gives precision {precision} with recall {recall} at prevalence "
            f"{prevalence}: even calling every case positive is more precise. Check the numbers."
        )
    return specificity


def check_cases(
    labels: ArrayLike | Sequence, scores: ArrayLike | Sequence
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Labels as integers and scores as floats, both of shape (n,), or :class:`CXRLabError`."""
    labels, scores = _numbers(labels), _numbers(scores)
    if labels.size != scores.size:
        raise CXRLabError(
            f"There are {labels.size} labels but {scores.size} scores. "
            "Every case needs one of each."
        )
    if not labels.size:
        raise CXRLabError("There are no cases to evaluate. Give at least one label and its score.")
    if odd := int(np.sum(~np.isin(labels, [0, 1]))):
        raise CXRLabError(
            f"{odd} of {labels.size} labels are missing or neither 0 nor 1. "
            "Use 1 for COVID-19 and 0 for not COVID-19, and leave undecided cases out."
        )
    if odd := int(np.sum(~((scores >= 0) & (scores <= 1)))):
        raise CXRLabError(
            f"{odd} of {scores.size} scores are missing or outside 0 to 1. "
            "Use the network's output after its sigmoid."
        )
    return labels.astype(np.int64), scores


def check_threshold(threshold: float) -> float:
    """The threshold as a float within 0...1, or :class:`CXRLabError`."""
    return _check_share("threshold", threshold)


def _check_share(name: str, value: float) -> float:
    value = float(value)
    if not 0 <= value <= 1:
        raise CXRLabError(f"The {name} is {value}. Choose a number from 0 to 1.")
    return value


def _numbers(values: ArrayLike | Sequence) -> NDArray[np.float64]:
    """Any list, column or array as floats; what is not a number becomes NaN."""
    numbers = pd.to_numeric(pd.Series(np.ravel(values)), errors="coerce")
    return numbers.to_numpy(dtype=np.float64, na_value=np.nan)
