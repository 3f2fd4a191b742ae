"""A copy of a network to experiment on: float32, without the last sigmoid, layers in reach."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from cxrlab.errors import CXRLabError
from cxrlab.model import float32_copy

if TYPE_CHECKING:
    import keras
    import tensorflow as tf


def logit_network(model: keras.Model) -> keras.Model:
    """A copy of ``model`` in float32 that gives the logit, log(score / (1 - score)), of a case.

    Works on Sequential and Functional models, nested ones among them, whatever precision they
    compute in. ``model`` itself is not touched.
    Raises :class:`CXRLabError` when the last layer is no single unit with a sigmoid or linear
    activation.
    """
    import keras

    last = _last_operation(model)
    activation = getattr(last, "activation", None)
    if activation not in (keras.activations.sigmoid, keras.activations.linear) or (
        model.output_shape[-1] != 1
    ):
        raise CXRLabError(
            f"{model.name} ends with {last.name!r}, output shape {model.output_shape}, but a map "
            "needs one score: a last layer of one unit with a sigmoid or a linear activation."
        )
    copy = float32_copy(model)
    _last_operation(copy).activation = keras.activations.linear
    return copy


def scores_now(model: keras.Model, pixels: np.ndarray) -> np.ndarray:
    """Scores of a few X-rays, quick enough while a slider moves: float64 (n,), within 0...1.

    A call of the network instead of ``model.predict``, which takes longer to set out than one
    X-ray does. ``pixels``, and what is raised, as in :func:`as_stack`.
    """
    return outputs(model, as_stack(model, pixels)[0])


def outputs(network: keras.Model, stack: np.ndarray, batch_size: int = 8) -> np.ndarray:
    """What a network with one output gives for X-rays uint8 (n, height, width, 1): float64 (n,).

    Small batches: outside of a graph the values of each operation are held at once.
    """
    found = [
        network(as_input(network, stack[start : start + batch_size]), training=False)
        for start in range(0, len(stack), batch_size)
    ]
    return np.concatenate([np.asarray(batch, np.float64)[:, 0] for batch in found])


def as_stack(model: keras.Model, pixels: np.ndarray) -> tuple[np.ndarray, bool]:
    """One X-ray or several as (n, height, width, 1), and whether it was one.

    ``pixels``: uint8, shape (height, width), (height, width, 1) or (n, height, width, 1).
    Raises :class:`CXRLabError` for another type, or a size that ``model`` does not read.
    """
    pixels = np.asarray(pixels)
    single = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[-1] == 1)
    stack = pixels.reshape(1, *pixels.shape[:2], 1) if single else pixels
    if pixels.dtype != np.uint8 or stack.ndim != 4 or stack.shape[-1] != 1:
        raise CXRLabError(
            f"Got pixels of type {pixels.dtype} and shape {pixels.shape}, but expected uint8 "
            "(0 to 255) of shape (height, width) or (n, height, width, 1), as decode() gives."
        )
    wanted = model.input_shape[1:3]
    if None not in wanted and stack.shape[1:3] != tuple(wanted):
        raise CXRLabError(
            f"{model.name} reads {wanted[0]} × {wanted[1]} pixels, but got {stack.shape[1]} × "
            f"{stack.shape[2]}. Resize with cxrlab.images.to_square."
        )
    return stack, single


def as_input(model: keras.Model, stack: np.ndarray) -> np.ndarray:
    """Uint8 (n, height, width, 1) as the model reads it: float32 within 0...1, grey repeated."""
    return np.repeat(stack.astype(np.float32) / 255.0, model.input_shape[-1], axis=-1)


def inner_layers(model: keras.Model) -> list[keras.Layer]:
    """All layers that compute, in the order of the model, with those of nested models."""
    import keras

    found = []
    for layer in model.layers:
        if isinstance(layer, keras.Model):
            found += inner_layers(layer)
        elif not isinstance(layer, keras.layers.InputLayer):
            found.append(layer)
    return found


@contextmanager
def watched(layers: list[keras.Layer], see: Any) -> Iterator[None]:
    """Inside the block each call of these layers hands (layer, output) to ``see``.

    A second model from the inputs to an inner layer would do the same, but not for a layer of a
    nested model: its output belongs to another graph. Only for copies by ``logit_network``.
    """
    calls = [layer.call for layer in layers]

    def seen(layer: keras.Layer, call: Any) -> Any:
        def call_and_tell(*args: Any, **kwargs: Any) -> tf.Tensor:
            output = call(*args, **kwargs)
            see(layer, output)
            return output

        return call_and_tell

    for layer, call in zip(layers, calls, strict=True):
        layer.call = seen(layer, call)
    try:
        yield
    finally:
        for layer, call in zip(layers, calls, strict=True):
            layer.call = call


def _last_operation(model: keras.Model) -> Any:
    """What makes the model's output: mostly a layer, but ``keras.ops.sigmoid`` is none."""
    import keras

    last = model
    while isinstance(last, keras.Model):
        last = getattr(last, "operations", last.layers)[-1]
    return last
