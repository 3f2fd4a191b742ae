"""A RUN folder: one training, or one search, with all that is needed to use and to repeat it.

``model.keras`` the network · ``metrics.json`` its numbers on the test set · ``history.csv`` one
row an epoch · ``split.csv`` which X-ray was in which part · ``settings.json`` how it was made ·
``predictions.csv`` the score of each test X-ray, whole and with parts hidden · ``by_source.csv``
how often each group was called positive.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pandas as pd

import cxrlab
from cxrlab.cases import Prepared, prepare
from cxrlab.choices import Budget
from cxrlab.designs import Design, examine, group_table, recipe_named
from cxrlab.errors import CXRLabError
from cxrlab.files import read_json, write_atomically, write_json
from cxrlab.metrics import evaluate
from cxrlab.pipeline import decode
from cxrlab.recordings import data_in_words, record
from cxrlab.sources import what_kind
from cxrlab.splits import (
    kfold_by_patient,
    load_manifest,
    save_manifest,
    split_by_patient,
    subsample,
)
from cxrlab.training import (
    Trained,
    load_model,
    save_model,
)
from cxrlab.tuning import Plan, is_worker, save_search, search, settings_from

Say = Callable[[str], None]


@dataclass(frozen=True)
class TrainPlan:
    """How to train: a recipe of :data:`cxrlab.designs.RECIPES`, and how to test it.

    ``negatives`` overrules whom the recipe takes for healthy. ``folds`` of 2 or more test every
    patient once, by a network that has not seen them; 0 is a single split.
    """

    recipe: str = "published"
    negatives: str | None = None
    folds: int = 0
    seed: int = 0

    def design(self) -> Design:
        """The recipe with these negatives. Raises :class:`CXRLabError` for folds of 1."""
        if self.folds == 1 or self.folds < 0:
            raise CXRLabError(
                f"--folds is {self.folds}, but needs 2 or more (or 0 for a single split)."
            )
        design = recipe_named(self.recipe)
        return replace(design, negatives=self.negatives or design.negatives)


def train_run(out: Path, data: Path, budget: Budget, plan: TrainPlan, say: Say = print) -> dict:
    """Train on the X-rays in ``data``, test on unseen patients, and keep everything in ``out``.

    Without folds the threshold is chosen on the validation part (highest F1) and then frozen.
    With folds the metrics are pooled over all folds; networks of different folds share no
    validation part, so the threshold is fixed beforehand, at 0.5. A run that was interrupted goes
    on with the first unfinished fold. Returns ``metrics.json``.
    Raises :class:`CXRLabError` when ``out`` holds another run.
    """
    design = plan.design()
    settings = {"command": "train", **asdict(plan), "negatives": design.negatives}
    settings |= {"budget": asdict(budget), **what_kind(data), **asdict(design.settings)}
    claim(out, settings)
    if (out / "metrics.json").exists():
        say(f"{out} is finished already: nothing was done.")
        return read_json(out / "metrics.json")
    prepared = prepare(data, design.negatives, plan.seed, balanced=not design.every)
    say(f"{len(prepared.cases)} X-rays of {prepared.cases['patient_id'].nunique()} patients.")
    if plan.folds:
        return _train_folds(out, prepared, budget, design, plan, say)
    split = split_by_patient(prepared.cases, plan.seed)
    save_manifest(split, out / "split.csv")
    xrays = decode(prepared.cases)
    trained, scored, threshold = examine(design, xrays, split, budget, plan.seed, say)
    save_training(out, trained)
    return finish(out, scored, threshold, "validation", budget, plan.seed)


def _train_folds(
    out: Path, prepared: Prepared, budget: Budget, design: Design, plan: TrainPlan, say: Say
) -> dict:
    pooled, xrays = [], decode(prepared.cases)
    splits = kfold_by_patient(prepared.cases, plan.folds, plan.seed)
    for number, split in enumerate(splits, start=1):
        folder = out / f"fold-{number}"
        if not (folder / "predictions.csv").exists():
            say(f"Fold {number} of {plan.folds}")
            save_manifest(split, folder / "split.csv")
            trained, scored, _ = examine(design, xrays, split, budget, plan.seed, say)
            save_training(folder, trained)
            write_table(scored, folder / "predictions.csv")  # last: it marks a finished fold
        pooled.append(pd.read_csv(folder / "predictions.csv").assign(fold=number))
    # The folder itself holds the network of the first fold, so that it can be used like any run.
    for name in ("model.keras", "history.csv", "split.csv"):
        write_atomically(out / name, (out / "fold-1" / name).read_bytes())
    everybody = pd.concat(pooled, ignore_index=True)
    return finish(out, everybody, 0.5, "fixed beforehand", budget, plan.seed)


def tune_run(
    out: Path,
    data: Path,
    budget: Budget,
    plan: Plan,
    until: float | None = None,
    say: Say = print,
) -> tuple[dict, pd.DataFrame] | None:
    """Search, train the best settings with the whole budget, and test them once.

    An interrupted search goes on; a finished one takes more trials when ``plan.trials`` is raised,
    and then trains its best settings anew. After ``until`` minutes no new trial is begun.
    Returns ``metrics.json`` and the leaderboard; nothing in a worker, whose chief has both.
    """
    settings = {name: value for name, value in asdict(plan).items() if name != "trials"}
    claim(
        out,
        {
            "command": "tune",
            "budget": asdict(budget),
            **settings,
            **what_kind(data),
        },
    )
    prepared = prepare(data, plan.negatives, plan.seed)
    if (out / "split.csv").exists():
        split = load_manifest(out / "split.csv", prepared.cases)
    else:
        split = split_by_patient(prepared.cases, plan.seed)
        save_manifest(split, out / "split.csv")
    xrays = decode(prepared.cases)
    training = xrays.of(subsample(split.train, budget.images, plan.seed))
    board = search(training, xrays.of(split.validation), budget, out / "search", plan, until=until)
    if is_worker():
        say("No trials are left. The chief has the results.")
        return None
    if until is None and len(board) < plan.trials:
        say(f"{len(board)} of {plan.trials} trials: Keras Tuner found no new combination to try.")
    kept = out / "leaderboard.csv"  # written last: it says which search the network comes from
    if kept.exists() and len(pd.read_csv(kept)) == len(board):
        say(f"{out} is finished already: nothing was done.")
        return read_json(out / "metrics.json"), board
    best = settings_from(board.iloc[0].to_dict())
    say(f"Training the best settings: {best}")
    design = Design("tuned", plan.negatives, best)
    trained, scored, threshold = examine(design, xrays, split, budget, plan.seed, say)
    save_training(out, trained)
    metrics = finish(out, scored, threshold, "validation", budget, plan.seed)
    options = {**settings, "trials": len(board), "budget": budget.name}
    command = " ".join(f"--{name} {value}" for name, value in options.items())
    words = data_in_words(what_kind(data), prepared.cases)
    recording = record(board, f"cxrlab tune --out RUN {command}", plan.seed, words)
    save_search(recording, plan.objective, out / "recording.json")
    write_table(board, kept)
    return metrics, board


def finish(
    out: Path, scored: pd.DataFrame, threshold: float, origin: str, budget: Budget, seed: int
) -> dict:
    """Evaluate scored cases; write ``predictions.csv`` and ``by_source.csv``, and, last,
    ``metrics.json``.
    """
    scored = scored.assign(called=scored["score"] >= threshold)
    write_table(scored, out / "predictions.csv")
    write_table(group_table(scored, budget.resamples, seed), out / "by_source.csv")
    report = evaluate(
        scored["label"], scored["score"], threshold, scored["patient_id"], budget.resamples, seed
    )
    metrics = {**report.to_json(), "threshold_from": origin}
    write_json(out / "metrics.json", metrics)
    return metrics


def save_training(folder: Path, trained: Trained) -> None:
    """Write ``model.keras`` and ``history.csv``."""
    save_model(trained.model, folder / "model.keras")
    write_table(trained.history, folder / "history.csv")


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a CSV whole or not at all."""
    write_atomically(path, table.to_csv(index=False))


