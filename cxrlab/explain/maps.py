"""Looking inside a trained network: what its layers make of one X-ray."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cxrlab.errors import CXRLabError
from cxrlab.explain.network import as_input, inner_layers, watched
from cxrlab.model import float32_copy

if TYPE_CHECKING:
    import keras
    import tensorflow as tf


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
    network = float32_copy(model)  # because watching a layer changes it
    stack = np.asarray(pixels).reshape(1, *pixels.shape[:2], 1)
    maps: dict[str, np.ndarray] = {}

    def keep(layer: keras.Layer, output: tf.Tensor) -> None:
        if output.shape[1] * output.shape[2] > 1:  # else it weighs maps and is none
            maps[layer.name] = np.asarray(output)[0]

    with watched(_convolutions(network), keep):
        network(as_input(network, stack), training=False)
    return maps


def most_different(maps: np.ndarray, each: int = 5, faintest: float = 0.1) -> list[int]:
    """The numbers of ``each`` maps that resemble one another least, the most varied one first.

    ``maps``: shape (height, width, filters), from :func:`feature_maps`. Always takes the map whose
    strongest correlation with those taken is the weakest. Maps whose spread is below ``faintest``
    of the largest spread show next to nothing: they are taken only where no others are left, the
    more varied ones first.
    """
    flat = maps.reshape(-1, maps.shape[-1]).astype(float)
    spread = flat.std(axis=0)
    unit = (flat - flat.mean(axis=0)) / np.where(spread > 0, spread, 1)
    alike = np.abs(unit.T @ unit) / len(flat)
    faint = spread < faintest * spread.max()
    alike[:, faint] = 2 - spread[faint] / spread.max()  # behind all others
    taken = [int(spread.argmax())]
    while len(taken) < min(each, maps.shape[-1]):
        nearest = alike[taken].max(axis=0)
        nearest[taken] = np.inf
        taken.append(int(nearest.argmin()))
    return taken


def _convolutions(model: keras.Model) -> list[keras.Layer]:
    import keras

    found = [layer for layer in inner_layers(model) if isinstance(layer, keras.layers.Conv2D)]
    if not found:
        raise CXRLabError(f"{model.name} has no convolution layer, so there are no maps to show.")
    return found
