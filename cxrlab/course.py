"""What one notebook hands to the next: load it from the workspace, or make it now.

Each notebook takes its own step in the open. The steps before it come from here, so that a
reader can join at any notebook.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from cxrlab.cases import Prepared, prepare
from cxrlab.checkpoints import find, fingerprint
from cxrlab.chosen import PHANTOM, choose, remember
from cxrlab.designs import group_table, score_with_hidden_parts
from cxrlab.errors import CXRLabError
from cxrlab.evaluation import Estimate, ExternalReport, choose_threshold
from cxrlab.files import read_json, write_atomically, write_json
from cxrlab.pipeline import Xrays, decode
from cxrlab.runs import claim, finish, save_training, write_table
from cxrlab.sources import confounded_phantoms, phantom_choices, what_kind
from cxrlab.splits import Split, load_manifest, save_manifest, split_by_patient, subsample
from cxrlab.training import Settings, Trained, load_model, predict, train
from cxrlab.tuning import Search, search
from cxrlab.workspace import Workspace, open_workspace


def begin(seed: int = 0, negatives: str = "kermany") -> Workspace:
    """Open the workspace of this course and say which data, budget and seed it stands for."""
    space = open_workspace(seed=seed, negatives=negatives)
    print(space)
    return space


def use_data(data: str | Path, seed: int = 0, negatives: str = "kermany") -> Workspace:
    """Choose ``data``, a folder or ``phantom``, for this and every later notebook, and begin.

    Raises :class:`CXRLabError` where the folder is none, or ``CXRLAB_DATA`` names another.
    """
    folder = remember(None if str(data) == PHANTOM else data)
    now = choose()
    if now.folder != folder:
        raise CXRLabError(
            f"{data} is remembered, but CXRLAB_DATA goes before it and says "
            f"{now.folder or PHANTOM}. Unset CXRLAB_DATA and start the notebook again."
        )
    return begin(seed, negatives)


def get_split(space: Workspace) -> Split:
    """The split that notebook 02 left, or the same one made now."""
    manifest, table = space.folder / "split.csv", space.folder / "cases.csv"
    if manifest.exists() and table.exists():
        cases = pd.read_csv(table, dtype={"label": "Int64"}, low_memory=False)
        return load_manifest(manifest, cases)
    prepared = prepare(space.data, space.negatives, space.seed)
    return keep_split(space, prepared)


def keep_split(space: Workspace, prepared: Prepared) -> Split:
    """Split the prepared cases by patient and leave the split for the next notebooks."""
    split = split_by_patient(prepared.cases, space.seed, together=prepared.near)
    write_atomically(space.folder / "cases.csv", prepared.cases.to_csv(index=False))
    save_manifest(split, space.folder / "split.csv")
    return split


@dataclass(frozen=True)
class Parts:
    """The decoded X-rays of a split; the training part is cut to the budget."""

    training: Xrays
    validation: Xrays
    test: Xrays


def get_xrays(space: Workspace) -> Parts:
    """Decode the split's X-rays once and keep the pixels for the next notebook."""
    split = get_split(space)
    parts = {
        "training": subsample(split.train, space.budget.images, space.seed),
        "validation": split.validation,
        "test": split.test,
    }
    pixels = {
        name: decode(cases, cache=space.folder / f"{name}.npy") for name, cases in parts.items()
    }
    return Parts(**pixels)


def get_network(
    space: Workspace, parts: Parts, name: str = "network", train_now: bool = False
) -> Trained:
    """The published network as notebook 03 trained it, else as it comes with the course.

    With ``train_now`` the latter is not asked for.
    """
    if not (train_now or (space.folder / name).exists()):
        shipped = find(how_trained(space, parts, Settings(), space.seed))
        if shipped is not None:
            print(f"This network was {shipped.reason}: notebook 03 has not been run here.")
            return shipped
    return get_trained(space, parts, name, Settings(), space.seed)


def how_trained(space: Workspace, parts: Parts, settings: Settings, seed: int) -> dict:
    """All that a training on phantoms depends on, for :mod:`cxrlab.checkpoints`."""
    images = [part.cases["image_id"] for part in (parts.training, parts.validation, parts.test)]
    return {
        "settings": settings.to_json(),
        "seed": seed,
        "budget": asdict(space.budget),
        "phantoms": phantom_choices(space.data),
        "images": fingerprint(*images),
    }


def get_trained(
    space: Workspace, parts: Parts, name: str, settings: Settings, seed: int
) -> Trained:
    """A network with these settings and seed: loaded by ``name``, or trained and kept."""
    folder = space.folder / name
    wanted = {**settings.to_json(), "dropout": _as_list(settings.dropout), "seed": seed}
    how = folder / "settings.json"
    if how.exists():
        kept = read_json(how)
        if {key: kept.get(key) for key in wanted} == wanted:
            history = pd.read_csv(folder / "history.csv")
            model = load_model(folder / "model.keras")
            return Trained(model, history, kept["seconds"], kept["precision"])
    trained = train(parts.training, parts.validation, space.budget, seed, settings)
    save_training(folder, trained)
    # Written last: where it stands, the model beside it is whole.
    write_json(how, {**wanted, "seconds": trained.seconds, "precision": trained.precision})
    return trained


