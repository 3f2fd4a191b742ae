"""Keras Tuner over the published space, able to go on where a killed search stopped."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from cxrlab.budgets import Budget
from cxrlab.errors import CXRLabError
from cxrlab.pipeline import Xrays
from cxrlab.training import Settings
from cxrlab.tuning.live import LiveBoard
from cxrlab.tuning.oracles import OBJECTIVES, TUNERS, make_oracle, to_train
from cxrlab.tuning.record import check_same_search, leaderboard, trial_key
from cxrlab.tuning.space import SPACES, settings_from
from cxrlab.tuning.trials import TrialRunner
from cxrlab.tuning.workers import Host, lead, quiet_grpc, work

if TYPE_CHECKING:
    import keras_tuner

__all__ = ["OBJECTIVES", "TUNERS", "Search", "search", "work_for"]


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
    until: float | None = None,
    on_trial: Callable[[pd.DataFrame], None] | None = None,
    host: Host | None = None,
) -> Search:
    """Try settings of the published space and rank them by their validation score.

    A search that was interrupted goes on: call it again with the same arguments and folder.
    Each trial is trained from a seed made from its settings, so that its result does not depend
    on the order of the trials. ``on_trial`` is called with the leaderboard after each trial.

    ``until``: after so many minutes no new trial is begun, but at least one is finished. What is
    missing then is done when the search is called again.

    With a ``host`` the trials are trained by other processes (:mod:`cxrlab.tuning.workers`).

    Raises :class:`CXRLabError` for unknown words, fewer than one trial, no time at all, or a
    folder that holds a search with other settings.
    """
    trials = budget.trials if trials is None else trials
    if trials < 1:
        raise CXRLabError(f"A search needs at least one trial, but --trials is {trials}.")
    if until is not None and not until > 0:
        raise CXRLabError(f"--until {until:g} leaves no time: give a number of minutes above 0.")
    folder = Path(folder)
    plan = _plan(training, validation, budget, space, tuner, objective, seed)
    check_same_search(folder, plan)
    if host is not None:
        quiet_grpc()
    deadline = inf if until is None else time.monotonic() + 60 * until
    scratch = _fresh(folder / "keras-tuner")
    oracle = make_oracle(tuner, SPACES[space], objective, trials, budget, seed, scratch, deadline)
    live = LiveBoard(folder, objective, oracle.max_trials, deadline, on_trial)
    if host is None:
        runner = TrialRunner(training, validation, budget, seed, precision, folder)

        def run(values: dict[str, Any], epochs: int) -> float:
            live.look()
            metrics = runner.run(values, epochs)
            live.look()
            return metrics[objective]

        make_tuner(oracle, SPACES[space], budget, run).search()
    else:
        lead(
            oracle,
            host,
            folder,
            live.look,
            lambda trial: trial_key(*to_train(trial, SPACES[space], budget)),
        )
    shutil.rmtree(scratch, ignore_errors=True)
    live.close()
    return Search(folder, objective, leaderboard(folder, objective))


def work_for(
    address: str,
    worker: str,
    training: Xrays,
    validation: Xrays,
    budget: Budget,
    folder: Path,
    *,
    space: str = "per-layer",
    tuner: str = "random",
    objective: str = "val_loss",
    seed: int = 0,
    precision: str = "auto",
) -> None:
    """Train the trials that the chief at ``address`` hands out, until it has no more.

    ``folder`` is the chief's, and so are the arguments of the search: they are checked.

    Raises :class:`CXRLabError` where no chief answers, and with a trial's own error.
    """
    quiet_grpc()
    folder = Path(folder)
    check_same_search(folder, _plan(training, validation, budget, space, tuner, objective, seed))
    runner = TrialRunner(training, validation, budget, seed, precision, folder)
    scratch = _fresh(folder / "keras-tuner" / worker)
    oracle = make_oracle(tuner, SPACES[space], objective, 1, budget, seed, scratch)

    def run(values: dict[str, Any], epochs: int) -> float:
        return runner.run(values, epochs)[objective]

    work(
        address,
        worker,
        folder,
        run,
        lambda beating: make_tuner(oracle, SPACES[space], budget, beating),
    )


def make_tuner(
    oracle: keras_tuner.Oracle,
    space: dict[str, tuple],
    budget: Budget,
    run: Callable[[dict[str, Any], int], float],
) -> keras_tuner.Tuner:
    """A Keras Tuner that has ``run`` give the objective of each combination and its epochs."""
    import keras_tuner

    name = oracle.objective.name

    class RecordedTuner(keras_tuner.Tuner):
        idle = False

        def pre_create_trial(self) -> None:
            # Keras Tuner asks again at once where the oracle has no trial to give just now.
            if self.idle:
                time.sleep(0.5)
            self.idle = True

        def run_trial(self, trial: keras_tuner.engine.trial.Trial) -> dict[str, float]:
            self.idle = False
            values, epochs = to_train(trial, space, budget)
            try:
                return {name: run(values, epochs)}
            except Exception as error:
                # Keras Tuner would count this as a failed trial and hide the reason.
                raise keras_tuner.errors.FatalError(str(error)) from error

    return RecordedTuner(
        oracle=oracle, directory=oracle._directory, project_name=oracle._project_name
    )


def _plan(
    training: Xrays,
    validation: Xrays,
    budget: Budget,
    space: str,
    tuner: str,
    objective: str,
    seed: int,
) -> dict[str, Any]:
    """What makes two searches the same one."""
    _check("tuner", tuner, TUNERS)
    _check("space", space, SPACES)
    _check("objective", objective, OBJECTIVES)
    return {
        "space": space,
        "choices": {name: list(choices) for name, choices in SPACES[space].items()},
        "tuner": tuner,
        "objective": objective,
        "seed": seed,
        "epochs": budget.trial_epochs,
        "images": _digest(training, validation),
    }


def _fresh(scratch: Path) -> Path:
    """An empty folder for Keras Tuner: our own record is what a search resumes from."""
    shutil.rmtree(scratch, ignore_errors=True)
    return scratch


def _digest(training: Xrays, validation: Xrays) -> str:
    names = [list(part.cases["image_id"]) for part in (training, validation)]
    return hashlib.sha256(json.dumps(names).encode()).hexdigest()[:16]


def _check(what: str, word: str, known: Any) -> None:
    if word not in known:
        raise CXRLabError(f"The {what} {word!r} is unknown. Choose one of: {', '.join(known)}.")
