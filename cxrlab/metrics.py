"""From labels and scores to numbers with intervals: confusion, thresholds, shares, ROC AUC.

Several X-rays of one patient are not independent, so every interval counts **patients**. It holds
all true values that would make the one seen no surprise (Wilson's for a share, Newcombe's for ROC
AUC). Percentile bootstraps missed the truth up to three times as often (tests/test_metrics.py).
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.stats import norm, t
from sklearn.metrics import confusion_matrix, precision_recall_curve, roc_auc_score
from statsmodels.stats.proportion import proportion_confint

from cxrlab.errors import CXRLabError

SHARES = ("accuracy", "precision", "recall", "specificity", "f1")
METRICS = (*SHARES, "roc_auc")
Z = float(norm.ppf(0.975))
TINY = 1e-15  # a variance below it is 0, give or take rounding
CELLS_AT_ONCE = 2_000_000  # resamples x cases held in memory together, 16 MB an array


@dataclass(frozen=True)
class Estimate:
    """A value and its 95 % interval; all ``None`` when undefined.

    Example: ``f"{Estimate(0.93, 0.85, 0.98):.2f}"`` is ``0.93 (0.85 to 0.98)``.
    """

    value: float | None
    low: float | None = None
    high: float | None = None

    def __format__(self, spec: str) -> str:
        numbers = (self.value, self.low, self.high)
        value, low, high = ("" if n is None else format(n, spec or ".2f") for n in numbers)
        return f"{value} ({low} to {high})" if low else value or "undefined"

    def __str__(self) -> str:
        return format(self, ".2f")

    def to_json(self) -> dict:
        """``{"value": v, "interval": [low, high]}``, with ``None`` for what is undefined."""
        return {"value": self.value, "interval": [self.low, self.high]}


def ratio(part: float, whole: float) -> float | None:
    """``part / whole``; ``None`` when there is no whole to divide by."""
    return part / whole if whole else None


@dataclass(frozen=True)
class Confusion:
    """The four counts. A metric that divides by nothing is ``None``: undefined, which is not 0.

    Example: ``Confusion(tp=9, fp=2, fn=1, tn=8).recall`` is 0.9.
    """

    tp: int  # positive cases called positive
    fp: int  # negative cases called positive: false alarms
    fn: int  # positive cases called negative: misses
    tn: int  # negative cases called negative

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
    """The counts where a case is called positive when its score >= ``threshold``.

    Arguments as for :func:`evaluate`.
    """
    labels, scores, _ = check_cases(labels, scores)
    called = scores >= check_share("threshold", threshold)
    tn, fp, fn, tp = confusion_matrix(labels, called, labels=[0, 1]).ravel().tolist()
    return Confusion(tp, fp, fn, tn)


def precision_at_prevalence(recall: float, specificity: float, prevalence: float) -> float | None:
    """The precision among people of whom a share of ``prevalence`` is ill (Bayes' theorem)."""
    found = check_share("recall", recall) * check_share("prevalence", prevalence)
    alarms = (1 - check_share("specificity", specificity)) * (1 - prevalence)
    return ratio(found, found + alarms)


def choose_threshold(labels: ArrayLike, scores: ArrayLike, halfway: bool = True) -> float:
    """The threshold with the highest F1 on these (validation!) cases, a number within 0...1.

    Of equals the lowest is taken: it misses the fewest. ``halfway`` to the next lower score it
    found 0.97 of the patients on real X-rays, on the score itself, as in notebook 04, 0.92: what
    scores a little less is missed. Raises :class:`CXRLabError` on a single class.
    """
    labels, scores, _ = check_cases(labels, scores)
    if labels.min() == labels.max():
        raise CXRLabError(f"All cases have the label {labels[0]}. Give cases of both classes.")
    precision, recall, thresholds = precision_recall_curve(labels, scores)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-9)
    chosen = float(thresholds[f1[:-1].argmax()])
    if not halfway:
        return chosen
    lower = scores[scores < chosen].max(initial=0.0)
    middle = (lower + chosen) / 2
    return middle if middle > lower else chosen  # no number fits between two neighbours


def wilson(value: float, n: float) -> tuple[float, float]:
    """Wilson's 95 % score interval of a share seen in ``n`` separate trials (Wilson 1927)."""
    low, high = proportion_confint(value * n, n, method="wilson")
    return max(0.0, min(float(low), value)), min(1.0, max(float(high), value))  # rounding


def share(successes: ArrayLike, patients: ArrayLike | None = None) -> Estimate:
    """The share of ``successes`` (0 or 1, shape (n,)), with its 95 % interval over ``patients``.

    ``patients`` as for :func:`evaluate`. Wilson's interval, with :func:`effective_size` as its n.
    Undefined without cases; :class:`CXRLabError` when a success is neither 0 nor 1.
    Example: ``share(ill["score"] >= 0.5, ill["patient_id"])``, the recall.
    """
    successes, patients = _columns(successes, patients=patients)
    if not np.isin(successes, [0, 1]).all():
        raise CXRLabError("Some successes are neither 0 nor 1. Say of each case whether it is one.")
    if not successes.size:
        return Estimate(None)
    value = float(successes.mean())
    return Estimate(value, *wilson(value, effective_size(successes, patients)))


