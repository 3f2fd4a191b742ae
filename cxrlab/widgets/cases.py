"""X-rays by name, as a drop-down list offers them, and pictures of them on the screen."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from PIL import Image

from cxrlab.errors import CXRLabError
from cxrlab.pipeline import Xrays
from cxrlab.plots.style import CLASS_NAMES
from cxrlab.widgets.pictures import as_png

SIDE = 300  # pixels on the screen


def named_xrays(xrays: Xrays | Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Name to X-ray, uint8 (height, width, 1).

    ``xrays``: by name already (uint8, (height, width) or (height, width, 1)), or decoded ones,
    which are numbered and named by their true class. Raises :class:`CXRLabError` for none.
    """
    if isinstance(xrays, Xrays):
        xrays = {
            f"{number}: {CLASS_NAMES[label]}": pixels
            for number, (label, pixels) in enumerate(
                zip(xrays.labels, xrays.pixels, strict=True), start=1
            )
        }
    if not xrays:
        raise CXRLabError("There is no X-ray to choose from. Give at least one.")
    return {name: np.asarray(x).reshape(*np.shape(x)[:2], 1) for name, x in xrays.items()}


def enlarged_png(pixels: np.ndarray, simulated: bool = False) -> bytes:
    """An X-ray (uint8, (height, width, 1)) as a PNG of ``SIDE`` pixels, stamped where simulated."""
    image = Image.fromarray(pixels[..., 0]).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return as_png(np.asarray(image), simulated)


def per_cent_slider(description: str, value: float, least: float = 0, most: float = 100):
    """A slider of whole per cents of the image's side, for hand and keyboard."""
    import ipywidgets as widgets

    return widgets.IntSlider(
        value=round(value),
        min=round(least),
        max=round(most),
        step=1,
        description=description,
        style={"description_width": "9em"},
        layout={"width": "30em", "max_width": "100%"},
    )
