"""The search of notebook 05 once more, for ``cxrlab tune``: space, Keras Tuner, leaderboard."""

from __future__ import annotations

import glob
import json
import os
import time
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from math import inf, isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from sklearn.metrics import roc_curve

from cxrlab import recordings
from cxrlab.choices import Budget
from cxrlab.errors import CXRLabError
from cxrlab.files import read_json
from cxrlab.model import DROPOUT_LAYERS
from cxrlab.pipeline import Xrays
from cxrlab.recordings import Recording
from cxrlab.training import Settings, predict, train

if TYPE_CHECKING:
    import keras_tuner

DROPOUT_NAMES = tuple(f"dropout_{layer}" for layer in range(1, DROPOUT_LAYERS + 1))
#: What each space lets the search choose from. The publication speaks of "50 combinations":
#: one shared dropout rate gives only 24, a rate of its own for each Dropout layer gives 1,536.
SPACES: dict[str, dict[str, tuple]] = {
    space: {
        "dense_units": (64, 128),
        **dict.fromkeys(dropouts, (0.2, 0.3, 0.4, 0.5)),
        "learning_rate": (1e-4, 1e-3, 1e-2),
    }
    for space, dropouts in {"per-layer": DROPOUT_NAMES, "shared": ("dropout",)}.items()
}
METRICS = ("val_loss", "recall_at_specificity")  # of a trial, on validation
SPECIFICITY = 0.9  # at which a search reads recall


def settings_from(values: Mapping[str, Any]) -> Settings:
    """The training settings that one combination of the space stands for."""
    rates = tuple(float(values[name]) for name in DROPOUT_NAMES if name in values)
    dropout = rates or float(values["dropout"])
    return Settings(int(values["dense_units"]), dropout, float(values["learning_rate"]))


@dataclass(frozen=True)
class Plan:
    """What makes two searches the same one."""

    tuner: str = "random"  # or "bayesian", "grid"
    space: str = "per-layer"  # a name in SPACES
    trials: int = 4
    seed: int = 0
    negatives: str = "kermany"  # healthy children, adults or both, as in prepare()


def checked_space(name: str) -> dict[str, list]:
    """The choices of a space in one type each; :class:`CXRLabError` where they do not fit."""
    space = SPACES[name]
    dropouts = ("dropout",) if "dropout" in space else DROPOUT_NAMES
    kinds = {"dense_units": int, "learning_rate": float, **dict.fromkeys(dropouts, float)}
    with suppress(KeyError, TypeError, ValueError):
        found = {each: [kinds[each](choice) for choice in space[each]] for each in space}
        same = all([*map(float, space[each])] == found[each] != [] for each in kinds)
        below = {each: 1 if each in dropouts else inf for each in kinds}
        if same and all(0 <= n < below[each] for each in kinds for n in found[each]):
            return found
    raise CXRLabError(
        f"The space {name!r} does not fit the network: {space}. Give choices of numbers for "
        "dense_units, learning_rate, and dropout or dropout_1 to dropout_4, and for nothing else."
    )


def make_tuner(
    plan: Plan, run: Callable[[dict[str, Any]], dict[str, float]], folder: Path
) -> keras_tuner.Tuner:
    """A tuner of Keras Tuner that goes on with what ``folder`` holds of the same search.

    ``run`` takes the values of a trial and returns its ``METRICS``. It may raise
    ``keras_tuner.errors.FailedTrialError``: then the search goes on. Any other error ends it.
    Raises :class:`CXRLabError` where a file cannot be read.
    """
    import keras_tuner

    space = keras_tuner.HyperParameters()
    for name, choices in checked_space(plan.space).items():
        space.Choice(name, choices)
    kind = {"random": "RandomSearch", "bayesian": "BayesianOptimization", "grid": "GridSearch"}

    class Trials(getattr(keras_tuner, kind[plan.tuner])):
        def run_trial(self, trial, *args, **kwargs):
            try:
                return run(trial.hyperparameters.values)
            except keras_tuner.errors.FailedTrialError:
                raise
            except Exception as error:
                # Keras Tuner would count this as one failed trial of many and hide the reason.
                raise keras_tuner.errors.FatalError(str(error)) from error

    try:
        return Trials(
            hypermodel=None,
            objective=keras_tuner.Objective(METRICS[0], "min"),
            hyperparameters=space,
            max_trials=plan.trials,
            seed=plan.seed + 1,  # Keras Tuner takes 0 for "any seed"
            max_consecutive_failed_trials=10**6,
            directory=folder,
            project_name="trials",
        )
    except json.JSONDecodeError as error:
        # Keras Tuner does not write its files in one go: a kill just then leaves half of one.
        raise CXRLabError(
            f"A file of the search in {folder} is cut off ({error.msg}), as a kill at the wrong "
            f"moment leaves it. Delete the newest trial folder in {folder}, or begin a new search."
        ) from error


