"""Every threshold at once: the curves behind ROC AUC and average precision."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn import metrics as sklearn_metrics

from cxrlab.errors import CXRLabError
from cxrlab.evaluation.metrics import check_cases


def precision_recall_curve(labels: ArrayLike, scores: ArrayLike) -> pd.DataFrame:
    """Columns ``threshold``, ``recall``, ``precision``, one row a distinct score, rising.

    The last row is the curve's end by convention, recall 0 and precision 1, at no threshold
    (NaN). Raises :class:`CXRLabError` when one class is missing.
    """
    labels, scores = _cases_of_both_classes(labels, scores)
    precision, recall, threshold = sklearn_metrics.precision_recall_curve(labels, scores)
    threshold = np.append(threshold, np.nan)
    return pd.DataFrame({"threshold": threshold, "recall": recall, "precision": precision})


def _cases_of_both_classes(labels: ArrayLike, scores: ArrayLike) -> tuple:
    labels, scores = check_cases(labels, scores)
    if labels.min() == labels.max():
        raise CXRLabError(
            f"All {labels.size} cases have the label {labels[0]}. "
            "A curve needs cases of both classes."
        )
    return labels, scores
