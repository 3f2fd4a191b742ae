"""What the layers of a convolutional network do, one picture at a time and without a network.

NumPy alone, so that each operation fits on a screen and can be checked against Keras.
"""

from collections.abc import Callable

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

# Three rows of three weights, as Keras lays them over the picture (not flipped).
KERNELS: dict[str, np.ndarray] = {
    "identity": np.array([[0, 0, 0], [0, 1, 0], [0, 0, 0]], float),
    "vertical edges": np.array([[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]], float),
    "horizontal edges": np.array([[-1, -1, -1], [0, 0, 0], [1, 1, 1]], float),
    "blur": np.full((3, 3), 1 / 9),
    "sharpen": np.array([[0, -1, 0], [-1, 5, -1], [0, -1, 0]], float),
    "Laplacian": np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]], float),
}


def convolve(pixels: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Slide ``kernel`` over ``pixels`` as Keras's Conv2D does: the map of its weighted sums.

    ``pixels``: numbers, shape (height, width). ``kernel``: shape (rows, columns), not flipped: a
    mathematician calls this a cross-correlation. Returns float64, shape (height - rows + 1,
    width - columns + 1): only windows that lie wholly inside count ("valid" padding).
    """
    windows = sliding_window_view(np.asarray(pixels, float), kernel.shape)
    return np.einsum("ijkl,kl->ij", windows, kernel)


def relu(values: np.ndarray) -> np.ndarray:
    """Negative numbers become 0, the others stay: any shape."""
    return np.maximum(values, 0)


def max_pool(values: np.ndarray, size: int = 2) -> np.ndarray:
    """The largest number of each ``size`` × ``size`` square: shape (height // size, width // size).

    Rows and columns that fill no whole square are left out, as Keras's MaxPooling2D does.
    """
    rows, columns = values.shape[0] // size, values.shape[1] // size
    squares = values[: rows * size, : columns * size].reshape(rows, size, columns, size)
    return squares.max(axis=(1, 3))


def busiest_patch(pixels: np.ndarray, kernel: np.ndarray) -> tuple[int, int]:
    """Top row and left column of the 5 × 5 patch where the kernel answers most.

    That is, where its outputs within the patch, after ReLU, add up to most.
    """
    outputs = np.ones(np.subtract(6, kernel.shape))
    return _top_of_the_middle(pixels, lambda part: convolve(relu(convolve(part, kernel)), outputs))


def liveliest_corner(values: np.ndarray) -> tuple[int, int]:
    """Row and column of the first of the 3 × 3 numbers that differ most from one another."""
    return _top_of_the_middle(
        values, lambda part: sliding_window_view(part, (3, 3)).std(axis=(2, 3))
    )


def _top_of_the_middle(values: np.ndarray, measure: Callable) -> tuple[int, int]:
    """Where ``measure`` is largest in the middle half: letters and the plate's edge lie outside."""
    top, left = (side // 4 for side in values.shape)
    found = measure(values[top : 3 * top, left : 3 * left])
    row, column = np.unravel_index(int(found.argmax()), found.shape)
    return top + int(row), left + int(column)


def most_different(maps: np.ndarray, count: int) -> list[int]:
    """The numbers of ``count`` feature maps that resemble one another least.

    ``maps``: shape (height, width, filters). The most varied map comes first, then always the one
    whose strongest correlation with those taken is the weakest. Maps of which less than 5 % is not
    0 show nothing: they are taken only where no others are left.
    """
    flat = np.asarray(maps, float).reshape(-1, maps.shape[-1])
    spread = flat.std(axis=0)
    unit = (flat - flat.mean(axis=0)) / np.where(spread > 0, spread, 1)
    alike = np.abs(unit.T @ unit) / len(flat)
    alike[:, (flat != 0).mean(axis=0) < 0.05] = 2  # behind all others
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
    return np.rint(np.clip((values - low) / ((high - low) or 1), 0, 1) * 255).astype(np.uint8)
