"""One evaluation from start to end: labels and scores in, numbers with intervals out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from cxrlab.evaluation.intervals import Estimate, estimate_metrics, patient_numbers
from cxrlab.evaluation.metrics import METRICS, Confusion, confusion


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

    @property
    def prevalence(self) -> float:
        """Of all cases, the share that is positive."""
        return self.confusion.prevalence

    def to_json(self) -> dict:
        """Plain numbers for a JSON file; what is undefined is ``None``, never NaN."""
        counts = self.confusion
        return {
            "n": self.n,
            "patients": self.patients,
            "prevalence": self.prevalence,
            "threshold": self.threshold,
            "tp": counts.tp,
            "fp": counts.fp,
            "fn": counts.fn,
            "tn": counts.tn,
        } | {name: self.metrics[name].to_json() for name in METRICS}

    @classmethod
    def from_json(cls, content: Mapping) -> Report:
        """The report that :meth:`to_json` wrote; further keys are ignored."""
        return cls(
            confusion=Confusion(*(content[name] for name in ("tp", "fp", "fn", "tn"))),
            threshold=content["threshold"],
            patients=content["patients"],
            metrics={
                name: Estimate(content[name]["value"], *content[name]["interval"])
                for name in METRICS
            },
        )

    def table(self) -> pd.DataFrame:
        """One row a metric: ``metric``, ``value``, ``low``, ``high``; NaN where undefined."""
        rows = [(name, e.value, e.low, e.high) for name, e in self.metrics.items()]
        table = pd.DataFrame(rows, columns=["metric", "value", "low", "high"])
        return table.astype({"value": float, "low": float, "high": float})


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
    ``patients`` names the patient of each case; the intervals come from resampling patients.
    Raises :class:`cxrlab.errors.CXRLabError` when the input cannot be evaluated.
    """
    counts = confusion(labels, scores, threshold)
    return Report(
        confusion=counts,
        threshold=float(threshold),
        patients=np.unique(patient_numbers(patients, counts.n)).size,
        metrics=estimate_metrics(labels, scores, threshold, patients, resamples, seed),
    )


def missed_sentence(report: Report) -> str:
    """The recall as a sentence for people: of 100 positive cases, how many are missed?"""
    recall = report["recall"]
    if recall.value is None:
        return "There are no positive cases here, so how many would be missed is unknown."
    missed, fewest, most = (round(100 * (1 - r)) for r in (recall.value, recall.high, recall.low))
    some = "fewer than 1" if missed == 0 and report.confusion.fn else str(missed)
    verb = "is" if missed == 1 else "are"
    return f"Of 100 positive cases, {some} {verb} missed (between {fewest} and {most})."
