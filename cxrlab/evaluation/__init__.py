"""From labels and scores to numbers with intervals, without TensorFlow."""

from cxrlab.evaluation.calibration import (
    Brier,
    CalibrationError,
    brier,
    calibration_curve,
    expected_calibration_error,
    scores_at_prevalence,
)
from cxrlab.evaluation.case_by_case import case_words, result_sentence, side_by_side
from cxrlab.evaluation.comparison import Comparison, compare, difference
from cxrlab.evaluation.curves import precision_recall_curve, prevalence_curve, roc_curve
from cxrlab.evaluation.decision_curves import decision_curve, net_benefit
from cxrlab.evaluation.delong import AucComparison, auc_covariance, compare_auc, one_image_a_patient
from cxrlab.evaluation.dummy import Dummy, beside_the_network, evaluate_dummy, tabular_dummy
from cxrlab.evaluation.elsewhere import (
    WhatIf,
    interval_table,
    overlap,
    people_tested,
    precision_range,
    range_words,
    resampled_metric,
    screening_sentence,
    threshold_table,
    trials_to_separate,
    what_if,
    what_if_table,
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
from cxrlab.evaluation.optimism import expected_best, log_loss
from cxrlab.evaluation.predictive import npv_at_prevalence, npv_range, predictive_values
from cxrlab.evaluation.report import Report, evaluate, missed_sentence
from cxrlab.evaluation.subgroups import share_words, subgroup_table
from cxrlab.evaluation.thresholds import choose_threshold, recall_at_specificity

__all__ = [
    "METRICS",
    "PUBLISHED",
    "AucComparison",
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
    "auc_covariance",
    "auc_interval",
    "average_precision",
    "beside_the_network",
    "brier",
    "calibration_curve",
    "case_words",
    "choose_threshold",
    "compare",
    "compare_auc",
    "confusion",
    "decision_curve",
    "difference",
    "estimate_metrics",
    "evaluate",
    "evaluate_dummy",
    "expected_best",
    "expected_calibration_error",
    "external_report",
    "interval_table",
    "log_loss",
    "missed_sentence",
    "net_benefit",
    "npv_at_prevalence",
    "npv_range",
    "one_image_a_patient",
    "overlap",
    "people_tested",
    "precision_at_prevalence",
    "precision_range",
    "precision_recall_curve",
    "predictive_values",
    "prevalence_curve",
    "published_specificity",
    "range_words",
    "recall_at_specificity",
    "resampled_metric",
    "result_sentence",
    "roc_auc",
    "roc_curve",
    "scores_at_prevalence",
    "screening_sentence",
    "sensitivity_at_specificity",
    "share_words",
    "side_by_side",
    "subgroup_table",
    "tabular_dummy",
    "threshold_at_specificity",
    "threshold_table",
    "trials_to_separate",
    "what_if",
    "what_if_table",
    "wilson",
]