def search(
    training: Xrays,
    validation: Xrays,
    budget: Budget,
    folder: Path,
    plan: Plan,
    until: float | None = None,
) -> pd.DataFrame:
    """Try settings of the published space; the :func:`leaderboard`.

    An interrupted search goes on: call it again with the same arguments. Each trial's seed is made
    from its settings, so that the order of the trials does not matter. After ``until`` minutes no
    new trial is begun, but one at least is finished. A trial whose loss is no number has failed.
    In a worker (docs/many-machines.md) the leaderboard is empty: the chief has it.
    Raises :class:`CXRLabError` for no trials or no time, or where no trial succeeded.
    """
    import keras_tuner

    if plan.trials < 1 or (until is not None and not until > 0):
        raise CXRLabError(
            f"A search needs a trial and some minutes, but --trials is {plan.trials} and --until "
            f"{until}. Give numbers above 0."
        )
    if glob.escape(str(folder)) != str(folder) or not str(folder).isprintable():
        raise CXRLabError(
            f"In {folder} Keras Tuner would not find finished trials again. Name a folder with "
            "--out whose name holds letters, digits and dashes, and no [, * or ?."
        )
    end = inf if until is None else time.monotonic() + 60 * until

    def run(values: dict[str, Any]) -> dict[str, float]:
        seed = (zlib.crc32(json.dumps(values, sort_keys=True).encode()) + plan.seed) % 2**31
        short = replace(budget, epochs=budget.trial_epochs)
        trained = train(training, validation, short, seed, settings_from(values))
        loss = float(trained.history["val_loss"].iloc[trained.best_epoch - 1])
        if not isfinite(loss):
            raise keras_tuner.errors.FailedTrialError(f"The validation loss is {loss}.")
        scores = predict(trained.model, validation)
        if time.monotonic() > end and not is_worker():
            tuner.oracle.max_trials = len(tuner.oracle.trials)
        false, recall, _ = roc_curve(validation.labels, scores, drop_intermediate=False)
        best = float(recall[1 - false >= SPECIFICITY].max())
        return {"val_loss": loss, "recall_at_specificity": best}

    tuner = make_tuner(plan, run, folder)
    try:
        tuner.search(verbose=1)
    except keras_tuner.errors.FatalError as error:
        raise error.__cause__ or error from None
    if is_worker():
        return pd.DataFrame()
    board = leaderboard(tuner)
    if board.empty:
        raise CXRLabError(
            "No trial of the search succeeded: each loss was no number. Try lower learning rates."
        )
    return board


def is_worker() -> bool:
    """Whether this process trains for a chief elsewhere, by Keras Tuner's variables."""
    name = os.environ.get("KERASTUNER_TUNER_ID", "chief")
    return "KERASTUNER_ORACLE_IP" in os.environ and "chief" not in name


def leaderboard(tuner: keras_tuner.Tuner) -> pd.DataFrame:
    """Successful trials, the best first: ``rank``, searched values, ``METRICS``, ``trial``."""
    rows = []
    for trial in tuner.oracle.trials.values():
        if trial.status == "COMPLETED":
            metrics = {name: trial.metrics.get_best_value(name) for name in METRICS}
            number = int(trial.trial_id) + 1
            rows.append({**trial.hyperparameters.values, **metrics, "trial": number})
    rows.sort(key=lambda row: row["val_loss"])
    return pd.DataFrame([{"rank": rank, **row} for rank, row in enumerate(rows, start=1)])


def recorded_search(source: Path | str = "course") -> Recording:
    """The search in a recording.json of ``cxrlab tune``, or ``course``: fifty trials of the course.

    Raises :class:`CXRLabError` where it is no recorded search.
    """
    path = recordings.FOLDER / "search-fifty-trials.json" if source == "course" else Path(source)
    try:
        found = recordings.from_json(read_json(path))
        found.table[["rank", "trial", *METRICS]].astype(float)
        settings_from(found.table.iloc[0].to_dict())
    except (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError):
        raise CXRLabError(
            f"{path} holds no recorded search. Name the recording.json in a folder that "
            "cxrlab tune has finished."
        ) from None
    return found
