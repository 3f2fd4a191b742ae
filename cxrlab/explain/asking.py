"""One question at a time: quick enough to answer while a slider moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cxrlab.explain.network import as_input, as_stack

if TYPE_CHECKING:
    import keras


def scores_now(model: keras.Model, pixels: np.ndarray, batch_size: int = 32) -> np.ndarray:
    """Scores of a few X-rays as the network reads them: float64, shape (n,), within 0...1.

    ``pixels``: uint8, shape (height, width), (height, width, 1) or (n, height, width, 1). A call
    of the network instead of ``model.predict``, which takes longer to set out than one X-ray does.
    Raises :class:`cxrlab.errors.CXRLabError` for pixels that the network cannot read.
    """
    stack, _ = as_stack(model, pixels)
    found = [
        model(as_input(model, stack[start : start + batch_size]), training=False)
        for start in range(0, len(stack), batch_size)
    ]
    return np.concatenate([np.asarray(batch, np.float64)[:, 0] for batch in found])
