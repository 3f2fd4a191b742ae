"""Another hospital: one frozen threshold, any table of scored cases, one small result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from cxrlab.evaluation.calibration import (
    BINS,
    Brier,
    CalibrationError,
    brier,
    calibration_curve,
    expected_calibration_error,
)
from cxrlab.evaluation.decision_curves import decision_curve
from cxrlab.evaluation.dummy import DUMMIES, Dummy, beside_the_network, evaluate_dummy
from cxrlab.evaluation.predictive import PREVALENCES, predictive_values
from cxrlab.evaluation.report import Report, evaluate
from cxrlab.evaluation.subgroups import SUBGROUPS, scored_columns, subgroup_table


@dataclass(frozen=True)
class ExternalReport:
    """Everything that is asked of a network among strangers; tables as their functions give them.

    ``report`` holds the counts and metrics at the frozen threshold, ``dummies`` those that know
    one column only (none without training cases). What is undefined, as recall among
    healthy people alone, is ``None`` or NaN.
    """

    name: str
    report: Report
    brier: Brier
    calibration_error: CalibrationError
    calibration: pd.DataFrame
    decisions: pd.DataFrame
    predictive: pd.DataFrame
    subgroups: pd.DataFrame
    dummies: tuple[Dummy, ...] = ()

    @property
    def beside(self) -> pd.DataFrame:
        """The network and the dummies: ROC AUC, recall and specificity, with intervals."""
        return beside_the_network(self.report, self.dummies)

    def table(self) -> pd.DataFrame:
        """``metric``, ``value``, ``low``, ``high`` (NaN: undefined), calibration last."""
        error = self.calibration_error.debiased
        extra = {
            "brier": self.brier.score,
            "brier_skill": self.brier.skill,
            "calibration_error": error,
        }
        rows = [(name, e.value, e.low, e.high) for name, e in extra.items()]
        more = pd.DataFrame(rows, columns=["metric", "value", "low", "high"])
        more = more.astype({"value": float, "low": float, "high": float})
        return pd.concat([self.report.table(), more], ignore_index=True)

    def to_json(self) -> dict:
        """Plain numbers and lists for a JSON file; what is undefined is ``None``, never NaN."""
        error = self.calibration_error
        return {
            "name": self.name,
            **self.report.to_json(),
            "brier": self.brier.score.to_json(),
            "brier_prevalence_only": self.brier.prevalence_only.to_json(),
            "brier_skill": self.brier.skill.to_json(),
            "calibration_error": error.debiased.to_json()
            | {"plug_in": error.plug_in, "by_chance": error.by_chance, "bins": error.bins},
            "predictive": _rows(self.predictive),
            "subgroups": _rows(self.subgroups),
            "dummies": {d.column: d.report.to_json() | {"unseen": d.unseen} for d in self.dummies},
        }


def external_report(
    cases: pd.DataFrame,
    threshold: float,
    training: pd.DataFrame | None = None,
    name: str = "another hospital",
    prevalences: Sequence[float] = PREVALENCES,
    prevalence: float | None = None,
    by: Sequence[str] = SUBGROUPS,
    dummies: Sequence[str] = DUMMIES,
    bins: int = BINS,
    resamples: int = 1000,
    seed: int = 0,
) -> ExternalReport:
    """Judge scored ``cases`` at a ``threshold`` that was frozen before they were seen.

    ``cases`` has ``label`` (0 or 1) and ``score`` (0...1), and where known ``patient_id``,
    ``sex``, ``age``, ``view`` and ``source``. ``training`` (``label`` and these columns) lets the
    dummies learn; without it there are none. ``prevalences`` are those of the predictive values,
    ``prevalence`` that of the decision curve (``None``: as among the cases). Intervals are 95 %,
    over patients. Raises :class:`cxrlab.errors.CXRLabError` on unusable input.
    """
    labels, scores = scored_columns(cases)
    patients = cases.get("patient_id")
    how = {"resamples": resamples, "seed": seed}
    report = evaluate(labels, scores, threshold, patients, **how)
    columns = () if training is None else dummies
    return ExternalReport(
        name=name,
        report=report,
        brier=brier(labels, scores, patients, **how),
        calibration_error=expected_calibration_error(labels, scores, patients, bins, **how),
        calibration=calibration_curve(labels, scores, patients, bins, **how),
        decisions=decision_curve(labels, scores, patients, prevalence=prevalence, **how),
        predictive=predictive_values(report, prevalences),
        subgroups=subgroup_table(cases, threshold, by, **how),
        dummies=tuple(evaluate_dummy(training, cases, column, **how) for column in columns),
    )


def _rows(table: pd.DataFrame) -> list[dict]:
    """The rows as plain dictionaries, with ``None`` for NaN."""
    plain = table.astype(object).where(table.notna(), None)
    return [
        {name: _plain(value) for name, value in row.items()} for row in plain.to_dict("records")
    ]


def _plain(value: object) -> object:
    return value.item() if isinstance(value, np.generic) else value
