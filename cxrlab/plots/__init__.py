"""Figures: they take results and return Axes, and compute no metric."""

from cxrlab.plots.alt_text import show
from cxrlab.plots.evaluation import (
    plot_confusion,
    plot_intervals,
    plot_precision_by_prevalence,
    plot_precision_recall,
    plot_roc,
    plot_scores,
)
from cxrlab.plots.search import plot_parallel, plot_search_progress, plot_search_settings
from cxrlab.plots.style import CLASS_COLOURS, CLASS_NAMES, COVID, NOT_COVID, use_style
from cxrlab.plots.training import plot_history, plot_parameters
from cxrlab.plots.workflow import plot_workflow
from cxrlab.plots.xrays import plot_feature_maps, plot_filters, plot_xrays

__all__ = [
    "CLASS_COLOURS",
    "CLASS_NAMES",
    "COVID",
    "NOT_COVID",
    "plot_confusion",
    "plot_feature_maps",
    "plot_filters",
    "plot_history",
    "plot_intervals",
    "plot_parallel",
    "plot_parameters",
    "plot_precision_by_prevalence",
    "plot_precision_recall",
    "plot_roc",
    "plot_scores",
    "plot_search_progress",
    "plot_search_settings",
    "plot_workflow",
    "plot_xrays",
    "show",
    "use_style",
]
