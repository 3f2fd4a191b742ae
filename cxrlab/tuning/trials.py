"""One trial of a search: train one combination, and keep what came out."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxrlab.budgets import Budget
from cxrlab.pipeline import Xrays, dataset
from cxrlab.precision import precision_policy
from cxrlab.training import Settings, compiled_network, stop_early
from cxrlab.tuning.one_graph import OneGraph
from cxrlab.tuning.record import read_trial, trial_key, write_trial
from cxrlab.tuning.space import settings_from

if TYPE_CHECKING:
    import keras

#: The specificity at which ``recall_at_specificity`` reads the recall.
SPECIFICITY = 0.9


@dataclass(frozen=True)
class TrialRunner:
    """Trains combinations, or finds them among the finished ones in ``folder``.

    With ``one_graph`` the trials share traced networks (:mod:`cxrlab.tuning.one_graph`); without,
    each builds its own. Both give the same results.
    """

    training: Xrays
    validation: Xrays
    budget: Budget
    seed: int
    precision: str
    folder: Path
    one_graph: bool = True
    _graphs: OneGraph = field(default_factory=OneGraph, repr=False)

    def run(self, values: dict[str, Any], epochs: int) -> dict[str, float]:
        """The metrics of this combination after at most so many epochs.

        Its seed is made from the values, so that the result depends neither on the order of the
        trials nor on the process that runs them.
        """
        key = trial_key(values, epochs)
        done = read_trial(self.folder / "trials", key)
        if done is not None:
            return done["metrics"]
        started = time.monotonic()
        trial_seed = (int(trial_key(values, 0), 16) + self.seed) % 2**31
        history = self._train(settings_from(values), epochs, trial_seed)
        best = min(range(len(history["val_loss"])), key=history["val_loss"].__getitem__)
        metrics = {
            "val_loss": float(history["val_loss"][best]),
            "val_accuracy": float(history["val_accuracy"][best]),
            "recall_at_specificity": float(history["val_recall_at_specificity"][best]),
            "epochs": len(history["loss"]),
            "seconds": round(time.monotonic() - started, 1),
        }
        trial = {"values": values, "seed": trial_seed, "metrics": metrics, "finished": time.time()}
        write_trial(self.folder / "trials", key, trial)
        return metrics

    def _train(self, settings: Settings, epochs: int, seed: int) -> dict[str, list[float]]:
        """The history of one training from this seed: a list with one number an epoch each."""
        import keras

        keras.utils.set_random_seed(seed)

        def new_network() -> keras.Model:
            recall = keras.metrics.SensitivityAtSpecificity(
                SPECIFICITY, name="recall_at_specificity"
            )
            return compiled_network(settings, len(self.training), epochs, (recall,))

        with precision_policy(self.precision):
            if self.one_graph:
                model = self._graphs.like((settings.dense_units,), new_network)
            else:
                model = new_network()
            history = model.fit(
                dataset(self.training, settings.batch_size, shuffle_seed=seed),
                validation_data=dataset(self.validation, settings.batch_size),
                epochs=epochs,
                shuffle=False,  # the data set shuffles itself
                callbacks=[stop_early(self.budget, settings, len(self.training), epochs)],
                verbose=0,
            ).history
        if not self.one_graph:
            # Keras keeps the graphs of dead models until it is told to let go.
            keras.backend.clear_session()
        return history