def effective_size(successes: NDArray, patients: NDArray) -> float:
    """How many separate trials these ``successes`` are worth, given the number of each patient.

    Where each patient counts once, all cases. Otherwise the cases over the design effect: the
    linearised variance of a ratio of two sums over patients against that of a simple share, less
    with few patients (Korn and Graubard 1998, Survey Methodology 24:193-201). Where that variance
    is 0, or fewer than three patients show the rarer outcome: at most one trial per patient.
    """
    value, n = successes.mean(), successes.size
    cases, hits = np.bincount(patients), np.bincount(patients, successes)
    count = cases.size
    variance = np.sum((hits - value * cases) ** 2) / n**2 * count / max(count - 1, 1)
    if count == n or variance < TINY:
        return count
    size = min(value * (1 - value) / variance, n)
    size *= (Z / t.ppf(0.975, count - 1)) ** 2
    if min(np.sum(hits > 0), np.sum(hits < cases)) < 3:
        size = min(size, count)
    return max(size, 1.0)


def shares(
    labels: ArrayLike, scores: ArrayLike, threshold: float, patients: ArrayLike | None = None
) -> dict[str, Estimate]:
    """The metrics that are shares, ``SHARES``; arguments as for :func:`evaluate`."""
    labels, scores, patients = check_cases(labels, scores, patients)
    positive, called = labels == 1, scores >= check_share("threshold", threshold)
    right = positive == called
    among = (positive | ~positive, called, positive, ~positive, positive | called)
    found = [share(right[those], patients[those]) for those in among]
    if (j := found[-1]).value is not None:
        # j = tp / (tp + fp + fn) is a share, and F1 = 2j / (1 + j) grows with it.
        found[-1] = Estimate(*(2 * end / (1 + end) for end in (j.value, j.low, j.high)))
    return dict(zip(SHARES, found, strict=True))


