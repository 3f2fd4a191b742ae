"""One trial of a search: train one combination, and keep what came out."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cxrlab.budgets import Budget
from cxrlab.evaluation.thresholds import recall_at_specificity
from cxrlab.pipeline import Xrays
from cxrlab.training import predict, train
from cxrlab.tuning.record import read_trial, trial_key, write_trial
from cxrlab.tuning.space import settings_from

SPECIFICITY = 0.9  # at which a search reads recall


@dataclass(frozen=True)
class TrialRunner:
    """Trains combinations, or finds them among the finished ones in ``folder``."""

    training: Xrays
    validation: Xrays
    budget: Budget
    seed: int
    precision: str
    folder: Path

    def run(self, values: dict[str, Any], epochs: int) -> dict[str, float]:
        """The metrics of this combination after at most so many epochs.

        Its seed is made from the values, so that the result depends neither on the order of the
        trials nor on the process that runs them.
        """
        key = trial_key(values, epochs)
        done = read_trial(self.folder / "trials", key)
        if done is not None:
            return done["metrics"]
        import keras

        number_format = keras.config.dtype_policy()
        keras.backend.clear_session()  # else every trial leaves its network in memory
        keras.config.set_dtype_policy(number_format)  # which that has reset
        seed = (int(trial_key(values, 0), 16) + self.seed) % 2**31
        budget = replace(self.budget, epochs=epochs)
        parts = (self.training, self.validation)
        trained = train(*parts, budget, seed, settings_from(values), self.precision)
        best = trained.history.iloc[trained.best_epoch - 1]
        scores = predict(trained.model, self.validation)
        metrics = {
            "val_loss": float(best["val_loss"]),
            "val_accuracy": float(best["val_accuracy"]),
            "recall_at_specificity": recall_at_specificity(
                self.validation.labels, scores, SPECIFICITY
            ),
            "epochs": len(trained.history),
            "seconds": round(trained.seconds, 1),
        }
        trial = {"values": values, "seed": seed, "metrics": metrics, "finished": time.time()}
        write_trial(self.folder / "trials", key, trial)
        return metrics
