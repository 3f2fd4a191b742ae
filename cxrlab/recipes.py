"""Recipes against shortcuts, and the proof of where they stop: one source of people left out.

A recipe says who stands for "healthy" in a batch, which network learns, and how. It learns from all
X-rays that it is given; its threshold comes from people whom the network of their fold has not
seen. A recipe is chosen by sources that were left out, never by the numbers at home: those
mislead about recipes as they do about the published design.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from cxrlab.errors import CXRLabError
from cxrlab.filters import usable, without_known
from cxrlab.metrics import Estimate, auc, share
from cxrlab.model import CROPS, ensemble, published_network, residual_network
from cxrlab.pipeline import Xrays, acquire, augment, drawn_batches
from cxrlab.shortcuts import OTHER_FINDINGS, everyone, fill, hide, read_mask, region
from cxrlab.sources import ADULTS, CHILDREN, COVID19, EXTERNAL, ROLE_OF, external, sources_in
from cxrlab.sources.tables import is_covid19, is_normal
from cxrlab.training import built_in, machine, predict, warm_up

if TYPE_CHECKING:
    import keras

BATCH = 32
HEALTHY = (CHILDREN, ADULTS)
MOST_FALSE = 0.05  # of each source of healthy people, called positive at the threshold


@dataclass(frozen=True)
class Recipe:
    """Who is in a batch (how many of each ``who``), and which network learns from it."""

    name: str
    shares: Mapping[str, int]
    network: str = "residual"  # or "published", or "pretrained"
    learning_rate: float = 4e-3
    steps: int = 600
    crops: Sequence[int] = CROPS  # margins, see cxrlab.model.ensemble
    changes: Sequence[Callable] = (augment, acquire)  # of an X-ray, each time that it is drawn
    only_one: bool = False  # network; else as many as the budget has seeds


_PLAIN = {"learning_rate": 1e-3, "steps": 200, "changes": (), "only_one": True, "crops": ()}
_FROZEN = {"network": "pretrained", "crops": (0,), "only_one": True}
RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe("published", {COVID19: 16, CHILDREN: 16}, "published", **_PLAIN),
        Recipe("mixed negatives", {COVID19: 16, CHILDREN: 8, ADULTS: 8}, "published", **_PLAIN),
        Recipe("known", {COVID19: 11, CHILDREN: 11, ADULTS: 10}, changes=(augment,)),
        # Negatives from the collection of the positives: without them a network learns the
        # collection, and calls nine in ten of its other findings COVID-19.
        Recipe("robust", {COVID19: 11, CHILDREN: 7, ADULTS: 8, OTHER_FINDINGS: 6}),
        Recipe("pretrained", {COVID19: 1, CHILDREN: 1, ADULTS: 1}, **_FROZEN),
        Recipe(
            "pretrained robust", {COVID19: 1, CHILDREN: 1, ADULTS: 1, OTHER_FINDINGS: 1}, **_FROZEN
        ),
    )
}


# --- people ------------------------------------------------------------------------------------


def all_people(data: str | Path) -> pd.DataFrame:
    """:func:`cxrlab.shortcuts.everyone`, and who is in the external sources of the folder.

    These show no X-ray of the course's own sources again, nor of one another.
    """
    people = everyone(data)
    for name in sources_in(data):
        if name in EXTERNAL and name not in set(people["source"]):
            table = EXTERNAL[name].load(Path(data, name))
            table = table[table["finding"].notna() & (table["modality"] == "X-ray").fillna(True)]
            ill, healthy = is_covid19(table["finding"]), is_normal(table["finding"])
            who = np.where(ill, COVID19, np.where(healthy, ADULTS, OTHER_FINDINGS))
            new = usable(table.assign(label=ill.astype(int), who=who))
            people = pd.concat([people, without_known(new, people)], ignore_index=True)
    return people


def sources_of_healthy(people: pd.DataFrame) -> list[str]:
    """The sources that have healthy people, those of the course first."""
    return list(dict.fromkeys(people.loc[people["who"].isin(HEALTHY), "source"]))


def at_home(people: pd.DataFrame, healthy: Sequence[str]) -> pd.Series:
    """Whether each X-ray belongs to a training with these ``healthy`` sources: bool.

    The positives and other findings are the course's own. External sources with positives are kept
    for the test.
    """
    ours = people["who"].isin(HEALTHY) & people["source"].isin(list(healthy))
    return ours | (~people["who"].isin(HEALTHY) & ~people["source"].isin(list(EXTERNAL)))


# --- training ----------------------------------------------------------------------------------


def fit(recipe: Recipe, xrays: Xrays, seed: int, steps: int | None = None) -> keras.Model:
    """One network of a recipe, trained on those of ``xrays`` whom it learns from (``who``).

    Raises :class:`CXRLabError` where COVID-19 or healthy people are missing.
    """
    import keras

    who = xrays.cases["who"]
    present = {name: n for name, n in recipe.shares.items() if (who == name).any()}
    if COVID19 not in present or not set(present) & set(HEALTHY):
        raise CXRLabError(
            f"The recipe {recipe.name!r} learns from COVID-19 and from {' or '.join(HEALTHY)}, "
            f"but the X-rays show {', '.join(sorted(set(who)))}. See `cxrlab data status`."
        )
    xrays = xrays.take(np.flatnonzero(who.isin(list(present))))
    if recipe.network == "pretrained":
        from cxrlab.pretrained import fit_head

        return fit_head(xrays)
    places = {name: round(BATCH * n / sum(present.values())) for name, n in present.items()}
    places[COVID19] += BATCH - sum(places.values())
    build = {"published": published_network, "residual": residual_network}[recipe.network]
    keras.utils.set_random_seed(seed)
    gc.collect()  # the network before this one, if nothing holds it any more
    how, steps = machine(), steps or recipe.steps
    model = built_in(how.number_format, build)
    decay = 1e-2 if recipe.network == "residual" else 0.0
    rate = warm_up(recipe.learning_rate, steps)
    adam = keras.optimizers.AdamW(rate, weight_decay=decay, epsilon=1e-7)
    model.compile(adam, "binary_crossentropy", run_eagerly=how.eager)
    drawn = drawn_batches(xrays, places, steps, seed, recipe.changes)
    model.fit(drawn, shuffle=False, verbose="auto" if sys.stdout.isatty() else 0)
    exact = built_in("float32", build)
    exact.set_weights(model.get_weights())
    return exact


def finished(recipe: Recipe, networks: Sequence[keras.Model]) -> keras.Model:
    """What the recipe hands over: its networks and views as one network."""
    return ensemble(networks, recipe.crops) if recipe.crops else networks[0]


# --- scores ------------------------------------------------------------------------------------

# What else a network is asked: scores of the same X-rays with a part filled in.
HIDDEN = {"frame_only": "centre", "lungs_hidden": "lungs"}
DESCRIBED = ["image_id", "patient_id", "group", "who", "source", "sex", "age", "view", "label"]


def score_parts(model: keras.Model, xrays: Xrays) -> pd.DataFrame:
    """The cases (``DESCRIBED``) with ``score``, and the scores with parts filled in.

    ``frame_only``: all but the outer tenth is hidden. ``lungs_hidden``: the boxes of the lungs.
    ``masks_hidden``: the lungs themselves where a mask tells them (OpenIST), else the boxes.
    """
    found = xrays.cases[[name for name in DESCRIBED if name in xrays.cases]].copy()
    parts = {"score": xrays.pixels}
    parts |= {name: hide(xrays.pixels, part) for name, part in HIDDEN.items()}
    for name, pixels in parts.items():
        found[name] = predict(model, replace(xrays, pixels=pixels))
    found["masks_hidden"] = found["lungs_hidden"]
    if masks := lung_masks(xrays.cases):
        some = xrays.take(np.array(list(masks)))
        pixels = fill(some.pixels, list(masks.values()))
        found.loc[some.cases.index, "masks_hidden"] = predict(model, replace(some, pixels=pixels))
    return found


def lung_masks(cases: pd.DataFrame) -> dict[int, np.ndarray]:
    """The masks of the lungs, bool (224, 224), by position among the cases that have one."""
    files = {n: external.mask_path(path) for n, path in enumerate(cases["path"])}
    return {number: read_mask(file) for number, file in files.items() if file.is_file()}


def boxes_agree(masks: Sequence[np.ndarray]) -> tuple[float, float]:
    """The share of the lungs that lies in the boxes, and of the boxes that is lung, on average."""
    boxes = region("lungs")
    both = [(mask & boxes).sum() for mask in masks]
    lungs = np.mean([n / mask.sum() for n, mask in zip(both, masks, strict=True)])
    return float(lungs), float(np.mean(both) / boxes.sum())


def threshold_for(unseen: pd.DataFrame, learned: Sequence[str], most: float = MOST_FALSE) -> float:
    """The lowest threshold that calls at most this share of each healthy source positive.

    ``unseen``: scores of people whom the network of their fold has not seen, with ``who`` and
    ``source``. ``learned``: the sources to look at. Halfway between two scores.
    Raises :class:`CXRLabError` where none of them has healthy people.
    """
    ends = []
    for name in learned:
        ours = unseen.loc[(unseen["source"] == name) & unseen["who"].isin(HEALTHY), "score"]
        if len(ours):
            highest = np.sort(ours)[::-1]
            allowed = int(most * len(ours))
            above = highest[allowed - 1] if allowed else 1.0
            ends.append((highest[allowed] + above) / 2)
    if not ends:
        raise CXRLabError(f"No healthy people of {', '.join(learned)} are among the scores.")
    return max(ends)


def threshold_report(unseen: pd.DataFrame, learned: Sequence[str], threshold: float) -> dict:
    """A frozen threshold as plain numbers: its interval, and what it lets through per source.

    The interval is that of 500 bootstraps over patients; arguments as for :func:`threshold_for`.
    """
    rng = np.random.default_rng(0)
    healthy = unseen[unseen["who"].isin(HEALTHY) & unseen["source"].isin(list(learned))]
    people = healthy.groupby("group").indices
    names, again = list(people), []
    for _ in range(500):
        drawn = rng.choice(len(names), len(names))
        rows = np.concatenate([people[names[n]] for n in drawn])
        again.append(threshold_for(healthy.iloc[rows], learned))
    called = {
        name: share(ours["score"] >= threshold, ours["group"]).to_json()
        for name, ours in healthy.groupby("source")
    }
    ends = np.percentile(again, [2.5, 97.5])
    return {"value": threshold, "interval": ends.tolist(), "called_positive": called}


def group_table(scored: pd.DataFrame) -> pd.DataFrame:
    """How often each group is called positive, and the AUC of COVID-19 against it.

    One row per ``who`` (where that is missing, per role of the source): ``group``, ``images``,
    ``patients``, ``called`` (recall for COVID-19, share of false positives for the healthy) with
    ``low`` and ``high``, and ``auc`` with ``auc_low`` and ``auc_high`` (NaN for COVID-19 itself).
    ``scored`` may pool the test parts of several folds, each called at the threshold of its own
    network; the AUC is then rather too low.
    """
    rows, who = [], scored.get("who", scored["source"].map(ROLE_OF))
    for group in (COVID19, *HEALTHY, OTHER_FINDINGS):
        ours = scored[who == group]
        if len(ours):
            called = share(ours["called"], ours["patient_id"])
            area = against(scored, who == group)
            counts = (group, len(ours), ours["patient_id"].nunique())
            rows.append((*counts, *astuple(called), *astuple(area)))
    numbers = ["called", "low", "high", "auc", "auc_low", "auc_high"]
    table = pd.DataFrame(rows, columns=["group", "images", "patients", *numbers])
    return table.astype(dict.fromkeys(numbers, float))


# --- the table ---------------------------------------------------------------------------------


def against(cases: pd.DataFrame, others: pd.Series, column: str = "score") -> Estimate:
    """The AUC of COVID-19 against ``others`` (bool) among the cases, over groups of patients."""
    chosen = cases[others | (cases["label"] == 1)]
    if chosen.empty:
        return Estimate(None)
    return auc(chosen["label"], chosen[column], chosen["group"])


def row_of(home: pd.DataFrame, away: pd.DataFrame, threshold: float, left_out: str) -> dict:
    """What a recipe comes to without the source ``left_out``; each number with ``_low``, ``_high``.

    ``home``: scores of unseen people of the sources at home, each by the network of its fold.
    ``away``: scores of the left-out source, and of positives from elsewhere. ``recall``,
    ``children`` and ``adults`` are shares called positive at home; ``auc_...`` the AUC of
    COVID-19 against these, against all healthy, and against other findings of its collection.
    ``frame_only`` is against children, ``lungs_hidden`` against all healthy. What ends in
    ``_elsewhere`` is of ``away``.
    """
    healthy = home["who"].isin(HEALTHY)
    kinds = {"recall": COVID19, "children": CHILDREN, "adults": ADULTS, "other": OTHER_FINDINGS}
    found = {}
    for name, kind in kinds.items():
        ours = home[home["who"] == kind]
        found[name] = share(ours["score"] >= threshold, ours["group"])
        if kind != COVID19:
            found[f"auc_{name}"] = against(home, home["who"] == kind)
    found["auc_all"] = against(home, healthy)
    found["frame_only"] = against(home, home["who"] == CHILDREN, "frame_only")
    found["lungs_hidden"] = against(home, healthy, "lungs_hidden")
    ill, strange = away["label"] == 1, away["source"] == left_out
    called = away["score"] >= threshold
    found["recall_elsewhere"] = share(called[ill], away.loc[ill, "group"])
    found["false_elsewhere"] = share(called[strange], away.loc[strange, "group"])
    for column, name in {
        "score": "auc", "lungs_hidden": "lungs_hidden",
        "masks_hidden": "masks_hidden", "frame_only": "frame_only",
    }.items():  # fmt: skip
        found[f"{name}_elsewhere"] = against(away, strange, column)
    # The same by each network alone: mean, lowest and highest say what a seed does.
    alone = [against(away, strange, name).value for name in away.filter(regex=r"^score_\d")]
    if None not in alone and alone:
        found["auc_alone_elsewhere"] = Estimate(float(np.mean(alone)), min(alone), max(alone))
    row = {"threshold": threshold}
    for name, estimate in found.items():
        row |= dict(zip((name, f"{name}_low", f"{name}_high"), astuple(estimate), strict=True))
    return row
