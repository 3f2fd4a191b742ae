"""How the course's figures look, and how they are shown: one palette, large letters, a text.

:func:`show` stores a figure's text alternative three times in the output: as the ``alt`` of its
metadata, where the pages of ``cxrlab run`` look for it; as ``text/plain``, for terminals and
readers of the raw notebook; and inside the PNG as its ``Description``. JupyterLab (4.6) shows no
``alt`` from the metadata, so the text beside a figure should say what matters in it, too.
"""

from __future__ import annotations

import base64
import warnings
from io import BytesIO
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
from matplotlib.figure import Figure

from cxrlab.errors import CXRLabError

# Okabe and Ito's blue (darkened, so that the two differ in greyscale print too) and vermillion:
# apart for every kind of colour blindness, both dark enough for thin lines on white.
NOT_COVID = "#004C8C"
COVID = "#D55E00"
CLASS_NAMES = ("not COVID-19", "COVID-19")  # in the order of the labels 0 and 1

INK = "#222222"  # text, thresholds, anything that must be seen
GREY = "#767676"  # references and remarks: still readable on white

# For several columns in one figure: each has another marker, too.
SERIES_COLOURS = (NOT_COVID, COVID, "#A6447E", "#009E73", INK)
SERIES_MARKERS = ("o", "s", "D", "^", "v")

WIDTH = 7.0  # inches: the width of a notebook's output
DPI = 110


def use_style() -> None:
    """Set Matplotlib's defaults for the whole session; call it once at the top of a notebook."""
    # seaborn's grids bring a layout of their own, which is meant.
    warnings.filterwarnings("ignore", "The figure layout has changed to tight")
    sns.set_theme(
        style="whitegrid",
        palette=[NOT_COVID, COVID],
        font_scale=0.9,
        rc={
            "axes.edgecolor": GREY,
            "axes.spines.right": False,
            "axes.spines.top": False,
            "axes.titlelocation": "left",
            "figure.constrained_layout.use": True,
            "figure.dpi": DPI,
            "figure.figsize": (WIDTH, 4.2),
            "image.cmap": "gray",
            "legend.frameon": False,
            "savefig.dpi": DPI,
        },
    )


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
    first = np.ravel(np.asarray(figure, dtype=object))[0]
    drawn = getattr(first, "figure", None)
    if not isinstance(drawn, Figure):
        kind = type(first).__name__
        raise CXRLabError(f"A {kind} is no figure. Give a Matplotlib figure or axes.")
    image = closed_png(drawn, alt)
    if get_ipython() is None:
        print(alt)
        return
    display({"image/png": image, "text/plain": alt}, metadata={"image/png": {"alt": alt}}, raw=True)


def closed_png(figure: Figure, alt: str) -> str:
    """The figure as a PNG in Base64, its text inside; closed, or it would be shown once more."""
    png = BytesIO()
    about = {"Description": alt, "Software": None}
    figure.savefig(png, format="png", dpi=figure.dpi, bbox_inches="tight", metadata=about)
    plt.close(figure)
    return base64.b64encode(png.getvalue()).decode("ascii")
