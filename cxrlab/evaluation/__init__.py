"""From labels and scores to numbers with intervals, without TensorFlow."""

from cxrlab.evaluation.calibration import (
    Brier,
    CalibrationError,
    brier,
    calibration_curve,
    expected_calibration_error,
    scores_at_prevalence,
)
from cxrlab.evaluation.comparison import Comparison, compare, difference
from cxrlab.evaluation.decision_curves import decision_curve, net_benefit
from cxrlab.evaluation.dummy import Dummy, beside_the_network, evaluate_dummy, tabular_dummy
from cxrlab.evaluation.elsewhere import (
    WhatIf,
    people_tested,
    precision_range,
    screening_sentence,
    what_if,
)
from cxrlab.evaluation.external import ExternalReport, external_report
from cxrlab.evaluation.intervals import Estimate, auc_interval, estimate_metrics, wilson
from cxrlab.evaluation.metrics import (
    METRICS,
    PUBLISHED,
    Confusion,
    all_metrics,
    average_precision,
    confusion,
    precision_at_prevalence,
    published_specificity,
    roc_auc,
)
from cxrlab.evaluation.operating_point import (
    FrozenPoint,
    sensitivity_at_specificity,
    threshold_at_specificity,
)
from cxrlab.evaluation.predictive import npv_at_prevalence, npv_range, predictive_values
from cxrlab.evaluation.report import Report, evaluate, missed_sentence
from cxrlab.evaluation.subgroups import share_words, subgroup_table
from cxrlab.evaluation.thresholds import choose_threshold, recall_at_specificity

__all__ = [
    "METRICS",
    "PUBLISHED",
    "Brier",
    "CalibrationError",
    "Comparison",
    "Confusion",
    "Dummy",
    "Estimate",
    "ExternalReport",
    "FrozenPoint",
    "Report",
    "WhatIf",
    "all_metrics",
    "auc_interval",
    "average_precision",
    "beside_the_network",
    "brier",
    "calibration_curve",
    "choose_threshold",
    "compare",
    "confusion",
    "decision_curve",
    "difference",
    "estimate_metrics",
    "evaluate",
    "evaluate_dummy",
    "expected_calibration_error",
    "external_report",
    "missed_sentence",
    "net_benefit",
    "npv_at_prevalence",
    "npv_range",
    "people_tested",
    "precision_at_prevalence",
    "precision_range",
    "predictive_values",
    "published_specificity",
    "recall_at_specificity",
    "roc_auc",
    "scores_at_prevalence",
    "screening_sentence",
    "sensitivity_at_specificity",
    "share_words",
    "subgroup_table",
    "tabular_dummy",
    "threshold_at_specificity",
    "what_if",
    "wilson",
]
