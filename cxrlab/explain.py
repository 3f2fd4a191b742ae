"""Looking inside a trained network: what its layers make of one X-ray."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cxrlab.errors import CXRLabError

if TYPE_CHECKING:
    import keras


def first_filters(model: keras.Model) -> np.ndarray:
    """The kernels of the first convolution, shape (filters, 3, 3).

    The three channels of our input are equal, so only the sum of a kernel's three slices counts.
    """
    kernels = np.asarray(_convolutions(model)[0].get_weights()[0])
    return kernels.sum(axis=2).transpose(2, 0, 1)


def feature_maps(model: keras.Model, pixels: np.ndarray) -> dict[str, np.ndarray]:
    """What each convolution layer makes of one X-ray: layer name to maps (height, width, filters).

    ``pixels``: uint8, shape (224, 224) or (224, 224, 1).
    """
    import keras

    layers = _convolutions(model)
    inner = keras.Model(model.inputs, [layer.output for layer in layers])
    grey = np.asarray(pixels, np.float32).reshape(1, *pixels.shape[:2], 1) / 255.0
    maps = inner.predict(np.repeat(grey, 3, axis=-1), verbose=0)
    return {layer.name: found[0] for layer, found in zip(layers, maps, strict=True)}


def _convolutions(model: keras.Model) -> list[keras.Layer]:
    import keras

    found = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    if not found:
        raise CXRLabError(f"{model.name} has no convolution layer, so there are no maps to show.")
    return found
