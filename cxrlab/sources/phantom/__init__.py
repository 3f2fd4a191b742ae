"""Simulated chest X-rays ("phantoms"), written in the very layouts of the real sources.

An analytic model: attenuation is integrated along parallel rays through a randomly drawn body
(``anatomy``, ``projection``, ``skeleton``, ``vessels``), opacities replace air in the lungs
(``findings``), and the film is exposed, developed and stored (``acquisition``). ``cohort`` draws
who is in the collection, ``layouts`` writes it.
"""

from cxrlab.sources.phantom.layouts import VERSION, make_phantoms
from cxrlab.sources.phantom.simulate import simulate

__all__ = ["VERSION", "make_phantoms", "simulate"]
