"""Simulated chest X-rays ("phantoms"), written in the very layouts of the real sources."""

from cxrlab.phantoms.cohort import Plan
from cxrlab.phantoms.collection import PIXELS, make_phantoms
from cxrlab.phantoms.simulate import simulate

__all__ = ["PIXELS", "Plan", "make_phantoms", "simulate"]
