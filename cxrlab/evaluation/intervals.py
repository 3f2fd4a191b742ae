"""How far to trust a metric: 95 % intervals that treat the patient, not the image, as one.

Several images of one patient are not independent: a network that knows the first one
tends to know the others. So whole patients are resampled, never single images.

Which interval a metric gets:

- **undefined** metrics have none;
- **Wilson** for the shares (accuracy, precision, recall, specificity, and F1, which is a
  share in disguise) when every patient counts once in the share: then it is better than any
  bootstrap (Wilson 1927; Brown, Cai and DasGupta 2001, 10.1214/ss/1009213286);
- the **percentile bootstrap over patients** otherwise;
- where the bootstrap collapses to a single point, as it does at 0 and 1 because every
  resample of flawless cases is flawless again, or reaches 0 or 1 although a success or a
  failure was seen, an interval that does neither: Wilson for the
  shares with the number of *patients* as n (images of a patient may all agree, so only the
  patients are sure to be separate trials), Newcombe's for ROC AUC, and Wilson with the number
  of positive patients for average precision.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.stats import norm
from statsmodels.stats.proportion import proportion_confint

from cxrlab.errors import CXRLabError
from cxrlab.evaluation.metrics import METRICS, all_metrics, check_cases, check_threshold

CONFIDENCE = 0.95
Z = float(norm.ppf(0.5 + CONFIDENCE / 2))
CELLS_AT_ONCE = 2_000_000  # resamples x cases held in memory together, 16 MB an array


@dataclass(frozen=True)
class Estimate:
    """A value and its 95 % interval; all ``None`` when undefined."""

    value: float | None
    low: float | None = None
    high: float | None = None

    def to_json(self) -> dict:
        """``{"value": v, "interval": [low, high]}``, with ``None`` for what is undefined."""
        return {"value": self.value, "interval": [self.low, self.high]}


def estimate_metrics(
    labels: ArrayLike,
    scores: ArrayLike,
    threshold: float,
    patients: ArrayLike | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> dict[str, Estimate]:
    """Every metric of ``METRICS`` with its 95 % interval.

    ``labels``, ``scores`` and ``patients`` (any identifiers; ``None``: each case is a patient
    of its own) have shape (n,). The same seed gives the same intervals, in whatever order the
    cases come. Raises :class:`CXRLabError` on unusable input.
    """
    labels, scores = check_cases(labels, scores)
    patients = patient_numbers(patients, labels.size)
    values = all_metrics(labels, scores, threshold)

    draws = {name: [] for name in METRICS}
    for weights in resampled_weights(patients, resamples, seed):
        for name, drawn in weighted_metrics(labels, scores, threshold, weights).items():
            draws[name].append(drawn)

    called = scores >= threshold
    estimates = {}
    for name, value in values.items():
        if value is None:
            estimates[name] = Estimate(None)
            continue
        interval = _wilson_of_share(name, labels == 1, called, patients, once=True)
        interval = interval or _possible(value, percentile_interval(np.concatenate(draws[name])))
        interval = interval or _interval_without_spread(name, value, labels, called, patients)
        low, high = interval
        # A percentile interval of few resamples may miss the estimate itself: widen it.
        estimates[name] = Estimate(value, min(low, value), max(high, value))
    return estimates


def patient_numbers(patients: ArrayLike | None, n: int) -> NDArray[np.int64]:
    """The patient of each case as a number from 0; without patients, each case is its own."""
    if patients is None:
        return np.arange(n)
    patients = pd.Series(np.ravel(patients), dtype="object")
    if patients.size != n:
        raise CXRLabError(f"There are {n} cases but {patients.size} patients. Give one a case.")
    if missing := int(patients.isna().sum()):
        raise CXRLabError(
            f"{missing} of {n} cases have no patient. Name the patient of every case, "
            "or leave patients out altogether."
        )
    return np.unique(patients.astype(str).to_numpy(dtype=str), return_inverse=True)[1]


def resampled_weights(
    patients: NDArray[np.int64], resamples: int, seed: int
) -> Iterator[NDArray[np.float64]]:
    """How often each case is drawn when whole patients are drawn with replacement.

    Yields arrays of shape (some resamples, cases), together ``resamples`` rows.
    """
    if resamples < 1:
        raise CXRLabError(f"{resamples} resamples make no interval. Ask for some 1000.")
    rng = np.random.default_rng(seed)
    count = int(patients.max()) + 1
    batch = max(1, CELLS_AT_ONCE // patients.size)
    for start in range(0, resamples, batch):
        rows = min(batch, resamples - start)
        times_drawn = rng.multinomial(count, np.full(count, 1 / count), size=rows)
        # A patient brings all of their images, as often as the patient was drawn.
        yield times_drawn[:, patients].astype(np.float64)


def weighted_metrics(
    labels: NDArray, scores: NDArray, threshold: float, weights: NDArray
) -> dict[str, NDArray]:
    """The metrics of many resamples at once, NaN where undefined.

    ``weights`` has shape (resamples, cases); each metric comes back with shape (resamples,).
    It equals what scikit-learn gives with ``sample_weight``, without a loop over resamples.
    """
    positive, called = labels == 1, scores >= check_threshold(threshold)
    tp = weights @ (positive & called)
    fp = weights @ (~positive & called)
    fn = weights @ (positive & ~called)
    tn = weights @ (~positive & ~called)

    # Down the ranking, from the highest score: the positives and negatives met so far.
    # Tied scores are one step, so only the last case of each tie is looked at.
    order = np.argsort(-scores, kind="stable")
    last_of_tie = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    met_positive = np.cumsum(weights[:, order] * positive[order], axis=1)[:, last_of_tie]
    met_negative = np.cumsum(weights[:, order] * ~positive[order], axis=1)[:, last_of_tie]
    new_positive = np.diff(met_positive, axis=1, prepend=0)
    new_negative = np.diff(met_negative, axis=1, prepend=0)
    positives, negatives = met_positive[:, -1], met_negative[:, -1]

    pairs_won = np.sum(new_negative * (met_positive - new_positive / 2), axis=1)
    precision_so_far = met_positive / np.maximum(met_positive + met_negative, 1)
    return {
        "accuracy": _ratios(tp + tn, tp + fp + fn + tn),
        "precision": _ratios(tp, tp + fp),
        "recall": _ratios(tp, tp + fn),
        "specificity": _ratios(tn, tn + fp),
        "f1": _ratios(2 * tp, 2 * tp + fp + fn),
        "roc_auc": _ratios(pairs_won, positives * negatives),
        "average_precision": _ratios(np.sum(new_positive * precision_so_far, axis=1), positives),
    }


def percentile_interval(draws: NDArray) -> tuple[float, float] | None:
    """The middle 95 % of the defined resamples; ``None`` when they do not spread at all."""
    defined = draws[~np.isnan(draws)]
    if not defined.size:
        return None
    low, high = np.quantile(defined, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return (float(low), float(high)) if low < high else None


def _possible(value: float, interval: tuple[float, float] | None) -> tuple[float, float] | None:
    """The interval, unless it holds a 0 or 1 that was seen not to be: ``None`` then.

    Whoever has seen a miss knows that the recall is not 1.00. Resamples that happen to leave the
    few misses out say otherwise.
    """
    if interval is None or (interval[0] <= 0 < value) or (interval[1] >= 1 > value):
        return None
    return interval


def wilson(share: float, n: int) -> tuple[float, float]:
    """Wilson's score interval of a share seen in ``n`` separate trials (Wilson 1927)."""
    low, high = proportion_confint(share * n, n, alpha=1 - CONFIDENCE, method="wilson")
    return max(0.0, float(low)), min(1.0, float(high))


