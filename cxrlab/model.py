"""The networks: the published one layer by layer, a small residual one, and transfer learning.

All read float images of shape (batch, 224, 224, 3) within 0...1, and give the score for COVID-19,
shape (batch, 1), within 0...1, always float32. None comes compiled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from cxrlab.errors import CXRLabError
from cxrlab.images import IMAGE_SIZE

if TYPE_CHECKING:
    import keras

FILTERS = (32, 64, 128)
DROPOUT_LAYERS = len(FILTERS) + 1
RESIDUAL_WIDTHS = (16, 32, 64, 128)


class WeightsUnavailable(CXRLabError):
    """The weights that transfer learning starts from are not here and could not be fetched."""


def published_network(dense_units: int = 64, dropout: float | Sequence[float] = 0.3) -> keras.Model:
    """Build the network of the published project (Phan Dinh, 2021).

    Three blocks of convolution, pooling and dropout, then two dense layers: 13 layers and,
    with 64 dense units, 5,631,169 parameters. The publication does not state its dropout
    rates; 0.3 is ours, from the published search space.

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


def residual_network(dropout: float = 0.1) -> keras.Model:
    """Build the network of the robust recipe (after He 2016, arXiv 1512.03385).

    Four blocks of two convolutions with a way around them, then global average pooling: the
    network may say what it saw, but hardly where. 309,873 parameters. Batch normalisation
    (Ioffe and Szegedy 2015, arXiv 1502.03167) keeps it trainable at high learning rates.
    """
    import keras
    from keras import layers

    xray = keras.Input((IMAGE_SIZE, IMAGE_SIZE, 3), name="xray")
    x = _normalised(xray, RESIDUAL_WIDTHS[0], 5, 2, "stem")
    x = layers.Activation("relu", name="stem_relu")(x)
    x = layers.MaxPooling2D(2, name="stem_pool")(x)
    for block, width in enumerate(RESIDUAL_WIDTHS, start=1):
        x = _residual_block(x, width, 1 if block == 1 else 2, f"block_{block}")
    return _scored(xray, x, dropout, "residual_network")


def _residual_block(x: Any, width: int, stride: int, name: str) -> Any:
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


def _scored(xray: Any, maps: Any, dropout: float, name: str) -> keras.Model:
    """The network from ``xray`` to the score, by way of the averages of its last feature maps."""
    import keras
    from keras import layers

    x = layers.GlobalAveragePooling2D(name="average")(maps)
    x = layers.Dropout(dropout, name="dropout")(x)
    score = layers.Dense(1, activation="sigmoid", dtype="float32", name="score")(x)
    return keras.Model(xray, score, name=name)


def transfer_network(dropout: float = 0.3) -> keras.Model:
    """Build a network on MobileNetV3Small, which learned to see on photographs (ImageNet).

    The backbone (Howard 2019, arXiv 1905.02244) is frozen, its batch normalisation uses the
    averages of the photographs, and 577 weights of the last layer are left to learn. Studies of
    chest X-rays mostly take DenseNet121 (Rajpurkar 2017, arXiv 1711.05225); ours was chosen by the
    clock, and how much accuracy that costs was not measured.

    Raises :class:`WeightsUnavailable` when the weights are neither in Keras's folder,
    ``~/.keras/models``, nor to be had.
    """
    import keras
    from keras import layers

    xray = keras.Input((IMAGE_SIZE, IMAGE_SIZE, 3), name="xray")
    try:
        backbone = keras.applications.MobileNetV3Small(
            input_shape=(IMAGE_SIZE, IMAGE_SIZE, 3),
            include_top=False,
            weights="imagenet",  # fetched once; Keras compares the file with its hash
            include_preprocessing=False,
            name="backbone",
        )
    except Exception as error:  # of any kind, from no network to a damaged file
        raise WeightsUnavailable(
            "Transfer learning starts from the weights of MobileNetV3Small (4 MB). Keras could not "
            f"load them: {error}. Connect this computer to the internet and run this again, or put "
            "the file that it names into ~/.keras/models by hand."
        ) from error
    backbone.trainable = False
    # The photographs were scaled to -1...1.
    x = layers.Rescaling(2.0, offset=-1.0, name="photograph_scale")(xray)
    # training=False stays for good: batch normalisation keeps its averages even if somebody
    # unfreezes the backbone to tune it.
    return _scored(xray, backbone(x, training=False), dropout, "transfer_network")


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
