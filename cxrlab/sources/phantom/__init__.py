"""Simulated chest X-rays ("phantoms"), written in the very layouts of the real sources."""

from cxrlab.sources.phantom.cohort import Plan
from cxrlab.sources.phantom.files import PIXELS, make_phantoms
from cxrlab.sources.phantom.simulate import simulate

__all__ = ["PIXELS", "Plan", "make_phantoms", "simulate"]
