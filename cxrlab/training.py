"""Training the network within a budget, with seeds, early stopping and a line of progress."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxrlab.budgets import Budget
from cxrlab.callbacks import progress_callback
from cxrlab.devices import shared_evenly, training_strategy
from cxrlab.errors import CXRLabError
from cxrlab.files import written_beside
from cxrlab.memory import batch_size_that_fits
from cxrlab.model import DROPOUT_LAYERS, float32_copy, published_network
from cxrlab.one_graph import for_asking, like_new
from cxrlab.pipeline import Xrays, dataset
from cxrlab.precision import choose_precision, precision_policy
from cxrlab.preparation import prepare_pixels
from cxrlab.quick_steps import quick_steps
from cxrlab.residual import residual_network
from cxrlab.transfer import transfer_network

if TYPE_CHECKING:
    import keras

# Adam's first steps move each weight by nearly the whole learning rate. A dense unit of this
# network adds up 86,528 inputs that are all positive: at 1e-3 the first step throws the loss from
# 0.7 to 10, most units never answer again, and the score stays the same for every X-ray.
WARMUP_STEPS = 30

RECALL, SPECIFICITY = "recall_at_specificity", 0.9  # a metric of every training, and where it reads


@dataclass(frozen=True)
class Settings:
    """What the published project left open, or searched.

    Adam, binary cross-entropy, batches of 32, this learning rate, its warm-up and its decay are
    ours: the publication does not state them.
    """

    dense_units: int = 64
    dropout: float | tuple[float, ...] = 0.3  # one rate, or one for each Dropout layer
    learning_rate: float = 1e-3
    batch_size: int = 32
    # What the repairs of notebook 07 change; the other notebooks print settings without it.
    network: str = field(default="published", repr=False)  # or "residual", "transfer"
    augmentation: str = field(default="none", repr=False)  # or "strong"
    balance_sources: bool = field(default=False, repr=False)  # as many of each in every batch
    preparation: str = field(default="none", repr=False)  # of cxrlab.preparation.PREPARATIONS
    weight_decay: float = field(default=0.0, repr=False)  # decoupled, as in AdamW
    passes: int = field(default=1, repr=False)  # epochs, as a multiple of the budget's
    # Keep the epoch with the lowest validation loss, or else the last one.
    stop_early: bool = field(default=True, repr=False)

    def to_json(self) -> dict:
        """A dictionary for ``settings.json``."""
        return asdict(self)


@dataclass(frozen=True)
class Trained:
    """A trained network, its history (one row an epoch) and how it was trained."""

    model: keras.Model
    history: pd.DataFrame
    seconds: float
    precision: str
    reason: str = ""  # for the precision, in words

    @property
    def best_epoch(self) -> int:
        """The epoch (counted from 1) with the lowest validation loss.

        Its weights are kept, unless the settings say to keep the last ones.
        """
        return int(self.history.loc[self.history["val_loss"].idxmin(), "epoch"])


def train(
    training: Xrays,
    validation: Xrays,
    budget: Budget,
    seed: int = 0,
    settings: Settings | None = None,
    precision: str = "auto",
    quiet: bool = False,
    callbacks: Sequence[keras.callbacks.Callback] = (),
) -> Trained:
    """Train a network on ``training`` until ``validation`` stops getting better.

    ``training`` and ``validation`` are X-rays as they come: ``settings.preparation`` is applied
    to both here. Whoever asks the network later does the same with :func:`made_ready`.

    The weights of the epoch with the lowest validation loss are kept; where the settings say not
    to stop early, those of the last epoch. The model that comes back computes in float32 whatever
    it was trained in, so that its scores are the same on a machine without the short format.
    Several GPUs share each batch (:func:`cxrlab.devices.training_strategy`). ``callbacks`` are
    Keras's own, beside those for early stopping and progress.
    """
    settings = settings or Settings()
    # With more passes the rate falls more slowly, and patience has to grow with them.
    epochs, patience = (settings.passes * each for each in (budget.epochs, budget.patience))
    budget = replace(budget, epochs=epochs, patience=patience)
    training, validation = (made_ready(part, settings) for part in (training, validation))
    name, reason = choose_precision(precision)
    settings = replace(settings, batch_size=batch_size_that_fits(settings.batch_size, name))
    callbacks = list(callbacks)
    if settings.stop_early:
        callbacks.append(stop_early(budget, settings, len(training), epochs))
    if not quiet:
        callbacks.append(progress_callback(epochs, f" in {name} ({reason})"))
    started = time.monotonic()
    model, columns = fit(training, validation, settings, epochs, seed, name, callbacks)
    history = pd.DataFrame(columns).drop(columns=[RECALL, f"val_{RECALL}"])
    history.insert(0, "epoch", np.arange(1, len(history) + 1))
    network = getattr(model, "network", model)
    return Trained(float32_copy(network), history, time.monotonic() - started, name, reason)


def fit(
    training: Xrays,
    validation: Xrays,
    settings: Settings,
    epochs: int,
    seed: int,
    precision: str,
    callbacks: Sequence[keras.callbacks.Callback],
) -> tuple[keras.Model, dict[str, list[float]]]:
    """One training as the settings say, of X-rays that are ready for it.

    ``precision`` is the name of one, not ``auto``. Gives the model, lent until the next training,
    and a number an epoch for each metric, once more with ``val_`` in front of its name.
    """
    import keras

    keras.utils.set_random_seed(seed)
    strategy = training_strategy()
    size, devices = settings.batch_size, strategy.num_replicas_in_sync

    def new_model() -> keras.Model:
        network = network_of(settings)
        model = quick_steps(network) if settings.network == "published" else network
        compile_network(model, settings, len(training), epochs)
        return model

    with precision_policy(precision), strategy.scope():
        if devices == 1:
            model = like_new((*_kind_of_network(settings), precision), new_model)
        else:  # a graph belongs to one strategy
            model = new_model()
        batches = dataset(training, size, seed, settings.augmentation, settings.balance_sources)
        checks = dataset(validation, size)
        fitted = model.fit(
            shared_evenly(batches, devices, len(training), size),
            validation_data=shared_evenly(checks, devices, len(validation), size),
            epochs=epochs,
            callbacks=list(callbacks),
            shuffle=False,  # the data set shuffles itself
            verbose=0,
        )
    return model, fitted.history


def _kind_of_network(settings: Settings) -> tuple:
    """What of the settings is written into the graph of a training."""
    dropout = tuple(np.atleast_1d(settings.dropout))
    if settings.network == "published":
        # Its rates are in variables, and only whether there is anything to drop is written.
        dropout = tuple(np.broadcast_to(np.greater(settings.dropout, 0), DROPOUT_LAYERS))
    return settings.network, settings.dense_units, dropout, settings.weight_decay


def compile_network(model: keras.Model, settings: Settings, images: int, epochs: int) -> None:
    """Give a model loss, optimiser and metrics.

    The learning rate rises to its value over the first batches (:func:`warmup_steps`) and falls
    along a cosine to nearly nothing in the last of ``epochs`` passes over ``images`` (Loshchilov
    and Hutter 2016, arXiv 1608.03983): with so few batches a network whose rate stays high ends
    wherever the last batch threw it.
    """
    import keras

    rate, steps = settings.learning_rate, epochs * _batches(images, settings)
    warmup = warmup_steps(steps)
    schedule = keras.optimizers.schedules.CosineDecay(
        rate / 1000, max(steps - warmup, 1), alpha=0.02, warmup_target=rate, warmup_steps=warmup
    )
    model.compile(
        optimizer=keras.optimizers.AdamW(schedule, weight_decay=settings.weight_decay)
        if settings.weight_decay
        else keras.optimizers.Adam(schedule),
        loss="binary_crossentropy",
        metrics=[
            "accuracy",
            # For the search. Everywhere, so that search and training share a graph.
            keras.metrics.SensitivityAtSpecificity(SPECIFICITY, name=RECALL),
        ],
    )


def network_of(settings: Settings) -> keras.Model:
    """The network that ``settings`` names, not compiled.

    Raises :class:`CXRLabError` for an unknown name, and for "transfer" where the weights that it
    starts from cannot be had.
    """
    if settings.network == "published":
        return published_network(settings.dense_units, settings.dropout)
    if settings.network == "residual":
        return residual_network(settings.dropout)
    if settings.network == "transfer":
        return transfer_network(settings.dropout)
    raise CXRLabError(
        f"There is no network {settings.network!r}. Choose published, residual or transfer."
    )


def made_ready(xrays: Xrays, settings: Settings) -> Xrays:
    """The X-rays as a network with these settings reads them."""
    if settings.preparation == "none":
        return xrays  # pixels that lie on the disk stay there
    return replace(xrays, pixels=prepare_pixels(xrays.pixels, settings.preparation))


def warmup_steps(steps: int) -> int:
    """Batches over which the learning rate rises, in a training of ``steps`` batches at the most.

    ``WARMUP_STEPS``, but never more than a third of a short training.
    """
    return min(WARMUP_STEPS, steps // 3)


def stop_early(
    budget: Budget, settings: Settings, images: int, epochs: int
) -> keras.callbacks.Callback:
    """Stop after ``patience`` epochs without a lower validation loss, and keep the best weights.

    Epochs of the warm-up do not count against the patience: while the learning rate still rises,
    a loss that stands still is no sign that there is nothing left to learn.
    """
    import keras

    batches = _batches(images, settings)
    warmup = math.ceil(warmup_steps(epochs * batches) / batches)

    class StopEarly(keras.callbacks.EarlyStopping):
        def on_epoch_end(self, epoch, logs=None):
            super().on_epoch_end(epoch, logs)
            if epoch < warmup:
                self.wait = 0
                self.model.stop_training = False

    return StopEarly("val_loss", patience=budget.patience, restore_best_weights=True)


def _batches(images: int, settings: Settings) -> int:
    """Batches an epoch."""
    return math.ceil(images / settings.batch_size)


def predict(model: keras.Model, xrays: Xrays, batch_size: int = 8) -> np.ndarray:
    """Scores for COVID-19, shape (n,), within 0...1, in the order of ``xrays``.

    Larger batches are no faster on a processor, and 32 of them take 0.4 GB more.
    """
    batch_size = batch_size_that_fits(batch_size, training=False)
    asked = for_asking(model)
    return asked.predict(dataset(xrays, batch_size), verbose=0)[:, 0].astype(float)


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
