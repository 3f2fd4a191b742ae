"""Figures: they take results and return Axes, and compute no metric."""

from cxrlab.plots.alt_text import show
from cxrlab.plots.chest import plot_chest_guide
from cxrlab.plots.convolution import (
    plot_convolution_step,
    plot_dropout,
    plot_maps,
    plot_pooling,
)
from cxrlab.plots.decisions import (
    plot_people,
)
from cxrlab.plots.designs import plot_hidden_parts, plot_repairs, plot_swapped
from cxrlab.plots.explain import (
    plot_cascade,
    plot_explanations,
    plot_heat_map,
    plot_map_scores,
)
from cxrlab.plots.external import (
    plot_calibration,
    plot_decision_curve,
    plot_internal_external,
    plot_subgroups,
)
from cxrlab.plots.hospitals import plot_predictive_values
from cxrlab.plots.planted import (
    plot_hidden_places,
    plot_marker_positions,
    plot_planted,
)
from cxrlab.plots.preparation import plot_preparations
from cxrlab.plots.shortcuts import plot_probe_aucs, plot_shown
from cxrlab.plots.style import CLASS_COLOURS, CLASS_NAMES, COVID, NOT_COVID, use_style
from cxrlab.plots.workflow import plot_workflow, workflow_text
from cxrlab.plots.xrays import plot_xrays

__all__ = [
    "CLASS_COLOURS",
    "CLASS_NAMES",
    "COVID",
    "NOT_COVID",
    "plot_calibration",
    "plot_cascade",
    "plot_chest_guide",
    "plot_convolution_step",
    "plot_decision_curve",
    "plot_dropout",
    "plot_explanations",
    "plot_heat_map",
    "plot_hidden_parts",
    "plot_hidden_places",
    "plot_internal_external",
    "plot_map_scores",
    "plot_maps",
    "plot_marker_positions",
    "plot_planted",
    "plot_pooling",
    "plot_predictive_values",
    "plot_preparations",
    "plot_repairs",
    "plot_probe_aucs",
    "plot_shown",
    "plot_people",
    "plot_subgroups",
    "plot_swapped",
    "plot_workflow",
    "workflow_text",
    "plot_xrays",
    "show",
    "use_style",
]
