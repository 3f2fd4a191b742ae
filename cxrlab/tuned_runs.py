"""A RUN folder made by a search: the leaderboard, and the best settings trained for good."""

from __future__ import annotations

import shlex
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from cxrlab.budgets import Budget
from cxrlab.cases import Prepared, prepare
from cxrlab.designs import Design
from cxrlab.files import read_json
from cxrlab.pipeline import decode
from cxrlab.recordings import data_in_words
from cxrlab.runs import Say, claim, finish, fit_and_score, save_training, write_table
from cxrlab.sources import what_kind
from cxrlab.splits import Split, load_manifest, save_manifest, split_by_patient, subsample
from cxrlab.tuning import Search, save_search, search


def tune_run(
    out: Path,
    data: Path,
    budget: Budget,
    *,
    negatives: str = "kermany",
    trials: int | None = None,
    tuner: str = "random",
    space: str = "per-layer",
    objective: str = "val_loss",
    seed: int = 0,
    precision: str = "auto",
    say: Say = print,
) -> tuple[dict, pd.DataFrame]:
    """Search, train the best settings with the whole budget, and test them once.

    An interrupted search goes on; a finished one takes more trials when ``trials`` is raised,
    and then trains its best settings anew. Returns ``metrics.json`` and the leaderboard.
    """
    trials = budget.trials if trials is None else trials
    claim(
        out,
        {
            "command": "tune",
            "negatives": negatives,
            "budget": asdict(budget),
            "tuner": tuner,
            "space": space,
            "objective": objective,
            "seed": seed,
            **what_kind(data),
        },
    )
    prepared = prepare(data, negatives, seed)
    split, xrays = _split_of(out, prepared, seed), decode(prepared.cases)
    found = search(
        xrays.of(subsample(split.train, budget.images, seed)),
        xrays.of(split.validation),
        budget,
        out / "search",
        space=space,
        tuner=tuner,
        trials=trials,
        objective=objective,
        seed=seed,
        precision=precision,
    )
    if _is_up_to_date(out, found):
        say(f"{out} is finished already: nothing was done.")
        return read_json(out / "metrics.json"), found.leaderboard
    say(f"Training the best settings: {found.best}")
    design = Design("tuned", negatives, found.best)
    trained, scored, threshold = fit_and_score(xrays, split, budget, design, seed, precision, say)
    save_training(out, trained)
    metrics = finish(out, scored, threshold, "validation", budget, seed)
    command = _command(found, budget, tuner, space, negatives, seed)
    data_words = data_in_words(what_kind(data), prepared.cases)
    save_search(found, out / "recording.json", command, seed, data_words)
    write_table(found.leaderboard, out / "leaderboard.csv")  # last: it says what was trained
    return metrics, found.leaderboard


def _command(
    found: Search, budget: Budget, tuner: str, space: str, negatives: str, seed: int
) -> str:
    """What to type for the same search."""
    options = {
        "--budget": budget.name,
        "--trials": len(found.leaderboard),
        "--tuner": tuner,
        "--space": space,
        "--objective": found.objective,
        "--negatives": negatives,
        "--seed": seed,
    }
    words = [str(word) for option in options.items() for word in option]
    return shlex.join(["cxrlab", "tune", "--out", "RUN", "--data", "DATA", *words])


def _split_of(out: Path, prepared: Prepared, seed: int) -> Split:
    manifest = out / "split.csv"
    if manifest.exists():
        return load_manifest(manifest, prepared.cases)
    split = split_by_patient(prepared.cases, seed, together=prepared.near)
    save_manifest(split, manifest)
    return split


def _is_up_to_date(out: Path, found: Search) -> bool:
    """Whether the kept network was trained from the best trial of the leaderboard as it is."""
    path = out / "leaderboard.csv"
    return path.exists() and len(pd.read_csv(path)) == len(found.leaderboard)
