"""From labels and scores to numbers with intervals, without TensorFlow."""

from cxrlab.evaluation.comparison import Comparison, compare, difference
from cxrlab.evaluation.curves import precision_recall_curve, prevalence_curve, roc_curve
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
from cxrlab.evaluation.report import Report, evaluate, missed_sentence
from cxrlab.evaluation.thresholds import choose_threshold, recall_at_specificity

__all__ = [
    "METRICS",
    "PUBLISHED",
    "Comparison",
    "Confusion",
    "Estimate",
    "Report",
    "all_metrics",
    "auc_interval",
    "average_precision",
    "choose_threshold",
    "compare",
    "confusion",
    "difference",
    "estimate_metrics",
    "evaluate",
    "missed_sentence",
    "precision_at_prevalence",
    "precision_recall_curve",
    "prevalence_curve",
    "published_specificity",
    "recall_at_specificity",
    "roc_auc",
    "roc_curve",
    "wilson",
]
