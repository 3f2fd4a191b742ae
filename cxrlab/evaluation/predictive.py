"""What a call means where the disease is rarer: predictive values at another prevalence."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from cxrlab.evaluation.elsewhere import precision_range
from cxrlab.evaluation.intervals import Estimate
from cxrlab.evaluation.metrics import precision_at_prevalence
from cxrlab.evaluation.report import Report

PREVALENCES = (0.5, 0.1, 0.01)


def npv_at_prevalence(recall: float, specificity: float, prevalence: float) -> float | None:
    """Of the people called negative, the share that is healthy, at a ``prevalence`` (0...1).

    The mirror image of the precision (positive predictive value, PPV), with ill and healthy
    swapped, and with the same caveat: recall and specificity are taken to stay as they are.
    ``None`` when nobody would be called negative. Raises :class:`cxrlab.errors.CXRLabError`
    for a share outside 0...1.
    """
    return precision_at_prevalence(specificity, recall, 1 - prevalence)


def npv_range(recall: Estimate, specificity: Estimate, prevalence: float) -> Estimate:
    """The NPV with a cautious range from the ends of both intervals, as ``precision_range``."""
    return precision_range(specificity, recall, 1 - prevalence)


def predictive_values(report: Report, prevalences: Sequence[float] = PREVALENCES) -> pd.DataFrame:
    """PPV and NPV that the recall and specificity of ``report`` imply at each prevalence.

    Columns ``prevalence``, ``ppv``, ``ppv_low``, ``ppv_high``, ``npv``, ``npv_low``,
    ``npv_high``, NaN where undefined. The ranges take both ends of both intervals together, so
    that they are wider than 95 % intervals.
    """
    rows = []
    for prevalence in prevalences:
        ppv = precision_range(report["recall"], report["specificity"], prevalence)
        npv = npv_range(report["recall"], report["specificity"], prevalence)
        rows.append((prevalence, ppv.value, ppv.low, ppv.high, npv.value, npv.low, npv.high))
    columns = ["prevalence", "ppv", "ppv_low", "ppv_high", "npv", "npv_low", "npv_high"]
    return pd.DataFrame(rows, columns=columns).astype(float)
