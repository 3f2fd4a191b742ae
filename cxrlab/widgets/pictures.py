"""X-rays as bytes for an ``ipywidgets.Image``: Pillow is quick enough to follow a slider."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFont


def as_png(pixels: np.ndarray, simulated: bool = False) -> bytes:
    """Grey values, uint8 (height, width), as a PNG; the word burnt in where they are simulated.

    Packed loosely: speed matters here, and size does not.
    """
    image = Image.fromarray(pixels)
    if simulated:
        _stamp(image)
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _stamp(image: Image.Image) -> None:
    """Burn the word ``simulated`` into the lower right corner."""
    draw, font = ImageDraw.Draw(image), ImageFont.load_default(size=15)
    corner = (image.width - 7, image.height - 7)
    left, top, right, bottom = draw.textbbox(corner, "simulated", font=font, anchor="rs")
    draw.rectangle((left - 4, top - 4, right + 4, bottom + 4), fill=30)
    draw.text(corner, "simulated", fill=255, font=font, anchor="rs")
