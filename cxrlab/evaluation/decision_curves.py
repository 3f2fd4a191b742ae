"""Is acting on the score better than acting on everybody, or on nobody? Decision curves."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from cxrlab.errors import CXRLabError
from cxrlab.evaluation.calibration import scores_at_prevalence
from cxrlab.evaluation.intervals import patient_numbers, percentile_interval
from cxrlab.evaluation.metrics import check_cases
from cxrlab.evaluation.resampling import resample

THRESHOLDS = tuple(np.arange(1, 100) / 100)


def net_benefit(tp: int, fp: int, n: int, threshold: float) -> float:
    """True positives a person, less the false ones at their exchange rate (Vickers 2006).

    Who acts from a risk of ``threshold`` up takes threshold / (1 - threshold) false alarms to be
    as bad as one missed case. The best possible value is the prevalence.
    """
    return tp / n - fp / n * _odds(threshold)


def decision_curve(
    labels: ArrayLike,
    scores: ArrayLike,
    patients: ArrayLike | None = None,
    thresholds: Sequence[float] = THRESHOLDS,
    prevalence: float | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> pd.DataFrame:
    """The net benefit at every threshold (Vickers and Elkin 2006, 10.1177/0272989X06295361).

    One row a threshold: ``threshold``, ``net_benefit`` with its 95 % interval ``low`` and
    ``high``, ``treat_all``, ``treat_none`` (always 0) and ``best``, the name of the highest of
    the three. The scores are taken as risks: a badly calibrated network loses net benefit.

    With a ``prevalence`` (between 0 and 1) the cases stand for a population where so many are
    ill: both classes are weighted to it, and the scores' odds shifted to match
    (:func:`scores_at_prevalence`). A balanced test set says little without it.

    Where no resample differs from another, as where nobody is called positive, the interval is
    NaN. Raises :class:`CXRLabError` for thresholds outside 0...1, or a prevalence where one
    class is missing.
    """
    labels, scores = check_cases(labels, scores)
    patients = patient_numbers(patients, labels.size)
    thresholds = _check_thresholds(thresholds)
    share = float(labels.mean())
    if prevalence is not None:
        if share in (0, 1):
            raise CXRLabError(
                f"All {labels.size} cases have the label {labels[0]}, so they cannot stand for a "
                f"population with a prevalence of {prevalence}. Leave the prevalence out."
            )
        scores = scores_at_prevalence(scores, share, prevalence)
    called = scores[:, None] >= thresholds
    hits, alarms = called & (labels == 1)[:, None], called & (labels == 0)[:, None]

    def statistic(weights: NDArray) -> NDArray:
        ill, total = weights @ labels, weights.sum(axis=1)
        if prevalence is None:
            found, false = weights @ hits / total[:, None], weights @ alarms / total[:, None]
        else:
            # A resample may lack one of the classes: NaN, undefined.
            with np.errstate(invalid="ignore"):
                found = prevalence * (weights @ hits) / ill[:, None]
                false = (1 - prevalence) * (weights @ alarms) / (total - ill)[:, None]
        return found - false * _odds(thresholds)

    value = statistic(np.ones((1, labels.size)))[0]
    draws = resample(statistic, patients, resamples, seed)
    ends = [percentile_interval(column) or (np.nan, np.nan) for column in draws.T]
    share = share if prevalence is None else prevalence
    curve = pd.DataFrame(
        {
            "threshold": thresholds,
            "net_benefit": value,
            "low": np.fmin([low for low, _ in ends], value),
            "high": np.fmax([high for _, high in ends], value),
            "treat_all": share - (1 - share) * _odds(thresholds),
            "treat_none": 0.0,
        }
    )
    unknown = [np.isnan(low) for low, _ in ends]
    curve.loc[unknown, ["low", "high"]] = np.nan
    # Of equals the simplest is best: treat none, then treat all.
    names = ["treat_none", "treat_all", "net_benefit"]
    best = np.argmax(curve[names].to_numpy().round(12), axis=1)
    return curve.assign(best=np.array(["treat none", "treat all", "network"])[best])


def _odds(threshold: float | NDArray) -> float | NDArray:
    return threshold / (1 - threshold)


def _check_thresholds(thresholds: Sequence[float]) -> NDArray[np.float64]:
    thresholds = np.unique(np.asarray(thresholds, dtype=np.float64))
    if not thresholds.size or not ((thresholds >= 0) & (thresholds < 1)).all():
        raise CXRLabError(
            "A decision curve needs thresholds from 0 up to, but not including, 1: from a risk of "
            "1 on no false alarm would be worth a case found."
        )
    return thresholds
