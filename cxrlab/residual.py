"""A small residual network: sixteen times fewer parameters, and no Flatten that knows places."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cxrlab.images import IMAGE_SIZE

if TYPE_CHECKING:
    import keras

WIDTHS = (16, 32, 64, 128)


def residual_network(dropout: float = 0.1) -> keras.Model:
    """Build the network of the robust recipe (after He 2016, arXiv 1512.03385), not compiled.

    Four blocks of two convolutions with a way around them, then global average pooling: the
    network may say what it saw, but hardly where. 309,873 parameters. Batch normalisation
    (Ioffe and Szegedy 2015, arXiv 1502.03167) keeps it trainable at high learning rates.

    Input: float images of shape (batch, 224, 224, 3) within 0...1.
    Output: the score for COVID-19, shape (batch, 1), within 0...1, always float32.
    """
    import keras
    from keras import layers

    xray = keras.Input((IMAGE_SIZE, IMAGE_SIZE, 3), name="xray")
    x = _normalised(xray, WIDTHS[0], 5, 2, "stem")
    x = layers.Activation("relu", name="stem_relu")(x)
    x = layers.MaxPooling2D(2, name="stem_pool")(x)
    for block, width in enumerate(WIDTHS, start=1):
        x = _block(x, width, 1 if block == 1 else 2, f"block_{block}")
    x = layers.GlobalAveragePooling2D(name="average")(x)
    x = layers.Dropout(dropout, name="dropout")(x)
    score = layers.Dense(1, activation="sigmoid", dtype="float32", name="score")(x)
    return keras.Model(xray, score, name="residual_network")


def _block(x: Any, width: int, stride: int, name: str) -> Any:
    """Two convolutions beside a short cut, added up; ``stride`` 2 halves the map."""
    from keras import layers

    changed = _normalised(x, width, 3, stride, f"{name}_first")
    changed = layers.Activation("relu", name=f"{name}_relu")(changed)
    changed = _normalised(changed, width, 3, 1, f"{name}_second")
    if stride > 1:
        x = layers.AveragePooling2D(stride, name=f"{name}_pool")(x)
        x = _normalised(x, width, 1, 1, f"{name}_around")
    added = layers.Add(name=f"{name}_add")([x, changed])
    return layers.Activation("relu", name=f"{name}_out")(added)


def _normalised(x: Any, filters: int, kernel: int, stride: int, name: str) -> Any:
    """A convolution without bias, and batch normalisation with a short memory.

    Trainings here have a few hundred steps; with the usual momentum of 0.99 the averages kept
    for prediction would still hold the first ones.
    """
    from keras import layers

    x = layers.Conv2D(
        filters, kernel, strides=stride, padding="same", use_bias=False, name=f"{name}_conv"
    )(x)
    return layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x)
