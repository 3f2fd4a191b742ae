"""From labels and scores to numbers with intervals, without TensorFlow."""

from cxrlab.evaluation.case_by_case import case_words, result_sentence, side_by_side
from cxrlab.evaluation.comparison import Comparison, compare, difference
from cxrlab.evaluation.curves import precision_recall_curve, prevalence_curve, roc_curve
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
from cxrlab.evaluation.optimism import expected_best, log_loss
from cxrlab.evaluation.report import Report, evaluate, missed_sentence
from cxrlab.evaluation.thresholds import choose_threshold, recall_at_specificity

__all__ = [
    "METRICS",
    "PUBLISHED",
    "Comparison",
    "Confusion",
    "Estimate",
    "Report",
    "WhatIf",
    "all_metrics",
    "auc_interval",
    "average_precision",
    "case_words",
    "choose_threshold",
    "compare",
    "confusion",
    "difference",
    "estimate_metrics",
    "evaluate",
    "expected_best",
    "interval_table",
    "log_loss",
    "missed_sentence",
    "overlap",
    "people_tested",
    "precision_at_prevalence",
    "precision_range",
    "precision_recall_curve",
    "prevalence_curve",
    "published_specificity",
    "range_words",
    "recall_at_specificity",
    "resampled_metric",
    "result_sentence",
    "roc_auc",
    "roc_curve",
    "screening_sentence",
    "side_by_side",
    "threshold_table",
    "trials_to_separate",
    "what_if",
    "what_if_table",
    "wilson",
]
