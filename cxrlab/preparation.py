"""Changing X-rays before training, so that a network has less to learn a source by.

Each preparation looks at one X-ray at a time and at nothing else, neither its label nor the other
X-rays, so that none can carry anything from a test set into training.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageOps

from cxrlab.errors import CXRLabError
from cxrlab.images import to_square

#: What :func:`prepare_pixels` can do, and what for.
PREPARATIONS = {
    "none": "the X-ray as it is",
    "equalise": "every grey value as frequent as the others: exposure and window are gone",
    "clahe": "the same in small tiles, with a limit: local contrast, wherever the X-ray is dark",
    "lung field": "only the box that holds the lungs: no frame, no plates, few letters",
}

# Top, bottom, left, right as shares of the sides. Generous on purpose: drawn around the lungs in
# the mean image of 60 X-rays each of adults with and without COVID-19, of children, and of the
# phantoms, so that little of any lung is left when they are hidden.
LUNG_BOXES = ((0.12, 0.90, 0.08, 0.46), (0.12, 0.90, 0.54, 0.92))

FRAME = 0.1  # the outer part of each side that the lung field leaves out in any case

# Of scikit-image's scale from 0 to 1, its own default; higher limits also raise the noise.
CLIP_LIMIT = 0.01
TILES = 8  # a row and a column


def prepare_pixels(pixels: np.ndarray, how: str) -> np.ndarray:
    """Prepare X-rays in one of the ways of ``PREPARATIONS``; the ones given stay as they are.

    ``pixels``: uint8, shape (n, height, width, 1), or one X-ray (height, width) or
    (height, width, 1); the sides are equal for "lung field". Returns uint8 of the same shape.

    "equalise" is histogram equalisation over the whole X-ray, "clahe" contrast-limited adaptive
    histogram equalisation (Pizer et al. 1987, 10.1016/S0734-189X(87)80186-X), "lung field" the
    fixed crop of :func:`lung_field`. All but "none" also remove what a radiologist may want to
    see: how dense one region is beside another X-ray's.

    Raises :class:`CXRLabError` for another name or for pixels of another type or shape.
    """
    if how not in PREPARATIONS:
        raise CXRLabError(
            f"There is no preparation {how!r}. Choose one of {', '.join(PREPARATIONS)}."
        )
    pixels = np.asarray(pixels)
    one = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[-1] == 1)
    if pixels.dtype != np.uint8 or not (one or (pixels.ndim == 4 and pixels.shape[-1] == 1)):
        raise CXRLabError(
            f"Got pixels of type {pixels.dtype} and shape {pixels.shape}, but expected uint8 "
            "(0 to 255) of shape (n, height, width, 1) or (height, width), as decode() gives."
        )
    prepared = np.array(pixels)
    images = prepared.reshape(-1, *(pixels.shape[:2] if one else pixels.shape[1:3]))
    change = _CHANGES[how]
    for image in images:  # a view of ``prepared``
        image[:] = change(image)
    return prepared


def lung_field(image: np.ndarray) -> np.ndarray:
    """Crop an X-ray, uint8 (side, side), to the box that holds the lungs, and resize it back.

    **No lung is looked for.** The box is the same for every X-ray: the smallest around
    ``LUNG_BOXES``, less the outer tenth of the image. In most frontal chest X-rays of this course
    it holds the lungs but for the outermost ribs and the lowest corners; on one that was badly
    centred it cuts lung off, and it keeps shoulders, belly, tubes and letters that lie within.
    A box found in the image would fit better, but lungs are found by being dark: it would fit worst
    where they are white with disease, and its very size would then tell the label.
    """
    side = len(image)
    if image.shape[1] != side:
        raise CXRLabError(
            f"The lung field needs a square X-ray, but got {image.shape[1]} × {side} pixels. "
            "Resize with cxrlab.images.to_square."
        )
    top, bottom, left, right = lung_field_box()
    rows = slice(round(top * side), round(bottom * side))
    return to_square(image[rows, round(left * side) : round(right * side)], side)


def lung_field_box() -> tuple[float, float, float, float]:
    """Top, bottom, left and right of the crop as shares of the image's sides."""
    tops, bottoms, lefts, rights = zip(*LUNG_BOXES, strict=True)
    return (
        max(min(tops), FRAME),
        min(max(bottoms), 1 - FRAME),
        max(min(lefts), FRAME),
        min(max(rights), 1 - FRAME),
    )


def _equalised(image: np.ndarray) -> np.ndarray:
    return np.asarray(ImageOps.equalize(Image.fromarray(image)))


def _clahe(image: np.ndarray) -> np.ndarray:
    from skimage.exposure import equalize_adapthist

    if image.min() == image.max():  # no contrast to raise, and scikit-image would divide by it
        return image
    tile = [max(1, side // TILES) for side in image.shape]
    found = equalize_adapthist(image, kernel_size=tile, clip_limit=CLIP_LIMIT)
    return np.rint(255 * found).astype(np.uint8)


_CHANGES: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "none": lambda image: image,
    "equalise": _equalised,
    "clahe": _clahe,
    "lung field": lung_field,
}
