"""From labels and scores to numbers with intervals: confusion, thresholds, shares, ROC AUC.

Several X-rays of one patient are not independent: a network that knows the first one tends to
know the others. Every interval here therefore counts **patients**, and every one is a score
interval: it holds all the true values that would make the one seen no surprise. Wilson's does
that for a share, Newcombe's for ROC AUC. How many independent patients the X-rays are worth, the
effective sample size, follows from how much the metric varies between patients.

Percentile bootstraps are not used: on 14 to 120 patients they missed the truth two to three times
as often as they promised, and always on the same side (tests/test_metrics.py has the simulation).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.stats import norm, t
from sklearn.metrics import average_precision_score, roc_auc_score
from statsmodels.stats.proportion import proportion_confint

from cxrlab.errors import CXRLabError

SHARES = ("accuracy", "precision", "recall", "specificity", "f1")
METRICS = (*SHARES, "roc_auc", "average_precision")
RULES = ("f1", "youden")
CONFIDENCE = 0.95
Z = float(norm.ppf(0.5 + CONFIDENCE / 2))
TINY = 1e-15  # a variance below it is 0, give or take rounding
CELLS_AT_ONCE = 2_000_000  # resamples x cases held in memory together, 16 MB an array


@dataclass(frozen=True)
class Estimate:
    """A value and its 95 % interval; all ``None`` when undefined.

    It formats itself: ``f"{e:.2f}"`` is ``0.93 (0.85 to 0.98)``, ``0.93`` without an interval,
    and ``undefined`` without a value.
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
    positive, called = labels == 1, scores >= check_share("threshold", threshold)
    return Confusion(
        tp=int(np.sum(positive & called)),
        fp=int(np.sum(~positive & called)),
        fn=int(np.sum(positive & ~called)),
        tn=int(np.sum(~positive & ~called)),
    )


def precision_at_prevalence(recall: float, specificity: float, prevalence: float) -> float | None:
    """The precision among people of whom a share of ``prevalence`` is ill (Bayes' theorem).

    Recall and specificity are taken to stay as they are, which another hospital may well deny.
    ``None`` when nobody would be called positive. Raises :class:`CXRLabError` for a share
    outside 0...1.
    """
    shares = {"recall": recall, "specificity": specificity, "prevalence": prevalence}
    recall, specificity, prevalence = (check_share(*item) for item in shares.items())
    true_calls = recall * prevalence
    return ratio(true_calls, true_calls + (1 - specificity) * (1 - prevalence))


def choose_threshold(labels: ArrayLike, scores: ArrayLike, rule: str = "f1") -> float:
    """The best threshold on these (validation!) cases, a number within 0...1.

    ``rule``: ``"f1"`` for the highest F1, ``"youden"`` for the highest recall + specificity
    (Youden 1950). Candidates lie halfway between neighbouring scores, so that rounding flips no
    case. Of several equally good ones the lowest is taken: it misses the fewest.
    Raises :class:`CXRLabError` on an unknown rule or a single class.
    """
    if rule not in RULES:
        raise CXRLabError(f"There is no rule called {rule!r}. Choose one of {', '.join(RULES)}.")
    labels, scores = check_cases(labels, scores)
    positive, negative = np.sort(scores[labels == 1]), np.sort(scores[labels == 0])
    if not (positive.size and negative.size):
        raise CXRLabError(
            f"All {labels.size} cases have the label {labels[0]}. A threshold separates two "
            "classes: give cases of both."
        )
    levels = np.unique(scores)
    halfway = (levels[:-1] + levels[1:]) / 2
    # Between two scores one rounding step apart there is no number: then take the upper one.
    halfway = np.where(halfway > levels[:-1], halfway, levels[1:])
    thresholds = np.concatenate([[levels[0] / 2], halfway])  # the first calls all positive
    tp = positive.size - np.searchsorted(positive, thresholds)
    fp = negative.size - np.searchsorted(negative, thresholds)
    if rule == "f1":
        gain = 2 * tp / (tp + fp + positive.size)
    else:
        # recall + specificity times both class sizes: whole numbers, so that ties are exact.
        gain = tp * negative.size + (negative.size - fp) * positive.size
    return float(thresholds[np.argmax(gain)])


