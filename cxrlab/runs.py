"""A RUN folder: one training, or one search, with all that is needed to use and to repeat it.

``model.keras`` the network · ``metrics.json`` its numbers on the test set · ``history.csv`` one
row an epoch · ``split.csv`` which X-ray was in which part · ``settings.json`` how it was made ·
``predictions.csv`` the score of each test X-ray, whole and with parts hidden · ``by_source.csv``
how often each group was called positive.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pandas as pd

import cxrlab
from cxrlab.budgets import Budget
from cxrlab.cases import Prepared, prepare
from cxrlab.designs import Design, group_table, recipe_named, score_with_hidden_parts
from cxrlab.errors import CXRLabError
from cxrlab.files import read_json, write_atomically, write_json
from cxrlab.metrics import Report, choose_threshold, evaluate
from cxrlab.pipeline import Xrays, decode
from cxrlab.recordings import data_in_words, record
from cxrlab.sources import what_kind
from cxrlab.splits import (
    Split,
    kfold_by_patient,
    load_manifest,
    save_manifest,
    split_by_patient,
    subsample,
)
from cxrlab.training import (
    Trained,
    load_model,
    made_ready,
    predict,
    save_model,
    train,
)
from cxrlab.tuning import Plan, is_worker, save_search, search, settings_from

Say = Callable[[str], None]


def train_run(
    out: Path,
    data: Path,
    budget: Budget,
    *,
    recipe: str = "published",
    negatives: str | None = None,
    folds: int = 0,
    seed: int = 0,
    threshold: float | None = None,
    precision: str = "auto",
    say: Say = print,
) -> dict:
    """Train on the X-rays in ``data``, test on unseen patients, and keep everything in ``out``.

    ``recipe`` is one of :data:`cxrlab.designs.RECIPES`; ``negatives`` overrules whom it takes for
    healthy.

    Without folds the threshold is chosen on the validation part (highest F1) and then frozen.
    With ``folds`` of 2 or more each patient is tested once, by a network that has not seen them,
    and the metrics are pooled over all folds; networks of different folds share no validation
    part, so the threshold is fixed beforehand, at 0.5. ``threshold`` overrides both.

    A run that was interrupted goes on with the first unfinished fold. Returns ``metrics.json``.
    Raises :class:`CXRLabError` when ``out`` holds another run.
    """
    if folds == 1 or folds < 0:
        raise CXRLabError(f"--folds is {folds}, but needs 2 or more (or 0 for a single split).")
    design = recipe_named(recipe)
    negatives = negatives or design.negatives
    claim(
        out,
        {
            "command": "train",
            "recipe": recipe,
            "negatives": negatives,
            "budget": asdict(budget),
            "folds": folds,
            "seed": seed,
            "threshold": threshold,
            **what_kind(data),
            **design.settings.to_json(),
        },
    )
    if (out / "metrics.json").exists():
        say(f"{out} is finished already: nothing was done.")
        return read_json(out / "metrics.json")
    prepared = prepare(data, negatives, seed, balanced=not design.every)
    say(f"{len(prepared.cases)} X-rays of {prepared.cases['patient_id'].nunique()} patients.")
    xrays = decode(prepared.cases)
    if folds:
        return _train_folds(
            out, prepared, xrays, budget, design, folds, seed, threshold, precision, say
        )
    split = split_by_patient(prepared.cases, seed, together=prepared.near)
    save_manifest(split, out / "split.csv")
    trained, scored, chosen = fit_and_score(xrays, split, budget, design, seed, precision, say)
    save_training(out, trained)
    origin = "validation" if threshold is None else "given"
    return finish(out, scored, chosen if threshold is None else threshold, origin, budget, seed)


def _train_folds(
    out: Path,
    prepared: Prepared,
    xrays: Xrays,
    budget: Budget,
    design: Design,
    folds: int,
    seed: int,
    threshold: float | None,
    precision: str,
    say: Say,
) -> dict:
    pooled = []
    for number, split in enumerate(
        kfold_by_patient(prepared.cases, folds, seed, together=prepared.near), start=1
    ):
        folder = out / f"fold-{number}"
        if not (folder / "predictions.csv").exists():
            say(f"Fold {number} of {folds}")
            save_manifest(split, folder / "split.csv")
            trained, scored, _ = fit_and_score(xrays, split, budget, design, seed, precision, say)
            save_training(folder, trained)
            write_table(scored, folder / "predictions.csv")  # last: it marks a finished fold
        pooled.append(pd.read_csv(folder / "predictions.csv").assign(fold=number))
    # The folder itself holds the network of the first fold, so that it can be used like any run.
    for name in ("model.keras", "history.csv", "split.csv"):
        write_atomically(out / name, (out / "fold-1" / name).read_bytes())
    fixed, origin = (0.5, "fixed beforehand") if threshold is None else (threshold, "given")
    return finish(out, pd.concat(pooled, ignore_index=True), fixed, origin, budget, seed)


def tune_run(
    out: Path,
    data: Path,
    budget: Budget,
    plan: Plan,
    *,
    negatives: str = "kermany",
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
            "negatives": negatives,
            "budget": asdict(budget),
            **settings,
            **what_kind(data),
        },
    )
    prepared = prepare(data, negatives, plan.seed)
    if (out / "split.csv").exists():
        split = load_manifest(out / "split.csv", prepared.cases)
    else:
        split = split_by_patient(prepared.cases, plan.seed, together=prepared.near)
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
    design = Design("tuned", negatives, best)
    trained, scored, threshold = fit_and_score(xrays, split, budget, design, plan.seed, "auto", say)
    save_training(out, trained)
    metrics = finish(out, scored, threshold, "validation", budget, plan.seed)
    options = {**settings, "trials": len(board), "negatives": negatives, "budget": budget.name}
    command = " ".join(f"--{name} {value}" for name, value in options.items())
    words = data_in_words(what_kind(data), prepared.cases)
    recording = record(board, f"cxrlab tune --out RUN {command}", plan.seed, words)
    save_search(recording, plan.objective, out / "recording.json")
    write_table(board, kept)
    return metrics, board


def fit_and_score(
    xrays: Xrays,
    split: Split,
    budget: Budget,
    design: Design,
    seed: int,
    precision: str,
    say: Say,
) -> tuple[Trained, pd.DataFrame, float]:
    """Train on a split; return the network, the scored test cases and the validation threshold."""
    settings = design.settings
    training = xrays.of(subsample(split.train, design.images(budget), seed))
    validation, test = xrays.of(split.validation), xrays.of(split.test)
    trained = train(training, validation, budget, seed, settings, precision)
    say(f"Trained in {trained.machine}; best epoch {trained.best_epoch}.")
    ready = made_ready(validation, settings)
    chosen = choose_threshold(ready.labels, predict(trained.model, ready))
    return trained, score_with_hidden_parts(trained.model, test, settings), chosen


def finish(
    out: Path, scored: pd.DataFrame, threshold: float, origin: str, budget: Budget, seed: int
) -> dict:
    """Evaluate scored cases; write ``predictions.csv`` and ``by_source.csv``, and, last,
    ``metrics.json``.
    """
    scored = scored.assign(called=scored["score"] >= threshold)
    write_table(scored, out / "predictions.csv")
    write_table(group_table(scored, budget.resamples, seed), out / "by_source.csv")
    report = evaluate_scored(scored, threshold, budget, seed)
    metrics = {**report.to_json(), "threshold_from": origin}
    write_json(out / "metrics.json", metrics)
    return metrics


def evaluate_scored(scored: pd.DataFrame, threshold: float, budget: Budget, seed: int) -> Report:
    """Numbers with intervals for a table with ``label``, ``score`` and ``patient_id``."""
    return evaluate(
        scored["label"].to_numpy(int),
        scored["score"].to_numpy(float),
        threshold,
        patients=scored["patient_id"].to_numpy(),
        resamples=budget.resamples,
        seed=seed,
    )


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
    settings = read_back({**settings, "cxrlab": cxrlab.__version__})
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


def read_back(content: dict) -> dict:
    """The dictionary as it looks after a round through JSON (tuples are lists)."""
    import json

    return json.loads(json.dumps(content))
