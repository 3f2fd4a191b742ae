"""A RUN folder: a training, a search or the repairs, with all that is needed to repeat it.

``model.keras`` the network · ``metrics.json`` its numbers on the test set · ``history.csv`` one
row an epoch · ``split.csv`` which X-ray was in which part · ``settings.json`` how it was made ·
``predictions.csv`` the score of each test X-ray, whole and with parts hidden · ``by_source.csv``
how often each group was called positive.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

import cxrlab
from cxrlab.choices import Budget
from cxrlab.errors import CXRLabError
from cxrlab.files import read_json, write_atomically, write_json
from cxrlab.filters import prepare, seen_before
from cxrlab.metrics import choose_threshold, evaluate
from cxrlab.pipeline import Xrays, decode
from cxrlab.recipes import (
    RECIPES,
    Recipe,
    all_people,
    at_home,
    boxes_agree,
    finished,
    fit,
    group_table,
    lung_masks,
    row_of,
    score_parts,
    sources_of_healthy,
    threshold_for,
    threshold_report,
)
from cxrlab.recordings import Recording, record
from cxrlab.shortcuts import OTHER_FINDINGS, everyone
from cxrlab.sources import COVID19, check_negatives, what_kind
from cxrlab.splits import Split, kfold_by_patient, save_manifest, split_by_patient, subsample
from cxrlab.training import Settings, load_model, predict, save_model, train
from cxrlab.tuning import Plan, is_worker, search, settings_from

if TYPE_CHECKING:
    import keras

FOLDS = 5


@dataclass(frozen=True)
class TrainPlan:
    """How to train, and how to test it."""

    recipe: str = "published"  # of cxrlab.recipes.RECIPES
    negatives: str | None = None  # whom it takes for healthy, if not those of the recipe
    folds: int = 0  # 2 or more test every patient once; 0 is a single split
    seed: int = 0


@dataclass(frozen=True)
class Proof:
    """Which recipes to test where. Fewer folds and networks are quicker, and less certain."""

    recipes: Sequence[str] = ()  # all
    home: Sequence[str] = ()  # sources of healthy people to learn from; else two at a time
    folds: int = 0  # for the threshold; else five
    networks: int = 0  # of an ensemble; else as many as the budget has seeds
    seed: int = 0


def train_run(out: Path, data: Path, budget: Budget, plan: TrainPlan) -> dict:
    """Train on the X-rays in ``data``, test on unseen patients, and keep everything in ``out``.

    The published recipe is trained as in notebook 03. Without folds its threshold is chosen on the
    validation part (highest F1) and then frozen. With folds the metrics are pooled; the networks
    share no validation part, so the threshold is fixed beforehand, at 0.5. Other recipes: see
    :func:`recipe_run`. A run that was interrupted goes on with what is not finished.
    Returns ``metrics.json``. Raises :class:`CXRLabError` when ``out`` holds another run.
    """
    if plan.folds == 1:
        raise CXRLabError("One fold is no split: --folds needs 2 or more, or 0 for a single split.")
    negatives = plan.negatives or ("kermany" if plan.recipe == "published" else "mixed")
    settings = {"command": "train", **asdict(plan), "negatives": negatives}
    claim(out, settings | {"budget": asdict(budget), **what_kind(data)})
    if (out / "metrics.json").exists():
        print(f"{out} is finished already: nothing was done.")
        return read_json(out / "metrics.json")
    if plan.recipe != "published":
        return recipe_run(out, data, budget, replace(plan, negatives=negatives))
    cases = prepare(data, negatives, plan.seed).cases
    print(f"{len(cases)} X-rays of {cases['patient_id'].nunique()} patients.")
    how = (Settings(), decode(cases), budget, plan.seed)
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
    pooled = pd.concat(pooled, ignore_index=True)
    return finish(out, pooled, 0.5, budget, plan.seed, "fixed beforehand")


def train_split(
    folder: Path, split: Split, settings: Settings, xrays: Xrays, budget: Budget, seed: int
) -> tuple[pd.DataFrame, float]:
    """Train the published network on a split, freeze a threshold, and score the test part.

    Keeps ``split.csv``, ``model.keras`` and ``history.csv``. The threshold is the one with the
    highest F1 on the validation part.
    """
    save_manifest(split, folder / "split.csv")
    training = xrays.of(subsample(split.train, budget.images, seed))
    validation = xrays.of(split.validation)
    trained = train(training, validation, budget, seed, settings)
    found = f"best epoch {trained.best_epoch}, {trained.machine}"
    print(f"{len(training)} X-rays for training, {found}.")
    threshold = choose_threshold(validation.labels, predict(trained.model, validation))
    scored = score_parts(trained.model, xrays.of(split.test))
    save_model(trained.model, folder / "model.keras")
    write_table(trained.history, folder / "history.csv")
    return scored, threshold


def recipe_run(out: Path, data: Path, budget: Budget, plan: TrainPlan) -> dict:
    """Train a recipe on all X-rays in ``data`` that it learns from; arguments as for train_run.

    Its networks are one ``model.keras``. The numbers and the threshold come from networks of its
    kind, each trained without one fold of the patients: at most 5 % of each source of healthy
    people are called positive.
    """
    recipe = RECIPES[plan.recipe]
    groups = {COVID19, OTHER_FINDINGS, *check_negatives(plan.negatives)} & set(recipe.shares)
    people = everyone(data)
    cases = people[people["who"].isin(groups)]
    print(f"{len(cases)} X-rays of {cases['patient_id'].nunique()} patients.")
    home, _, _ = learn(out, recipe, decode(cases), budget, plan)
    sources = sources_of_healthy(cases)
    threshold = threshold_for(home, sources)
    nobody = cases.iloc[:0]
    save_manifest(Split(cases, nobody, nobody), out / "split.csv")
    write_json(out / "threshold.json", threshold_report(home, sources, threshold))
    return finish(out, home, threshold, budget, plan.seed, "people out of fold")


def learn(
    folder: Path, recipe: Recipe, xrays: Xrays, budget: Budget, plan: TrainPlan
) -> tuple[pd.DataFrame, keras.Model, list[keras.Model]]:
    """The scores of everybody by a network that has not seen them, the recipe's finished network,
    and the networks that it is made of.

    Keeps ``fold-1.csv``, ... and ``network-1.keras``, ... and, last, ``model.keras``. What is there
    is not trained again. People whom the recipe does not learn from are scored, too.
    """
    brief = budget.epochs == 1  # a try: two folds, one network, three steps
    steps, folds = (3, 2) if brief else (None, plan.folds or FOLDS)
    wanted = 1 if brief or recipe.only_one else budget.seeds

    def network(cases: pd.DataFrame, number: int, seed: int) -> keras.Model:
        print(f"{recipe.name}: network {number} of {wanted}")
        return fit(recipe, xrays.of(cases), 100 * plan.seed + seed, steps)

    pooled, networks = [], []
    for fold, split in enumerate(kfold_by_patient(xrays.cases, folds, plan.seed), start=1):
        path = folder / f"fold-{fold}.csv"
        if not path.exists():
            # As many as in what is handed over: one alone is more certain of its errors.
            print(f"Fold {fold} of {folds}, for the threshold")
            others = pd.concat([split.train, split.validation])
            made = [network(others, n + 1, fold + 10 * n) for n in range(wanted)]
            test = score_parts(finished(recipe, made), xrays.of(split.test))
            write_table(test.assign(fold=fold), path)
        pooled.append(pd.read_csv(path, low_memory=False))
    for number in range(1, wanted + 1):
        path = folder / f"network-{number}.keras"
        if not path.exists():
            save_model(network(xrays.cases, number, 50 + number), path)
        networks.append(load_model(path))
    model = finished(recipe, networks)
    save_model(model, folder / "model.keras")
    return pd.concat(pooled, ignore_index=True), model, networks


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
    scored, threshold = train_split(out, split, best, xrays, budget, seed)
    metrics = finish(out, scored, threshold, budget, seed)
    options = {**settings, "trials": len(board), "budget": budget.name}
    command = " ".join(f"--{name} {value}" for name, value in options.items())
    recording = record(board, f"cxrlab tune --out RUN {command}", seed, kind, cases)
    write_json(out / "recording.json", recording.to_json())
    write_table(board, kept)
    return metrics, board


def repairs_run(out: Path, data: Path, budget: Budget, proof: Proof) -> Recording:
    """Every recipe without every source of healthy people in turn, and what it finds there.

    A recipe learns from the sources at home: COVID-19 of the course's own collection, its other
    findings, and two sources of healthy people. It is tested on these by folds, and on all other
    sources at a threshold that was frozen before. Keeps a folder per recipe and home,
    ``repairs.csv`` and ``recording.json``. An interrupted run goes on; another one with other
    recipes or homes adds to it. Raises :class:`CXRLabError` for an unknown recipe or source.
    """
    kind, seed = what_kind(data), proof.seed
    claim(out, {"command": "repairs", "budget": asdict(budget), "seed": seed, **kind})
    people = all_people(data)
    healthy = sources_of_healthy(people)
    asked = {**dict.fromkeys(proof.recipes, RECIPES), **dict.fromkeys(proof.home, healthy)}
    for name, known in asked.items():
        if name not in known:
            raise CXRLabError(f"{name!r} is none of {', '.join(known)}.")
    xrays = decode(people)
    if masks := list(lung_masks(people).values()):
        held, lung = boxes_agree(masks)
        print(f"{len(masks)} masks of lungs: the boxes hold {held:.0%} of the lungs.")
        print(f"{lung:.0%} of the boxes is lung.")
    homes = [list(proof.home)] if proof.home else two_of(healthy)
    for name, home in itertools.product(proof.recipes or RECIPES, homes):
        leave_out(out, RECIPES[name], xrays, home, budget, proof)
    rows = [row for folder in out.iterdir() if folder.is_dir() for row in rows_of(folder)]
    order = {name: place for place, name in enumerate(["nobody", *healthy, *RECIPES])}
    rows.sort(key=lambda row: (-order[row["left_out"]], row["home"], order[row["repair"]]))
    table = pd.DataFrame(rows)
    command = f"cxrlab repairs --out RUN --data DATA --budget {budget.name} --seed {seed}"
    recording = record(table, command, seed, kind, people)
    write_table(table, out / "repairs.csv")
    write_json(out / "recording.json", recording.to_json())
    return recording


def two_of(healthy: Sequence[str]) -> list[list[str]]:
    """For each source the first two of the others; where there are more, also all others."""
    others = [[each for each in healthy if each != source] for source in healthy]
    homes = [each[:2] for each in others] + [each for each in others if len(each) > 2]
    return [list(home) for home in dict.fromkeys(map(tuple, reversed(homes)))]


def leave_out(
    out: Path, recipe: Recipe, xrays: Xrays, home: Sequence[str], budget: Budget, proof: Proof
) -> None:
    """Train a recipe on its ``home``, and keep its scores there and on all other sources.

    Nothing is done where the recipe learns from nobody of these sources, or where it is done.
    """
    people = xrays.cases
    folder = out / "-".join([recipe.name.replace(" ", "-"), "from", *home])
    learned = sources_of_healthy(
        people[people["source"].isin(home) & people["who"].isin(list(recipe.shares))]
    )
    if (folder / "about.json").exists() or not learned:
        return
    inside = at_home(people, home)
    ours, strangers = xrays.of(people[inside]), xrays.of(people[~inside])
    if proof.networks:
        budget = replace(budget, seeds=proof.networks)
    plan = TrainPlan(recipe.name, folds=proof.folds, seed=proof.seed)
    scores, model, networks = learn(folder, recipe, ours, budget, plan)
    away = score_parts(model, strangers)
    away["score_1"] = away["score"]  # a single network is the finished one
    if len(networks) > 1:  # what one seed more or less does
        for number, network in enumerate(networks, start=1):
            away[f"score_{number}"] = predict(finished(recipe, [network]), strangers)
    write_table(scores, folder / "home.csv")
    write_table(away, folder / "away.csv")
    about = {"repair": recipe.name, "home": ", ".join(home), "learned": learned}
    about |= {"folds": int(scores["fold"].nunique()), "networks": len(networks)}
    write_json(folder / "about.json", about)  # last: it marks a finished one


def rows_of(folder: Path) -> list[dict]:
    """A finished recipe's rows: one for each source outside its home, or one for ``nobody``."""
    if not (folder / "about.json").exists():
        return []
    about = read_json(folder / "about.json")
    home, away = (pd.read_csv(folder / f"{n}.csv", low_memory=False) for n in ("home", "away"))
    threshold = threshold_for(home, about.pop("learned"))
    return [
        about | {"left_out": source} | row_of(home, away, threshold, source)
        for source in sources_of_healthy(away) or ["nobody"]
    ]


def finish(
    out: Path,
    scored: pd.DataFrame,
    threshold: float,
    budget: Budget,
    seed: int,
    threshold_from: str = "validation",
) -> dict:
    """Evaluate scored cases; keep ``predictions.csv``, ``by_source.csv``, last ``metrics.json``."""
    scored = scored.assign(called=scored["score"] >= threshold)
    write_table(scored, out / "predictions.csv")
    write_table(group_table(scored), out / "by_source.csv")
    labels, scores, patients = (scored[name] for name in ("label", "score", "patient_id"))
    metrics = evaluate(labels, scores, threshold, patients, budget.resamples, seed)
    metrics["threshold_from"] = threshold_from
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
