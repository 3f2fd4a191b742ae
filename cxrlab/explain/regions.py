"""Named parts of an X-ray, and hiding them."""

from __future__ import annotations

import numpy as np

from cxrlab.errors import CXRLabError
from cxrlab.images import IMAGE_SIZE
from cxrlab.preparation import LUNG_BOXES

#: Regions that :func:`region` knows, with what they are good for.
REGIONS = {
    "frame": "the outer border: no lung, but plates, letters and collimators",
    "centre": "all but the frame",
    "corners": "four squares: where side markers and hospital names stand",
    "lungs": "two upright boxes that hold the lungs of nearly every frontal chest X-ray",
    "outside lungs": "all but the two boxes of the lungs",
}


def region(
    name: str, width: float = 0.1, shape: tuple[int, int] = (IMAGE_SIZE, IMAGE_SIZE)
) -> np.ndarray:
    """A region as a mask: bool, ``shape`` (height, width), True inside.

    ``width`` is the thickness of the frame or the side of a corner's square, as a share (above 0
    and below 0.5) of the image's side; the lungs are the same two boxes whatever it is.
    Raises :class:`CXRLabError` for another name or width.
    """
    if name not in REGIONS:
        raise CXRLabError(f"There is no region {name!r}. Choose one of {', '.join(REGIONS)}.")
    if not 0 < width < 0.5:
        raise CXRLabError(f"The width is {width}, but should be a share above 0 and below 0.5.")
    height, across = shape
    if name in ("lungs", "outside lungs"):
        inside = np.zeros(shape, bool)
        for top, bottom, left, right in LUNG_BOXES:
            rows = slice(round(top * height), round(bottom * height))
            inside[rows, round(left * across) : round(right * across)] = True
        return inside if name == "lungs" else ~inside
    rows = _near_an_edge(height, width)[:, None]
    columns = _near_an_edge(across, width)[None, :]
    if name == "corners":
        return rows & columns
    frame = rows | columns
    return frame if name == "frame" else ~frame


def hide(
    pixels: np.ndarray,
    where: str | np.ndarray,
    width: float = 0.1,
    fill: float | None = None,
) -> np.ndarray:
    """A copy of the X-rays with a region filled in evenly, to ask the trained network again.

    ``pixels``: uint8, shape (height, width), (height, width, 1) or (n, height, width, 1).
    ``where``: a name of ``REGIONS`` (with ``width``), or a mask of bool (height, width).
    ``fill``: a grey value 0...255; None takes, for each X-ray, the mean of what stays visible:
    its exposure stays as it was, and the fill tells nothing about what is hidden.

    A filled image is unlike any that the network was trained on, and a lower score may partly be
    the surprise: hide a region of the same area elsewhere for comparison, or train anew on hidden
    images (Hooker et al. 2019, arXiv 1806.10758).
    Raises :class:`CXRLabError` when the mask does not fit or hides everything.
    """
    pixels = np.asarray(pixels)
    single = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[-1] == 1)
    images = pixels.reshape(-1, *(pixels.shape[:2] if single else pixels.shape[1:3]))
    shape = images.shape[1:]
    mask = region(where, width, shape) if isinstance(where, str) else np.asarray(where, bool)
    if mask.shape != shape:
        raise CXRLabError(f"The mask has shape {mask.shape}, but the X-rays are {shape}.")
    if fill is None and mask.all():
        raise CXRLabError("The mask hides everything. Leave some of the X-ray visible, or set fill")
    hidden = images.copy()
    for image in hidden:
        image[mask] = np.rint(image[~mask].mean() if fill is None else fill).astype(np.uint8)
    return hidden.reshape(pixels.shape)


def _near_an_edge(side: int, width: float) -> np.ndarray:
    edge = max(1, round(width * side))
    place = np.arange(side)
    return (place < edge) | (place >= side - edge)
