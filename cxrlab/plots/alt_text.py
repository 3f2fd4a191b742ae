"""Figures with a text alternative, for readers who listen to a notebook or see no images.

The alternative is stored three times in a figure's output: as the ``alt`` of the output's
``image/png`` metadata, where nbconvert's templates ``basic`` and ``classic`` (the first makes
the pages of ``cxrlab run``) and nbsphinx look for it; as ``text/plain``, for terminals
and readers of the raw notebook; and inside the PNG as its ``Description``. JupyterLab (4.6) and
nbconvert's template ``lab`` show no ``alt`` of an output's image at all, so the text beside a
figure should say what matters in it, too.
"""

from __future__ import annotations

import base64
from io import BytesIO
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from cxrlab.errors import CXRLabError


def show(figure: Any, alt: str) -> None:
    """Show a figure below the notebook's cell, say in ``alt`` what it shows, and close it.

    ``figure`` is a Matplotlib Figure, Axes, an array of Axes, or a seaborn grid. Outside
    Jupyter only the text is printed. Raises :class:`CXRLabError` when ``alt`` is empty.
    """
    from IPython import get_ipython
    from IPython.display import display

    alt = " ".join(alt.split())
    if not alt:
        raise CXRLabError("A figure needs a text alternative. Say in alt what it shows.")
    figure = _figure_of(figure)
    png = BytesIO()
    figure.savefig(
        png,
        format="png",
        dpi=figure.dpi,
        bbox_inches="tight",
        metadata={"Description": alt, "Software": None},
    )
    plt.close(figure)  # or the notebook would show it a second time
    if get_ipython() is None:
        print(alt)
        return
    image = base64.b64encode(png.getvalue()).decode("ascii")
    display({"image/png": image, "text/plain": alt}, metadata={"image/png": {"alt": alt}}, raw=True)


def _figure_of(thing: Any) -> Figure:
    if isinstance(thing, Figure):
        return thing
    if isinstance(thing, np.ndarray | list | tuple):
        return _figure_of(np.ravel(np.asarray(thing, dtype=object))[0])
    if isinstance(figure := getattr(thing, "figure", None), Figure):
        return figure
    raise CXRLabError(f"A {type(thing).__name__} is no figure. Give a Matplotlib figure or axes.")
