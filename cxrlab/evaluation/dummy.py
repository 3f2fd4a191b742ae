"""A rival that never sees an X-ray: it knows one column of the table, and nothing else.

Where it does as well as the network, nobody can tell whether the network has learned more than
how the X-rays were collected (Garcia Santa Cruz 2021, 10.1016/j.media.2021.102225).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from cxrlab.errors import CXRLabError
from cxrlab.evaluation.report import Report, evaluate
from cxrlab.evaluation.subgroups import group_values, scored_columns
from cxrlab.evaluation.thresholds import choose_threshold

DUMMIES = ("view", "age", "source")
PRIOR = 2  # cases of the average kind that each value is given beforehand
SHOWN = ("roc_auc", "recall", "specificity")


def tabular_dummy(training: pd.DataFrame, cases: pd.DataFrame, column: str) -> NDArray[np.float64]:
    """Scores (0...1) for ``cases`` from one ``column``, learned on ``training`` alone.

    A case gets the share of positives that its value (age: band of ages; missing: a value of
    its own) had among the training cases, drawn a little towards the prevalence as if
    ``PRIOR`` more cases of average kind had been seen. A value that the training never showed
    gets the prevalence: nothing is known about it. ``training`` has ``label``.

    Raises :class:`CXRLabError` where the training labels are not 0 or 1, or all the same.
    """
    labels = _training_labels(training)
    prevalence = float(labels.mean())
    seen = group_values(training, column).to_numpy(dtype=object)
    counts = pd.Series(labels).groupby(seen).agg(["sum", "count"])
    shares = (counts["sum"] + PRIOR * prevalence) / (counts["count"] + PRIOR)
    scores = group_values(cases, column).map(shares).astype("float64").fillna(prevalence)
    return scores.to_numpy(dtype=np.float64)


@dataclass(frozen=True)
class Dummy:
    """A dummy's report, and the share of cases whose value its training never showed (0...1)."""

    column: str
    report: Report
    unseen: float


def evaluate_dummy(
    training: pd.DataFrame,
    cases: pd.DataFrame,
    column: str,
    resamples: int = 1000,
    seed: int = 0,
) -> Dummy:
    """Judge the dummy of one ``column`` on ``cases``, its threshold (highest F1) from training.

    It calls values that it has never seen by the training's prevalence, all of them or none:
    where ``unseen`` is large, read its ROC AUC rather than its recall and specificity.
    """
    labels = _training_labels(training)
    threshold = choose_threshold(labels, tabular_dummy(training, training, column))
    scores = tabular_dummy(training, cases, column)
    known = group_values(cases, column).isin(group_values(training, column).unique())
    return Dummy(
        column,
        evaluate(cases["label"], scores, threshold, cases.get("patient_id"), resamples, seed),
        float(1 - known.mean()),
    )


def beside_the_network(
    network: Report, dummies: Sequence[Dummy], metrics: Sequence[str] = SHOWN
) -> pd.DataFrame:
    """One row a rival, the network first.

    Columns ``knows``, ``unseen`` (NaN for the network), then each metric, its low and its high.
    """
    rows = [("the pixels (network)", np.nan, network)]
    rows += [(f"only {dummy.column}", dummy.unseen, dummy.report) for dummy in dummies]
    return pd.DataFrame(
        [
            {"knows": name, "unseen": unseen} | _flat(report, metrics)
            for name, unseen, report in rows
        ]
    )


def _flat(report: Report, metrics: Sequence[str]) -> dict[str, float]:
    table = report.table().set_index("metric")
    cells = {}
    for name in metrics:
        value, low, high = table.loc[name]
        cells |= {name: value, f"{name}_low": low, f"{name}_high": high}
    return cells


def _training_labels(training: pd.DataFrame) -> NDArray[np.int64]:
    labels, _ = scored_columns(training.assign(score=0.5))
    if labels.min() == labels.max():
        raise CXRLabError(
            f"All {labels.size} training cases have the label {labels[0]}. A dummy needs cases "
            "of both classes to learn from."
        )
    return labels
