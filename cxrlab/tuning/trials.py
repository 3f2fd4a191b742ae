"""One trial of a search: train one combination, and keep what came out."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from cxrlab.budgets import Budget
from cxrlab.pipeline import Xrays
from cxrlab.training import Settings, fit, stop_early
from cxrlab.tuning.record import read_trial, trial_key, write_trial
from cxrlab.tuning.space import settings_from


@dataclass(frozen=True)
class TrialRunner:
    """Trains combinations, or finds them among the finished ones in ``folder``.

    All trials are trained in batches of the same size, which has to fit into memory.
    """

    training: Xrays
    validation: Xrays
    budget: Budget
    seed: int
    precision: str
    folder: Path
    batch_size: int = Settings.batch_size

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
        settings = replace(settings_from(values), batch_size=self.batch_size)
        history = self._train(settings, epochs, trial_seed)
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
        stop = stop_early(self.budget, settings, len(self.training), epochs)
        parts = (self.training, self.validation)
        _, history = fit(*parts, settings, epochs, seed, self.precision, [stop])
        return history
