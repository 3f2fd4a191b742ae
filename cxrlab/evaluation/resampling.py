"""The patient bootstrap for any statistic that can be written with case weights."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cxrlab.evaluation.intervals import (
    Estimate,
    patient_numbers,
    percentile_interval,
    resampled_weights,
    wilson,
)


def resample(
    statistic: Callable[[NDArray], NDArray], patients: NDArray, resamples: int, seed: int
) -> NDArray:
    """``statistic`` of every resample of the patients.

    ``statistic`` takes weights of shape (some resamples, cases), how often each case is drawn,
    and returns an array whose first axis is the resamples; ``patients`` are numbers from 0, as
    :func:`cxrlab.evaluation.intervals.patient_numbers` gives them.
    """
    drawn = resampled_weights(patients, resamples, seed)
    return np.concatenate([statistic(weights) for weights in drawn])


def estimate_from(value: float | None, draws: NDArray) -> Estimate:
    """``value`` with the middle 95 % of its resamples, shape (resamples,), as the interval.

    Without an interval where no resample differs from another: then nothing is known about the
    spread, which is not the same as none. All ``None`` where the value is undefined.
    """
    if value is None or np.isnan(value):
        return Estimate(None)
    interval = percentile_interval(draws)
    if interval is None:
        return Estimate(float(value))
    low, high = interval
    return Estimate(float(value), min(low, float(value)), max(high, float(value)))


def estimate_share(wanted: NDArray, patients: NDArray, resamples: int, seed: int) -> Estimate:
    """The share of cases that are ``wanted`` (bool, shape (n,)), with its 95 % interval.

    The interval is chosen as in :mod:`cxrlab.evaluation.intervals`: Wilson's where each patient
    counts once, else the bootstrap over patients, else Wilson's with the number of patients.
    """
    if not wanted.size:
        return Estimate(None)
    share = float(wanted.mean())
    numbers = np.unique(patients, return_inverse=True)[1]
    count = int(numbers.max()) + 1
    if count < wanted.size:
        drawn = resample(lambda w: (w @ wanted) / w.sum(axis=1), numbers, resamples, seed)
        found = estimate_from(share, drawn)
        if found.low is not None:
            return found
    low, high = wilson(share, count)
    return Estimate(share, min(low, share), max(high, share))  # rounding: 1e-17 is above 0


def mean_estimate(
    values: ArrayLike,
    patients: ArrayLike | None = None,
    resamples: int = 1000,
    seed: int = 0,
    share: bool = False,
) -> Estimate:
    """The mean of ``values``, shape (n,), NaN left out, with a 95 % bootstrap over patients.

    Where no resample differs from another there is no interval, unless the mean is a ``share`` of
    successes: then Wilson's, with the number of patients as n. All ``None`` without a value.
    """
    values = np.asarray(values, float)
    numbers = patient_numbers(patients, values.size)
    defined = ~np.isnan(values)
    if not defined.any():
        return Estimate(None)
    value = float(values[defined].mean())
    filled = np.where(defined, values, 0.0)

    def means(weights: NDArray) -> NDArray:
        counted = weights @ defined
        nothing = np.full(counted.shape, np.nan)
        return np.divide(weights @ filled, counted, out=nothing, where=counted > 0)

    if np.ptp(values[defined]) > 0:
        found = estimate_from(value, resample(means, numbers, resamples, seed))
        if found.low is not None:
            return found
    if not share:
        return Estimate(value)
    low, high = wilson(value, np.unique(numbers[defined]).size)
    return Estimate(value, min(low, value), max(high, value))
