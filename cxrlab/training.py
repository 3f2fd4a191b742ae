"""The training of notebook 03 once more, for the later notebooks and the command line."""

from __future__ import annotations

import gc
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxrlab.choices import Budget
from cxrlab.errors import CXRLabError
from cxrlab.files import written_beside
from cxrlab.hosts import is_memory_short
from cxrlab.pipeline import Xrays, batches

if TYPE_CHECKING:
    import keras

# Adam's first steps move each weight by nearly the whole learning rate. A dense unit of the
# published network adds up 86,528 inputs that are all positive: at 1e-3 the first step throws the
# loss from 0.7 to 10, most units never answer again, and every X-ray gets the same score.
WARM_UP_STEPS = 60
FIRST_EPOCHS = 5  # as in notebook 03: early stopping does not look at them
SMALL_BATCH = 8


@dataclass(frozen=True)
class Machine:
    """How to train on this machine: what :func:`machine` found."""

    number_format: str  # for keras.mixed_precision.set_global_policy
    batch_size: int
    reason: str
    # For compile(run_eagerly=...). TensorFlow keeps the graph of every network that was trained,
    # 0.1 GB each. Without graphs it takes 1.4 times as long.
    eager: bool = False

    def __str__(self) -> str:
        return f"{self.number_format}, batches of {self.batch_size}: {self.reason}"


def machine() -> Machine:
    """The number format and the batch size for this machine, asked of it and not assumed.

    float16 on NVIDIA GPUs with tensor cores (compute capability 7 and up), bfloat16 on processors
    that multiply it in hardware, else float32, which is faster there. Where memory is short
    (:func:`cxrlab.hosts.is_memory_short`) float32 without graphs, and batches of 8.
    Example: ``keras.mixed_precision.set_global_policy(machine().number_format)``.
    """
    if is_memory_short():
        reason = "memory is short, and small batches without graphs take less of it"
        return Machine("float32", SMALL_BATCH, reason, eager=True)
    import tensorflow as tf

    details = tf.config.experimental.get_device_details
    gpus = tf.config.list_physical_devices("GPU")
    if gpus and all(details(gpu).get("compute_capability", (0, 0))[0] >= 7 for gpu in gpus):
        return Machine("mixed_float16", 32, "the GPU has tensor cores")
    if gpus:
        return Machine("float32", 32, "not every GPU says that it has tensor cores")
    if cpu_multiplies_bfloat16():
        return Machine("mixed_bfloat16", 32, "the processor multiplies bfloat16 in hardware")
    return Machine("float32", 32, "the processor does not multiply bfloat16 in hardware")


def cpu_multiplies_bfloat16() -> bool:
    """Whether this processor says that it has AVX512-BF16 or AMX-BF16 (Linux on x86-64 only)."""
    try:
        flags = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").split()
    except OSError:  # no Linux
        return False
    return "avx512_bf16" in flags or "amx_bf16" in flags


@dataclass(frozen=True)
class Settings:
    """What the publication does not state, or has searched. Adam and the learning rate are ours.

    Example: ``Settings(dense_units=128, dropout=0.2)``.
    """

    dense_units: int = 64
    dropout: float | tuple[float, ...] = 0.3  # one rate, or one for each Dropout layer
    learning_rate: float = 1e-3


@dataclass(frozen=True)
class Trained:
    """A trained network, and how it was trained."""

    model: keras.Model  # in float32
    history: pd.DataFrame  # one row per epoch
    best_epoch: int  # from 1: the one whose weights the network has
    machine: Machine


def train(
    training: Xrays,
    validation: Xrays,
    budget: Budget,
    seed: int = 0,
    settings: Settings | None = None,
) -> Trained:
    """Train the published network on ``training`` until ``validation`` stops getting better.

    Of the epochs after the first five the weights of the one with the lowest validation loss are
    kept; where there are none, those of the last epoch. The model that comes back computes in
    float32 whatever it was trained in: its scores are the same on every machine.
    """
    import keras

    from cxrlab.model import published_network

    settings, how = settings or Settings(), machine()
    stopping = keras.callbacks.EarlyStopping(
        patience=budget.patience, restore_best_weights=True, start_from_epoch=FIRST_EPOCHS
    )
    keras.utils.set_random_seed(seed)
    gc.collect()  # the network before this one, if nothing holds it any more
    build = partial(published_network, settings.dense_units, settings.dropout)
    model = built_in(how.number_format, build)
    steps = budget.epochs * math.ceil(len(training) / how.batch_size)
    adam = keras.optimizers.Adam(warm_up(settings.learning_rate, steps))
    model.compile(adam, "binary_crossentropy", metrics=["accuracy"], run_eagerly=how.eager)
    fitted = model.fit(
        batches(training, how.batch_size, seed),
        validation_data=batches(validation, how.batch_size),
        epochs=budget.epochs,
        callbacks=[stopping],
        shuffle=False,  # the batches shuffle themselves
        verbose="auto" if sys.stdout.isatty() else 0,
    )
    history = pd.DataFrame(fitted.history)
    history.insert(0, "epoch", np.arange(1, len(history) + 1))
    kept = stopping.best_epoch + 1 if stopping.best_weights is not None else len(history)
    exact = built_in("float32", build)
    exact.set_weights(model.get_weights())
    return Trained(exact, history, kept, how)