def get_variant(
    space: Workspace, parts: Parts, settings: Settings, images: int = 0, epochs: int = 0
) -> Trained:
    """The network trained in another way, to compare: loaded, or trained and kept.

    ``images``: training X-rays at the most (0: all). ``epochs``: exactly so many (0: those of the
    budget); no early stopping, so that the curves show what happens afterwards.
    """
    few = parts.training.of(subsample(parts.training.cases, images, space.seed))
    epochs = epochs or space.budget.epochs
    budget = replace(space.budget, epochs=epochs, patience=epochs)
    choices = [len(few), epochs, *settings.to_json().values()]
    name = re.sub(r"[^\w.]+", "-", f"variant-{'-'.join(map(str, choices))}").strip("-")
    return get_trained(
        replace(space, budget=budget), replace(parts, training=few), name, settings, space.seed
    )


def get_threshold(trained: Trained, parts: Parts) -> float:
    """The threshold with the highest F1 on validation; frozen before the test set is looked at."""
    validation = parts.validation
    return choose_threshold(validation.labels, predict(trained.model, validation), rule="f1")


def confounded_data(space: Workspace) -> Path:
    """X-rays whose class and source go together in everything, not in the lungs alone.

    For phantoms the same patients with the confounding dial turned up, made once in some 15
    seconds. Real X-rays of several sources are confounded as they are: then ``space.data``.
    """
    return confounded_phantoms() if space.simulated else space.data


def get_strangers(space: Workspace, parts: Parts, learned_by: Parts | None = None) -> Xrays:
    """Positives of new patients, and healthy adults where the published design had children.

    New are patients of whom no network trained on ``learned_by`` has seen an X-ray. Without it
    ``parts`` are meant, and the positives are those of the test part. Raises
    :class:`cxrlab.errors.CXRLabError` where the data hold no healthy adults.
    """
    table = space.folder / "adults.csv"
    if not table.exists():
        cases = prepare(space.data, "adult", space.seed, balanced=False).cases
        write_atomically(table, cases[cases["label"] == 0].to_csv(index=False))
    adults = pd.read_csv(table, dtype={"label": "Int64"}, low_memory=False)
    healthy = decode(adults, cache=space.folder / "adults.npy")
    learned_by = learned_by or parts
    learned = np.concatenate([learned_by.training.patients, learned_by.validation.patients])
    ill = [
        part.take(np.flatnonzero((part.labels == 1) & ~np.isin(part.patients, learned)))
        for part in (parts.training, parts.validation, parts.test)
    ]
    return Xrays(
        np.concatenate([part.pixels for part in (*ill, healthy)]),
        np.concatenate([part.labels for part in (*ill, healthy)]),
        pd.concat([part.cases for part in (*ill, healthy)], ignore_index=True),
    )


def keep_run(
    space: Workspace,
    parts: Parts,
    trained: Trained,
    threshold: float,
    external: ExternalReport | None = None,
    name: str = "run",
) -> Path:
    """A network of the notebooks as a RUN folder, like those that ``cxrlab train`` makes.

    Made once, at the frozen ``threshold``. Beside it lie the numbers of an ``external``
    validation and, by group, those of the healthy adults (:func:`get_strangers`) as well;
    :func:`cxrlab.cards.model_card` reads all of it.
    """
    out = space.folder / name
    if not (out / "metrics.json").exists():
        settings = {
            "command": "notebook 07",
            "recipe": "published",
            "negatives": space.negatives,
            "budget": asdict(space.budget),
            "folds": 0,
            "seed": space.seed,
            "threshold": None,
            **what_kind(space.data),
            **Settings().to_json(),
        }
        claim(out, settings)
        save_manifest(get_split(space), out / "split.csv")
        save_training(out, trained)
        scored = score_with_hidden_parts(trained.model, parts.test, Settings())
        finish(out, scored, threshold, "validation", space.budget, space.seed)
        strangers = get_strangers(space, parts)
        adults = strangers.take(np.flatnonzero(strangers.labels == 0))
        groups = [scored, score_with_hidden_parts(trained.model, adults, Settings())]
        everybody = pd.concat(groups, ignore_index=True)
        everybody = everybody.assign(called=everybody["score"] >= threshold)
        by_source = group_table(everybody, space.budget.resamples, space.seed)
        write_table(by_source, out / "by_source.csv")
    if external is not None:
        write_json(out / "external.json", external.to_json())
    return out


def get_search(
    space: Workspace,
    parts: Parts,
    on_trial: Callable[[pd.DataFrame], None] | None = None,
    **choices,
) -> Search:
    """The search of notebook 05: goes on where it stopped, and is over at once when finished."""
    name = "-".join(["search", *map(str, choices.values())])
    return search(
        parts.training,
        parts.validation,
        space.budget,
        space.folder / name,
        seed=space.seed,
        on_trial=on_trial,
        **choices,
    )


def in_words(estimate: Estimate) -> tuple[str, str]:
    """A value and its interval as text: ``("0.93", "0.85 to 0.98")``."""
    if estimate.value is None:
        return "undefined", ""
    interval = "" if estimate.low is None else f"{estimate.low:.2f} to {estimate.high:.2f}"
    return f"{estimate.value:.2f}", interval


def _as_list(dropout: float | tuple[float, ...]) -> float | list[float]:
    return dropout if isinstance(dropout, float) else list(dropout)
