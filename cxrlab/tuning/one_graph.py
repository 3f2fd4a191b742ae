"""One traced network for all trials of a search.

The first batch of a new network is slow: TensorFlow writes down its graph, with every number of
the settings in it. Here the numbers that differ between trials (dropout rates, learning rates)
are variables of one network, so that the graph is written once for each count of dense units.
Before a trial the network is made like new; what comes out is what a new one would have given.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

from cxrlab.errors import CXRLabError

if TYPE_CHECKING:
    import keras

# The numbers of keras.optimizers.schedules.CosineDecay that a trial may change.
_OF_THE_SCHEDULE = ("initial_learning_rate", "decay_steps", "warmup_target", "warmup_steps")


class OneGraph:
    """Keeps one compiled network for each shape, and lends it out made like new.

    The loan ends with the next call: a caller that wants to keep weights copies them.
    """

    def __init__(self) -> None:
        self._kept: dict[tuple, keras.Model] = {}

    def like(self, key: tuple, make: Callable[[], keras.Model]) -> keras.Model:
        """A network that trains and scores like ``make()``, under ``key`` always the same one.

        ``make`` builds and compiles with Adam over a cosine schedule; under one ``key`` its
        networks differ in dropout rates and in the numbers of the schedule, and in nothing else.
        """
        new = make()
        new.optimizer.build(new.trainable_variables)
        if key not in self._kept:
            self._kept[key] = _with_numbers_in_variables(new)
        kept = self._kept[key]
        # Weights and the seeds of the dropout layers; then Adam's moments and its step count.
        _copy(new.variables, kept.variables)
        _copy(new.optimizer.variables, kept.optimizer.variables)
        for mine, its in zip(kept.layers, new.layers, strict=True):
            if hasattr(mine, "hold"):
                mine.hold(its.rate)
        schedule, numbers = _schedule(kept.optimizer), _schedule(new.optimizer)
        for name in _OF_THE_SCHEDULE:
            getattr(schedule, name).assign(getattr(numbers, name))
        kept.stop_training = False
        return kept


def _copy(new: list, kept: list) -> None:
    for source, target in zip(new, kept, strict=True):
        if source.shape != target.shape:  # strict=True sees a variable more, not another one
            raise CXRLabError(f"{target.path} has another shape than {source.path}.")
        target.assign(source)


def _with_numbers_in_variables(model: keras.Model) -> keras.Model:
    """A compiled copy whose dropout rates and learning rates can be changed after tracing."""
    import keras
    import tensorflow as tf

    def copy_of(layer: keras.Layer) -> keras.Layer:
        kind = _changeable_dropout() if isinstance(layer, keras.layers.Dropout) else type(layer)
        return kind.from_config(layer.get_config())

    kept = keras.models.clone_model(model, clone_function=copy_of)
    kept.compile_from_config(model.get_compile_config())
    schedule = _schedule(kept.optimizer)
    for name in _OF_THE_SCHEDULE:
        setattr(schedule, name, tf.Variable(float(getattr(schedule, name)), trainable=False))
    if not kept.optimizer.built:
        kept.optimizer.build(kept.trainable_variables)
    return kept


def _schedule(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.schedules.CosineDecay:
    # In float16 Keras wraps the optimiser into one that scales the loss.
    return getattr(optimizer, "inner_optimizer", optimizer)._learning_rate


@cache
def _changeable_dropout() -> type[keras.layers.Dropout]:
    import keras
    import tensorflow as tf

    class ChangeableDropout(keras.layers.Dropout):
        """Keras's dropout, number for number, with the rate in a variable."""

        def __init__(self, *args, **kwargs):
            super().__init__(*args, **kwargs)
            # TensorFlow's variables and not Keras's: they are no weights of the network.
            self.limit = tf.Variable(0.0, trainable=False)
            self.scale = tf.Variable(1.0, trainable=False)

        def hold(self, rate: float) -> None:
            self.limit.assign(rate)
            self.scale.assign(1 / (1 - rate))

        def call(self, inputs, training=False):
            if not training:
                return inputs
            seed = tf.cast(self.seed_generator.next(), tf.int32)
            drawn = tf.random.stateless_uniform(tf.shape(inputs), seed, dtype=inputs.dtype)
            scaled = inputs * tf.cast(self.scale, inputs.dtype)
            kept = drawn >= tf.cast(self.limit, inputs.dtype)
            return tf.where(kept, scaled, tf.zeros((), inputs.dtype))

    return ChangeableDropout