def built_in(number_format: str, build: Callable[[], keras.Model]) -> keras.Model:
    """The network that ``build`` makes, not compiled; its layers compute in this format."""
    import keras

    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(number_format)
    try:
        return build()
    finally:
        keras.config.set_dtype_policy(before)  # what a notebook builds next is its own


def warm_up(learning_rate: float, steps: int) -> keras.optimizers.schedules.CosineDecay:
    """A learning rate that rises over the first batches and falls along a cosine to the last.

    ``steps``: batches in the whole training. With a high rate to the end so few batches leave a
    network wherever the last one threw it (Loshchilov and Hutter 2016, arXiv 1608.03983).
    Example: ``keras.optimizers.Adam(warm_up(1e-3, steps=len(train) * epochs))``.
    """
    import keras

    # A rise over half of the training let every seed learn that we tried; over a quarter, one died.
    warm = min(WARM_UP_STEPS, steps // 2)
    return keras.optimizers.schedules.CosineDecay(
        learning_rate / 1000,
        decay_steps=max(steps - warm, 1),
        alpha=0.02,
        warmup_target=learning_rate,
        warmup_steps=warm,
    )


def predict(model: keras.Model, xrays: Xrays) -> np.ndarray:
    """Scores for COVID-19, shape (n,), within 0...1, in the order of ``xrays``.

    Raises :class:`CXRLabError` for a network that gives anything else, see :func:`white_of`.
    Batches of 8: larger ones are no faster on a processor, and take more memory.
    """
    if not len(xrays):  # Keras predicts nothing of nothing
        return np.zeros(0)
    white, images = white_of(model, (*xrays.pixels.shape[1:3], 3)), batches(xrays, SMALL_BATCH)
    if white != 1:
        images = images.map(lambda pixels, labels: (pixels * white, labels))
    scores = model.predict(images, verbose=0)[:, 0].astype(float)
    if not ((scores >= 0) & (scores <= 1)).all():
        raise CXRLabError("The network gives scores that are no numbers from 0 to 1. Train anew.")
    return scores


def white_of(model: keras.Model, shape: tuple[int, ...]) -> float:
    """What white is for this network: 1, or 255 where it scales the pixels itself.

    It does so before its first layer with weights: there, a grey of 1 hardly differs from black.
    Raises :class:`CXRLabError` for a network that does not make one score of X-rays of ``shape``.
    """
    import keras

    def learns(layer: keras.Layer) -> bool:
        if hasattr(layer, "layers"):
            return any(map(learns, layer.layers))
        return bool(layer.weights) and not isinstance(layer, keras.layers.Normalization)

    def scaled(network: keras.Model, start: np.ndarray) -> np.ndarray:
        shown = start
        for step in getattr(network, "operations", None) or network.layers:
            if isinstance(step, keras.Layer) and learns(step):
                return scaled(step, shown) if hasattr(step, "layers") else shown
            if network.inputs:  # a step may have branches before it, as in an ensemble
                shown = keras.Model(network.inputs, step.output)([start])
            elif not isinstance(step, keras.layers.InputLayer):
                shown = step(shown)
        return shown

    takes = [tuple(each.shape[1:]) for each in getattr(model, "inputs", None) or []]
    fits = takes in ([shape], [(None, None, 3)])
    gives = model.compute_output_spec(keras.KerasTensor((None, *shape))) if fits else None
    ends = getattr(model.layers[-1], "activation", keras.activations.sigmoid) if fits else None
    if getattr(gives, "shape", None) != (None, 1) or ends is not keras.activations.sigmoid:
        raise CXRLabError(
            f"This network takes {takes or 'what it does not say'} and gives "
            f"{getattr(gives, 'shape', 'no single output')} ({getattr(ends, '__name__', '')}). "
            f"Expected is keras.Sequential or keras.Model(inputs, outputs) that takes {shape} and "
            "ends in Dense(1, activation='sigmoid'), the score of COVID-19."
        )
    # Bright squares on black: a network that looks at contrast sees nothing in an even grey.
    black = np.zeros((1, *shape), np.float32)
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    squares = black + ((rows % 56 < 8) & (columns % 56 < 8))[..., None].astype(np.float32)
    seen, dark = (np.asarray(scaled(model, image)) for image in (squares, black))
    return 255 if np.abs(seen - dark).max() < 0.25 else 1


def save_model(model: keras.Model, path: Path) -> None:
    """Write a ``.keras`` file, whole or not at all."""
    with written_beside(path) as beside:
        model.save(beside)


def load_model(path: Path) -> keras.Model:
    """Load a ``.keras`` file in safe mode: a file may hold a network, never code to run.

    Raises :class:`CXRLabError` when there is no such file or it is no Keras model.
    """
    import keras

    if not Path(path).is_file():
        raise CXRLabError(f"There is no model at {path}. Train one first: cxrlab train --out RUN.")
    try:
        return keras.saving.load_model(path, safe_mode=True)
    except Exception as error:  # Keras raises whatever the zip, JSON or HDF5 reader raised
        raise CXRLabError(
            f"{path} cannot be read as a Keras model ({type(error).__name__}). "
            "Delete it and train again, or use a .keras file that cxrlab train wrote."
        ) from error
