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
from cxrlab.plots.explain import plot_heat, plot_letter_places
from cxrlab.plots.intervals import plot_intervals
from cxrlab.plots.style import CLASS_COLOURS, CLASS_NAMES, COVID, NOT_COVID, use_style
from cxrlab.plots.workflow import plot_workflow, workflow_text
from cxrlab.plots.xrays import plot_xrays

__all__ = [
    "CLASS_COLOURS",
    "CLASS_NAMES",
    "COVID",
    "NOT_COVID",
    "plot_chest_guide",
    "plot_convolution_step",
    "plot_dropout",
    "plot_heat",
    "plot_intervals",
    "plot_letter_places",
    "plot_maps",
    "plot_pooling",
    "plot_people",
    "plot_workflow",
    "workflow_text",
    "plot_xrays",
    "show",
    "use_style",
]
