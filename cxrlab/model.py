"""The published network, layer by layer, and a table that shows where its parameters sit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cxrlab.images import IMAGE_SIZE

if TYPE_CHECKING:
    import keras

FILTERS = (32, 64, 128)
DROPOUT_LAYERS = len(FILTERS) + 1


def published_network(dense_units: int = 64, dropout: float | Sequence[float] = 0.3) -> keras.Model:
    """Build the network of the published project (Phan Dinh, 2021), not yet compiled.

    Three blocks of convolution, pooling and dropout, then two dense layers: 13 layers and,
    with 64 dense units, 5,631,169 parameters. The publication does not state its dropout
    rates; 0.3 is ours, from the published search space.

    Input: float images of shape (batch, 224, 224, 3) within 0...1.
    Output: the score for COVID-19, shape (batch, 1), within 0...1, always float32.

    ``dropout`` is one rate for all four Dropout layers or one rate for each.
    Raises ``ValueError`` when the number of rates is neither.
    """
    import keras
    from keras import layers

    rates = [dropout] * DROPOUT_LAYERS if isinstance(dropout, int | float) else list(dropout)
    if len(rates) != DROPOUT_LAYERS:
        raise ValueError(
            f"The network has {DROPOUT_LAYERS} Dropout layers, but got {len(rates)} rates."
        )

    stack = [keras.Input((IMAGE_SIZE, IMAGE_SIZE, 3), name="xray")]
    for block, (filters, rate) in enumerate(zip(FILTERS, rates, strict=False), start=1):
        stack += [
            layers.Conv2D(filters, 3, activation="relu", name=f"conv_{block}"),
            layers.MaxPooling2D(2, name=f"pool_{block}"),
            layers.Dropout(rate, name=f"dropout_{block}"),
        ]
    stack += [
        layers.Flatten(name="flatten"),
        layers.Dense(dense_units, activation="relu", name="dense"),
        layers.Dropout(rates[-1], name=f"dropout_{DROPOUT_LAYERS}"),
        # In half precision a sigmoid saturates early and ties the scores; float32 keeps them apart.
        layers.Dense(1, activation="sigmoid", dtype="float32", name="score"),
    ]
    return keras.Sequential(stack, name="published_network")


def float32_copy(model: keras.Model) -> keras.Model:
    """A copy with the same weights that computes in float32 in every layer, not compiled."""
    copy = type(model).from_config(_in_float32(model.get_config()))
    copy.set_weights([np.asarray(weights, np.float32) for weights in model.get_weights()])
    return copy


def _in_float32(config: Any) -> Any:
    """The configuration of a model with float32 as the type of every layer in it."""
    if isinstance(config, dict):
        return {
            key: "float32" if key == "dtype" and value is not None else _in_float32(value)
            for key, value in config.items()
        }
    if isinstance(config, list | tuple):
        return type(config)(_in_float32(value) for value in config)
    return config
