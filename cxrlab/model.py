"""The networks: the published one layer by layer, a small residual one, and ensembles.

All read float images of shape (batch, 224, 224, 3) within 0...1, and give the score for COVID-19,
shape (batch, 1), within 0...1, always float32. None comes compiled.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from cxrlab.images import IMAGE_SIZE

if TYPE_CHECKING:
    import keras

DROPOUT_LAYERS = 4
EDGE = 28  # pixels by which an X-ray is continued before it is blurred
CROPS = (0, 9, 18)  # margins that leave the whole, 92 % and 84 % of the width


def published_network(dense_units: int = 64, dropout: float | Sequence[float] = 0.3) -> keras.Model:
    """Build the network of the published project (Phan Dinh, 2021), as notebook 03 does.

    13 layers and, with 64 dense units, 5,631,169 parameters. ``dropout`` is one rate for all four
    Dropout layers or one for each (else ``ValueError``). The publication does not state its rates;
    0.3 is ours, from the published search space.
    Example: ``model = published_network(dense_units=128, dropout=0.2)``.
    """
    import keras
    from keras import layers

    rates = [dropout] * DROPOUT_LAYERS if isinstance(dropout, int | float) else list(dropout)
    if len(rates) != DROPOUT_LAYERS:
        raise ValueError(
            f"The network has {DROPOUT_LAYERS} Dropout layers, but got {len(rates)} rates."
        )
    stack = [keras.Input((IMAGE_SIZE, IMAGE_SIZE, 3), name="xray")]
    for block, (filters, rate) in enumerate(zip((32, 64, 128), rates, strict=False), start=1):
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


def local_contrast(xray):
    """Each pixel's distance from the mean around it, in standard deviations: about 0.5 for none.

    ``xray``: (batch, 224, 224, 1) within 0...1, a tensor or a Keras input; the result is of this
    shape, within -1...2. What exposure, film curve and collimation do to whole regions is gone.
    The window is about 24 pixels wide (after Jarrett 2009, 10.1109/ICCV.2009.5459469).
    """
    from keras import layers, ops

    def blurred(x):
        x = ops.pad(x, [[0, 0], [EDGE, EDGE], [EDGE, EDGE], [0, 0]], mode="symmetric")
        x = layers.AveragePooling2D(8, 4, dtype="float32")(x)
        x = layers.AveragePooling2D(5, 1, padding="same", dtype="float32")(x)
        x = layers.Resizing(IMAGE_SIZE + 2 * EDGE, IMAGE_SIZE + 2 * EDGE, dtype="float32")(x)
        return layers.Cropping2D(EDGE, dtype="float32")(x)

    distance = xray - blurred(xray)
    deviation = ops.sqrt(blurred(distance * distance) + 1e-3)
    return ops.clip(0.5 + 0.2 * distance / deviation, -1, 2)


def residual_network(dropout: float = 0.1) -> keras.Model:
    """Build the network of the recipes ``known`` and ``robust`` (after He 2016, arXiv 1512.03385).

    Local contrast, then four blocks of two convolutions with a way around them, then global average
    pooling: the network may say what it saw, but hardly where. 309,073 parameters.
    """
    import keras
    from keras import layers

    def normalised(x, filters: int, kernel: int, stride: int, name: str):
        """A convolution without bias, and batch normalisation (2015, arXiv 1502.03167).

        Its memory is short: after a few hundred steps a momentum of 0.99 still holds the first.
        """
        x = layers.Conv2D(
            filters, kernel, strides=stride, padding="same", use_bias=False, name=f"{name}_conv"
        )(x)
        return layers.BatchNormalization(momentum=0.9, name=f"{name}_norm")(x)

    xray = keras.Input((IMAGE_SIZE, IMAGE_SIZE, 3), name="xray", dtype="float32")
    x = normalised(local_contrast(xray[..., :1]), 16, 5, 2, "stem")
    x = layers.Activation("relu", name="stem_relu")(x)
    x = layers.MaxPooling2D(2, name="stem_pool")(x)
    # Every block but the first halves the map.
    for number, (width, stride) in enumerate([(16, 1), (32, 2), (64, 2), (128, 2)], start=1):
        name = f"block_{number}"
        changed = normalised(x, width, 3, stride, f"{name}_first")
        changed = layers.Activation("relu", name=f"{name}_relu")(changed)
        changed = normalised(changed, width, 3, 1, f"{name}_second")
        if stride > 1:
            x = layers.AveragePooling2D(stride, name=f"{name}_pool")(x)
            x = normalised(x, width, 1, 1, f"{name}_around")
        x = layers.Add(name=f"{name}_add")([x, changed])
        x = layers.Activation("relu", name=f"{name}_out")(x)
    x = layers.GlobalAveragePooling2D(name="average")(x)
    x = layers.Dropout(dropout, name="dropout")(x)
    score = layers.Dense(1, activation="sigmoid", dtype="float32", name="score")(x)
    return keras.Model(xray, score, name="residual_network")


def ensemble(members: Sequence[keras.Model], crops: Sequence[int] = CROPS) -> keras.Model:
    """One network whose score is the mean of its members' log odds, over several views each.

    A view is the X-ray without a margin of so many pixels, as it is and mirrored.
    Example: ``ensemble([trained_with_seed_0, trained_with_seed_1])``.
    """
    import keras
    from keras import layers, ops

    xray = keras.Input((IMAGE_SIZE, IMAGE_SIZE, 3), name="xray", dtype="float32")
    views = []
    for margin in crops:
        view = xray
        if margin:
            view = layers.Cropping2D(margin, dtype="float32")(xray)
            view = layers.Resizing(IMAGE_SIZE, IMAGE_SIZE, dtype="float32")(view)
        views += [view, ops.flip(view, axis=2)]
    named = [
        keras.Model(each.inputs[0], each.outputs[0], name=f"{each.name}_{number}")
        for number, each in enumerate(members, start=1)
    ]  # two may bear one name
    scores = [ops.clip(member(view), 1e-7, 1 - 1e-7) for member in named for view in views]
    odds = [ops.log(score) - ops.log(1 - score) for score in scores]
    score = layers.Activation("sigmoid", dtype="float32", name="score")(sum(odds) / len(odds))
    return keras.Model(xray, score, name="ensemble")
