"""One traced network for all trainings of the same kind, and one for all that are asked.

The first batch of a new network is slow: TensorFlow writes down its graph, with every number of
the settings in it. It also keeps what it took for that graph, some 100 to 300 MB each time, for as
long as the process lives. So the numbers that differ between trainings (dropout rates, learning
rates) are variables of one network here, and the graph is written once for each kind of network.
Before a training the network is made like new. What comes out is what a new one would have given.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from cxrlab.errors import CXRLabError
from cxrlab.memory import clear_away

if TYPE_CHECKING:
    import keras

# The numbers of keras.optimizers.schedules.CosineDecay that a training may change.
_OF_THE_SCHEDULE = ("initial_learning_rate", "decay_steps", "warmup_target", "warmup_steps")

_trained: dict[tuple, tuple[keras.Model, list]] = {}
_asked: dict[str, keras.Model] = {}


def like_new(key: tuple, make: Callable[[], keras.Model]) -> keras.Model:
    """A network that trains and scores like ``make()``, under ``key`` always the same one.

    ``make`` builds and compiles with Adam over a cosine schedule. Under one ``key`` its networks
    differ in the numbers of the schedule and in the variables that their ``numbers`` list (such as
    the dropout rates of :mod:`cxrlab.quick_steps`), and in nothing else.

    The network is lent until the next call under ``key``: whoever keeps weights copies them.
    """
    new = make()
    if key not in _trained:
        new.optimizer.build(new.trainable_variables)
        _hold_schedule_in_variables(new)
        # Adam's averages begin at zero; its few single numbers, such as a scale of the loss, not.
        start = [float(held) if held.shape == () else 0.0 for held in new.optimizer.variables]
        _trained[key] = new, start
        return new
    kept, start = _trained[key]
    _copy(new.variables, kept.variables)  # weights, and the seeds of dropout
    _copy(getattr(new, "numbers", []), getattr(kept, "numbers", []))
    for held, number in zip(kept.optimizer.variables, start, strict=True):
        held.assign(np.full(held.shape, number))
    schedule, numbers = _schedule(kept.optimizer), _schedule(new.optimizer)
    for name in _OF_THE_SCHEDULE:
        getattr(schedule, name).assign(float(getattr(numbers, name)))
    del new, numbers
    clear_away()
    return kept


def for_asking(model: keras.Model) -> keras.Model:
    """A network with the layers and weights of ``model``, traced once for all of its kind.

    It is lent until the next call.
    """
    key = json.dumps(_kind(model.get_config()), sort_keys=True, default=str)
    if key not in _asked:
        _asked[key] = type(model).from_config(model.get_config())
    _copy(model.variables, _asked[key].variables)
    return _asked[key]


def forget() -> None:
    """Keep no network: the next one is traced anew."""
    _trained.clear()
    _asked.clear()


def _kind(config: Any) -> Any:
    """A model's configuration without what makes no difference to its scores."""
    if isinstance(config, dict):
        unseen = {"rate", "seed"} if str(config.get("name")).startswith("dropout") else set()
        return {name: _kind(value) for name, value in config.items() if name not in unseen}
    return [_kind(value) for value in config] if isinstance(config, list | tuple) else config


def _copy(new: list, kept: list) -> None:
    for source, target in zip(new, kept, strict=True):
        if source.shape != target.shape:  # strict=True sees a variable more, not another one
            raise CXRLabError(f"{target.path} has another shape than {source.path}.")
        target.assign(source)


def _hold_schedule_in_variables(model: keras.Model) -> None:
    import tensorflow as tf

    schedule = _schedule(model.optimizer)
    for name in _OF_THE_SCHEDULE:
        setattr(schedule, name, tf.Variable(float(getattr(schedule, name)), trainable=False))


def _schedule(optimizer: keras.optimizers.Optimizer) -> keras.optimizers.schedules.CosineDecay:
    # In float16 Keras wraps the optimiser into one that scales the loss.
    return getattr(optimizer, "inner_optimizer", optimizer)._learning_rate