def auc(
    labels: ArrayLike,
    scores: ArrayLike,
    patients: ArrayLike | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> Estimate:
    """ROC AUC: the chance that a positive case scores above a negative one, ties counting half.

    Arguments as for :func:`evaluate`. The 95 % interval is Newcombe's, with as many patients as
    would vary like a bootstrap over patients, at most one per case. Undefined with a single class.
    Example: ``auc(test["label"], test["score"], test["patient_id"])``.
    """
    labels, scores, patients = check_cases(labels, scores, patients)
    if labels.min() == labels.max():
        return Estimate(None)
    cases = np.bincount(labels)[::-1].tolist()
    people = [np.unique(patients[labels == label]).size for label in (1, 0)]
    draws = resample(lambda w: _weighted_auc(labels, scores, w), patients, resamples, seed)
    value, factor = float(roc_auc_score(labels, scores)), 1.0
    variance = pd.Series(draws).var()  # of the resamples with both classes
    if variance > TINY and 0 < value < 1:
        as_if = _auc_variance(value, *people) / variance
        factor = min(as_if, *(n / of for n, of in zip(cases, people, strict=True)))
    return Estimate(value, *newcombe(value, *(max(n * factor, 1) for n in people)))


def newcombe(value: float, positives: float, negatives: float) -> tuple[float, float]:
    """A 95 % interval of ROC AUC from so many patients (Newcombe 2006, 10.1002/sim.2324)."""

    def surprise(true: float) -> float:
        return (true - value) ** 2 - Z**2 * _auc_variance(true, positives, negatives)

    edge = 1e-9  # at exactly 0 and 1 the variance vanishes, and with it the bound we look for
    low = brentq(surprise, 0, min(value, 1 - edge)) if value > 0 else 0.0
    high = brentq(surprise, max(value, edge), 1) if value < 1 else 1.0
    return float(low), float(high)


def _auc_variance(true: float, positives: float, negatives: float) -> float:
    """That of Hanley and McNeil (1982, 10.1148/radiology.143.1.7063747) in Newcombe's form."""
    pair = (1 - true) / (2 - true) + true / (1 + true)
    spread = 1 + ((positives + negatives) / 2 - 1) * pair
    return true * (1 - true) * spread / (positives * negatives)


def resample(
    statistic: Callable[[NDArray], NDArray], patients: NDArray, resamples: int, seed: int
) -> NDArray:
    """``statistic`` of every resample of whole patients (numbers from 0), shape (resamples,).

    It takes weights of shape (some resamples, cases): how often each case is drawn.
    """
    count = int(patients.max()) + 1
    drawn = np.random.default_rng(seed).multinomial(count, [1 / count] * count, size=resamples)
    rows = max(1, CELLS_AT_ONCE // patients.size)
    parts = np.split(drawn, range(rows, resamples, rows))
    return np.concatenate([statistic(part[:, patients].astype(np.float64)) for part in parts])


def _weighted_auc(labels: NDArray, scores: NDArray, weights: NDArray) -> NDArray:
    """ROC AUC per row of weights, (resamples, cases), as with scikit-learn's ``sample_weight``."""
    order = np.argsort(scores, kind="stable")
    first_of_tie = np.unique(scores[order], return_index=True)[1]
    ill, healthy = (
        np.add.reduceat(weights[:, order] * (labels[order] == label), first_of_tie, axis=1)
        for label in (1, 0)
    )
    below = np.cumsum(healthy, axis=1) - healthy / 2  # ties count half
    with np.errstate(invalid="ignore"):
        return (ill * below).sum(axis=1) / (ill.sum(axis=1) * healthy.sum(axis=1))


def evaluate(
    labels: ArrayLike,
    scores: ArrayLike,
    threshold: float,
    patients: ArrayLike | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> dict:
    """Judge ``scores`` (within 0...1) against ``labels`` (0 or 1), all of shape (n,).

    The threshold was chosen before, on validation cases (:func:`choose_threshold`).
    ``patients`` names the patient of each case (``None``: each case is a patient of its own);
    ``resamples`` and ``seed`` are those of the bootstrap behind ROC AUC. Returns plain numbers for
    a JSON file: ``n``, ``patients``, ``prevalence``, ``threshold``, the counts, and of each of
    ``METRICS`` its :meth:`Estimate.to_json`. Raises :class:`CXRLabError` on unusable input.
    """
    people = check_cases(labels, scores, patients)[2]
    counts = confusion(labels, scores, threshold)
    found = shares(labels, scores, threshold, patients)
    found["roc_auc"] = auc(labels, scores, patients, resamples, seed)
    head = {"n": counts.n, "patients": int(people.max()) + 1, "prevalence": counts.prevalence}
    head |= {"threshold": float(threshold), **asdict(counts)}
    return head | {name: estimate.to_json() for name, estimate in found.items()}


def check_cases(
    labels: ArrayLike, scores: ArrayLike, patients: ArrayLike | None = None
) -> tuple[NDArray, NDArray, NDArray]:
    """Labels (0 or 1), scores and numbers of the patients from 0, all of shape (n,).

    The one place where strangers' cases become numbers: :class:`CXRLabError` says what is wrong.
    """
    labels, scores, patients = _columns(labels, scores, patients=patients)
    if labels.size != scores.size or not labels.size:
        some = f"There are {labels.size} labels and {scores.size} scores."
        raise CXRLabError(f"{some} Give one of each for every case, and one case at the least.")
    if odd := int(np.sum(~np.isin(labels, [0, 1]))):
        some = f"{odd} of {labels.size} labels are missing or neither 0 nor 1."
        raise CXRLabError(f"{some} Use 1 for COVID-19, 0 for not; leave undecided cases out.")
    if odd := int(np.sum(~((scores >= 0) & (scores <= 1)))):
        some = f"{odd} of {scores.size} scores are missing or outside 0 to 1."
        raise CXRLabError(f"{some} Use the network's output after its sigmoid.")
    return labels.astype(np.int64), scores, patients


def _columns(*columns: ArrayLike, patients: ArrayLike | None) -> list[NDArray]:
    """The columns of cases as floats, what is not a number as NaN, and the patients as numbers.

    Raises :class:`CXRLabError` for several values per case (one-hot labels would count it twice),
    for pandas' columns in different orders, and where not every case has one patient.
    """
    given = [*columns] if patients is None else [*columns, patients]
    indexes = [each.index for each in given if hasattr(each, "iloc")]
    if not all(index.equals(indexes[0]) for index in indexes):
        raise CXRLabError(
            "The columns have different indexes, so that it is not clear which values belong "
            "together. Take all from one table, or arrays in one order (.to_numpy())."
        )
    if any(np.size(each) > len(each) for each in given):
        raise CXRLabError(
            "There are several values per case. Give the column of COVID-19, as in scores[:, 1]."
        )
    numbers = (pd.to_numeric(pd.Series(np.ravel(each)), errors="coerce") for each in columns)
    found = [each.to_numpy(dtype=np.float64, na_value=np.nan) for each in numbers]
    n = found[0].size
    if patients is None:  # each case is a patient of its own
        return [*found, np.arange(n)]
    people = pd.Series(np.ravel(patients), dtype="object")
    if people.size != n:
        raise CXRLabError(f"There are {n} cases but {people.size} patients. Give one a case.")
    if missing := int(people.isna().sum()):
        some = f"{missing} of {n} cases have no patient."
        raise CXRLabError(f"{some} Name the patient of every case, or leave patients out.")
    return [*found, pd.factorize(people.astype(str), sort=True)[0]]


def check_share(name: str, value: float) -> float:
    """The value, if it is within 0...1. Raises :class:`CXRLabError`."""
    if not 0 <= value <= 1:
        raise CXRLabError(f"The {name} is {value}. Choose a number from 0 to 1.")
    return value
