"""Grad-CAM: where in an X-ray the last feature maps hold evidence for COVID-19.

The gradient is that of the **logit**, log(score / (1 - score)), not of the score. The score is a
sigmoid of the logit, and its gradient carries the factor score · (1 - score): for a case that the
network is sure of it sinks below what float32 can tell from zero, and the map would vanish or be
rounding noise just where the network is surest. The factor is the same for every pixel, so the
map is otherwise unchanged. Selvaraju et al., too, take the value before the last activation.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cxrlab.errors import CXRLabError
from cxrlab.explain.network import as_input, as_stack, inner_layers, logit_network, watched

if TYPE_CHECKING:
    import keras


def grad_cam(
    model: keras.Model, pixels: np.ndarray, layer: str | None = None, batch_size: int = 8
) -> np.ndarray:
    """Grad-CAM (Selvaraju et al. 2017, 10.1109/ICCV.2017.74) of one X-ray or several.

    Each feature map of ``layer`` is weighted by the mean gradient of the logit over that map; the
    sum keeps only what speaks **for** COVID-19 and is stretched to the size of the image.

    ``pixels``: uint8, shape (height, width), (height, width, 1) or (n, height, width, 1).
    ``layer``: a name; None takes :func:`evidence_layer`.
    Returns float32, shape (height, width) or (n, height, width), each map within 0...1 with its
    largest value at 1, or 0 everywhere where there is no positive evidence. So colours tell where,
    never how much: compare scores for that.

    Two limits. The published network flattens its maps, so that a map counts differently in every
    place; the *mean* gradient forgets this and can light up a place that the network ignores
    (:func:`hires_cam` does not). And a map is stretched as if its cells tiled the image, which is
    off by up to 8 of 224 pixels at the borders of the published network.

    Raises :class:`CXRLabError` for unusable pixels, a model without feature maps or without a
    single score, or an unknown layer.
    """
    return _evidence(model, pixels, layer, batch_size, mean_gradient=True)


def hires_cam(
    model: keras.Model, pixels: np.ndarray, layer: str | None = None, batch_size: int = 8
) -> np.ndarray:
    """HiResCAM (Draelos and Carin 2020, arXiv 2011.08891): every place keeps its own gradient.

    As :func:`grad_cam`, but gradient and feature map are multiplied place by place. Where only
    linear layers follow, the map shows exactly what adds to the logit.
    """
    return _evidence(model, pixels, layer, batch_size, mean_gradient=False)


def evidence_layer(model: keras.Model) -> str:
    """The layer whose maps :func:`grad_cam` takes unless told otherwise.

    The last one whose output still has height and width, before it is flattened or averaged.
    Dropout does nothing in a finished network, so the layer before it is named.
    Raises as :func:`grad_cam` does.
    """
    network = logit_network(model)
    size = [side or 64 for side in network.input_shape[1:3]]
    return _choose(network, np.zeros((1, *size, 1), np.uint8), None).name


def _evidence(
    model: keras.Model,
    pixels: np.ndarray,
    layer: str | None,
    batch_size: int,
    mean_gradient: bool,
) -> np.ndarray:
    stack, single = as_stack(model, pixels)
    network = logit_network(model)
    chosen = _choose(network, stack[:1], layer)
    maps = [
        _batch(network, chosen, stack[start : start + batch_size], mean_gradient)
        for start in range(0, len(stack), batch_size)
    ]
    found = np.concatenate(maps)
    return found[0] if single else found


def _batch(
    network: keras.Model, chosen: keras.Layer, stack: np.ndarray, mean_gradient: bool
) -> np.ndarray:
    import tensorflow as tf

    outputs = []
    # Only the chosen maps are watched: nothing is recorded of the layers before them.
    with tf.GradientTape(watch_accessed_variables=False) as tape:

        def watch(_: keras.Layer, output: tf.Tensor) -> None:
            tape.watch(output)
            outputs.append(output)

        with watched([chosen], watch):
            logit = network(as_input(network, stack), training=False)
        total = tf.reduce_sum(logit)  # each case depends on its own maps only
    gradient = tape.gradient(total, outputs[-1])
    if gradient is None:
        raise CXRLabError(
            f"The score of {network.name} does not depend on layer {chosen.name!r}. "
            "Name another layer, or leave it out."
        )
    if mean_gradient:
        gradient = tf.reduce_mean(gradient, axis=(1, 2), keepdims=True)
    evidence = tf.nn.relu(tf.reduce_sum(gradient * outputs[-1], axis=-1, keepdims=True))
    maps = tf.image.resize(evidence, stack.shape[1:3]).numpy()[..., 0]
    largest = maps.max(axis=(1, 2), keepdims=True)
    return np.divide(maps, largest, out=np.zeros_like(maps), where=largest > 0)


def _choose(network: keras.Model, stack: np.ndarray, name: str | None) -> keras.Layer:
    """The layer called ``name``, or the last with maps, as one X-ray meets them."""
    import keras

    met = []
    with watched(inner_layers(network), lambda layer, output: met.append((layer, output.shape))):
        network(as_input(network, stack), training=False)
    with_maps = [
        layer
        for layer, shape in met
        if len(shape) == 4
        and shape[1] * shape[2] > 1
        and not isinstance(layer, keras.layers.Dropout)
    ]
    if not with_maps:
        raise CXRLabError(
            f"{network.name} has no layer with feature maps (batch, height, width, maps), so there "
            "is nothing to lay over the X-ray. Grad-CAM needs a convolutional network."
        )
    if name is None:
        return with_maps[-1]
    named = [layer for layer in with_maps if layer.name == name]
    if not named:
        raise CXRLabError(
            f"{network.name} has no layer {name!r} with feature maps. It has "
            f"{', '.join(layer.name for layer in with_maps)}."
        )
    return named[-1]
