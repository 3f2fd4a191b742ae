"""Occlusion: cover a square, ask again, and see how far the evidence falls.

Unlike Grad-CAM it needs no gradient and no knowledge of the layers: it *tries* (Zeiler and Fergus
2014, 10.1007/978-3-319-10590-1_53).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cxrlab.errors import CXRLabError
from cxrlab.explain.network import as_stack, logit_network, outputs

if TYPE_CHECKING:
    import keras


def occlusion_map(
    model: keras.Model,
    pixels: np.ndarray,
    size: int = 32,
    stride: int = 16,
    fill: float | None = None,
    of: str = "logit",
    batch_size: int = 8,
) -> np.ndarray:
    """How much the evidence for COVID-19 falls when a square is covered, at every pixel.

    ``pixels``: uint8, one X-ray of shape (height, width) or (height, width, 1). ``size`` and
    ``stride`` of the square are in pixels; the last squares of a row and column end at the border.
    ``fill``: a grey value 0...255; None takes the image's own mean grey.
    ``of``: ``logit`` (log-odds: also tells apart what a score near 0 or 1 hides) or ``score``.

    Returns float64, shape (height, width): the mean drop over the squares that cover a pixel.
    Positive where the covered pixels spoke for COVID-19, negative where they spoke against it.
    Raises :class:`CXRLabError` for unusable pixels, sizes or a model without a single score.
    """
    return occlusion_maps(model, pixels, size, stride, fill, of, batch_size)[0]


def occlusion_maps(
    model: keras.Model,
    pixels: np.ndarray,
    size: int = 32,
    stride: int = 16,
    fill: float | None = None,
    of: str = "logit",
    batch_size: int = 8,
) -> np.ndarray:
    """:func:`occlusion_map` of several X-rays: shape (n, height, width).

    Each takes a run of the network a square: 169 with the sizes given on 224 × 224 pixels, some
    seconds on two cores. A stride of 32 takes 49.
    """
    if of not in ("logit", "score"):
        raise CXRLabError(f"The drop of {of!r} is unknown. Choose logit or score.")
    stack, _ = as_stack(model, pixels)
    height, width = stack.shape[1:3]
    if not (1 <= size <= min(height, width) and 1 <= stride <= size):
        raise CXRLabError(
            f"Squares of {size} pixels every {stride} pixels do not cover {height} × {width}. "
            "Take a size within the image and a stride from 1 to size."
        )
    squares = [(top, left) for top in _starts(height, size, stride)
               for left in _starts(width, size, stride)]  # fmt: skip
    network = logit_network(model)
    return np.stack(
        [_drops(network, image, squares, size, fill, of, batch_size) for image in stack]
    )


def _drops(
    network: keras.Model,
    image: np.ndarray,
    squares: list[tuple[int, int]],
    size: int,
    fill: float | None,
    of: str,
    batch_size: int,
) -> np.ndarray:
    grey = np.uint8(np.rint(image.mean() if fill is None else fill))
    found = [outputs(network, image[None])]
    for start in range(0, len(squares), batch_size):
        some = squares[start : start + batch_size]
        covered = np.repeat(image[None], len(some), axis=0)
        for one, (top, left) in zip(covered, some, strict=True):
            one[top : top + size, left : left + size] = grey
        found.append(outputs(network, covered, batch_size))
    values = np.concatenate(found)
    if of == "score":
        values = 1 / (1 + np.exp(-np.clip(values, -500, 500)))
    added, times = np.zeros((2, *image.shape[:2]))
    for (top, left), value in zip(squares, values[1:], strict=True):
        added[top : top + size, left : left + size] += values[0] - value
        times[top : top + size, left : left + size] += 1
    return added / times


def _starts(side: int, size: int, stride: int) -> list[int]:
    """Where the squares begin; the last one ends at the border, so that no pixel is left out."""
    return sorted({*range(0, side - size + 1, stride), side - size})
