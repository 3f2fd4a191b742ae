"""The published search space, in both of its readings."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING, Any

from cxrlab.model import DROPOUT_LAYERS
from cxrlab.training import Settings

if TYPE_CHECKING:
    import keras_tuner

DENSE_UNITS = (64, 128)
DROPOUT_RATES = (0.2, 0.3, 0.4, 0.5)
LEARNING_RATES = (1e-4, 1e-3, 1e-2)

_DROPOUT_NAMES = tuple(f"dropout_{layer}" for layer in range(1, DROPOUT_LAYERS + 1))

#: What each space lets the search choose from. The publication speaks of "50 combinations":
#: one shared dropout rate gives only 24, a rate of its own for each Dropout layer gives 1,536.
SPACES: dict[str, dict[str, tuple]] = {
    "per-layer": {
        "dense_units": DENSE_UNITS,
        **{name: DROPOUT_RATES for name in _DROPOUT_NAMES},
        "learning_rate": LEARNING_RATES,
    },
    "shared": {
        "dense_units": DENSE_UNITS,
        "dropout": DROPOUT_RATES,
        "learning_rate": LEARNING_RATES,
    },
}


def combinations(space: dict[str, tuple]) -> int:
    """How many different settings the space holds."""
    return prod(len(choices) for choices in space.values())


def hyperparameters(space: dict[str, tuple]) -> keras_tuner.HyperParameters:
    """The space in Keras Tuner's words."""
    import keras_tuner

    declared = keras_tuner.HyperParameters()
    for name, choices in space.items():
        declared.Choice(name, list(choices))
    return declared


def settings_from(values: dict[str, Any]) -> Settings:
    """The training settings that one combination of the space stands for."""
    if "dropout" in values:
        dropout: float | tuple[float, ...] = float(values["dropout"])
    else:
        dropout = tuple(float(values[name]) for name in _DROPOUT_NAMES)
    return Settings(
        dense_units=int(values["dense_units"]),
        dropout=dropout,
        learning_rate=float(values["learning_rate"]),
    )