def wilson(value: float, n: float) -> tuple[float, float]:
    """Wilson's 95 % score interval of a share seen in ``n`` separate trials (Wilson 1927)."""
    low, high = proportion_confint(value * n, n, alpha=1 - CONFIDENCE, method="wilson")
    return max(0.0, float(low)), min(1.0, float(high))


def share(successes: ArrayLike, patients: ArrayLike | None = None) -> Estimate:
    """The share of ``successes`` (0 or 1, shape (n,)), with its 95 % interval over ``patients``.

    ``patients`` names the patient of each case; ``None``: each case is a patient of its own. The
    interval is Wilson's, with :func:`effective_size` as its n. Undefined without cases. Raises
    :class:`CXRLabError` when a success is neither 0 nor 1, or a case has no patient.
    """
    successes = _numbers(successes)
    patients = patient_numbers(patients, successes.size)
    if not np.isin(successes, [0, 1]).all():
        raise CXRLabError("Some successes are neither 0 nor 1. Say of each case whether it is one.")
    if not successes.size:
        return Estimate(None)
    value = float(successes.mean())
    return _estimate(value, *wilson(value, effective_size(successes, patients)))


def effective_size(successes: NDArray, patients: NDArray) -> float:
    """How many separate trials these ``successes`` are worth, given the number of each patient.

    The number of cases where each patient counts once. Otherwise the cases over the design
    effect, as in Korn and Graubard 1998 (Survey Methodology 24:193-201): the variance of the
    share as a ratio of two sums over patients, linearised, over that of a simple share; and less
    for few patients, by the ratio of the normal and the t quantile, squared. Two things a
    variance cannot see: where it is 0, or fewer than three patients have shown the rarer
    outcome, the cases are worth the number of patients at the most. And never less than 1.
    """
    value, n = successes.mean(), successes.size
    cases, hits = np.bincount(patients), np.bincount(patients, successes)
    count = cases.size
    variance = np.sum((hits - value * cases) ** 2) / n**2 * count / max(count - 1, 1)
    if count == n or variance < TINY:
        return count
    size = min(value * (1 - value) / variance, n)
    size *= (Z / t.ppf(0.5 + CONFIDENCE / 2, count - 1)) ** 2
    if min(np.sum(hits > 0), np.sum(hits < cases)) < 3:
        size = min(size, count)
    return max(size, 1.0)


