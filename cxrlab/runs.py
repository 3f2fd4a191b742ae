"""A RUN folder: a training, a search or the repairs, with all that is needed to repeat it.

``model.keras`` the network · ``metrics.json`` its numbers on the test set · ``history.csv`` one
row an epoch · ``split.csv`` which X-ray was in which part · ``settings.json`` how it was made ·
``predictions.csv`` the score of each test X-ray, whole and with parts hidden · ``by_source.csv``
how often each group was called positive.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pandas as pd

import cxrlab
from cxrlab import designs
from cxrlab.choices import Budget
from cxrlab.designs import Design, examine
from cxrlab.errors import CXRLabError
from cxrlab.files import read_json, write_atomically, write_json
from cxrlab.filters import prepare, seen_before
from cxrlab.metrics import evaluate
from cxrlab.pipeline import Xrays, decode
from cxrlab.recordings import Recording, record
from cxrlab.sources import what_kind
from cxrlab.splits import Split, kfold_by_patient, save_manifest, split_by_patient, subsample
from cxrlab.training import load_model, save_model
from cxrlab.tuning import Plan, is_worker, search, settings_from


@dataclass(frozen=True)
class TrainPlan:
    """How to train, and how to test it."""

    recipe: str = "published"  # of cxrlab.designs.RECIPES
    negatives: str | None = None  # whom it takes for healthy, if not those of the recipe
    folds: int = 0  # 2 or more test every patient once; 0 is a single split
    seed: int = 0


def train_run(out: Path, data: Path, budget: Budget, plan: TrainPlan) -> dict:
    """Train on the X-rays in ``data``, test on unseen patients, and keep everything in ``out``.

    Without folds the threshold is chosen on the validation part (highest F1) and then frozen.
    With folds the metrics are pooled; the networks share no validation part, so the threshold is
    fixed beforehand, at 0.5. A run that was interrupted goes on with the first unfinished fold.
    Returns ``metrics.json``. Raises :class:`CXRLabError` when ``out`` holds another run.
    """
    if plan.folds == 1:
        raise CXRLabError("One fold is no split: --folds needs 2 or more, or 0 for a single split.")
    design = designs.RECIPES[plan.recipe]
    design = replace(design, negatives=plan.negatives or design.negatives)
    settings = {"command": "train", **asdict(plan), "negatives": design.negatives}
    settings |= {"budget": asdict(budget), **what_kind(data), **asdict(design.settings)}
    claim(out, settings)
    if (out / "metrics.json").exists():
        print(f"{out} is finished already: nothing was done.")
        return read_json(out / "metrics.json")
    cases = prepare(data, design.negatives, plan.seed, balanced=not design.every).cases
    print(f"{len(cases)} X-rays of {cases['patient_id'].nunique()} patients.")
    how = (design, decode(cases), budget, plan.seed)
    if not plan.folds:
        scored, threshold = train_split(out, split_by_patient(cases, plan.seed), *how)
        return finish(out, scored, threshold, budget, plan.seed)
    pooled = []
    for number, split in enumerate(kfold_by_patient(cases, plan.folds, plan.seed), start=1):
        folder = out / f"fold-{number}"
        if not (folder / "predictions.csv").exists():
            print(f"Fold {number} of {plan.folds}")
            scored, _ = train_split(folder, split, *how)
            write_table(scored, folder / "predictions.csv")  # last: it marks a finished fold
        pooled.append(pd.read_csv(folder / "predictions.csv").assign(fold=number))
    # The folder itself holds the network of the first fold, so that it can be used like any run.
    for name in ("model.keras", "history.csv", "split.csv"):
        write_atomically(out / name, (out / "fold-1" / name).read_bytes())
    return finish(out, pd.concat(pooled, ignore_index=True), 0.5, budget, plan.seed)


def train_split(
    folder: Path, split: Split, design: Design, xrays: Xrays, budget: Budget, seed: int
) -> tuple[pd.DataFrame, float]:
    """Keep ``split.csv``, ``model.keras`` and ``history.csv``; the scored cases, the threshold."""
    save_manifest(split, folder / "split.csv")
    trained, scored, threshold = examine(design, xrays, split, budget, seed)
    save_model(trained.model, folder / "model.keras")
    write_table(trained.history, folder / "history.csv")
    return scored, threshold


def tune_run(
    out: Path, data: Path, budget: Budget, plan: Plan, until: float | None = None
) -> tuple[dict, pd.DataFrame] | None:
    """Search, train the best settings with the whole budget, and test them once.

    An interrupted search goes on; a finished one takes more trials when ``plan.trials`` is raised,
    and then trains its best settings anew. After ``until`` minutes no new trial is begun.
    Returns ``metrics.json`` and the leaderboard; nothing in a worker, whose chief has both.
    """
    kind, seed = what_kind(data), plan.seed
    settings = {name: value for name, value in asdict(plan).items() if name != "trials"}
    claim(out, {"command": "tune", "budget": asdict(budget), **settings, **kind})
    cases = prepare(data, plan.negatives, seed).cases
    split, xrays = split_by_patient(cases, seed), decode(cases)
    save_manifest(split, out / "split.csv")  # or say that the search began with other X-rays
    training = xrays.of(subsample(split.train, budget.images, seed))
    board = search(training, xrays.of(split.validation), budget, out / "search", plan, until=until)
    if is_worker():
        print("No trials are left. The chief has the results.")
        return None
    if until is None and len(board) < plan.trials:
        print(f"{len(board)} of {plan.trials} trials: Keras Tuner found no new combination to try.")
    kept = out / "leaderboard.csv"  # written last: it says which search the network comes from
    if kept.exists() and len(pd.read_csv(kept)) == len(board):
        print(f"{out} is finished already: nothing was done.")
        return read_json(out / "metrics.json"), board
    best = settings_from(board.iloc[0].to_dict())
    print(f"Training the best settings: {best}")
    tuned = Design("tuned", plan.negatives, best)
    scored, threshold = train_split(out, split, tuned, xrays, budget, seed)
    metrics = finish(out, scored, threshold, budget, seed)
    options = {**settings, "trials": len(board), "budget": budget.name}
    command = " ".join(f"--{name} {value}" for name, value in options.items())
    recording = record(board, f"cxrlab tune --out RUN {command}", seed, kind, cases)
    write_json(out / "recording.json", recording.to_json())
    write_table(board, kept)
    return metrics, board


def repairs_run(out: Path, data: Path, budget: Budget, folds: int = 2, seed: int = 0) -> Recording:
    """Try the repairs on the X-rays in ``data``; keep scores, table and recording in ``out``.

    Each is trained and tested on every fold, so that everybody is tested once. An interrupted run
    goes on with the first repair that is not finished.
    """
    kind, settings = what_kind(data), {"budget": asdict(budget), "folds": folds, "seed": seed}
    claim(out, {"command": "repairs", **settings, **kind})
    cases = designs.candidates(data, seed).cases
    splits, xrays, tried = kfold_by_patient(cases, folds, seed), decode(cases), {}
    for design in designs.REPAIRS:
        path = out / f"{design.name.replace(',', '').replace(' ', '-').lower()}.csv"
        if not path.exists():
            parts = []
            for number, split in enumerate(splits, start=1):
                ours = design.learns_from(split, seed)
                parts.append(examine(design, xrays, ours, budget, seed)[1].assign(fold=number))
            write_table(pd.concat(parts), path)
        tried[design.name] = pd.read_csv(path, low_memory=False)
    table = designs.repairs_table(tried)
    options = f"--budget {budget.name} --folds {folds} --seed {seed}"
    command = f"cxrlab repairs --out RUN --data DATA {options}"
    recording = record(table, command, seed, kind, cases)
    write_table(table, out / "repairs.csv")
    write_json(out / "recording.json", recording.to_json())
    return recording


def finish(out: Path, scored: pd.DataFrame, threshold: float, budget: Budget, seed: int) -> dict:
    """Evaluate scored cases; keep ``predictions.csv``, ``by_source.csv``, last ``metrics.json``."""
    scored = scored.assign(called=scored["score"] >= threshold)
    write_table(scored, out / "predictions.csv")
    write_table(designs.group_table(scored), out / "by_source.csv")
    labels, scores, patients = (scored[name] for name in ("label", "score", "patient_id"))
    metrics = evaluate(labels, scores, threshold, patients, budget.resamples, seed)
    metrics["threshold_from"] = "fixed beforehand" if "fold" in scored else "validation"
    write_json(out / "metrics.json", metrics)
    return metrics


def write_table(table: pd.DataFrame, path: Path) -> None:
    """Write a CSV whole or not at all."""
    write_atomically(path, table.to_csv(index=False))


def claim(out: Path, settings: dict) -> None:
    """Make ``out`` the folder of a run with these settings; :class:`CXRLabError` if it is not."""
    # As it looks after a round through JSON: tuples are lists.
    settings = json.loads(json.dumps({**settings, "cxrlab": cxrlab.__version__}))
    path = out / "settings.json"
    if not path.exists():
        if out.exists() and any(out.iterdir()):
            raise CXRLabError(
                f"{out} is not empty and holds no run. Name a new or an empty folder with --out."
            )
        write_json(path, settings)
    before = read_json(path)
    for name, value in settings.items():
        if before.get(name) != value:
            raise CXRLabError(
                f"{out} holds a run whose {name} is {before.get(name)!r}; this one's is "
                f"{value!r}. Name a new folder with --out, or delete the old one."
            )


def open_run(run: Path) -> tuple:
    """The network of a RUN folder and its frozen threshold; raises as :func:`read_metrics`."""
    threshold = float(read_metrics(run)["threshold"])
    return load_model(run / "model.keras"), threshold


def read_metrics(run: Path) -> dict:
    """``metrics.json`` of a RUN folder; :class:`CXRLabError` where it is not finished."""
    if not (run / "metrics.json").is_file():
        raise CXRLabError(
            f"{run} holds no finished run (no metrics.json). "
            "Make one with cxrlab train --out RUN, or run the same command again to finish it."
        )
    return read_json(run / "metrics.json")


def unseen(run: Path, cases: pd.DataFrame) -> pd.DataFrame:
    """The cases of patients from whom this run has not learned (training and validation part).

    Patients are known by their ``patient_id``, X-rays by what they show (``phash``), and whoever
    shares a ``group`` with one of these is known, too. Raises :class:`CXRLabError` where none are
    left.
    """
    file = run / "split.csv"
    parts = pd.read_csv(file, dtype=str, keep_default_na=False) if file.is_file() else None
    if parts is None or "phash" not in parts or "phash" not in cases:
        print(f"{run} does not tell which X-rays it has learned from: known ones stay in.")
        return cases
    learned = parts[parts["part"] != "test"]
    known = cases["patient_id"].isin(learned["patient_id"])
    known |= seen_before(cases["phash"], learned["phash"])
    if "group" in cases:
        known = known.groupby(cases["group"]).transform("any")
    strangers = cases[~known].reset_index(drop=True)
    if strangers.empty:
        raise CXRLabError(
            f"{run} has learned from the patients of all {len(cases)} cases, so that they say "
            "nothing about new ones. Name X-rays of other patients."
        )
    return strangers
