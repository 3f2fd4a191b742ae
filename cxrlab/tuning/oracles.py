"""Who proposes the trials: Keras Tuner's oracles, with an end that suits one process or several."""

from __future__ import annotations

import time
from itertools import islice, product
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cxrlab.budgets import Budget
from cxrlab.tuning.space import combinations, hyperparameters

if TYPE_CHECKING:
    import keras_tuner

TUNERS = ("random", "bayesian", "hyperband", "grid")

#: What they propose does not depend on how the trials before ended, nor on their order.
ORDER_FREE = ("random", "grid")

#: What a search may optimise, and in which direction.
OBJECTIVES = {"val_loss": "min", "recall_at_specificity": "max"}


def to_train(
    trial: keras_tuner.engine.trial.Trial, space: dict[str, tuple], budget: Budget
) -> tuple[dict[str, Any], int]:
    """The combination of ``space`` that a trial stands for, and how many epochs it may take.

    Hyperband says how many; the others take the budget's. A trial that Hyperband promotes starts
    over: that costs a third more and keeps trials independent of each other.
    """
    values = dict(trial.hyperparameters.values)
    epochs = int(values.get("tuner/epochs", budget.trial_epochs))
    # Beside the combination, Hyperband keeps its own bookkeeping there.
    return {name: values[name] for name in space}, epochs


def make_oracle(
    kind: str,
    space: dict[str, tuple],
    objective: str,
    trials: int,
    budget: Budget,
    seed: int,
    scratch: Path,
    deadline: float = inf,
) -> keras_tuner.Oracle:
    """The oracle of this kind for ``trials`` trials of ``space``.

    Beyond what Keras Tuner's own does, it

    - begins no trial after ``deadline`` (of :func:`time.monotonic`) once one has ended,
    - keeps idle workers waiting while trials run, so that they can take over from one that dies,
    - gives the trial of a dead worker to the next one that asks (``give_up``).
    """
    import keras_tuner
    from keras_tuner import oracles, synchronized
    from keras_tuner.engine.trial import Trial

    kinds = {
        "random": oracles.RandomSearchOracle,
        "bayesian": oracles.BayesianOptimizationOracle,
        "hyperband": oracles.HyperbandOracle,
        "grid": keras_tuner.Oracle,
    }

    # An exception in a synchronized method leaves its lock taken for good, so none may be raised.
    class OurOracle(kinds[kind]):
        exhausted = False

        def populate_space(self, trial_id: str) -> dict[str, Any]:
            if kind != "grid":
                return super().populate_space(trial_id)
            # Keras Tuner's grid waits for one trial before it proposes the next, so that more
            # workers would idle; and it cannot be resumed (keras-team/keras-tuner#1055).
            chosen = next(islice(product(*space.values()), int(trial_id), None), None)
            if chosen is None:
                return {"status": "STOPPED", "values": None}
            return {"status": "RUNNING", "values": dict(zip(space, chosen, strict=True))}

        @synchronized
        def create_trial(self, tuner_id: str) -> keras_tuner.engine.trial.Trial:
            self.seen[tuner_id] = time.monotonic()
            if tuner_id in self.ongoing_trials:
                return self.ongoing_trials[tuner_id]
            late = time.monotonic() >= deadline and bool(self.start_order)
            if late and self.end_order:
                self._retry_queue.clear()
            if self._retry_queue or not (late or self.exhausted):
                trial = super().create_trial(tuner_id)
                if trial.status != "STOPPED":
                    return trial
                # Asked again, a random search might yet find a combination: one answer for all.
                self.exhausted = True
            over = not self.ongoing_trials and not self._retry_queue
            trial = Trial(self.get_space(), "none", "STOPPED" if over else "IDLE")
            if trial.status == "STOPPED":
                self.seen.pop(tuner_id)
            return trial

        @synchronized
        def end_trial(self, trial: keras_tuner.engine.trial.Trial) -> None:
            # A worker that was taken for dead may come back with a trial that others have done.
            if trial.trial_id in {ongoing.trial_id for ongoing in self.ongoing_trials.values()}:
                super().end_trial(trial)

        @synchronized
        def give_up(self, tuner_id: str) -> str | None:
            """Forget a dead worker; the next one that asks gets its trial, whose id is returned."""
            self.seen.pop(tuner_id, None)
            self.tuner_ids.discard(tuner_id)
            trial = self.ongoing_trials.pop(tuner_id, None)
            if trial is not None:
                self._retry_queue.append(trial.trial_id)
            return trial and trial.trial_id

        @synchronized
        def finished(self) -> bool:
            """Whether no trial runs, and none is to come."""
            late = time.monotonic() >= deadline and bool(self.end_order)
            running = self.ongoing_trials or (self._retry_queue and not late)
            return not running and (late or self.exhausted)

    limits: dict[str, Any] = {"max_trials": min(trials, combinations(space))}
    if kind == "hyperband":
        # Enough repetitions for any number of trials; max_trials ends the search.
        limits = {"max_epochs": max(budget.trial_epochs, 2), "hyperband_iterations": 100}
    oracle = OurOracle(
        objective=keras_tuner.Objective(objective, OBJECTIVES[objective]),
        seed=seed + 1,  # Keras Tuner takes a seed of 0 for none
        hyperparameters=hyperparameters(space),
        **limits,
    )
    oracle.max_trials = limits.get("max_trials", trials)
    oracle.verbose = 0
    oracle.seen = {}  # when each worker was last heard of
    oracle._set_project_dir(str(scratch), kind)
    return oracle