def auc(
    labels: ArrayLike,
    scores: ArrayLike,
    patients: ArrayLike | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> Estimate:
    """ROC AUC: the chance that a positive case scores above a negative one, ties counting half.

    Arguments as for :func:`evaluate`. The 95 % interval is Newcombe's, with the number of
    patients that has the variance of a bootstrap over patients. Undefined with a single class.
    """
    labels, scores = check_cases(labels, scores)
    patients = patient_numbers(patients, labels.size)
    return _ranking(labels, scores, patients, resamples, seed)["roc_auc"]


def newcombe(value: float, positives: float, negatives: float) -> tuple[float, float]:
    """A 95 % interval of ROC AUC that stays open at 0 and 1 (Newcombe 2006, 10.1002/sim.2324).

    Like Wilson's for a share, it holds every true AUC that would make the seen one no surprise.
    ``positives`` and ``negatives`` are patients.
    """

    def surprise(true: float) -> float:
        return (true - value) ** 2 - Z**2 * _auc_variance(true, positives, negatives)

    edge = 1e-9  # at exactly 0 and 1 the variance vanishes, and with it the bound we look for
    low = brentq(surprise, 0, min(value, 1 - edge)) if value > 0 else 0.0
    high = brentq(surprise, max(value, edge), 1) if value < 1 else 1.0
    return float(low), float(high)


def _auc_variance(true: float, positives: float, negatives: float) -> float:
    """That of Hanley and McNeil (1982, 10.1148/radiology.143.1.7063747) in Newcombe's form."""
    half = (positives + negatives) / 2 - 1
    spread = 1 + half * ((1 - true) / (2 - true) + true / (1 + true))
    return true * (1 - true) * spread / (positives * negatives)


def resample(
    statistic: Callable[[NDArray], NDArray], patients: NDArray, resamples: int, seed: int
) -> NDArray:
    """``statistic`` of every resample of the patients, the resamples along the first axis.

    Whole patients are drawn with replacement, each with all of their X-rays. ``statistic`` takes
    weights of shape (some resamples, cases), how often each case is drawn; ``patients`` are from
    :func:`patient_numbers`. Raises :class:`CXRLabError` for fewer than two resamples.
    """
    if resamples < 2:
        raise CXRLabError(f"{resamples} resamples show no spread. Ask for some 1000.")
    count = int(patients.max()) + 1
    even = np.full(count, 1 / count)
    drawn = np.random.default_rng(seed).multinomial(count, even, size=resamples)
    rows = max(1, CELLS_AT_ONCE // patients.size)
    parts = np.split(drawn, range(rows, resamples, rows))
    return np.concatenate([statistic(part[:, patients].astype(np.float64)) for part in parts])


def _ranking(
    labels: NDArray, scores: NDArray, patients: NDArray, resamples: int, seed: int
) -> dict[str, Estimate]:
    """ROC AUC and average precision with their intervals.

    The bootstrap over patients says how much both vary; score intervals with as many patients as
    would vary so, but no more than there are cases, say where the truth may lie. Where no
    resample differs from another, as for flawless scores, all patients count.
    """
    positives, negatives = int(labels.sum()), int((labels == 0).sum())
    if not positives:
        return {"roc_auc": Estimate(None), "average_precision": Estimate(None)}
    ill, healthy = (np.unique(patients[labels == label]).size for label in (1, 0))
    draws = resample(lambda w: _weighted_ranking(labels, scores, w), patients, resamples, seed)
    spread = pd.DataFrame(draws).var().fillna(0)  # of the defined resamples
    area = Estimate(None)
    if negatives:
        value, factor = float(roc_auc_score(labels, scores)), 1.0
        if spread[0] > TINY and 0 < value < 1:
            factor = _auc_variance(value, ill, healthy) / spread[0]
            factor = min(factor, positives / ill, negatives / healthy)
        area = _estimate(value, *newcombe(value, max(ill * factor, 1), max(healthy * factor, 1)))
    value, size = float(average_precision_score(labels, scores)), float(ill)
    if spread[1] > TINY and value < 1:
        # An average over the positives, hence their number as the largest n (Boyd, Eng and Page
        # 2013, 10.1007/978-3-642-40994-3_29, who do so for the binomial and the logit interval).
        size = max(min(value * (1 - value) / spread[1], positives), 1)
    return {"roc_auc": area, "average_precision": _estimate(value, *wilson(value, size))}


def _weighted_ranking(labels: NDArray, scores: NDArray, weights: NDArray) -> NDArray:
    """ROC AUC and average precision for weights of shape (resamples, cases): (resamples, 2).

    What scikit-learn gives with ``sample_weight``, without a loop; NaN where undefined.
    """
    # Down the ranking, from the highest score: the positives and negatives met so far.
    # Tied scores are one step, so only the last case of each tie is looked at.
    order = np.argsort(-scores, kind="stable")
    last_of_tie = np.flatnonzero(np.append(np.diff(scores[order]) != 0, True))
    ranked, positive = weights[:, order], labels[order] == 1
    met_positive = np.cumsum(ranked * positive, axis=1)[:, last_of_tie]
    met_negative = np.cumsum(ranked * ~positive, axis=1)[:, last_of_tie]
    new_positive = np.diff(met_positive, axis=1, prepend=0)
    new_negative = np.diff(met_negative, axis=1, prepend=0)
    pairs_won = np.sum(new_negative * (met_positive - new_positive / 2), axis=1)
    precision = met_positive / np.maximum(met_positive + met_negative, 1)
    with np.errstate(invalid="ignore"):
        area = pairs_won / (met_positive[:, -1] * met_negative[:, -1])
        average = np.sum(new_positive * precision, axis=1) / met_positive[:, -1]
    return np.stack([area, average], axis=1)


def _estimate(value: float, low: float, high: float) -> Estimate:
    """An estimate inside its interval: rounding may put 1e-17 above a 0."""
    return Estimate(value, min(low, value), max(high, value))


@dataclass(frozen=True)
class Report:
    """The confusion matrix at one threshold and all metrics with their 95 % intervals."""

    confusion: Confusion
    threshold: float
    patients: int
    metrics: Mapping[str, Estimate]

    def __getitem__(self, metric: str) -> Estimate:
        """``report["recall"]``: the estimate of one metric."""
        return self.metrics[metric]

    @property
    def n(self) -> int:
        """All cases."""
        return self.confusion.n

    def to_json(self) -> dict:
        """Plain numbers for a JSON file; what is undefined is ``None``, never NaN."""
        counts = {name: getattr(self.confusion, name) for name in ("tp", "fp", "fn", "tn")}
        head = {"n": self.n, "patients": self.patients, "prevalence": self.confusion.prevalence}
        metrics = {name: self.metrics[name].to_json() for name in METRICS}
        return {**head, "threshold": self.threshold, **counts, **metrics}

    @classmethod
    def from_json(cls, content: Mapping) -> Report:
        """The report that :meth:`to_json` wrote; further keys are ignored."""
        read = {name: content[name] for name in METRICS}
        return cls(
            confusion=Confusion(*(content[name] for name in ("tp", "fp", "fn", "tn"))),
            threshold=content["threshold"],
            patients=content["patients"],
            metrics={name: Estimate(e["value"], *e["interval"]) for name, e in read.items()},
        )


def evaluate(
    labels: ArrayLike,
    scores: ArrayLike,
    threshold: float,
    patients: ArrayLike | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> Report:
    """Judge ``scores`` (within 0...1) against ``labels`` (0 or 1), all of shape (n,).

    The threshold was chosen before, on validation cases (:func:`choose_threshold`).
    ``patients`` names the patient of each case (``None``: each case is a patient of its own).
    ``resamples`` and ``seed`` are those of the bootstrap behind ROC AUC and average precision.
    Raises :class:`cxrlab.errors.CXRLabError` when the input cannot be evaluated.
    """
    labels, scores = check_cases(labels, scores)
    patients = patient_numbers(patients, labels.size)
    counts = confusion(labels, scores, threshold)
    positive, called = labels == 1, scores >= threshold
    right = positive == called
    among = (positive | ~positive, called, positive, ~positive, positive | called)
    metrics = {
        name: share(right[those], patients[those])
        for name, those in zip(SHARES, among, strict=True)
    }
    # j = tp / (tp + fp + fn) is a share, and F1 = 2j / (1 + j) grows with it.
    j = metrics["f1"]
    if j.value is not None:
        metrics["f1"] = Estimate(*(2 * end / (1 + end) for end in (j.value, j.low, j.high)))
    metrics |= _ranking(labels, scores, patients, resamples, seed)
    return Report(counts, float(threshold), np.unique(patients).size, metrics)


def missed_sentence(report: Report) -> str:
    """The recall as a sentence for people: of 100 positive cases, how many are missed?"""
    recall = report["recall"]
    if recall.value is None:
        return "There are no positive cases here, so how many would be missed is unknown."
    missed, fewest, most = (round(100 * (1 - r)) for r in (recall.value, recall.high, recall.low))
    some = "fewer than 1" if missed == 0 and report.confusion.fn else str(missed)
    verb = "is" if missed == 1 else "are"
    return f"Of 100 positive cases, {some} {verb} missed (between {fewest} and {most})."


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
    return pd.factorize(patients.astype(str), sort=True)[0]


def check_share(name: str, value: float) -> float:
    """The value as a float within 0...1, or :class:`CXRLabError`."""
    value = float(value)
    if not 0 <= value <= 1:
        raise CXRLabError(f"The {name} is {value}. Choose a number from 0 to 1.")
    return value


def _numbers(values: ArrayLike | Sequence) -> NDArray[np.float64]:
    """Any list, column or array as floats; what is not a number becomes NaN."""
    numbers = pd.to_numeric(pd.Series(np.ravel(values)), errors="coerce")
    return numbers.to_numpy(dtype=np.float64, na_value=np.nan)
