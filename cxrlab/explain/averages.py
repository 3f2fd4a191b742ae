"""Means over X-rays, with intervals that resample the patient."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from cxrlab.evaluation.intervals import (
    Estimate,
    patient_numbers,
    percentile_interval,
    resampled_weights,
    wilson,
)


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
    draws = []
    for weights in resampled_weights(numbers, resamples, seed):
        counted = weights @ defined
        added = weights @ np.where(defined, values, 0.0)
        draws.append(
            np.divide(added, counted, out=np.full(counted.shape, np.nan), where=counted > 0)
        )
    interval = percentile_interval(np.concatenate(draws)) if np.ptp(values[defined]) > 0 else None
    if interval is None and share:
        interval = wilson(value, np.unique(numbers[defined]).size)
    if interval is None:
        return Estimate(value)
    return Estimate(value, min(interval[0], value), max(interval[1], value))
