"""Two ROC AUCs on the same cases: DeLong's test, and what to do where patients repeat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm, rankdata

from cxrlab.errors import CXRLabError
from cxrlab.evaluation.comparison import difference
from cxrlab.evaluation.intervals import Estimate, Z, patient_numbers
from cxrlab.evaluation.metrics import check_cases

DELONG = "DeLong's test"
BOOTSTRAP = "paired bootstrap over patients"


@dataclass(frozen=True)
class AucComparison:
    """The ROC AUC of two models on the same cases, and the difference B minus A.

    ``p_value`` is ``None`` where nothing was tested: the difference does not vary (as with two
    flawless models), or patients have several images, when the bootstrap gives an interval only.
    """

    auc_a: float
    auc_b: float
    difference: Estimate
    p_value: float | None
    method: str
    names: tuple[str, str] = ("A", "B")

    @property
    def sentence(self) -> str:
        """The result in plain words."""
        a, b = self.names
        start = f"ROC AUC: {a} {self.auc_a:.3f}, {b} {self.auc_b:.3f}"
        gap = self.difference
        if gap.low is None:
            return f"{start}. The difference does not vary here: there is nothing to test."
        words = f"difference {gap.value:+.3f} ({gap.low:+.3f} to {gap.high:+.3f}, {self.method}"
        if self.p_value is not None:
            p = "p < 0.001" if self.p_value < 0.001 else f"p = {self.p_value:.3f}"
            words = f"{words}, {p}"
        return f"{start}; {words})."


def compare_auc(
    labels: ArrayLike,
    scores_a: ArrayLike,
    scores_b: ArrayLike,
    patients: ArrayLike | None = None,
    names: tuple[str, str] = ("A", "B"),
    resamples: int = 1000,
    seed: int = 0,
) -> AucComparison:
    """Compare two correlated ROC AUCs (DeLong 1988, 10.2307/2531595).

    DeLong's test takes the cases as independent. Where a patient has several images they are
    not, and the test would promise too much: then the interval comes from resampling patients
    (:func:`cxrlab.evaluation.difference`), without a p-value. For the test itself keep
    :func:`one_image_a_patient`. The interval of the difference is 95 %, cut off at -1 and 1.

    Raises :class:`CXRLabError` for fewer than two cases of either class.
    """
    truth, scores_a = check_cases(labels, scores_a)
    _, scores_b = check_cases(labels, scores_b)
    numbers = patient_numbers(patients, truth.size)
    areas, covariance = auc_covariance(truth, np.stack([scores_a, scores_b]))
    if np.unique(numbers).size < truth.size:
        gap = difference(
            truth, (scores_a, 0.5), (scores_b, 0.5), "roc_auc", patients, resamples, seed
        )
        return AucComparison(float(areas[0]), float(areas[1]), gap, None, BOOTSTRAP, names)

    gap = float(areas[1] - areas[0])
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]
    if variance <= 1e-15:  # rounding may leave a trace of what is exactly 0
        return AucComparison(float(areas[0]), float(areas[1]), Estimate(gap), None, DELONG, names)
    spread = float(np.sqrt(variance))
    interval = Estimate(gap, max(-1.0, gap - Z * spread), min(1.0, gap + Z * spread))
    p_value = float(2 * norm.sf(abs(gap) / spread))
    return AucComparison(float(areas[0]), float(areas[1]), interval, p_value, DELONG, names)


def auc_covariance(labels: ArrayLike, scores: ArrayLike) -> tuple[NDArray, NDArray]:
    """The AUCs of k models, shape (k,), and DeLong's covariance of them, shape (k, k).

    ``labels`` (n,) are 0 or 1, ``scores`` (k, n) any numbers. From midranks instead of all
    pairs, hence in n log n steps (Sun and Xu 2014, 10.1109/LSP.2014.2337313).
    """
    positive = np.asarray(labels) == 1
    scores = np.atleast_2d(np.asarray(scores, dtype=np.float64))
    m, n = int(positive.sum()), int((~positive).sum())
    if min(m, n) < 2:
        raise CXRLabError(
            f"There are {m} positive and {n} negative cases. DeLong's test needs at least two of "
            "each, and better some ten."
        )
    among_all = rankdata(scores, axis=1)
    # A positive's rank among all, less its rank among the positives, counts the negatives that
    # it beats, ties as half; a negative's likewise counts the positives that beat it.
    beats = (among_all[:, positive] - rankdata(scores[:, positive], axis=1)) / n
    beaten = 1 - (among_all[:, ~positive] - rankdata(scores[:, ~positive], axis=1)) / m
    covariance = np.atleast_2d(np.cov(beats)) / m + np.atleast_2d(np.cov(beaten)) / n
    return beats.mean(axis=1), covariance


def one_image_a_patient(patients: ArrayLike, seed: int = 0) -> NDArray[np.int64]:
    """The places of one image of every patient, drawn with ``seed``, in rising order."""
    patients = np.ravel(np.asarray(patients, dtype=object))
    numbers = patient_numbers(patients, patients.size)
    shuffled = np.random.default_rng(seed).permutation(numbers.size)
    _, first = np.unique(numbers[shuffled], return_index=True)
    return np.sort(shuffled[first])