def auc_interval(auc: float, positives: int, negatives: int) -> tuple[float, float]:
    """An interval of ROC AUC that stays open at 0 and 1 (Newcombe 2006, 10.1002/sim.2324).

    Like Wilson's for a share, it holds every true AUC that would make the seen one no
    surprise: those t with (t - auc)^2 <= z^2 V(t), where V is the variance of Hanley and
    McNeil (1982, 10.1148/radiology.143.1.7063747) in Newcombe's form with balanced sizes.
    """

    def surprise(true: float) -> float:
        half = (positives + negatives) / 2 - 1
        spread = 1 + half * ((1 - true) / (2 - true) + true / (1 + true))
        variance = true * (1 - true) * spread / (positives * negatives)
        return (true - auc) ** 2 - Z**2 * variance

    edge = 1e-9  # at exactly 0 and 1 the variance vanishes, and with it the bound we look for
    low = brentq(surprise, 0, min(auc, 1 - edge)) if auc > 0 else 0.0
    high = brentq(surprise, max(auc, edge), 1) if auc < 1 else 1.0
    return float(low), float(high)


def _wilson_of_share(
    name: str, positive: NDArray, called: NDArray, patients: NDArray, once: bool
) -> tuple[float, float] | None:
    """Wilson's interval when ``name`` is a share: of which cases, how many are as wanted.

    With ``once``, only if each patient counts once; else n is the number of patients.
    """
    shares = {  # metric: (the cases wanted, among these)
        "accuracy": (positive == called, np.ones_like(called)),
        "precision": (positive & called, called),
        "recall": (positive & called, positive),
        "specificity": (~positive & ~called, ~positive),
        "f1": (positive & called, positive | called),
    }
    if name not in shares:
        return None
    wanted, among = shares[name]
    n = np.unique(patients[among]).size
    if once and n < among.sum():
        return None
    low, high = wilson(wanted.sum() / among.sum(), n)
    if name == "f1":
        # j = tp / (tp + fp + fn) is a share, and F1 = 2j / (1 + j) grows with it.
        low, high = 2 * low / (1 + low), 2 * high / (1 + high)
    return low, high


def _interval_without_spread(
    name: str, value: float, labels: NDArray, called: NDArray, patients: NDArray
) -> tuple[float, float]:
    """The interval when no resample differs from another (see the top of this file)."""
    positives = np.unique(patients[labels == 1]).size
    negatives = np.unique(patients[labels == 0]).size
    if name == "roc_auc":
        return auc_interval(value, positives, negatives)
    if name == "average_precision":
        # An average over the positives, hence their number as n (Boyd, Eng and Page 2013,
        # 10.1007/978-3-642-40994-3_29, who do so for the binomial and the logit interval).
        return wilson(value, positives)
    return _wilson_of_share(name, labels == 1, called, patients, once=False)


def _ratios(part: NDArray, whole: NDArray) -> NDArray:
    """Element by element ``part / whole``, NaN where there is nothing to divide by."""
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole > 0)
