"""What the layers of a convolutional network do, one picture at a time and without a network.

NumPy alone, so that each operation fits on a screen and can be checked against Keras.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from cxrlab.errors import CXRLabError

# Three rows of three weights, as Keras lays them over the picture (not flipped).
KERNELS: dict[str, np.ndarray] = {
    "identity": np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]], float),
    "vertical edges": np.array([[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]], float),
    "horizontal edges": np.array([[-1, -1, -1], [0, 0, 0], [1, 1, 1]], float),
    "blur": np.full((3, 3), 1 / 9),
    "sharpen": np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]], float),
    "Laplacian": np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]], float),
}

LIVING = 0.05  # the share of a feature map that is not 0, below which it is left out of a figure


def convolve(pixels: np.ndarray, kernel: np.ndarray, bias: float = 0.0) -> np.ndarray:
    """Slide ``kernel`` over ``pixels`` as Keras's Conv2D does: the map of its weighted sums.

    ``pixels``: numbers, shape (height, width). ``kernel``: shape (rows, columns).
    Returns float64, shape (height - rows + 1, width - columns + 1): only windows that lie
    wholly inside the picture count ("valid" padding). The kernel is not flipped, so a
    mathematician calls this a cross-correlation.
    Raises :class:`CXRLabError` when the kernel is larger than the picture or either is not flat.
    """
    pixels, kernel = np.asarray(pixels, float), np.asarray(kernel, float)
    if pixels.ndim != 2 or kernel.ndim != 2:
        raise CXRLabError(
            f"convolve got shapes {pixels.shape} and {kernel.shape}, but expects two numbers in "
            "each: (height, width). Take one channel with pixels[:, :, 0]."
        )
    if kernel.shape[0] > pixels.shape[0] or kernel.shape[1] > pixels.shape[1]:
        raise CXRLabError(
            f"A kernel of shape {kernel.shape} finds no place inside {pixels.shape} pixels. "
            "Take a smaller kernel or a larger picture."
        )
    windows = sliding_window_view(pixels, kernel.shape)
    return np.einsum("ijkl,kl->ij", windows, kernel) + bias


def relu(values: np.ndarray) -> np.ndarray:
    """Negative numbers become 0, the others stay: any shape."""
    return np.maximum(values, 0)


def max_pool(values: np.ndarray, size: int = 2) -> np.ndarray:
    """The largest number of each ``size`` × ``size`` square: shape (height // size, width // size).

    Rows and columns that fill no whole square are left out, as Keras's MaxPooling2D does.
    Raises :class:`CXRLabError` when the map is smaller than one square.
    """
    values = np.asarray(values)
    rows, columns = values.shape[0] // size, values.shape[1] // size
    if rows == 0 or columns == 0:
        raise CXRLabError(
            f"A map of {values.shape[0]} × {values.shape[1]} holds no square of {size} × {size}. "
            "Pool a larger map."
        )
    squares = values[: rows * size, : columns * size].reshape(rows, size, columns, size)
    return squares.max(axis=(1, 3))


def busiest_patch(pixels: np.ndarray, kernel: np.ndarray, size: int = 5) -> tuple[int, int]:
    """Top row and left column of the ``size`` × ``size`` patch where the kernel answers most.

    That is, where its outputs within the patch, after ReLU, add up to most. Only the middle half
    of the picture is searched: letters and the edge of the plate lie further out.
    """
    top, left = (side // 4 for side in pixels.shape)
    middle = pixels[top : 3 * top, left : 3 * left]
    answers = relu(convolve(middle, kernel))
    outputs = size - kernel.shape[0] + 1
    added = convolve(answers, np.ones((outputs, outputs)))
    row, column = np.unravel_index(int(added.argmax()), added.shape)
    return top + int(row), left + int(column)


def liveliest_corner(values: np.ndarray, size: int = 3) -> tuple[int, int]:
    """Row and column of the ``size`` × ``size`` numbers that differ most from one another.

    Only the middle half is searched, as in :func:`busiest_patch`.
    """
    top, left = (side // 4 for side in values.shape)
    middle = values[top : 3 * top, left : 3 * left]
    spread = sliding_window_view(middle, (size, size)).std(axis=(2, 3))
    row, column = np.unravel_index(int(spread.argmax()), spread.shape)
    return top + int(row), left + int(column)


def most_different(maps: np.ndarray, count: int = 5) -> list[int]:
    """The numbers of ``count`` feature maps that resemble one another least.

    ``maps``: shape (height, width, filters). The most varied map comes first, then always the one
    whose strongest correlation with those taken is the weakest. Maps that are 0 nearly everywhere
    (``LIVING``) show nothing: they are taken only where no others are left.
    """
    flat = np.asarray(maps, float).reshape(-1, maps.shape[-1])
    spread = flat.std(axis=0)
    unit = (flat - flat.mean(axis=0)) / np.where(spread > 0, spread, 1)
    alike = np.abs(unit.T @ unit) / len(flat)
    alike[:, (flat != 0).mean(axis=0) < LIVING] = 2  # behind all others
    alike[:, spread == 0] = 3
    taken = [int(spread.argmax())]
    while len(taken) < min(count, maps.shape[-1]):
        nearest = alike[taken].max(axis=0)
        nearest[taken] = np.inf
        taken.append(int(nearest.argmin()))
    return taken


def to_picture(values: np.ndarray) -> np.ndarray:
    """A feature map as grey values: uint8, the same shape.

    Black is 0 or the smallest value, white the largest, with the most extreme 0.5 % on either
    side cut off, so that one bright speck does not darken the rest. A map without negative
    values thus shows 0 as black.
    """
    values = np.asarray(values, float)
    low, high = np.percentile(values, [0.5, 99.5])
    low, high = min(0.0, low), max(0.0, high)
    if high == low:  # zero everywhere
        return np.zeros(values.shape, np.uint8)
    return np.rint(np.clip((values - low) / (high - low), 0, 1) * 255).astype(np.uint8)
