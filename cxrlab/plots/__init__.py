"""Didactic figures: each says in words what it shows, shows itself, and computes no metric."""

from cxrlab.plots.convolution import plot_convolution_step, plot_dropout, plot_maps, plot_pooling
from cxrlab.plots.drawings import plot_chest_guide, plot_workflow
from cxrlab.plots.results import plot_intervals, plot_people
from cxrlab.plots.style import COVID, NOT_COVID, show, use_style
from cxrlab.plots.xrays import plot_heat, plot_xrays

__all__ = [
    "COVID",
    "NOT_COVID",
    "plot_chest_guide",
    "plot_convolution_step",
    "plot_dropout",
    "plot_heat",
    "plot_intervals",
    "plot_maps",
    "plot_people",
    "plot_pooling",
    "plot_workflow",
    "plot_xrays",
    "show",
    "use_style",
]
