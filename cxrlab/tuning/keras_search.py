"""Keras Tuner over the published space, able to go on where a killed search stopped."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from cxrlab.budgets import Budget
from cxrlab.errors import CXRLabError
from cxrlab.pipeline import Xrays, dataset
from cxrlab.precision import choose_precision
from cxrlab.progress import LiveLine, clock
from cxrlab.training import Settings, compiled_network, precision_policy, stop_early
from cxrlab.tuning.record import check_same_search, leaderboard, read_trial, trial_key, write_trial
from cxrlab.tuning.space import SPACES, combinations, hyperparameters, settings_from

if TYPE_CHECKING:
    import keras_tuner

TUNERS = ("random", "bayesian", "hyperband", "grid")

#: What a search may optimise, and in which direction.
OBJECTIVES = {"val_loss": "min", "recall_at_specificity": "max"}

#: The specificity at which ``recall_at_specificity`` reads the recall.
SPECIFICITY = 0.9


@dataclass(frozen=True)
class Search:
    """A finished search: its leaderboard (best first) and where it is kept."""

    folder: Path
    objective: str
    leaderboard: pd.DataFrame

    @property
    def best(self) -> Settings:
        """The settings of the best trial."""
        return settings_from(self.leaderboard.iloc[0].to_dict())


def search(
    training: Xrays,
    validation: Xrays,
    budget: Budget,
    folder: Path,
    *,
    space: str = "per-layer",
    tuner: str = "random",
    trials: int | None = None,
    objective: str = "val_loss",
    seed: int = 0,
    precision: str = "auto",
    on_trial: Callable[[pd.DataFrame], None] | None = None,
) -> Search:
    """Try settings of the published space and rank them by their validation score.

    A search that was interrupted goes on: call it again with the same arguments and folder.
    Each trial is trained from a seed made from its settings, so that its result does not depend
    on the order of the trials. ``on_trial`` is called with the leaderboard after each trial.

    Raises :class:`CXRLabError` for unknown words, fewer than one trial, or a folder that holds
    a search with other settings.
    """
    _check("tuner", tuner, TUNERS)
    _check("space", space, SPACES)
    _check("objective", objective, OBJECTIVES)
    trials = budget.trials if trials is None else trials
    if trials < 1:
        raise CXRLabError(f"A search needs at least one trial, but --trials is {trials}.")
    folder = Path(folder)
    plan = {
        "space": space,
        "choices": {name: list(choices) for name, choices in SPACES[space].items()},
        "tuner": tuner,
        "objective": objective,
        "seed": seed,
        "epochs": budget.trial_epochs,
        "images": _digest(training, validation),
    }
    check_same_search(folder, plan)
    runner = _TrialRunner(
        training, validation, budget, seed, choose_precision(precision)[0], folder
    )
    line, started = LiveLine(), time.monotonic()

    def run(values: dict[str, Any], epochs: int) -> float:
        board = leaderboard(folder, objective)
        best = f" · best so far {board[objective].iloc[0]:.3f}" if len(board) else ""
        elapsed = clock(time.monotonic() - started)
        line.update(f"Trial {len(board) + 1} of at most {trials}, {elapsed} so far{best}")
        metrics = runner.run(values, epochs)
        if on_trial is not None:
            on_trial(leaderboard(folder, objective))
        return metrics[objective]

    _drive_keras_tuner(tuner, SPACES[space], objective, trials, budget, seed, folder, run)
    board = leaderboard(folder, objective)
    line.close(f"{len(board)} trials, the best with {objective} {board[objective].iloc[0]:.3f}")
    return Search(folder, objective, board)


@dataclass(frozen=True)
class _TrialRunner:
    """Trains one combination, or finds it among the finished ones."""

    training: Xrays
    validation: Xrays
    budget: Budget
    seed: int
    precision: str
    folder: Path

    def run(self, values: dict[str, Any], epochs: int) -> dict[str, float]:
        import keras

        key = trial_key(values, epochs)
        done = read_trial(self.folder / "trials", key)
        if done is not None:
            return done["metrics"]
        started = time.monotonic()
        settings = settings_from(values)
        trial_seed = (int(trial_key(values, 0), 16) + self.seed) % 2**31
        keras.utils.set_random_seed(trial_seed)
        with precision_policy(self.precision):
            recall = keras.metrics.SensitivityAtSpecificity(
                SPECIFICITY, name="recall_at_specificity"
            )
            model = compiled_network(settings, len(self.training), epochs, (recall,))
            history = model.fit(
                dataset(self.training, settings.batch_size, shuffle_seed=trial_seed),
                validation_data=dataset(self.validation, settings.batch_size),
                epochs=epochs,
                shuffle=False,  # the data set shuffles itself
                callbacks=[stop_early(self.budget, settings, len(self.training), epochs)],
                verbose=0,
            ).history
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
        # Keras keeps the graphs of dead models until it is told to let go.
        keras.backend.clear_session()
        return metrics


def _drive_keras_tuner(
    kind: str,
    space: dict[str, tuple],
    objective: str,
    trials: int,
    budget: Budget,
    seed: int,
    folder: Path,
    run: Callable[[dict[str, Any], int], float],
) -> None:
    """Let Keras Tuner propose combinations until it has had ``trials`` or runs out of them."""
    import keras_tuner

    class RecordedTuner(keras_tuner.Tuner):
        def run_trial(self, trial: keras_tuner.engine.trial.Trial) -> dict[str, float]:
            values = dict(trial.hyperparameters.values)
            # Hyperband says how long a trial may run; the others take the budget's epochs. A
            # promoted trial starts over: that costs a third more and keeps trials independent.
            epochs = int(values.get("tuner/epochs", budget.trial_epochs))
            chosen = {name: values[name] for name in space}
            try:
                return {objective: run(chosen, epochs)}
            except Exception as error:
                # Keras Tuner would count this as a failed trial and hide the reason.
                raise keras_tuner.errors.FatalError(str(error)) from error

    scratch = folder / "keras-tuner"
    shutil.rmtree(scratch, ignore_errors=True)  # our record of trials is what a search resumes from
    oracle = _oracle(kind, space, objective, trials, budget, seed)
    oracle.verbose = 0
    oracle.max_trials = min(trials, combinations(space)) if kind != "hyperband" else trials
    RecordedTuner(oracle=oracle, directory=str(scratch), project_name=kind, overwrite=True).search()
    shutil.rmtree(scratch, ignore_errors=True)


def _oracle(
    kind: str, space: dict[str, tuple], objective: str, trials: int, budget: Budget, seed: int
) -> keras_tuner.Oracle:
    import keras_tuner
    from keras_tuner import oracles

    common = {
        "objective": keras_tuner.Objective(objective, OBJECTIVES[objective]),
        "seed": seed + 1,  # Keras Tuner takes a seed of 0 for none
        "hyperparameters": hyperparameters(space),
    }
    if kind == "hyperband":
        # Enough repetitions for any number of trials; max_trials ends the search.
        return oracles.HyperbandOracle(
            max_epochs=max(budget.trial_epochs, 2), hyperband_iterations=100, **common
        )
    make = {
        "random": oracles.RandomSearchOracle,
        "bayesian": oracles.BayesianOptimizationOracle,
        "grid": oracles.GridSearchOracle,
    }[kind]
    return make(max_trials=trials, **common)


def _digest(training: Xrays, validation: Xrays) -> str:
    names = [list(part.cases["image_id"]) for part in (training, validation)]
    return hashlib.sha256(json.dumps(names).encode()).hexdigest()[:16]


def _check(what: str, word: str, known: Any) -> None:
    if word not in known:
        raise CXRLabError(f"The {what} {word!r} is unknown. Choose one of: {', '.join(known)}.")