def claim(out: Path, settings: dict) -> None:
    """Make ``out`` the folder of a run with these settings, or see that it already is.

    Raises :class:`CXRLabError` when it holds something else: nothing is overwritten.
    """
    # As it looks after a round through JSON: tuples are lists.
    settings = json.loads(json.dumps({**settings, "cxrlab": cxrlab.__version__}))
    path = out / "settings.json"
    if path.exists():
        before = read_json(path)
        for name, value in settings.items():
            if before.get(name) != value:
                raise CXRLabError(
                    f"{out} holds a run whose {name} is {before.get(name)!r}; this one's is "
                    f"{value!r}. Name a new folder with --out, or delete the old one."
                )
    elif out.exists() and any(out.iterdir()):
        raise CXRLabError(
            f"{out} is not empty and holds no run. Name a new or an empty folder with --out."
        )
    else:
        write_json(path, settings)


def open_run(run: Path) -> tuple:
    """The network of a RUN folder and its frozen threshold.

    Raises :class:`CXRLabError` when the folder is missing or unfinished.
    """
    threshold = float(read_metrics(run)["threshold"])
    return load_model(run / "model.keras"), threshold


def read_metrics(run: Path) -> dict:
    """``metrics.json`` of a RUN folder. Raises as :func:`open_run` does, without TensorFlow."""
    if not (run / "metrics.json").is_file():
        raise CXRLabError(
            f"{run} holds no finished run (no metrics.json). "
            "Make one with cxrlab train --out RUN, or run the same command again to finish it."
        )
    return read_json(run / "metrics.json")


def unseen(run: Path, cases: pd.DataFrame) -> pd.DataFrame:
    """The cases of patients from whom this run has not learned (training and validation part).

    Raises :class:`CXRLabError` where none are left.
    """
    if not (run / "split.csv").is_file():
        return cases
    parts = pd.read_csv(run / "split.csv", dtype=str, keep_default_na=False)
    learned = parts.loc[parts["part"] != "test", "patient_id"]
    strangers = cases[~cases["patient_id"].isin(learned)].reset_index(drop=True)
    if strangers.empty:
        raise CXRLabError(
            f"{run} has learned from the patients of all {len(cases)} cases, so that they say "
            "nothing about new ones. Name X-rays of other patients."
        )
    return strangers
