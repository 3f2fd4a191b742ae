"""Questions that an exercise can ask of a Keras model, without training it.

Each raises :class:`Wrong` with the variable, what was seen and what to change. They go from the
outside in; an exercise calls those it needs, in this order.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from cxrlab.exercises.engine import Wrong, described

# Our labels are one 0 or 1 an X-ray, shape (batch, 1). Loss to what the last layer has to be.
BINARY = ("binary_crossentropy", "binary_focal_crossentropy")
SPARSE = ("sparse_categorical_crossentropy",)
ONE_HOT = ("categorical_crossentropy", "categorical_focal_crossentropy")


def keras_model(name: str, value: Any) -> Any:
    """A Keras model, and not a list of layers, a class, or the ``None`` that compile returns."""
    import keras

    if isinstance(value, keras.Model):
        return value
    if value is None:
        raise Wrong(
            f"`{name}` is None. `model.compile(...)` and `model.summary()` return None: give them "
            f"a line of their own, and leave the model itself in `{name}`."
        )
    if isinstance(value, list | tuple):
        raise Wrong(
            f"`{name}` is a {type(value).__name__} of {len(value)} layers, but should be a model: "
            "wrap it in `keras.Sequential([...])`."
        )
    if isinstance(value, keras.layers.Layer):
        raise Wrong(f"`{name}` is a single layer, but should be a model: `keras.Sequential([...])`")
    if callable(value):
        raise Wrong(f"`{name}` is a function or a class. Call it: `{name} = {name}()`.")
    raise Wrong(f"`{name}` is {described(value)}, but should be a Keras model.")


def reads(name: str, model: Any, shape: Sequence[int]) -> None:
    """Whether it takes one image of ``shape`` (without the batch)."""
    wanted = tuple(shape)
    if not model.built or not getattr(model, "inputs", None):
        raise Wrong(
            f"`{name}` does not know yet what it will read, so its weights are not made. Begin "
            f"with `keras.Input({wanted})`."
        )
    if len(model.inputs) != 1:
        raise Wrong(f"`{name}` has {len(model.inputs)} inputs, but should read one X-ray.")
    seen = tuple(model.inputs[0].shape[1:])
    if seen == wanted:
        return
    more = ""
    if seen[1:] == wanted:
        more = " The batch does not belong into the shape: Keras adds it by itself."
    elif seen[:2] == wanted[:2]:
        more = " The last number counts the channels: our pipeline copies grey into three."
    raise Wrong(f"`{name}` reads shape {seen}, but our X-rays have {wanted}.{more}")


def has_layer(name: str, model: Any, kind: str, why: str) -> None:
    """Whether a layer of the class ``kind`` (``"Conv2D"``) is among its layers."""
    if not any(type(layer).__name__ == kind for layer in all_layers(model)):
        raise Wrong(f"`{name}` has no {kind} layer. {why}")


def is_not_linear(name: str, model: Any) -> None:
    """Whether anything but the last layer bends: else all layers together are one linear layer."""
    import keras

    for layer in all_layers(model)[:-1]:
        bends = isinstance(layer, keras.layers.ReLU | keras.layers.LeakyReLU)
        if bends or _activation(layer) not in (None, "linear"):
            return
    raise Wrong(
        f"No layer of `{name}` before the last has an activation. Without one, several "
        'convolutions in a row can do no more than a single one: add `activation="relu"`.'
    )


def answers_once(name: str, model: Any, units: Sequence[int] = (1, 2)) -> None:
    """Whether each X-ray gets one row of ``units`` numbers, not a map of them."""
    shape = tuple(model.outputs[0].shape[1:])
    if len(shape) > 1:
        raise Wrong(
            f"The output of `{name}` has the shape {shape} for each X-ray: still a map. A Dense "
            "layer works on the last axis only, so put GlobalAveragePooling2D (or Flatten) "
            "between the convolutions and the first Dense layer."
        )
    if shape[0] not in units:
        words = " or ".join(map(str, units))
        raise Wrong(
            f"`{name}` answers with {shape[0]} numbers an X-ray, but should with {words}: "
            "`keras.layers.Dense(1, ...)` at the end."
        )


def is_compiled(name: str, model: Any) -> None:
    """Whether a loss and an optimiser were chosen."""
    if not model.compiled or model.loss is None:
        raise Wrong(
            f"`{name}` has no loss yet, so it cannot learn. Compile it: "
            f'`{name}.compile(optimizer="adam", loss="binary_crossentropy")`.'
        )


def output_fits_loss(name: str, model: Any) -> None:
    """Whether units, last activation and loss speak of the same thing, for labels 0 and 1."""
    units = model.outputs[0].shape[-1]
    activation = _activation(all_layers(model)[-1]) or "linear"
    loss, from_logits = loss_of(model)
    if loss in BINARY:
        _fits_binary(name, units, activation, loss, from_logits)
    elif loss in SPARSE:
        _fits_softmax(name, units, activation, loss, from_logits)
    elif loss in ONE_HOT:
        raise Wrong(
            f"The loss of `{name}` is {loss}, which expects labels such as (0, 1) and (1, 0). Ours "
            "are a single 0 or 1: use binary_crossentropy with one sigmoid unit."
        )
    else:
        raise Wrong(
            f"The loss of `{name}` is {loss}, which is not made for the choice between two "
            "classes: use binary_crossentropy."
        )


def _fits_binary(name: str, units: int, activation: str, loss: str, from_logits: bool) -> None:
    if units != 1:
        raise Wrong(
            f"`{name}` ends in {units} units, but {loss} compares one score with one label: use "
            "Dense(1) with a sigmoid."
        )
    if activation == "softmax":
        raise Wrong(
            f"`{name}` ends in a softmax over one unit. A softmax makes its numbers add up to 1, "
            "so a single one is always 1: use a sigmoid."
        )
    if from_logits and activation != "linear":
        raise Wrong(
            f"The loss of `{name}` was told from_logits=True, so it applies a sigmoid itself, but "
            f"the last layer ends in {activation} already. Take one of the two away."
        )
    if not from_logits and activation == "linear":
        raise Wrong(
            f"The last layer of `{name}` has no activation, so its numbers may be below 0 or "
            f'above 1, where {loss} makes no sense. Use `activation="sigmoid"` (or '
            "from_logits=True in the loss)."
        )
    if not from_logits and activation != "sigmoid":
        raise Wrong(
            f"`{name}` ends in {activation}, but a score has to lie between 0 and 1: use "
            '`activation="sigmoid"`.'
        )


def _fits_softmax(name: str, units: int, activation: str, loss: str, from_logits: bool) -> None:
    if units != 2:
        raise Wrong(
            f"`{name}` ends in {units} unit, but {loss} needs one for each of the two classes. "
            "For a single unit the loss is binary_crossentropy."
        )
    wanted = "linear" if from_logits else "softmax"
    if activation != wanted:
        raise Wrong(
            f"`{name}` ends in {activation}, but {loss} with from_logits={from_logits} needs "
            f"{wanted}: two scores that add up to 1 come from a softmax, applied once."
        )


def learns(name: str, model: Any) -> None:
    """Whether its layers are trainable."""
    frozen = [layer.name for layer in all_layers(model) if layer.weights and not layer.trainable]
    if not model.trainable_weights or frozen:
        which = ", ".join(frozen) or "all layers"
        raise Wrong(
            f"`{name}` cannot learn in full: frozen are {which}. Set `trainable = True` there "
            "before you compile."
        )


def parameters_within(name: str, model: Any, low: int, high: int) -> int:
    """The number of parameters, which should be at least ``low`` and below ``high``."""
    count = model.count_params()
    if count < low:
        raise Wrong(
            f"`{name}` has {count:,} parameters, fewer than {low:,}: too few to see much. Add a "
            "convolution or filters."
        )
    if count >= high:
        largest = max(all_layers(model), key=lambda layer: layer.count_params())
        flat = any(type(layer).__name__ == "Flatten" for layer in all_layers(model))
        advice = (
            "Flatten hands every pixel of every map on; GlobalAveragePooling2D hands on one mean "
            "a map."
            if flat
            else "Use fewer filters or units there."
        )
        raise Wrong(
            f"`{name}` has {count:,} parameters, but should have fewer than {high:,}. "
            f"{largest.count_params():,} of them sit in `{largest.name}`. {advice}"
        )
    return count


def all_layers(model: Any) -> list[Any]:
    """Its layers from input to output, those of a model within the model in its place."""
    found = []
    for layer in model.layers:
        found += all_layers(layer) if hasattr(layer, "layers") else [layer]
    return [layer for layer in found if type(layer).__name__ != "InputLayer"]


def loss_of(model: Any) -> tuple[str, bool]:
    """The name of its loss (``binary_crossentropy``) and whether it expects logits."""
    import keras

    loss = model.loss
    if isinstance(loss, str):
        loss = keras.losses.get(loss)
    if isinstance(loss, keras.losses.Loss):
        from_logits = bool(loss.get_config().get("from_logits", False))
        return _snake(type(loss).__name__), from_logits
    return _snake(getattr(loss, "__name__", type(loss).__name__)), False


def _snake(name: str) -> str:
    """``BinaryCrossentropy`` as Keras writes it for functions: ``binary_crossentropy``."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def _activation(layer: Any) -> str | None:
    kind = type(layer).__name__
    if kind in ("Softmax", "ReLU"):
        return kind.lower()
    activation = getattr(layer, "activation", None)
    return None if activation is None else getattr(activation, "__name__", str(activation))
